"""Changes of cells of the ROI table: the column where the sample lacks it, then the cells whose value differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from nwb_schema.columns import ColumnType
from nwb_schema.edits.change import Change, Target, same
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.errors import EditError
from nwb_schema.layout import FLAGS


def flags(state: SampleState, rois: Iterable[str], name: str, value: bool) -> Iterator[Change]:
    """Changes that give ROIs a yes or no in one of Fluorite's own columns."""
    yield from cells(state, rois, name, value, ColumnType.YES_NO, False, FLAGS[name])


def cells(
    state: SampleState,
    rois: Iterable[str],
    name: str,
    value: Any,
    type_: ColumnType,
    replacement: Any,
    description: str,
) -> Iterator[Change]:
    """Changes that give ROIs `value` in the column `name`.

    Raises
    ------
    EditError
        When the sample has no such ROI.
    """
    rows = state.rows
    for roi in rois:
        if roi not in rows:
            raise EditError(repr(roi[:60]), "the sample has no such ROI", "List them with: fluorite rois DIR")
    yield from column_made(state, name, type_, replacement, description)
    column = state.columns.get(name)
    if column is not None and column.type is not type_:
        column = column.retyped(type_, replacement)
    for roi in dict.fromkeys(rois):
        before = replacement if column is None else column.values[rows[roi]]
        yield from differing(Change(Target("roi", name, roi), before, value))


def column_made(
    state: SampleState, name: str, type_: ColumnType, replacement: Any, description: str
) -> Iterator[Change]:
    """The change that makes the column where the sample lacks it, or has it with another type."""
    column = state.columns.get(name)
    if column is None:
        made = [type_.value, replacement, description or f"ROI tag column: {name}."]
        yield Change(Target("column", name), None, made)
    elif column.type is not type_:
        # The project changed the column's type after this sample got it.
        yield Change(Target("column", name), [column.type.value], [type_.value, replacement, description])


def differing(change: Change) -> Iterator[Change]:
    """The change, unless it changes nothing."""
    if not same(change.before, change.after):
        yield change
