"""Write changes into an open sample with h5py.

Only ever into a copy of the sample: a kill during a write of variable-length texts leaves a column unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnType
from nwb_schema.edits.change import Change
from nwb_schema.edits.fields import FIELDS, NOT_GIVEN, Field
from nwb_schema.edits.sample_state import SampleState, field_path
from nwb_schema.edits.tables import TEXT, new_column, new_table, processing_module, remove_column
from nwb_schema.layout import CUSTOM_COLUMNS, PLANE_SEGMENTATION

# Setting cells one by one costs a tenth of a millisecond each and leaves no unused texts behind in the file.
_MAX_SINGLE_CELLS = 32


def apply_changes(file: h5py.File, state: SampleState, changes: Iterable[Change]) -> None:
    """Set every change's ``after``; changes of ROIs that the sample lacks are left out.

    Parameters
    ----------
    file
        The copy, open for writing.
    state
        What it holds now.
    """
    cells: dict[str, dict[int, Any]] = {}
    rows = state.rows
    for change in changes:
        target = change.target
        if target.kind == "column":
            _make_roi_column(file, state, target.name, change.after)
        elif target.kind == "roi" and target.roi in rows:
            cells.setdefault(target.name, {})[rows[target.roi]] = change.after
        elif target.kind == "field":
            field = FIELDS.get(target.name) or NOT_GIVEN
            _set_field(file, field, change.after)
        elif target.kind == "custom":
            _set_custom(file, target.name, change.after)
    for name, values in cells.items():
        _set_cells(file[f"{PLANE_SEGMENTATION}/{name}"], values)


def _make_roi_column(file: h5py.File, state: SampleState, name: str, made: list[Any]) -> None:
    """Add a column of the ROI table, or give the one that is there another type."""
    type_, replacement, description = ColumnType(made[0]), made[1], made[2]
    table, present = file[PLANE_SEGMENTATION], state.columns.get(name)
    if present is None:
        new_column(table, name, type_, description, [replacement] * len(state.roi_uuids))
    elif present.type is not type_:
        remove_column(table, name)
        new_column(table, name, type_, description, list(present.retyped(type_, replacement).values))


def _set_cells(column: h5py.Dataset, values: dict[int, Any]) -> None:
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


def _set_custom(file: h5py.File, name: str, value: Any) -> None:
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
