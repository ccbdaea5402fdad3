"""From a table to periods in seconds, with everything reported that is odd about them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema.errors import StimulusError
from nwb_schema.stimulus_columns import Unit, find_columns, units_per_second
from nwb_schema.stimulus_table import StimulusTable

OverlapRule = Literal["keep", "refuse"]
BeyondRule = Literal["keep", "cut", "refuse"]
InvalidRule = Literal["refuse", "leave-out"]

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999")
"""Colours that people with any colour vision tell apart (Okabe and Ito 2008)."""
_COLOUR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})|[a-zA-Z]{3,25}")
_SHOWN = 10


@dataclass(frozen=True)
class StimulusProblem:
    """Something odd about one period.

    Attributes
    ----------
    row
        Its row in the table.
    kind
        ``value`` (no time, or no time that can be), ``order`` (it ends before it starts), ``name`` (not in the
        vocabulary), ``colour``, ``overlap`` or ``beyond`` (outside the recording).
    message
        One clause for people.
    outcome
        What was done with the period: ``kept``, ``cut`` or ``left out``.
    """

    row: int
    kind: Literal["value", "order", "name", "colour", "overlap", "beyond"]
    message: str
    outcome: Literal["kept", "cut", "left out"]


@dataclass(frozen=True)
class Periods:
    """The periods of one stimulus type.

    Attributes
    ----------
    frame
        One row per period, by start: ``start_s``, ``stop_s`` (float64), ``name``, ``colour`` (text), then the table's
        other columns. Moments have ``time_s`` in place of the first two.
    problems
        What was odd, by row.
    notes
        What was assumed, one sentence each.
    """

    frame: pd.DataFrame
    problems: tuple[StimulusProblem, ...] = ()
    notes: tuple[str, ...] = ()


def build_periods(
    table: StimulusTable,
    *,
    type_name: str,
    unit: Unit | None = None,
    rate_hz: float | None = None,
    duration_s: float | None = None,
    mapping: Mapping[str, str] | None = None,
    vocabulary: Collection[str] = (),
    overlaps: OverlapRule = "keep",
    beyond: BeyondRule = "keep",
    invalid: InvalidRule = "refuse",
    moments: bool = False,
) -> Periods:
    """Turn `table` into periods, or into moments.

    Parameters
    ----------
    type_name
        The stimulus type: the name of every period where the table has no names.
    unit
        Of the table's times. A frame lasts from ``frame / rate_hz`` on, counted from 0; the stop frame is the first one
        after the period. None: as the table's column names say; whole numbers that could be either are refused.
    rate_hz, duration_s
        Of the recording; None where it does not say.
    mapping
        ``{name: column of the table}``: one of `nwb_schema.stimulus_columns.ROLES`, or any name under which to keep a
        column.
    vocabulary
        The only names that periods may have; empty for any.
    overlaps, beyond
        What to do with periods that overlap, or lie partly or wholly outside the recording. ``cut`` shortens them, and
        leaves out what lies wholly outside.
    invalid
        What to do with periods that have no times, end before they start, or are not in the vocabulary.
    moments
        The rows have a time alone. They cannot overlap, and the frame has ``time_s`` in place of start and stop.

    Raises
    ------
    StimulusError
        When a column is missing, the unit is unclear, a rule says ``refuse``, or nothing is left.
    """
    notes = list(table.notes)
    columns, extras = find_columns(table, mapping or {}, notes, moments=moments)
    per_second = units_per_second(table, columns, unit, rate_hz, notes)
    n_rows = len(table.frame)
    rows = np.arange(n_rows) + table.first_row
    start = _numbers(table.frame[columns["start"]]) / per_second
    if moments:
        stop = start.copy()
    elif "stop" in columns:
        stop = _numbers(table.frame[columns["stop"]]) / per_second
    else:
        stop = start + _numbers(table.frame[columns["duration"]]) / per_second
    if "name" in columns:
        names = [_name(value) for value in table.frame[columns["name"]]]
    else:
        names = [type_name] * n_rows
        notes.append(f"The table has no column of names; every period is called {type_name!r}.")
    problems, keep = _invalid(table, rows, start, stop, names, vocabulary, invalid)
    problems += _beyond(table, rows, start, stop, keep, duration_s, beyond, notes)
    if not moments:
        problems += _overlaps(table, rows, start, stop, keep, overlaps)
    colours = _colours(table, columns.get("colour"), rows, names, problems)
    if not keep.any():
        raise StimulusError(table.name, "no period is left", f"Look at its rows: {_listed(problems)}.")
    frame = pd.DataFrame({"start_s": start, "stop_s": stop, "name": names, "colour": colours})
    for name, column in extras.items():
        frame[name] = table.frame[column].to_numpy()
    frame = frame[keep].sort_values("start_s", kind="stable", ignore_index=True)
    if moments:
        frame = frame.drop(columns="stop_s").rename(columns={"start_s": "time_s"})
    return Periods(frame, tuple(sorted(problems, key=lambda problem: problem.row)), tuple(notes))


def _invalid(
    table: StimulusTable,
    rows: NDArray[np.int64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    names: list[str],
    vocabulary: Collection[str],
    rule: InvalidRule,
) -> tuple[list[StimulusProblem], NDArray[np.bool_]]:
    problems = []
    keep = np.ones(len(rows), bool)
    for i, row in enumerate(rows.tolist()):
        if not (np.isfinite(start[i]) and np.isfinite(stop[i])):
            problem = StimulusProblem(row, "value", "has no usable start or stop", "left out")
        elif stop[i] < start[i]:
            problem = StimulusProblem(
                row, "order", f"stops at {stop[i]:g} s before it starts at {start[i]:g} s", "left out"
            )
        elif vocabulary and names[i] not in vocabulary:
            problem = StimulusProblem(row, "name", f"{_short(names[i])} is not in the vocabulary", "left out")
        else:
            continue
        problems.append(problem)
        keep[i] = False
    if problems and rule == "refuse":
        raise StimulusError(
            table.name,
            f"has rows that are no periods: {_listed(problems)}",
            "Correct them, or use --invalid leave-out.",
        )
    return problems, keep


def _beyond(
    table: StimulusTable,
    rows: NDArray[np.int64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    keep: NDArray[np.bool_],
    duration_s: float | None,
    rule: BeyondRule,
    notes: list[str],
) -> list[StimulusProblem]:
    """Periods outside the recording; with ``cut``, `start`, `stop` and `keep` are changed in place."""
    end_s = np.inf if duration_s is None else duration_s
    if duration_s is None:
        notes.append("The sample does not say how long it is, so nothing was compared with its end.")
    tolerance_s = 1e-9 * max(1.0, duration_s or 0.0)
    problems = []
    for i in np.flatnonzero(keep & ((start < -tolerance_s) | (stop > end_s + tolerance_s))):
        wholly = stop[i] <= 0 or start[i] >= end_s
        where = f"({start[i]:g} to {stop[i]:g} s) lies {'wholly' if wholly else 'partly'} outside the recording"
        message = f"{where} (0 to {end_s:g} s)"
        outcome: Literal["kept", "cut", "left out"] = "kept"
        if rule == "cut":
            outcome = "left out" if wholly else "cut"
            keep[i] = not wholly
            start[i], stop[i] = max(start[i], 0.0), min(stop[i], end_s)
        problems.append(StimulusProblem(int(rows[i]), "beyond", message, outcome))
    if problems and rule == "refuse":
        raise StimulusError(
            table.name,
            f"has periods outside the recording: {_listed(problems)}",
            "Check --frames or --seconds, or use --beyond cut or --beyond keep.",
        )
    return problems


def _overlaps(
    table: StimulusTable,
    rows: NDArray[np.int64],
    start: NDArray[np.float64],
    stop: NDArray[np.float64],
    keep: NDArray[np.bool_],
    rule: OverlapRule,
) -> list[StimulusProblem]:
    problems = []
    latest = -1
    for i in np.flatnonzero(keep)[np.argsort(start[keep], kind="stable")]:
        if latest >= 0 and start[i] < stop[latest] - 1e-9:
            message = f"starts at {start[i]:g} s, before row {rows[latest]} stops at {stop[latest]:g} s"
            problems.append(StimulusProblem(int(rows[i]), "overlap", message, "kept"))
        if latest < 0 or stop[i] > stop[latest]:
            latest = int(i)
    if problems and rule == "refuse":
        raise StimulusError(
            table.name, f"has periods that overlap: {_listed(problems)}", "Correct them, or use --overlaps keep."
        )
    return problems


def _colours(
    table: StimulusTable,
    column: str | None,
    rows: NDArray[np.int64],
    names: list[str],
    problems: list[StimulusProblem],
) -> list[str]:
    """The table's colours; where it has none, one per name."""
    own = {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(sorted(set(names)))}
    if column is None:
        return [own[name] for name in names]
    colours = []
    for row, name, value in zip(rows.tolist(), names, table.frame[column], strict=True):
        text = str(value).strip()
        if _COLOUR.fullmatch(text) is None:
            if text and text.lower() != "nan":
                message = f"{_short(text)} is no colour such as #0072b2; {own[name]} is taken"
                problems.append(StimulusProblem(row, "colour", message, "kept"))
            text = own[name]
        colours.append(text)
    return colours


def _numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    return np.array(pd.to_numeric(column, errors="coerce"), dtype=np.float64)


def _name(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return "" if isinstance(value, float) and np.isnan(value) else str(value)


def _listed(problems: list[StimulusProblem]) -> str:
    listed = [f"row {problem.row} {problem.message}" for problem in problems[:_SHOWN]]
    more = len(problems) - _SHOWN
    return "; ".join(listed) + (f"; and {more} more" if more > 0 else "")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
