"""Parts of pages: each module holds a layout, its callbacks and ids of its own."""
