"""What people do to stimulus periods and events: load a table of them, and add, change and remove single ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.record import EditKind
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.times import TEXT, Cells, TimesColumn, TimesTable, plain_cell
from nwb_schema.errors import EditError, StimulusError
from nwb_schema.names import clean_text

_TIMES = ("start_time", "stop_time", "timestamp")


@dataclass(frozen=True, eq=False)
class LoadTimes:
    """A whole table of periods or moments, in place of the one that is there.

    Attributes
    ----------
    place
        ``intervals/KEY`` or ``events/KEY``.
    name
        Of the stimulus type, for people.
    table
        None removes it.
    existing
        What to do when there is one.
    """

    place: str
    name: str
    table: TimesTable | None
    existing: Literal["refuse", "replace"] = "refuse"

    @property
    def kind(self) -> EditKind:
        """Stimuli."""
        return EditKind.STIMULI

    def describe(self) -> str:
        """One line on what is done."""
        if self.table is None:
            return f"removed all of {self.name}"
        return f"loaded {len(self.table.rows)} {_noun(self.place, len(self.table.rows))} of {self.name}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        old = state.times.get(self.place)
        if old is not None and self.table is not None and self.existing == "refuse":
            raise StimulusError(
                self.place, f"has periods or events of the type {self.name!r} already", "Replace them with --replace."
            )
        same_header = old is not None and self.table is not None and old.header() == self.table.header()
        new = {} if self.table is None else self.table.rows
        for number, cells in sorted(old.rows.items()) if old is not None else ():
            if same_header and number in new:
                yield from _differing(self.place, number, cells, new[number])
            else:
                yield from _differing(self.place, number, cells, None)
        if not same_header and (old is not None or self.table is not None):
            header = None if self.table is None else self.table.header()
            yield Change(Target("times", self.place), None if old is None else old.header(), header)
        for number, cells in sorted(new.items()):
            if not (same_header and old is not None and number in old.rows):
                yield from _differing(self.place, number, None, cells)


@dataclass(frozen=True, eq=False)
class ChangePeriods:
    """Single periods or moments are changed, removed and added.

    Columns have their names in the file: ``start_time`` and ``stop_time`` (``timestamp`` of a moment) in seconds,
    ``label``, ``colour``, and whatever else was loaded.

    Attributes
    ----------
    place, name
        See `LoadTimes`.
    changed
        New values of some columns by the row's ``id``.
    removed
        ``id`` of each.
    added
        Values by column, one mapping a row; a column that is left out is empty, 0 or not a number.
    vocabulary
        The only labels allowed, or empty for any.
    first
        The table to begin with, without rows, where the sample has none of this type.
    """

    place: str
    name: str
    changed: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    removed: Sequence[int] = ()
    added: Sequence[Mapping[str, Any]] = ()
    vocabulary: Sequence[str] = ()
    first: TimesTable | None = None

    @property
    def kind(self) -> EditKind:
        """Stimuli."""
        return EditKind.STIMULI

    def describe(self) -> str:
        """One line on what is done."""
        counts = (("added", len(self.added)), ("changed", len(self.changed)), ("removed", len(self.removed)))
        made = [(word, n) for word, n in counts if n]
        done = ", ".join(f"{word} {n}" for word, n in made)
        return f"{done or 'changed no'} {_noun(self.place, made[-1][1] if made else 0)} of {self.name}"

    def changes(self, state: SampleState) -> Iterator[Change]:
        """What it changes in `state`."""
        table = state.times.get(self.place)
        if table is None and self.first is not None:
            table = self.first
            yield Change(Target("times", self.place), None, table.header())
        if table is None:
            raise EditError(
                self.name, "the sample has none that can be edited one by one", "Load some first: fluorite stimuli"
            )
        for number in (*self.changed, *self.removed):
            if number not in table.rows:
                raise EditError(self.name, f"has no row {number}", "Read the table again.")
        for number, values in self.changed.items():
            before = table.rows[number]
            yield from _differing(self.place, number, before, self._cells(table, values, before))
        for number in dict.fromkeys(self.removed):
            yield from _differing(self.place, number, table.rows[number], None)
        first = max(table.rows, default=-1) + 1
        for number, values in enumerate(self.added, start=first):
            yield from _differing(self.place, number, None, self._cells(table, values, None))

    def _cells(self, table: TimesTable, values: Mapping[str, Any], before: Cells | None) -> Cells:
        names = [column.name for column in table.columns]
        unknown = [name for name in values if name not in names]
        if unknown:
            raise EditError(self.name, f"has no column {unknown[0][:60]!r}", f"Its columns: {', '.join(names)}.")
        cells = []
        for position, column in enumerate(table.columns):
            if column.name in values:
                cells.append(_converted(self.name, column, values[column.name]))
            else:
                cells.append(_empty(column) if before is None else before[position])
        self._check(dict(zip(names, cells, strict=True)), before is None)
        return tuple(cells)

    def _check(self, row: Mapping[str, Any], new: bool) -> None:
        times = [float(row[name]) for name in _TIMES if name in row]
        if new and not all(math.isfinite(time) for time in times):
            raise EditError(self.name, "a new one needs its times", "Give start and stop in seconds.")
        if "start_time" in row and "stop_time" in row and float(row["stop_time"]) < float(row["start_time"]):
            raise EditError(
                self.name,
                f"would stop at {row['stop_time']} s before it starts at {row['start_time']} s",
                "Correct the times.",
            )
        if self.vocabulary and row.get("label", self.vocabulary[0]) not in self.vocabulary:
            raise EditError(
                self.name,
                f"{str(row['label'])[:60]!r} is not in the vocabulary",
                f"Choose of: {', '.join(self.vocabulary)}.",
            )


def _differing(place: str, number: int, before: Cells | None, after: Cells | None) -> Iterator[Change]:
    if before != after:
        target = Target("period", place, str(number))
        yield Change(target, None if before is None else list(before), None if after is None else list(after))


def _converted(name: str, column: TimesColumn, value: Any) -> Any:
    """`value` as the column stores it."""
    try:
        if column.dtype == TEXT:
            return clean_text(str(value))
        kind = np.dtype(column.dtype)
        if kind.kind == "f":
            number = float(value)
            if column.name in _TIMES and not math.isfinite(number):
                raise ValueError("a time is a number of seconds")
            return plain_cell(np.array(number, kind).item())
        if kind.kind == "b":
            if not isinstance(value, (bool, np.bool_)):
                raise ValueError("yes or no")
            return bool(value)
        if float(value) != int(value):
            raise ValueError("a whole number")
        return np.array(int(value), kind).item()
    except (ValueError, TypeError, OverflowError) as error:
        raise EditError(
            name, f"{str(value)[:60]!r} cannot be used in the column {column.name} ({error})", "Give another value."
        ) from error


def _empty(column: TimesColumn) -> Any:
    if column.dtype == TEXT:
        return ""
    kind = np.dtype(column.dtype).kind
    return "nan" if kind == "f" else (False if kind == "b" else 0)


def _noun(place: str, number: int) -> str:
    noun = "event" if place.startswith("events/") else "period"
    return noun if number == 1 else f"{noun}s"
