"""When something happened in a recording: one table for each stimulus type that the project configures.

Periods are NWB's ``TimeIntervals`` below ``/intervals``, moments its ``EventsTable`` below ``/events``. A table is
named by the type's permanent key and holds times in seconds, ``label`` (the name: pynwb cannot read a column called
``name``), ``colour``, and whatever else the source had.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pandas as pd

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits.commit import Committed, commit
from nwb_schema.edits.period_edits import ChangePeriods, LoadTimes
from nwb_schema.edits.times import PLACES, read_times
from nwb_schema.errors import StimulusError
from nwb_schema.interval_tables import as_table, read_columns, tables_of
from nwb_schema.project import Project
from nwb_schema.reader import open_sample, read_summary
from nwb_schema.stimulus_columns import Unit
from nwb_schema.stimulus_periods import PALETTE, BeyondRule, InvalidRule, OverlapRule, Periods, build_periods
from nwb_schema.stimulus_table import read_table

# How others call a period's name, in the order in which they are looked for.
_STORED_NAMES = {"start_s": "start_time", "stop_s": "stop_time", "time_s": "timestamp", "name": "label"}
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
    committed
        The edit.
    """

    sample: Path
    type_name: str
    periods: Periods
    committed: Committed


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
    actor: str = "unknown",
    reason: str = "",
    based_on: str | None = None,
) -> LoadedStimuli:
    """Put the periods, or the moments, of a table into a sample: an edit, which can be undone.

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
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

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
    place = _place(column, "EventsTable" if moments else "TimeIntervals")
    _refuse_unknown(path, place, column, existing)
    explained = column.description or f"Stimulus type {column.name}."
    kind = "EventsTable" if moments else "TimeIntervals"
    loaded = as_table(periods.frame, neurodata_type=kind, description=f"{explained} Loaded from {table.name}.")
    edit = LoadTimes(place, column.name, loaded, existing)
    committed = commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)
    return LoadedStimuli(path, column.name, periods, committed)


def change_periods(
    project: Project,
    path: Path,
    type_name: str,
    *,
    changed: Mapping[int, Mapping[str, Any]] | None = None,
    removed: Sequence[int] = (),
    added: Sequence[Mapping[str, Any]] = (),
    moments: bool = False,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
) -> Committed:
    """Change, remove and add single periods or moments of a stimulus type, all of it in one edit.

    Columns are called as in the frames of `read_stimuli`: ``start_s``, ``stop_s`` (``time_s`` of a moment), ``name``,
    ``colour`` and the others.

    Parameters
    ----------
    changed
        New values of some columns by the row's ``id``, which is the index of the frame.
    removed
        ``id`` of each.
    added
        Values by column, one mapping a row. The first of a type need not have been loaded from a table.
    moments
        Whether the type's events are meant, not its periods.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

    Raises
    ------
    ConfigurationError
        When the project has no such stimulus type.
    EditError
        When there is no such row or column, or a value cannot be taken.
    """
    column = project.configuration().find(type_name, ColumnKind.STIMULUS)
    kind = "EventsTable" if moments else "TimeIntervals"
    place = _place(column, kind)
    _refuse_unknown(path, place, column, "replace")
    explained = column.description or f"Stimulus type {column.name}."
    edit = ChangePeriods(
        place,
        column.name,
        {number: _as_stored(values) for number, values in (changed or {}).items()},
        removed,
        [_as_stored({"name": column.name, "colour": PALETTE[0], **values}) for values in added],
        column.vocabulary,
        first=as_table(_no_rows(moments), neurodata_type=kind, description=explained) if added else None,
    )
    return commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)


def remove_stimuli(
    project: Project,
    path: Path,
    type_name: str,
    *,
    moments: bool = False,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
) -> Committed:
    """Take all periods, or moments, of a stimulus type out of a sample."""
    column = project.configuration().find(type_name, ColumnKind.STIMULUS)
    place = _place(column, "EventsTable" if moments else "TimeIntervals")
    _refuse_unknown(path, place, column, "replace")
    edit = LoadTimes(place, column.name, None, "replace")
    return commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)


def _place(column: ColumnDefinition, kind: str) -> str:
    return f"{PLACES[kind]}/{column.key}"


def _refuse_unknown(path: Path, place: str, column: ColumnDefinition, existing: str) -> None:
    """Refuse to touch a table that is not ours to edit: one with several values in a cell, or a link."""
    parent, _, name = place.partition("/")
    with open_sample(path) as file:
        group = file.get(parent, getlink=True)
        if group is None:
            return
        inside = local_hdf5.local_group(file, parent)
        if inside is None:
            raise StimulusError(path, f"its {parent} leads elsewhere or is no group", "Do not trust this file.")
        there = inside.get(name, getlink=True) is not None
        if there and (existing == "refuse" or place not in read_times(file)):
            kept = "" if place not in read_times(file) else ", which can be replaced"
            raise StimulusError(
                path,
                f"has periods or events of the type {column.name!r} already{kept}",
                "Replace them with --replace." if kept else "They have another form, and are only shown.",
            )


def _no_rows(moments: bool) -> pd.DataFrame:
    times: dict[str, list[float]] = {"time_s": []} if moments else {"start_s": [], "stop_s": []}
    texts = {"name": pd.Series([], dtype=object), "colour": pd.Series([], dtype=object)}
    return pd.DataFrame({**{name: np.array(values, np.float64) for name, values in times.items()}, **texts})


def _as_stored(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_STORED_NAMES.get(name, name): value for name, value in values.items()}


def read_stimuli(path: Path) -> dict[str, pd.DataFrame]:
    """The periods of a sample, ours or foreign: ``{key of the type: frame}``.

    Each frame has ``start_s``, ``stop_s``, ``name``, ``colour`` and then the other columns with one value a row. Its
    index is the ``id`` of each row, by which `change_periods` knows it.

    Raises
    ------
    SampleError
        When the file cannot be read.
    """
    return _read(path, "TimeIntervals", {"start_s": "start_time", "stop_s": "stop_time"})


def read_events(path: Path) -> dict[str, pd.DataFrame]:
    """The moments of a sample, ours or foreign: like `read_stimuli`, with ``time_s`` in place of start and stop."""
    return _read(path, "EventsTable", {"time_s": "timestamp"})


def _read(path: Path, kind: str, times: dict[str, str]) -> dict[str, pd.DataFrame]:
    with open_sample(path) as file:
        return {
            name: _as_frame(name, read_columns(table)[0], times).set_axis(_ids(table))
            for name, table in tables_of(file, kind).items()
        }


def _ids(table: h5py.Group) -> pd.Index[int]:
    data = local_hdf5.local_dataset(table, "id")
    return pd.Index([] if data is None else data[()].tolist(), dtype=np.int64)


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
