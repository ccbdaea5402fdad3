"""The browse page without its components: its state, what it asks of the catalogue, and its edits."""
