"""What is fetched or sent by address beside the pages: images, edits, tables, files."""
