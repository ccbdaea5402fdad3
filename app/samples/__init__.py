"""One sample on the pages: what is read and kept of it, and the edits that pages ask for."""
