"""Fluorite: from a calcium-imaging movie to curated, traceable cells.

The stable names that notebooks and scripts import. Everything else may move.

Examples
--------
>>> import fluorite                                             # doctest: +SKIP
>>> project = fluorite.open_project("my-project")               # doctest: +SKIP
>>> fluorite.samples(project)                                   # doctest: +SKIP
"""

from fluorite.api import create_project, open_project, rois, samples, traces
from fluorite.version import __version__

__all__ = ["__version__", "create_project", "open_project", "rois", "samples", "traces"]
