"""What was measured beside the movie: running speed, pupil size, temperature, each with its own times.

A column of a table becomes one NWB ``TimeSeries`` in the processing module ``behavior``. Regular times are stored as a
rate, others as they are; nothing is resampled to the movie's frames.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.columns import column_key
from nwb_schema.edits.commit import Committed, commit
from nwb_schema.edits.series import SetSeries
from nwb_schema.errors import StimulusError
from nwb_schema.layout import BEHAVIOUR
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.reader import open_sample, read_summary
from nwb_schema.stimulus_table import StimulusTable, read_table

_TIME_COLUMNS = ("time_s", "time", "timestamp", "timestamps", "seconds")
_REGULAR = 1e-6  # of a sample's length; times that were written with few digits differ by more, and are kept
_TEXT = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class BehaviourSeries:
    """One measurement over time.

    Attributes
    ----------
    time_s, values
        ``(n,)`` seconds from the start of the recording, and what was measured; NaN where nothing was.
    unit
        Of the values.
    rate_hz
        Measurements per second; None where the times are irregular.
    description
        One line on it.
    """

    time_s: NDArray[np.float64]
    values: NDArray[np.float64]
    unit: str
    rate_hz: float | None
    description: str


@dataclass(frozen=True)
class LoadedBehaviour:
    """What `load_behaviour` did: the sample's file, the series by name, what was odd, and the edits."""

    sample: Path
    series: Mapping[str, BehaviourSeries]
    notes: tuple[str, ...]
    committed: Committed


def load_behaviour(
    project: Project,
    sample: str,
    source: Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    rate_hz: float | None = None,
    start_s: float = 0.0,
    time_column: str | None = None,
    existing: Literal["refuse", "replace"] = "refuse",
    actor: str = "unknown",
    reason: str = "",
    based_on: str | None = None,
) -> LoadedBehaviour:
    """Put columns of a table into a sample, one series and one edit each, all of them or none.

    Parameters
    ----------
    sample
        Its name or identifier.
    source
        A CSV, TSV or Excel file, or a DataFrame; one row for each time.
    columns
        ``{name of the series: column of the table}``; every column of numbers but the times when not given.
    units
        ``{name of the series: unit}``; ``a.u.`` where it is not said.
    rate_hz, start_s
        Rows per second and the time of the first row, for a table without times.
    time_column
        The column of times in seconds; found by its name (``time``, ``time_s``, ``timestamp``) when not given.
    existing
        What to do when the sample has a series of that name.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

    Raises
    ------
    StimulusError
        When the table cannot be taken; the sample is then as it was.
    SampleError
        When the sample cannot be found or written.
    """
    path = project.find_sample(sample)
    table = read_table(source)
    notes = list(table.notes)
    time_s, found_rate_hz, used = _times(table, rate_hz, start_s, time_column)
    duration_s = read_summary(path).duration_s
    if duration_s is not None:
        outside = int(((time_s < 0) | (time_s > duration_s)).sum())
        if outside:
            notes.append(f"{outside} of {len(time_s)} times lie outside the recording (0 to {duration_s:g} s); kept.")
    chosen = _chosen(table, columns, used, notes)
    series: dict[str, BehaviourSeries] = {}
    for name, column in chosen.items():
        key = column_key(name, series)
        if key != name:
            notes.append(f"The series {name[:60]!r} is kept as {key!r}.")
        unit = clean_text((units or {}).get(name, "a.u.")) or "a.u."
        values = np.asarray(table.frame[column], dtype=np.float64)
        series[key] = BehaviourSeries(time_s, values, unit, found_rate_hz, f"{column} of {table.name}.")
    unknown = sorted(set(units or {}) - set(chosen))
    if unknown:
        raise StimulusError(table.name, f"a unit is given for {unknown[0]!r}, which is no series", "Correct its name.")
    _refuse_others(path, series)
    edits = [SetSeries(name, partial(_write_series, series=one), existing) for name, one in series.items()]
    committed = commit(project, path, edits, actor=actor, reason=reason, based_on=based_on)
    return LoadedBehaviour(path, series, tuple(notes), committed)


def remove_behaviour(
    project: Project, path: Path, name: str, *, actor: str, reason: str = "", based_on: str | None = None
) -> Committed:
    """Take a series out of a sample; an edit, which can be undone."""
    return commit(project, path, SetSeries(name, None), actor=actor, reason=reason, based_on=based_on)


def read_behaviour(path: Path) -> dict[str, BehaviourSeries]:
    """The one-dimensional series of the processing module ``behavior``, by name.

    Raises
    ------
    SampleError
        When the file cannot be read.
    """
    with open_sample(path) as file:
        module = local_hdf5.local_group(file, BEHAVIOUR)
        children = () if module is None else local_hdf5.local_children(module)
        found = {
            name: _read_series(node)
            for name, node in children
            if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "TimeSeries"
        }
    return {name: series for name, series in found.items() if series is not None}


def _times(
    table: StimulusTable, rate_hz: float | None, start_s: float, time_column: str | None
) -> tuple[NDArray[np.float64], float | None, str | None]:
    """Times in seconds, their rate where they are regular, and the column that they are from."""
    names = [str(name) for name in table.frame.columns]
    if rate_hz is not None:
        if time_column is not None:
            raise StimulusError(table.name, "is given both a rate and a column of times", "Give one of them.")
        if not (np.isfinite(rate_hz) and rate_hz > 0):
            raise StimulusError(table.name, f"the rate {rate_hz} Hz is impossible", "Give rows per second.")
        return start_s + np.arange(len(table.frame)) / rate_hz, float(rate_hz), None
    if time_column is not None and time_column not in names:
        raise StimulusError(table.name, f"has no column {time_column!r}", f"Its columns: {', '.join(names)}.")
    lower = {name.lower(): name for name in reversed(names)}
    column = time_column or next((lower[name] for name in _TIME_COLUMNS if name in lower), None)
    if column is None:
        raise StimulusError(table.name, "does not say when its rows were measured", "Give --rate HZ or --time COLUMN.")
    time_s = np.array(pd.to_numeric(table.frame[column], errors="coerce"), dtype=np.float64)
    steps = np.diff(time_s)
    wrong = np.flatnonzero(~np.isfinite(time_s))
    if not wrong.size:
        wrong = np.flatnonzero(steps <= 0) + 1
    if wrong.size:
        rows = ", ".join(str(row + table.first_row) for row in wrong[:10])
        raise StimulusError(
            table.name,
            f"has no times, or times that do not increase, in rows {rows} ({wrong.size} in all)",
            "Correct or remove these rows.",
        )
    if steps.size == 0 or np.ptp(steps) > _REGULAR * float(np.median(steps)):
        return time_s, None, column
    rate = float(len(steps) / (time_s[-1] - time_s[0]))
    return time_s[0] + np.arange(len(time_s)) / rate, rate, column


def _chosen(
    table: StimulusTable, columns: Mapping[str, str] | None, used: str | None, notes: list[str]
) -> dict[str, str]:
    """Which columns become which series; the others are named in `notes`."""
    numeric = [str(name) for name in table.frame.columns if table.frame[name].dtype.kind in "iufb"]
    for name, column in (columns or {}).items():
        if column not in table.frame.columns:
            listed = ", ".join(str(other) for other in table.frame.columns)
            raise StimulusError(table.name, f"has no column {column!r} (for {name})", f"Its columns: {listed}.")
        if column not in numeric:
            raise StimulusError(table.name, f"the column {column!r} holds no numbers", "Choose another column.")
    if columns:
        return dict(columns)
    chosen = {name: name for name in numeric if name != used}
    left = [str(name) for name in table.frame.columns if str(name) not in (*chosen, used)]
    if left:
        notes.append(f"Left out, because they hold no numbers: {', '.join(left)}.")
    if not chosen:
        raise StimulusError(table.name, "has no column of numbers besides the times", "Give one column a measurement.")
    return chosen


def _refuse_others(path: Path, names: Mapping[str, object]) -> None:
    """Refuse to replace what is no series of ours."""
    with open_sample(path) as file:
        if file.get(BEHAVIOUR, getlink=True) is None:
            return
        module = local_hdf5.local_group(file, BEHAVIOUR)
        for name in names:
            there = None if module is None else local_hdf5.local_group(module, name)
            taken = module is None or module.get(name, getlink=True) is not None
            if taken and (there is None or local_hdf5.type_of(there) != "TimeSeries"):
                raise StimulusError(path, f"has something else called {name!r} already", "Give it another name.")


def _write_series(group: h5py.Group, series: BehaviourSeries) -> None:
    _mark(group, "TimeSeries", series.description)
    group.attrs["comments"] = "no comments"
    data = group.create_dataset(
        "data", data=series.values, maxshape=(None,), chunks=True, compression="gzip", shuffle=True
    )
    data.attrs.update({"unit": series.unit, "conversion": 1.0, "offset": 0.0, "resolution": -1.0})
    if series.rate_hz is not None:
        start = group.create_dataset("starting_time", data=float(series.time_s[0]))
        start.attrs.update({"rate": series.rate_hz, "unit": "seconds"})
        return
    times = group.create_dataset(
        "timestamps", data=series.time_s, maxshape=(None,), chunks=True, compression="gzip", shuffle=True
    )
    times.attrs.update({"interval": np.int32(1), "unit": "seconds"})


def _mark(group: h5py.Group, neurodata_type: str, description: str) -> None:
    group.attrs["namespace"] = "core"
    group.attrs["neurodata_type"] = neurodata_type
    group.attrs["object_id"] = str(uuid.uuid4())
    group.attrs["description"] = description


def _read_series(group: h5py.Group) -> BehaviourSeries | None:
    data = local_hdf5.local_dataset(group, "data")
    start = local_hdf5.local_dataset(group, "starting_time")
    times = local_hdf5.local_dataset(group, "timestamps")
    if data is None or data.ndim != 1 or data.dtype.kind not in "iufb" or (start is None and times is None):
        return None
    rate: Any = None if start is None else start.attrs.get("rate")
    if start is not None and rate:
        time_s = float(start[()]) + np.arange(data.shape[0]) / float(rate)
    elif times is not None and times.shape == data.shape:
        time_s = np.asarray(times[()], dtype=np.float64)
    else:
        return None
    return BehaviourSeries(
        time_s=time_s,
        values=np.asarray(data[()], dtype=np.float64),
        unit=local_hdf5.as_text(data.attrs.get("unit", "")),
        rate_hz=float(rate) if rate else None,
        description=local_hdf5.as_text(group.attrs.get("description", "")),
    )
