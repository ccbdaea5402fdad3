"""Tables of periods and of moments as edits see them: a header, and rows by their ``id``.

Each row can be edited for itself, so that a change of one period is one short line of the history, and two people who
change different periods do not stand in each other's way.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.layout import EVENTS, INTERVALS

PLACES = {"TimeIntervals": INTERVALS, "EventsTable": EVENTS}
TEXT = "text"
_UTF8 = h5py.string_dtype("utf-8")
_IN_SECONDS = ("TimestampVectorData", "DurationVectorData")

Cells = tuple[Any, ...]


@dataclass(frozen=True)
class TimesColumn:
    """One column: its name in the file, NumPy's name of its type (or ``text``), its description and neurodata type."""

    name: str
    dtype: str
    description: str = ""
    neurodata_type: str = "VectorData"


@dataclass(frozen=True)
class TimesTable:
    """One table.

    Attributes
    ----------
    kind
        ``TimeIntervals`` or ``EventsTable``.
    description
        One line on it.
    columns
        In order.
    rows
        Cells by the row's ``id``, one per column. A float that is not finite is its name as a text, because JSON knows
        none and because ``nan`` is never equal to itself.
    """

    kind: str
    description: str
    columns: tuple[TimesColumn, ...]
    rows: Mapping[int, Cells] = field(default_factory=dict)

    def header(self) -> list[Any]:
        """All but the rows, as a change in the journal has it."""
        columns = [[c.name, c.dtype, c.description, c.neurodata_type] for c in self.columns]
        return [self.kind, self.description, columns]

    @classmethod
    def from_header(cls, header: list[Any]) -> TimesTable:
        """An empty table with this header."""
        kind, description, columns = header
        return cls(kind, description, tuple(TimesColumn(*column) for column in columns))

    def index(self, name: str) -> int:
        """Position of the column `name`."""
        return [column.name for column in self.columns].index(name)

    def values(self, position: int) -> NDArray[Any]:
        """The cells of one column as an array, in the order of the rows in the file."""
        column = self.columns[position]
        cells = [row[position] for _, row in self.in_order()]
        if column.dtype == TEXT:
            return np.array(cells, dtype=object)
        if np.dtype(column.dtype).kind == "f":
            return np.array([float(cell) for cell in cells], dtype=column.dtype)
        return np.array(cells, dtype=column.dtype)

    def in_order(self) -> list[tuple[int, Cells]]:
        """Rows by their time, as NWB wants them; at the same time by ``id``."""
        first = "start_time" if self.kind == "TimeIntervals" else "timestamp"
        names = [column.name for column in self.columns]
        if first not in names:
            return sorted(self.rows.items())
        at = names.index(first)
        return sorted(self.rows.items(), key=lambda item: (_time(item[1][at]), item[0]))


def read_times(file: h5py.File) -> dict[str, TimesTable]:
    """Every table of times whose columns have one plain value a row, by its path; others are not edited."""
    found = {}
    for kind, place in PLACES.items():
        group = local_hdf5.local_group(file, place)
        for name, node in () if group is None else local_hdf5.local_children(group):
            if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == kind:
                table = _read(node, kind)
                if table is not None:
                    found[f"{place}/{name}"] = table
    return found


def write_times(file: h5py.File, path: str, table: TimesTable | None) -> None:
    """Let the table at `path` be `table`; None removes it. Only ever in a copy of the sample."""
    place, _, name = path.partition("/")
    if table is None:
        parent = local_hdf5.local_group(file, place)
        if parent is not None and name in parent:
            del parent[name]
        return
    parent = local_hdf5.require_local_group(file, place)
    if parent.get(name, getlink=True) is None:
        _mark(parent.create_group(name), "core", table.kind)
    group = local_hdf5.local_group(parent, name)
    if group is None:
        raise ValueError(f"{path} leads elsewhere or is no table")
    group.attrs["description"] = table.description
    wanted = [column.name for column in table.columns]
    for old in list(group):
        if old not in ("id", *wanted):
            del group[old]
    group.attrs.create("colnames", np.array(wanted, dtype=object), dtype=_UTF8)
    ids = np.array([number for number, _ in table.in_order()], dtype=np.int64)
    _mark(_replaced(group, "id", ids), "hdmf-common", "ElementIdentifiers")
    for position, column in enumerate(table.columns):
        values = table.values(position)
        data = _replaced(group, column.name, values.astype(_UTF8) if column.dtype == TEXT else values)
        _mark(data, "core" if column.neurodata_type in _IN_SECONDS else "hdmf-common", column.neurodata_type)
        data.attrs["description"] = column.description
        if column.neurodata_type in _IN_SECONDS:
            data.attrs["unit"] = "seconds"


def plain_cell(value: Any) -> Any:
    """One cell in the form in which `TimesTable.rows` has it."""
    if isinstance(value, np.generic):
        value = value.item()
    return repr(value) if isinstance(value, float) and not math.isfinite(value) else value


def _read(group: h5py.Group, kind: str) -> TimesTable | None:
    ids = local_hdf5.local_dataset(group, "id")
    if ids is None or ids.ndim != 1:
        return None
    numbers = ids[()].tolist()
    names = [local_hdf5.as_text(name) for name in np.atleast_1d(group.attrs.get("colnames", ()))]
    others = [name for name in group if name != "id" and name not in names]
    columns, cells = [], []
    for name in names:
        data = local_hdf5.local_dataset(group, name)
        if data is None or data.shape != (len(numbers),) or h5py.check_enum_dtype(data.dtype) is not None:
            return None
        if h5py.check_string_dtype(data.dtype) is not None:
            dtype, values = TEXT, [local_hdf5.as_text(value) for value in data[()]]
        elif data.dtype.kind in "iub":
            dtype, values = data.dtype.str, data[()].tolist()
        elif data.dtype.kind == "f":
            read = data[()]
            values = read.tolist()
            dtype = data.dtype.str
            if not np.isfinite(read).all():
                values = [plain_cell(value) for value in values]
        else:
            return None
        description = local_hdf5.as_text(data.attrs.get("description", ""))
        columns.append(TimesColumn(name, dtype, description, local_hdf5.type_of(data) or "VectorData"))
        cells.append(values)
    if others or len(set(numbers)) != len(numbers):
        return None
    rows = dict(zip(numbers, zip(*cells, strict=True), strict=True)) if cells else {}
    return TimesTable(kind, local_hdf5.as_text(group.attrs.get("description", "")), tuple(columns), rows)


def _replaced(group: h5py.Group, name: str, values: NDArray[Any]) -> h5py.Dataset:
    """A dataset of the table with other values; its attributes, ``object_id`` above all, stay."""
    attributes = dict(group[name].attrs) if name in group else {}
    if name in group:
        del group[name]
    # Chunked, so that others can add rows; one chunk, because a table of periods is small.
    data = group.create_dataset(name, data=values, maxshape=(None,), chunks=(max(1, len(values)),))
    data.attrs.update(attributes)
    return data


def _mark(node: h5py.Group | h5py.Dataset, namespace: str, neurodata_type: str) -> None:
    if "object_id" not in node.attrs:
        node.attrs["namespace"] = namespace
        node.attrs["neurodata_type"] = neurodata_type
        node.attrs["object_id"] = str(uuid.uuid4())


def _time(cell: Any) -> float:
    number = float(cell)
    return number if math.isfinite(number) else math.inf
