"""Edits of a sample: what can be changed, how it gets into the file, and how it is undone.

>>> from nwb_schema.edits import Accept, commit, undo        # doctest: +SKIP
>>> commit(project, path, Accept([roi_uuid]), actor="Ada")   # doctest: +SKIP
>>> undo(project, path, actor="Ada")                         # doctest: +SKIP
"""

from nwb_schema.edits.commit import Committed, all_edits, commit, edits_of, recover, redo, undo, version_of
from nwb_schema.edits.conflict import EditConflict, OutsideChange
from nwb_schema.edits.edit import Accept, Decide, Delete, Edit, Reject, SetCustom, SetField, Tag
from nwb_schema.edits.evaluation import Evaluate
from nwb_schema.edits.new_rois import NewRois
from nwb_schema.edits.record import EditKind, EditRecord
from nwb_schema.edits.rows import RoiArrays

__all__ = [
    "Accept",
    "Committed",
    "Decide",
    "Delete",
    "Edit",
    "EditConflict",
    "EditKind",
    "EditRecord",
    "Evaluate",
    "NewRois",
    "OutsideChange",
    "Reject",
    "RoiArrays",
    "SetCustom",
    "SetField",
    "Tag",
    "all_edits",
    "commit",
    "edits_of",
    "recover",
    "redo",
    "undo",
    "version_of",
]
