"""Which column of a table of stimuli is what, and whether its times are frames or seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from nwb_schema.columns import PYNWB_NAMES, column_key
from nwb_schema.errors import StimulusError
from nwb_schema.stimulus_table import StimulusTable

Unit = Literal["seconds", "frames"]

ROLES = {
    "start": (
        "start_time",
        "start_s",
        "start",
        "start_frame",
        "onset",
        "begin",
        "time",
        "time_s",
        "timestamp",
        "frame",
    ),
    "stop": ("stop_time", "stop_s", "stop", "stop_frame", "end_time", "end_s", "end", "end_frame", "offset"),
    "duration": ("duration", "duration_s"),
    "name": ("name", "label", "stimulus", "condition"),
    "colour": ("colour", "color"),
}
"""What a column may be for, and the column names that say so by themselves."""
_ALIASES = {"end": "stop", "label": "name", "color": "colour"}


def find_columns(
    table: StimulusTable, mapping: Mapping[str, str], notes: list[str], *, moments: bool = False
) -> tuple[dict[str, str], dict[str, str]]:
    """Which column of the table has which role, and which others are kept under which name.

    Parameters
    ----------
    mapping
        What a person said of it: ``{role or name: column of the table}``.
    notes
        Gets a sentence for every column that cannot keep its name.
    moments
        Whether the rows are moments, which have a start alone.

    Raises
    ------
    StimulusError
        When a column is missing.
    """
    there = [str(name) for name in table.frame.columns]
    for name, column in mapping.items():
        if column not in there:
            raise StimulusError(
                table.name, f"has no column {column!r} (for {name})", f"Its columns: {', '.join(there)}."
            )
    wanted = {_ALIASES.get(name, name): column for name, column in mapping.items()}
    lower = {name.lower(): name for name in reversed(there)}
    columns: dict[str, str] = {}
    used = set(wanted.values())
    for role, usual in ROLES.items():
        if role in wanted:
            columns[role] = wanted[role]
        elif not (role == "duration" and "stop" in columns) and not (moments and role in ("stop", "duration")):
            found = next((lower[name] for name in usual if name in lower and lower[name] not in used), None)
            if found is not None:
                columns[role] = found
    if "start" not in columns or not (moments or columns.keys() & {"stop", "duration"}):
        needed = "stop" if "start" in columns else "start"
        raise StimulusError(
            table.name,
            f"has no column that says when a period {needed}s",
            f"Say which of {', '.join(there)} it is: --map {needed}=COLUMN.",
        )
    extras = {name: column for name, column in wanted.items() if name not in ROLES}
    taken = used | set(columns.values())
    extras |= {name: name for name in there if name not in taken and name not in extras}
    kept: dict[str, str] = {}
    for name, column in extras.items():
        key = column_key(name, {*PYNWB_NAMES, "start_s", "stop_s", *kept})
        if key != name:
            notes.append(f"The column {name[:60]!r} is kept as {key!r}.")
        kept[key] = column
    return columns, kept


def units_per_second(
    table: StimulusTable, columns: Mapping[str, str], unit: Unit | None, rate_hz: float | None, notes: list[str]
) -> float:
    """What the table's times are divided by to become seconds.

    Raises
    ------
    StimulusError
        When the unit is unclear, or frames cannot be converted without an imaging rate.
    """
    if unit is None:
        unit = _unit_of(table, columns)
        notes.append(f"The times are taken as {unit}.")
    if unit == "seconds":
        return 1.0
    if not rate_hz or not np.isfinite(rate_hz):
        raise StimulusError(
            table.name, "is in frames, but the sample does not say its imaging rate", "Give the times in seconds."
        )
    return rate_hz


def _unit_of(table: StimulusTable, columns: Mapping[str, str]) -> Unit:
    name = columns["start"].lower()
    if table.in_seconds or name.endswith(("_time", "_s")):
        return "seconds"
    if "frame" in name:
        return "frames"
    if table.frame[columns["start"]].dtype.kind != "i":
        return "seconds"
    raise StimulusError(
        table.name, f"{columns['start']!r} may be frames or seconds", "Say which: --frames or --seconds."
    )
