"""Masks to start from: cells that somebody, or another method, has already outlined."""

from pipeline.seeds.files import Seeds, load_seeds, seeds_sha256

__all__ = ["Seeds", "load_seeds", "seeds_sha256"]
