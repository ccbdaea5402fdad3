"""The pages, one module each: an address and a layout."""
