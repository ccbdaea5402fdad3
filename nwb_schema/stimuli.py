"""When something happened in a recording: one table for each stimulus type that the project configures.

Periods are NWB's ``TimeIntervals`` below ``/intervals``, moments its ``EventsTable`` below ``/events``. A table is
named by the type's permanent key and holds times in seconds, ``label`` (the name: pynwb cannot read a column called
``name``), ``colour``, and whatever else the source had.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pandas as pd

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import SampleError, StimulusError
from nwb_schema.interval_tables import read_columns, same_table, write_table
from nwb_schema.layout import EVENTS, INTERVALS
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import open_sample, read_summary
from nwb_schema.replace_sample import edit_copy
from nwb_schema.stimulus_columns import Unit
from nwb_schema.stimulus_periods import PALETTE, BeyondRule, InvalidRule, OverlapRule, Periods, build_periods
from nwb_schema.stimulus_table import StimulusTable, read_table

_PLACES = {"TimeIntervals": INTERVALS, "EventsTable": EVENTS}
# How others call a period's name, in the order in which they are looked for.
_NAME_COLUMNS = ("label", "name", "stimulus_name", "stimulus", "condition", "annotation")


@dataclass(frozen=True)
class LoadedStimuli:
    """What `load_stimuli` did.

    Attributes
    ----------
    sample, type_name
        The sample's file and the stimulus type.
    periods
        What is in the sample now, and what was odd about the table.
    """

    sample: Path
    type_name: str
    periods: Periods


def load_stimuli(
    project: Project,
    sample: str,
    source: Path | pd.DataFrame,
    type_name: str,
    *,
    unit: Unit | None = None,
    mapping: dict[str, str] | None = None,
    part: str | None = None,
    overlaps: OverlapRule = "keep",
    beyond: BeyondRule = "keep",
    invalid: InvalidRule = "refuse",
    moments: bool = False,
    existing: Literal["refuse", "replace"] = "refuse",
) -> LoadedStimuli:
    """Put the periods, or the moments, of a table into a sample.

    Parameters
    ----------
    sample
        Its name or identifier.
    source, part
        See `nwb_schema.stimulus_table.read_table`.
    type_name
        A stimulus type that the project configures.
    unit, mapping, overlaps, beyond, invalid, moments
        See `nwb_schema.stimulus_periods.build_periods`.
    existing
        What to do when the sample has periods (or moments) of this type already.

    Raises
    ------
    ConfigurationError
        When the project has no such stimulus type.
    StimulusError
        When the table cannot be taken; the sample is then as it was.
    SampleError
        When the sample cannot be found or written.
    """
    column = project.configuration().find(type_name, ColumnKind.STIMULUS)
    path = project.find_sample(sample)
    summary = read_summary(path)
    table = read_table(source, part=part)
    periods = build_periods(
        table,
        type_name=column.name,
        unit=unit,
        rate_hz=summary.rate_hz,
        duration_s=summary.duration_s,
        mapping=mapping,
        vocabulary=column.vocabulary,
        overlaps=overlaps,
        beyond=beyond,
        invalid=invalid,
        moments=moments,
    )
    write_stimuli(path, column, periods.frame, source=table.name, existing=existing)
    return LoadedStimuli(path, column.name, periods)


def write_stimuli(
    path: Path,
    column: ColumnDefinition,
    frame: pd.DataFrame,
    *,
    source: str,
    existing: Literal["refuse", "replace"] = "refuse",
) -> None:
    """Write `frame` (see `nwb_schema.stimulus_periods.Periods`) as the periods or moments of a stimulus type.

    Raises
    ------
    StimulusError
        When the sample has some of this type already and `existing` is ``refuse``.
    SampleError
        When it cannot be written, or does not read back as it should.
    """
    kind = "EventsTable" if "time_s" in frame else "TimeIntervals"

    def edit(file: h5py.File) -> None:
        parent = file.require_group(_PLACES[kind])
        there = local_hdf5.local_group(parent, column.key)
        if there is not None or column.key in parent:
            if existing == "refuse" or there is None or local_hdf5.type_of(there) != kind:
                raise StimulusError(
                    path, f"has periods or events of the type {column.name!r} already", "Replace them with --replace."
                )
            del parent[column.key]
        explained = column.description or f"Stimulus type {column.name}."
        write_table(parent, column.key, frame, neurodata_type=kind, description=f"{explained} Loaded from {source}.")

    edit_copy(path, edit, partial(_verify, kind=kind, key=column.key, frame=frame))


def read_stimuli(path: Path) -> dict[str, pd.DataFrame]:
    """The periods of a sample, ours or foreign: ``{key of the type: frame}``.

    Each frame has ``start_s``, ``stop_s``, ``name``, ``colour`` and then the other columns with one value a row.

    Raises
    ------
    SampleError
        When the file cannot be read.
    """
    return _read(path, "TimeIntervals", {"start_s": "start_time", "stop_s": "stop_time"})


def read_events(path: Path) -> dict[str, pd.DataFrame]:
    """The moments of a sample, ours or foreign: like `read_stimuli`, with ``time_s`` in place of start and stop."""
    return _read(path, "EventsTable", {"time_s": "timestamp"})


def read_intervals(path: Path, name: str | None = None) -> StimulusTable:
    """One table of intervals of any NWB file, as a table to load from: ``trials`` where `name` is not given.

    Raises
    ------
    StimulusError
        When the file has no such intervals.
    """
    with open_sample(path) as file:
        tables = _tables(file, "TimeIntervals")
        if name is None and len(tables) == 1:
            (name,) = tables
        name = "trials" if name is None else name
        if name not in tables:
            listed = ", ".join(tables) or "none at all"
            raise StimulusError(path, f"has no intervals called {name!r}", f"It has: {listed}.")
        columns, skipped = read_columns(tables[name])
    notes = (f"Left out, because they hold more than one value a row: {', '.join(skipped)}.",) if skipped else ()
    return StimulusTable(pd.DataFrame(columns), f"{path.name} {name}", 1, True, notes)


def _read(path: Path, kind: str, times: dict[str, str]) -> dict[str, pd.DataFrame]:
    with open_sample(path) as file:
        return {name: _as_frame(name, read_columns(table)[0], times) for name, table in _tables(file, kind).items()}


def _tables(file: h5py.File, kind: str) -> dict[str, h5py.Group]:
    group = local_hdf5.local_group(file, _PLACES[kind])
    children = () if group is None else local_hdf5.local_children(group)
    return {name: node for name, node in children if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == kind}


def _as_frame(name: str, columns: dict[str, Any], times: dict[str, str]) -> pd.DataFrame:
    n_rows = len(next(iter(columns.values()), ()))
    label = next((found for found in _NAME_COLUMNS if found in columns), None)
    labels = [name] * n_rows if label is None else [str(value) for value in columns[label]]
    own = {text: PALETTE[number % len(PALETTE)] for number, text in enumerate(sorted(set(labels)))}
    unknown = np.full(n_rows, np.nan)
    frame = pd.DataFrame({ours: np.asarray(columns.get(theirs, unknown), float) for ours, theirs in times.items()})
    frame["name"] = pd.Series(labels, dtype=object)
    frame["colour"] = pd.Series(columns.get("colour", [own[text] for text in labels]), dtype=object)
    for column, values in columns.items():
        if column not in (*times.values(), "colour", label):
            frame[column] = values
    return frame


def _verify(path: Path, *, kind: str, key: str, frame: pd.DataFrame) -> None:
    problems = schema_problems(path)
    if problems:
        raise SampleError(path, f"would not be valid NWB ({problems[0]})", "Nothing was kept. Report this.")
    written = (read_events if kind == "EventsTable" else read_stimuli)(path).get(key)
    if written is None or not same_table(written, frame):
        raise SampleError(path, f"the table {key!r} did not read back as written", "Nothing was kept. Report this.")
