"""Fluorite: from a calcium-imaging movie to curated, traceable cells.

The stable names that notebooks and scripts import. Everything else may move.

Examples
--------
>>> import fluorite                                             # doctest: +SKIP
>>> project = fluorite.open_project("my-project")               # doctest: +SKIP
>>> fluorite.samples(project)                                   # doctest: +SKIP
"""

from fluorite.api import create_project, open_project, rois, samples, traces
from fluorite.editing import accept, delete, edits, redo, reject, restore, set_field, tag, undo
from fluorite.version import __version__

__all__ = [
    "__version__",
    "accept",
    "create_project",
    "delete",
    "edits",
    "open_project",
    "redo",
    "reject",
    "restore",
    "rois",
    "samples",
    "set_field",
    "tag",
    "traces",
    "undo",
]
