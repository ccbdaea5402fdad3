"""Write changes into an open sample with h5py.

Only ever into a copy of the sample: a kill during a write of variable-length texts leaves a column unreadable.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnType
from nwb_schema.edits.change import Change
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.fields import STORED, Field
from nwb_schema.edits.kept import put_segmentation, set_series
from nwb_schema.edits.rows import NewRow, RoiArrays, add_rows
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.state_reading import field_path
from nwb_schema.edits.tables import TEXT, new_column, new_table, processing_module, remove_column
from nwb_schema.edits.times import write_times
from nwb_schema.layout import CUSTOM_COLUMNS
from nwb_schema.pixel_size import write_grid_spacing
from nwb_schema.stored_masks import find_segmentation

# Setting cells one by one costs a tenth of a millisecond each and leaves no unused texts behind in the file.
_MAX_SINGLE_CELLS = 32


def apply_changes(file: h5py.File, state: SampleState, changes: Iterable[Change], contents: Contents) -> None:
    """Set every change's ``after``; changes of ROIs that the sample lacks are left out.

    Parameters
    ----------
    file
        The copy, open for writing.
    state
        What it holds now.
    contents
        The arrays that changes name.
    """
    cells: dict[str, dict[int, Any]] = {}
    rows = state.rows
    # What changes the shape of the ROI table is done at once and in order; cells are gathered up to then.
    for kind, group in itertools.groupby(changes, key=lambda change: change.target.kind):
        several = list(group)
        if kind in ("row", "column", "segmentation"):
            _set_cells(file, cells)
            _change_table(file, state, several, contents)
        for change in several:
            target = change.target
            if kind == "roi" and target.roi in rows:
                cells.setdefault(target.name, {})[rows[target.roi]] = change.after
            elif kind == "field":
                _set_field(file, STORED[target.name], change.after)
            elif kind == "custom":
                set_custom(file, target.name, change.after)
            elif kind == "series":
                set_series(file, target.name, change.after, contents)
        state = state.applied(several, contents=contents)
        rows = state.rows
        if kind in ("times", "period"):
            for name in {change.target.name for change in several}:
                write_times(file, name, state.times.get(name))
    _set_cells(file, cells)


def _change_table(file: h5py.File, state: SampleState, changes: list[Change], contents: Contents) -> None:
    for change in changes:
        if change.target.kind == "column":
            _make_roi_column(file, state, change.target.name, change.after)
            state = state.applied([change])
        elif change.target.kind == "segmentation":
            put_segmentation(file, change.after, contents)
    new = [change for change in changes if change.target.kind == "row" and change.target.roi not in state.rows]
    for content, group in itertools.groupby(new, key=lambda change: change.after[0]):
        added = list(group)
        with contents.opened(content) as kept:
            arrays = RoiArrays.read(kept)
        add_rows(file, state.columns, arrays, [NewRow(c.target.roi, c.after[1], c.after[3]) for c in added])


def _make_roi_column(file: h5py.File, state: SampleState, name: str, made: list[Any]) -> None:
    """Add a column of the ROI table, or give the one that is there another type."""
    type_, replacement, description = ColumnType(made[0]), made[1], made[2]
    table, present = find_segmentation(file), state.columns.get(name)
    if table is None:
        raise ValueError("it has no table of ROIs")
    if present is None:
        new_column(table, name, type_, description, [replacement] * len(state.roi_uuids))
    elif present.type is not type_:
        remove_column(table, name)
        new_column(table, name, type_, description, list(present.retyped(type_, replacement).values))


def _set_cells(file: h5py.File, cells: dict[str, dict[int, Any]]) -> None:
    """Write the gathered cells of the ROI table, and forget them."""
    table = find_segmentation(file) if cells else None
    for name, values in cells.items():
        if table is not None:
            _set_column(table[name], values)
    cells.clear()


def _set_column(column: h5py.Dataset, values: dict[int, Any]) -> None:
    if len(values) <= _MAX_SINGLE_CELLS:
        for row, value in values.items():
            column[row] = value
        return
    whole = column[()]
    for row, value in values.items():
        whole[row] = value
    column[...] = whole


def _set_field(file: h5py.File, field: Field, value: Any) -> None:
    path = field_path(file, field)
    if field.type == "spacing":
        write_grid_spacing(file, path, value)
        return
    present = local_hdf5.local_dataset(file, path)
    if field.type == "number":
        number = np.nan if value is None else value
        if present is None:
            file.create_dataset(path, data=float(number))
        else:
            present[()] = number
        return
    if field.type == "text" and value is not None and present is not None:
        present[()] = value  # in place, because the dataset may have attributes of its own
        return
    attributes = {} if present is None else dict(present.attrs)
    if present is not None:
        del file[path]
    if value is None:
        return
    data = file.create_dataset(path, data=value if field.type == "text" else np.array(value, dtype=object), dtype=TEXT)
    data.attrs.update(attributes)
    if field.name == "subject.age":
        data.attrs["reference"] = "birth"


def set_custom(file: h5py.File, name: str, value: Any) -> None:
    """Give the custom column with the key `name` a value, or with None take it away."""
    if CUSTOM_COLUMNS not in file:
        table = new_table(processing_module(file), "custom_columns", "The project's custom columns of this sample.")
        table["id"].resize(1, axis=0)
        table["id"][0] = 0
    table = file[CUSTOM_COLUMNS]
    if name in table:
        remove_column(table, name)
    if value is not None:
        new_column(table, name, _type_of(value), "Custom column.", [value])


def _type_of(value: Any) -> ColumnType:
    if isinstance(value, bool):
        return ColumnType.YES_NO
    if isinstance(value, int):
        return ColumnType.INTEGER
    return ColumnType.DECIMAL if isinstance(value, float) else ColumnType.TEXT
