"""Stimulus and behaviour periods of a sample: NWB's ``TimeIntervals``, one table for each configured type.

The table is named by the type's permanent key and holds ``start_time`` and ``stop_time`` in seconds, ``label`` (the
period's name: pynwb cannot read a column called ``name``), ``colour``, and whatever else the source had.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import SampleError, StimulusError
from nwb_schema.layout import INTERVALS
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import open_sample, read_summary
from nwb_schema.replace_sample import edit_copy
from nwb_schema.stimulus_periods import (
    PALETTE,
    BeyondRule,
    InvalidRule,
    OverlapRule,
    Periods,
    Unit,
    build_periods,
)
from nwb_schema.stimulus_table import StimulusTable, read_table

_STORED = {"start_s": "start_time", "stop_s": "stop_time", "name": "label", "colour": "colour"}
_DESCRIPTIONS = {
    "start_time": "Start of the period, in seconds from the start of the recording.",
    "stop_time": "End of the period, in seconds from the start of the recording.",
    "label": "Name of the period.",
    "colour": "Colour in which the period is shown.",
}
# How others call a period's name, in the order in which they are looked for.
_NAME_COLUMNS = ("label", "name", "stimulus_name", "stimulus", "condition")


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
    existing: Literal["refuse", "replace"] = "refuse",
) -> LoadedStimuli:
    """Put the periods of a table into a sample.

    Parameters
    ----------
    sample
        Its name or identifier.
    source, part
        See `nwb_schema.stimulus_table.read_table`.
    type_name
        A stimulus type that the project configures.
    unit, mapping, overlaps, beyond, invalid
        See `nwb_schema.stimulus_periods.build_periods`.
    existing
        What to do when the sample has periods of this type already.

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
    """Write the periods `frame` (see `nwb_schema.stimulus_periods.Periods`) of the stimulus type `column`.

    Raises
    ------
    StimulusError
        When the sample has periods of this type already and `existing` is ``refuse``.
    SampleError
        When it cannot be written, or does not read back as it should.
    """

    def edit(file: h5py.File) -> None:
        intervals = file.require_group(INTERVALS)
        there = intervals.get(column.key, getlink=True)
        if there is not None:
            if existing == "refuse" or local_hdf5.type_of(intervals[column.key]) != "TimeIntervals":
                raise StimulusError(
                    path, f"has periods of the type {column.name!r} already", "Replace them with --replace."
                )
            del intervals[column.key]
        description = " ".join(part for part in (column.description or f"Periods of {column.name}.",) if part)
        _write_table(intervals, column.key, f"{description} Loaded from {source}.", frame)

    edit_copy(path, edit, partial(_verify, key=column.key, frame=frame))


def read_stimuli(path: Path) -> dict[str, pd.DataFrame]:
    """The periods of a sample, ours or foreign: ``{key of the type: frame}``.

    Each frame has ``start_s``, ``stop_s``, ``name``, ``colour`` and then the other columns with one value a row.

    Raises
    ------
    SampleError
        When the file cannot be read.
    """
    with open_sample(path) as file:
        group = local_hdf5.local_group(file, INTERVALS)
        if group is None:
            return {}
        return {
            name: _as_periods(name, _columns(table)[0])
            for name, table in local_hdf5.local_children(group)
            if isinstance(table, h5py.Group) and local_hdf5.type_of(table) == "TimeIntervals"
        }


def read_intervals(path: Path, name: str | None = None) -> StimulusTable:
    """One table of intervals of any NWB file, as a table to load from: ``trials`` where `name` is not given.

    Raises
    ------
    StimulusError
        When the file has no such intervals.
    """
    with open_sample(path) as file:
        group = local_hdf5.local_group(file, INTERVALS)
        tables = {
            child: node
            for child, node in (() if group is None else local_hdf5.local_children(group))
            if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "TimeIntervals"
        }
        if name is None and len(tables) == 1:
            (name,) = tables
        name = "trials" if name is None else name
        if name not in tables:
            listed = ", ".join(tables) or "none at all"
            raise StimulusError(path, f"has no intervals called {name!r}", f"It has: {listed}.")
        columns, skipped = _columns(tables[name])
    notes = (f"Left out, because they hold more than one value a row: {', '.join(skipped)}.",) if skipped else ()
    return StimulusTable(pd.DataFrame(columns), f"{path.name} {name}", 1, True, notes)


def _columns(table: h5py.Group) -> tuple[dict[str, Any], list[str]]:
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


def _as_periods(name: str, columns: dict[str, Any]) -> pd.DataFrame:
    n_rows = len(next(iter(columns.values()), ()))
    unknown = np.full(n_rows, np.nan)
    label = next((found for found in _NAME_COLUMNS if found in columns), None)
    labels = [name] * n_rows if label is None else [str(value) for value in columns[label]]
    own = {text: PALETTE[number % len(PALETTE)] for number, text in enumerate(sorted(set(labels)))}
    frame = pd.DataFrame(
        {
            "start_s": np.asarray(columns.get("start_time", unknown), np.float64),
            "stop_s": np.asarray(columns.get("stop_time", unknown), np.float64),
            "name": pd.Series(labels, dtype=object),
            "colour": pd.Series(columns.get("colour", [own[text] for text in labels]), dtype=object),
        }
    )
    for column, values in columns.items():
        if column not in ("start_time", "stop_time", "colour", label):
            frame[column] = values
    return frame


def _write_table(parent: h5py.Group, name: str, description: str, frame: pd.DataFrame) -> None:
    """A TimeIntervals as pynwb writes it: a column that lacks its type or its place in ``colnames`` is not seen."""
    table = parent.create_group(name)
    stored = [_STORED.get(str(column), str(column)) for column in frame.columns]
    _mark(table, "core", "TimeIntervals", description)
    text = h5py.string_dtype("utf-8")
    table.attrs.create("colnames", np.array(stored, dtype=object), dtype=text)
    _dataset(table, "id", np.arange(len(frame), dtype=np.int64), "ElementIdentifiers", None)
    for column, target in zip(frame.columns, stored, strict=True):
        values = _values(frame[column])
        data = values.astype(text) if values.dtype.kind == "O" else values
        _dataset(table, target, data, "VectorData", _DESCRIPTIONS.get(target, f"{column} of the period, as loaded."))


def _dataset(table: h5py.Group, name: str, data: Any, neurodata_type: str, description: str | None) -> None:
    # Chunked, so that others can add rows; one chunk, because a table of periods is small.
    dataset = table.create_dataset(name, data=data, maxshape=(None,), chunks=(max(1, len(data)),))
    _mark(dataset, "hdmf-common", neurodata_type, description)


def _mark(node: h5py.Group | h5py.Dataset, namespace: str, neurodata_type: str, description: str | None) -> None:
    node.attrs["namespace"] = namespace
    node.attrs["neurodata_type"] = neurodata_type
    node.attrs["object_id"] = str(uuid.uuid4())
    if description is not None:
        node.attrs["description"] = description


def _verify(path: Path, *, key: str, frame: pd.DataFrame) -> None:
    problems = schema_problems(path)
    if problems:
        raise SampleError(path, f"would not be valid NWB ({problems[0]})", "Nothing was kept. Report this.")
    written = read_stimuli(path).get(key)
    same = (
        written is not None
        and list(written.columns) == list(frame.columns)
        and all(_equal(_values(written[name]), _values(frame[name])) for name in frame.columns)
    )
    if not same:
        raise SampleError(path, f"the periods {key!r} did not read back as written", "Nothing was kept. Report this.")


def _values(column: pd.Series[Any]) -> NDArray[Any]:
    """The column's cells, texts as objects, whichever of its kinds of text pandas has chosen."""
    values = column.to_numpy()
    return values if values.dtype.kind in "biuf" else np.array([str(value) for value in values], dtype=object)


def _equal(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
