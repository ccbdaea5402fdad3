"""Fluorite: from a calcium-imaging movie to curated, traceable cells.

The stable names that notebooks and scripts import. Everything else may move.

Examples
--------
>>> import fluorite                                             # doctest: +SKIP
>>> project = fluorite.open_project("my-project")               # doctest: +SKIP
>>> fluorite.samples(project)                                   # doctest: +SKIP
"""

from fluorite.api import (
    create_project,
    events,
    figure,
    open_project,
    read_figure,
    results,
    rois,
    samples,
    stimuli,
    traces,
    values,
    variants,
)
from fluorite.editing import (
    accept,
    add_rois,
    choose_variant,
    delete,
    edits,
    evaluate,
    import_into,
    merge,
    redo,
    reject,
    restore,
    set_field,
    split,
    tag,
    undo,
)
from fluorite.version import __version__
from pipeline.curation.neuropil import Neuropil

__all__ = [
    "Neuropil",
    "__version__",
    "accept",
    "add_rois",
    "choose_variant",
    "create_project",
    "delete",
    "edits",
    "evaluate",
    "events",
    "figure",
    "import_into",
    "merge",
    "open_project",
    "read_figure",
    "redo",
    "reject",
    "restore",
    "results",
    "rois",
    "samples",
    "set_field",
    "split",
    "stimuli",
    "tag",
    "traces",
    "undo",
    "values",
    "variants",
]
