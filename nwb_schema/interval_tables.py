"""Tables of times in an NWB file, read and written with h5py exactly as pynwb would."""

from __future__ import annotations

import uuid
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema import local_hdf5

_STORED = {
    "start_s": ("start_time", "Start of the period, in seconds from the start of the recording."),
    "stop_s": ("stop_time", "End of the period, in seconds from the start of the recording."),
    "time_s": ("timestamp", "Time of the event, in seconds from the start of the recording."),
    "name": ("label", "Name of the period or event."),
    "colour": ("colour", "Colour in which it is shown."),
}


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


def write_table(parent: h5py.Group, name: str, frame: pd.DataFrame, *, neurodata_type: str, description: str) -> None:
    """A new table with the columns of `frame` under their stored names.

    A column that lacks its type or its place in ``colnames`` is not seen by pynwb.

    Parameters
    ----------
    neurodata_type
        ``TimeIntervals`` or ``EventsTable``.
    """
    table = parent.create_group(name)
    stored = [_STORED.get(str(column), (str(column), "As loaded."))[0] for column in frame.columns]
    _mark(table, "core", neurodata_type, description)
    text = h5py.string_dtype("utf-8")
    table.attrs.create("colnames", np.array(stored, dtype=object), dtype=text)
    _dataset(table, "id", np.arange(len(frame), dtype=np.int64))
    for column, target in zip(frame.columns, stored, strict=True):
        values = _values(frame[column])
        dataset = _dataset(table, target, values.astype(text) if values.dtype.kind == "O" else values)
        explained = _STORED.get(str(column), ("", f"{column}, as loaded."))[1]
        if column == "time_s":
            _mark(dataset, "core", "TimestampVectorData", explained)
            dataset.attrs["unit"] = "seconds"
        else:
            _mark(dataset, "hdmf-common", "VectorData", explained)
    _mark(table["id"], "hdmf-common", "ElementIdentifiers", None)


def same_table(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables hold the same, whichever of its kinds of text pandas has chosen for each."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    pairs = [(_values(one[name]), _values(other[name])) for name in one.columns]
    return all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)


def _dataset(table: h5py.Group, name: str, data: Any) -> h5py.Dataset:
    # Chunked, so that others can add rows; one chunk, because a table of periods is small.
    return table.create_dataset(name, data=data, maxshape=(None,), chunks=(max(1, len(data)),))


def _mark(node: h5py.Group | h5py.Dataset, namespace: str, neurodata_type: str, description: str | None) -> None:
    node.attrs["namespace"] = namespace
    node.attrs["neurodata_type"] = neurodata_type
    node.attrs["object_id"] = str(uuid.uuid4())
    if description is not None:
        node.attrs["description"] = description


def _values(column: pd.Series[Any]) -> NDArray[Any]:
    """The column's cells, texts as objects, whichever of its kinds of text pandas has chosen."""
    values = column.to_numpy()
    return values if values.dtype.kind in "biuf" else np.array([str(value) for value in values], dtype=object)
