"""ROIs that people add: drawn, imported, merged of others or split off one.

No row of the ROI table is ever removed, so that whoever refers to a ``roi_uuid`` finds it: the ROIs that new ones
replace are marked deleted, and undoing marks the new ones deleted and brings the others back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from nwb_schema.columns import ColumnDefinition, ColumnType
from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.edit import Tag
from nwb_schema.edits.flags import column_made, flags
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.rows import RoiArrays
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.errors import EditError
from nwb_schema.layout import CURATED, DELETED, ENGINE_ORIGIN, FLAGS, ORIGIN, PARENTS, TRACED

_ORIGINS = {EditKind.ADD: "manual", EditKind.MERGE: "merge", EditKind.SPLIT: "split"}
_OWN = frozenset((*FLAGS, *TRACED, "evaluated"))


@dataclass(frozen=True, eq=False)
class NewRois:
    """ROIs are added to the sample, in place of others where it is a merge or a split.

    They count as cells, decided by a person. The row's change holds ``[content, position in it, hash of the mask,
    [[column, value], ...]]``.

    Attributes
    ----------
    kind
        Add, merge or split.
    arrays
        Masks and traces of the new ones.
    replaces
        ``roi_uuid`` of those that they take the place of; these get marked deleted. A value that all of them have in a
        tag column goes over to the new ones.
    replacements
        Per tag column of the project the value that means that nobody tagged the ROI.
    tags
        Tag columns as the project configures them, and the value that the new ones get in each.
    roi_uuids
        Identities of the new ones, in order; made where they are not given.
    content
        Name under which the arrays are kept.
    """

    kind: EditKind
    arrays: RoiArrays
    replaces: tuple[str, ...] = ()
    replacements: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[tuple[ColumnDefinition, Any], ...] = ()
    roi_uuids: tuple[str, ...] = ()
    content: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        footprints = sparse.csr_array(self.arrays.footprints, dtype=np.float32, copy=True)
        footprints.sum_duplicates()
        footprints.eliminate_zeros()
        object.__setattr__(self, "arrays", RoiArrays(self.arrays.shape, footprints, self.arrays.traces))
        if not self.roi_uuids:
            object.__setattr__(self, "roi_uuids", tuple(str(uuid.uuid4()) for _ in range(footprints.shape[0])))

    def describe(self) -> str:
        """One line on what is done."""
        new = _named(self.roi_uuids)
        if self.kind is EditKind.MERGE:
            return f"merged {_named(self.replaces)} into {new}"
        if self.kind is EditKind.SPLIT:
            return f"split {_named(self.replaces)} into {new}"
        return f"added {new}"

    def keep(self, contents: Contents) -> None:
        """Put the arrays where the journal's entry will look for them."""
        contents.put(self.content, self.arrays.write)

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        self._check(state)
        origin = _ORIGINS[self.kind]
        yield from column_made(state, CURATED, ColumnType.YES_NO, False, FLAGS[CURATED])
        yield from column_made(state, DELETED, ColumnType.YES_NO, False, FLAGS[DELETED])
        yield from column_made(state, ORIGIN, ColumnType.TEXT, ENGINE_ORIGIN, TRACED[ORIGIN])
        yield from column_made(state, PARENTS, ColumnType.TEXT, "", TRACED[PARENTS])
        for column, value in self.tags:
            yield from Tag((), column, value).changes(state)  # the column where the sample lacks it
        tagged = {column.key: column.check(value) for column, value in self.tags}
        own = {"is_accepted": True, CURATED: True, DELETED: True, ORIGIN: origin, PARENTS: " ".join(self.replaces)}
        inherited = {**self._inherited(state), **tagged, **own, "evaluated": True}
        cells = [[name, value] for name, value in inherited.items()]
        for position, (roi, digest) in enumerate(zip(self.roi_uuids, self.arrays.digests(), strict=True)):
            yield Change(Target("row", "", roi), None, [self.content, position, digest, cells])
        for roi in self.roi_uuids:
            yield Change(Target("roi", DELETED, roi), True, False)
        yield from flags(state, self.replaces, DELETED, True)

    def _check(self, state: SampleState) -> None:
        n = self.arrays.footprints.shape[0]
        if n == 0 or len(self.roi_uuids) != n or set(self.roi_uuids) & set(state.roi_uuids):
            raise EditError("the new ROIs", "there are none, or they are in the sample already", "Give new masks.")
        empty = np.flatnonzero(np.diff(self.arrays.footprints.indptr) == 0)
        if empty.size:
            raise EditError(
                f"new ROI {empty[0] + 1}", "has no pixel inside the frame", "Draw it again, or leave it out."
            )
        deleted = state.columns.get(DELETED)
        for roi in self.replaces:
            if roi not in state.rows:
                raise EditError(roi[:60], "the sample has no such ROI", "List them with: fluorite rois DIR")
            if deleted is not None and deleted.values[state.rows[roi]]:
                raise EditError(roi, "is deleted", "Restore it first, or choose another.")

    def _inherited(self, state: SampleState) -> dict[str, Any]:
        cells = {name: value for name, value in self.replacements.items() if name in state.columns}
        rows = [state.rows[roi] for roi in self.replaces]
        for name, column in state.columns.items():
            values = {column.values[row] for row in rows}
            if name not in _OWN and len(values) == 1:
                cells[name] = values.pop()
        return cells


def _named(rois: Sequence[str]) -> str:
    shown = ", ".join(roi[:8] for roi in rois[:4])
    return f"ROI {shown}" if len(rois) == 1 else f"{len(rois)} ROIs ({shown}{', ...' if len(rois) > 4 else ''})"
