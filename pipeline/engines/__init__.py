"""Engines: what turns a movie into components, behind one protocol (`pipeline.engines.engine`)."""

from pipeline.engines.choice import choose_engine

__all__ = ["choose_engine"]
