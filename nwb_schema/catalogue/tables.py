"""What the catalogue holds, in memory: two tables whose columns are loaded when they are needed.

A `Tables` is of one moment. When the catalogue changes meanwhile, it raises `Outdated`, and the caller takes a new one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.catalogue.columns import CatalogueColumn, CatalogueColumns, Level, catalogue_columns
from nwb_schema.catalogue.store import CatalogueStore, Listed
from nwb_schema.catalogue_columns import TABLE_PREFIX
from nwb_schema.column_values import ColumnValues, Kind
from nwb_schema.columns import ColumnDefinition, ColumnType, UnfitValue
from nwb_schema.configuration import Configuration
from nwb_schema.filters import Condition, Filters, filter_pairs, parse_filter

# SQLite takes at least 999 parameters.
_FEW = 500

OrderBy = Sequence[str | tuple[str, bool]]
Rows = NDArray[np.intp]


class Outdated(Exception):
    """The catalogue is not any more what these tables are of."""


class Tables:
    """The samples, by file name, and their ROIs, by sample and row."""

    def __init__(
        self, store: CatalogueStore, configuration: Configuration, token: str, files: Sequence[Listed]
    ) -> None:
        self.token = token
        self.configuration = configuration
        self._store = store
        self._files = files
        self._n_rois = np.array([file.n_rois for file in files], np.int64)
        names = store.roi_column_kinds()
        stimuli = {key for file in files for key in file.stimuli}
        self.columns: CatalogueColumns = catalogue_columns(configuration, names, stimuli)
        self.table_keys = [name.removeprefix(TABLE_PREFIX) for name in names if name.startswith(TABLE_PREFIX)]
        self._states = _states(files)
        self._loaded: dict[tuple[Level, str], ColumnValues] = {}
        self._lock = Lock()

    def count(self, level: Level) -> int:
        """Number of samples or of ROIs."""
        return len(self._files) if level == "samples" else int(self._n_rois.sum())

    def values(self, column: CatalogueColumn, level: Level) -> ColumnValues:
        """A column of a level, one value a row; an ROI has what its sample has."""
        if column.level == "samples" and level == "rois":
            return self.values(column, "samples").repeated(self._n_rois)
        key = (level, column.name)
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = self._sample_column(column) if level == "samples" else self._roi_column(column)
            return self._loaded[key]

    def taken(self, column: CatalogueColumn, level: Level, rows: Rows) -> ColumnValues:
        """A column's values of some rows. Of a few, no more is loaded than the files that they are in."""
        if level == "rois" and column.level == "samples":
            return self.values(column, "samples").take(self._places(rows)[0])
        if level == "samples" or len(rows) > _FEW or (level, column.name) in self._loaded:
            return self.values(column, level).take(rows)
        kind = column.column.kind
        if not len(rows):
            return ColumnValues.unknown(kind, 0)
        places, inside = self._places(rows)
        runs = np.flatnonzero(np.diff(places, prepend=-1))
        numbers = [int(number) for number in dict.fromkeys(places.tolist())]
        parts = dict(zip(numbers, self._roi_parts(column, numbers), strict=True))
        ends = [*runs[1:].tolist(), len(rows)]
        pieces = [
            parts[int(places[start])].take(inside[start:end]) for start, end in zip(runs.tolist(), ends, strict=True)
        ]
        return ColumnValues.joined(kind, pieces)

    def _places(self, rows: Rows) -> tuple[Rows, Rows]:
        """Which file each of these ROIs is in, and which row of that."""
        ends = np.cumsum(self._n_rois)
        places = np.searchsorted(ends, rows, side="right")
        return places, rows - (ends - self._n_rois)[places] if len(ends) else rows

    def conditions(self, filters: Filters, level: Level) -> list[Condition]:
        """Filters, understood; blank ones are left out."""
        pairs = [(self.columns.find(name, level).column, expression) for name, expression in filter_pairs(filters)]
        parsed = (parse_filter(column, expression) for column, expression in pairs)
        return [condition for condition in parsed if condition is not None]

    def matching(self, filters: Filters, level: Level) -> Rows | None:
        """Numbers of the rows that match all filters, in order; None for all rows."""
        mask: NDArray[np.bool_] | None = None
        for condition in self.conditions(filters, level):
            column = self.columns.find(condition.column.name, level)
            kept = condition.mask(self.values(column, column.level))
            if column.level != level:
                kept = np.repeat(kept, self._n_rois)
            mask = kept if mask is None else mask & kept
        return None if mask is None else np.flatnonzero(mask)

    def ordered(self, rows: Rows | None, order_by: OrderBy, level: Level) -> Rows | None:
        """`rows` sorted by columns, each a name or ``(name, descending)``; what is unknown comes last either way."""
        if not order_by:
            return rows
        keys = []
        for item in order_by:
            name, descending = (item, False) if isinstance(item, str) else item
            ranks = self.values(self.columns.find(name, level), level).ranks()
            keys.append(-ranks if descending else ranks)
        chosen = np.arange(self.count(level)) if rows is None else rows
        return chosen[np.lexsort([key[chosen] for key in reversed(keys)])]

    def tags(self, rows: Rows) -> list[dict[str, Any]]:
        """Of each of these ROIs, what its table says beyond our own columns, as stored: ``{column: value}``."""
        files, inside = self._places(rows)
        found: list[dict[str, Any]] = [{} for _ in range(len(rows))]
        numbers = np.unique(files).tolist()
        for key in self.table_keys:
            parts = self._stored_parts(f"{TABLE_PREFIX}{key}", numbers)
            for number, part in zip(numbers, parts, strict=True):
                if part is not None:
                    places = np.flatnonzero(files == number)
                    for place, value in zip(places.tolist(), part.take(inside[places]).to_list(), strict=True):
                        found[place][key] = value
        return found

    def _sample_column(self, column: CatalogueColumn) -> ColumnValues:
        kind = column.column.kind
        if column.place == "custom":
            return ColumnValues.of(
                kind, [_read(column.definition, file.custom.get(column.key)) for file in self._files]
            )
        if column.place == "stimulus":
            return ColumnValues.of(
                kind, [None if file.sample is None else file.stimuli.get(column.key, 0) for file in self._files]
            )
        if column.key in ("name", "status", "reason", "stimuli"):
            return ColumnValues.texts([self._state(number, column.key) for number in range(len(self._files))])
        return ColumnValues.of(
            kind, [None if file.sample is None else file.sample.get(column.key) for file in self._files]
        )

    def _state(self, number: int, key: str) -> str | None:
        file = self._files[number]
        if key == "name":
            return file.name
        if key == "stimuli":
            names = {
                column.key: column.name.removeprefix("stimulus:")
                for column in self.columns.of("samples").values()
                if column.place == "stimulus"
            }
            return ", ".join(sorted(names.get(key, key) for key in file.stimuli)) or None
        return self._states[number][key == "reason"]

    def _roi_column(self, column: CatalogueColumn) -> ColumnValues:
        parts = self._roi_parts(column, range(len(self._files)))
        return ColumnValues.joined(column.column.kind, [part for part in parts if len(part)])

    def _roi_parts(self, column: CatalogueColumn, numbers: Sequence[int]) -> list[ColumnValues]:
        """A column of the ROIs of some files, one part each."""
        kind = column.column.kind
        parts = self._stored_parts(column.key if column.place == "roi" else f"{TABLE_PREFIX}{column.key}", numbers)
        if column.place == "table":
            parts = [None if part is None else _converted(part, column.definition, kind) for part in parts]
        return [
            _absent(column.definition, kind, self._files[number].n_rois) if part is None else part
            for number, part in zip(numbers, parts, strict=True)
        ]

    def _stored_parts(self, name: str, numbers: Sequence[int]) -> list[ColumnValues | None]:
        """A column of the ROIs of some files as stored; None where a file lacks it."""
        files = [self._files[number] for number in numbers]
        stored = self._store.column(name, self.token, [file.id for file in files] if len(files) <= _FEW else None)
        if stored is None:
            raise Outdated
        parts = [stored.get(file.id) for file in files]
        return [
            part if part is None or len(part) == file.n_rois else part.take(np.zeros(file.n_rois, np.intp))
            for file, part in zip(files, parts, strict=True)
        ]


def _states(files: Sequence[Listed]) -> list[tuple[str, str | None]]:
    """Status and reason of every file."""
    usable: dict[str, list[str]] = defaultdict(list)
    for file in files:
        if file.sample is not None and file.identifier and file.problem is None:
            usable[file.identifier].append(file.name)
    found: list[tuple[str, str | None]] = []
    for file in files:
        twins = [name for name in usable.get(file.identifier, ()) if name != file.name]
        if file.problem is not None:
            found.append(("unreadable" if file.sample is None else "refused", file.problem))
        elif twins:
            reason = f"has the same identifier as {', '.join(twins)}; move one of them out of samples/"
            found.append(("duplicate", reason))
        else:
            found.append(("ok", None))
    return found


def _read(definition: ColumnDefinition | None, stored: Any) -> Any:
    """A stored value as its column's type has it; unknown where it does not fit."""
    if definition is None:
        return stored
    try:
        return definition.read(stored)
    except UnfitValue:
        return None


def _absent(definition: ColumnDefinition | None, kind: Kind, n_rows: int) -> ColumnValues:
    """What a sample that lacks a column has in it."""
    if definition is None:
        return ColumnValues.unknown(kind, n_rows)
    return ColumnValues.of(kind, [definition.replacement]).take(np.zeros(n_rows, np.intp))


def _converted(part: ColumnValues, definition: ColumnDefinition | None, kind: Kind) -> ColumnValues:
    """A stored part of a column in the form of the column's type; each distinct value is converted once."""
    if part.kind == kind and (kind != "text" or definition is None):
        whole = definition is not None and definition.type is ColumnType.INTEGER
        if not whole or part.data.dtype.kind == "i":
            return part
    if part.kind == "text":
        distinct, place = part.words, part.data
    else:
        values, place = np.unique(part.data, return_inverse=True)
        distinct = values.tolist()
    if definition is None:
        found = [str(value) for value in distinct]
    else:
        found = [_read(definition, value) for value in distinct]
    converted = ColumnValues.of(kind, found).take(place)
    return ColumnValues(kind, converted.data, converted.known & part.known, converted.words)
