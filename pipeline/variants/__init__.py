"""Variants: several results for one movie. The sample has one of them; all stay as ``batch/<job>/results.hdf5``."""
