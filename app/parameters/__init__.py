"""Parameters on the pages: their form, the runs that it starts, and tuning them on a part of a movie."""
