"""Tables of times in an NWB file, read with h5py and made of data frames."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pandas as pd

from nwb_schema import local_hdf5
from nwb_schema.edits.times import PLACES, TEXT, TimesColumn, TimesTable, plain_cell
from nwb_schema.names import clean_text

_STORED = {
    "start_s": ("start_time", "Start of the period, in seconds from the start of the recording."),
    "stop_s": ("stop_time", "End of the period, in seconds from the start of the recording."),
    "time_s": ("timestamp", "Time of the event, in seconds from the start of the recording."),
    "name": ("label", "Name of the period or event."),
    "colour": ("colour", "Colour in which it is shown."),
}


def tables_of(file: h5py.File, kind: str) -> dict[str, h5py.Group]:
    """The tables of a kind, ``TimeIntervals`` or ``EventsTable``, that an open NWB file has in its place, by name."""
    group = local_hdf5.local_group(file, PLACES[kind])
    children = () if group is None else local_hdf5.local_children(group)
    return {name: node for name, node in children if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == kind}


def read_columns(table: h5py.Group) -> tuple[dict[str, Any], list[str]]:
    """The columns of a DynamicTable with one plain value a row, and the names of the others."""
    ids = local_hdf5.local_dataset(table, "id")
    n_rows = 0 if ids is None or ids.ndim != 1 else int(ids.shape[0])
    names = [local_hdf5.as_text(name) for name in np.atleast_1d(table.attrs.get("colnames", ()))]
    columns: dict[str, Any] = {}
    skipped = []
    for name in names:
        data = local_hdf5.local_dataset(table, name)
        if data is None or data.shape != (n_rows,) or f"{name}_index" in table:
            skipped.append(name)
        elif h5py.check_string_dtype(data.dtype) is not None:
            columns[name] = np.array([local_hdf5.as_text(value) for value in data[()]], dtype=object)
        elif data.dtype.kind in "iufb":
            columns[name] = np.asarray(data[()])
        elif h5py.check_enum_dtype(data.dtype) is not None:
            columns[name] = np.asarray(data[()]).astype(bool)
        else:
            skipped.append(name)
    return columns, skipped


def as_table(frame: pd.DataFrame, *, neurodata_type: str, description: str) -> TimesTable:
    """The rows of `frame` as a table of a sample, numbered from 0.

    Parameters
    ----------
    neurodata_type
        ``TimeIntervals`` or ``EventsTable``.
    """
    columns, cells = [], []
    for name in frame.columns:
        stored, explained = _STORED.get(str(name), (str(name), f"{name}, as loaded."))
        values = frame[name].to_numpy()
        if values.dtype.kind in "biuf":
            dtype, found = values.dtype.str, [plain_cell(value) for value in values.tolist()]
        else:
            dtype, found = TEXT, [clean_text(str(value)) for value in values]
        kind = "TimestampVectorData" if name == "time_s" else "VectorData"
        columns.append(TimesColumn(stored, dtype, explained, kind))
        cells.append(found)
    rows = dict(enumerate(zip(*cells, strict=True)))
    return TimesTable(neurodata_type, description, tuple(columns), rows)
