"""The stimuli of a sample on the pages: rows, shades, edits, and tables that are imported."""
