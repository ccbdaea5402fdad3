"""The version of this installation."""

from pipeline.version import __version__

__all__ = ["__version__"]
