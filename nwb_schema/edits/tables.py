"""Tables and columns made with h5py exactly as pynwb would make them.

A column without its type, namespace and ``object_id`` is not seen by pynwb; one that ``colnames`` lacks is not part of
the table; and a name in ``colnames`` without its dataset makes the whole file unreadable.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from nwb_schema.columns import ColumnType
from nwb_schema.layout import HISTORY

TEXT = h5py.string_dtype("utf-8")
_DTYPES: dict[ColumnType, Any] = {
    ColumnType.TEXT: TEXT,
    ColumnType.INTEGER: np.int64,
    ColumnType.DECIMAL: np.float64,
    ColumnType.YES_NO: np.bool_,
}
_CHUNK = 64


def processing_module(file: h5py.File) -> h5py.Group:
    """The processing module of our own tables, made when it is not there."""
    if HISTORY not in file:
        module = file.create_group(HISTORY)
        module.attrs["description"] = "What people changed and added by hand in Fluorite."
        _mark(module, "core", "ProcessingModule")
    return file[HISTORY]


def new_table(parent: h5py.Group, name: str, description: str, texts: Mapping[str, str] | None = None) -> h5py.Group:
    """An empty DynamicTable with text columns `texts`: ``{name: description}``."""
    table = parent.create_group(name)
    table.attrs["description"] = description
    _mark(table, "hdmf-common", "DynamicTable")
    ids = table.create_dataset("id", shape=(0,), maxshape=(None,), chunks=(_CHUNK,), dtype=np.int64)
    _mark(ids, "hdmf-common", "ElementIdentifiers")
    _set_names(table, [])
    for column, column_description in (texts or {}).items():
        new_column(table, column, ColumnType.TEXT, column_description, [])
    return table


def new_column(table: h5py.Group, name: str, type_: ColumnType, description: str, values: list[Any]) -> h5py.Dataset:
    """A column of a DynamicTable, entered in its ``colnames``."""
    column = table.create_dataset(
        name, data=np.array(values, dtype=_DTYPES[type_]), maxshape=(None,), chunks=(max(_CHUNK, len(values)),)
    )
    column.attrs["description"] = description
    _mark(column, "hdmf-common", "VectorData")
    _set_names(table, [*table.attrs["colnames"], name])
    return column


def remove_column(table: h5py.Group, name: str) -> None:
    """Take a column out of a DynamicTable, first of all out of its ``colnames``."""
    _set_names(table, [column for column in table.attrs["colnames"] if column != name])
    del table[name]


def _set_names(table: h5py.Group, names: list[str]) -> None:
    table.attrs.create("colnames", np.array(names, dtype=object), dtype=TEXT)


def _mark(node: h5py.Group | h5py.Dataset, namespace: str, neurodata_type: str) -> None:
    node.attrs["namespace"] = namespace
    node.attrs["neurodata_type"] = neurodata_type
    node.attrs["object_id"] = str(uuid.uuid4())
