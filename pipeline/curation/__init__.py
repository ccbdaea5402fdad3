"""The science of editing by hand: masks, footprints and traces of ROIs that people draw, merge and split.

`nwb_schema.edits` gets arrays in and records what was done; where the arrays come from is decided here.
"""
