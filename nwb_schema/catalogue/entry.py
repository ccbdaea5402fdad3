"""What the catalogue stores of one file, read once: the sample, its ROIs, or why not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.catalogue_columns import ROI_COLUMNS, TABLE_PREFIX
from nwb_schema.column_values import ColumnValues
from nwb_schema.errors import SampleError
from nwb_schema.layout import CUSTOM_COLUMNS, EVENTS, FLUORITE, INTERVALS
from nwb_schema.limits import require_readable
from nwb_schema.linked_movie import movie_link
from nwb_schema.local_hdf5 import outside_links
from nwb_schema.reader import open_sample, roi_columns
from nwb_schema.sample_summary import SampleSummary, summarise
from nwb_schema.stored_masks import find_segmentation

_SUMMARY = tuple(item.name for item in fields(SampleSummary) if item.name not in ("path", "notes"))
# NWB's own tables of intervals that are no stimuli of anybody's.
_NO_STIMULI = {"invalid_times"}


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes
    ----------
    sample
        Values of a `nwb_schema.reader.SampleSummary` by name; None when the file cannot be read at all.
    custom
        Values of custom columns by key.
    stimuli
        Number of periods and moments by key of the stimulus type.
    rois
        One column of the ROIs each: those of `ROI_COLUMNS` by name, every other one of the table by `TABLE_PREFIX` and
        its name there.
    movie
        File name of the linked movie, or None.
    problem
        What is wrong with the file, or None.
    """

    sample: dict[str, Any] | None
    custom: Mapping[str, Any] = field(default_factory=dict)
    stimuli: Mapping[str, int] = field(default_factory=dict)
    rois: Mapping[str, ColumnValues] = field(default_factory=dict)
    movie: str | None = None
    problem: str | None = None

    @property
    def n_rois(self) -> int:
        """Number of ROIs that are listed."""
        return len(next(iter(self.rois.values()), ()))


def read_entry(path: Path) -> Entry:
    """Read a file for the catalogue. Nothing that is wrong with it is raised: it is the entry's `problem`."""
    try:
        with open_sample(path) as file:
            rois = _rois(file)
            found, is_ours = _sample(path, file, rois)
        # Ours were opened with pynwb when they were written; that takes seconds, h5py milliseconds.
        return Entry(**found, rois=rois, problem=None if is_ours else _foreign_problem(path))
    except SampleError as error:
        problem = error.cause
    except MemoryError:
        problem = "its table of ROIs needs more memory than there is"
    try:
        # A sample whose ROIs cannot be read is listed all the same.
        with open_sample(path) as file:
            return Entry(**_sample(path, file)[0], problem=problem)
    except SampleError:
        return Entry(None, problem=problem)


def _sample(path: Path, file: h5py.File, rois: Mapping[str, ColumnValues] | None = None) -> tuple[dict[str, Any], bool]:
    """The fields of an `Entry` but for its ROIs, and whether the file is ours."""
    summary = summarise(path, file, None if rois is None else _counts(rois))
    sample = {name: _known(getattr(summary, name)) for name in _SUMMARY}
    sample["configuration_version"] = _known(local_hdf5.scalar(file, f"{FLUORITE}/configuration_version"))
    found = {"sample": sample, "movie": _movie_name(file), "custom": _custom_values(file), "stimuli": _stimuli(file)}
    return found, summary.is_ours


def _counts(rois: Mapping[str, ColumnValues]) -> tuple[int, int, bool]:
    """Number of ROIs, those that count as cells and are not deleted, and whether anything decided that."""
    if not rois:
        return 0, 0, False
    accepted = rois["is_accepted"].data & ~rois["deleted"].data
    return len(accepted), int(accepted.sum()), bool(len(accepted) and rois["evaluated"].data.all())


def _rois(file: h5py.File) -> dict[str, ColumnValues]:
    table = find_segmentation(file)
    if table is None:
        return {}
    n_rois, own, others = roi_columns(table)
    own["index"] = np.arange(n_rois)
    found = {name: _column(own[name]) for name in ROI_COLUMNS if name in own}
    return found | {f"{TABLE_PREFIX}{name}": _column(values) for name, values in others.items()}


def _column(values: Any) -> ColumnValues:
    if isinstance(values, list):
        return ColumnValues.texts(values)
    return ColumnValues.flags(values) if values.dtype.kind == "b" else ColumnValues.numbers(values)


def _custom_values(file: h5py.File) -> dict[str, Any]:
    table = local_hdf5.local_group(file, CUSTOM_COLUMNS)
    found: dict[str, Any] = {}
    if table is not None:
        for name in (local_hdf5.as_text(name) for name in table.attrs.get("colnames", ())):
            value = local_hdf5.scalar(table, name)
            if value is not None:
                plain = local_hdf5.as_text(value) if isinstance(value, (bytes, str)) else value.item()
                found[name] = _known(plain)
    return found


def _stimuli(file: h5py.File) -> dict[str, int]:
    """Number of rows of every table of intervals and events."""
    found: dict[str, int] = {}
    for place, kind in ((INTERVALS, "TimeIntervals"), (EVENTS, "EventsTable")):
        group = local_hdf5.local_group(file, place)
        for name, table in () if group is None else local_hdf5.local_children(group):
            ids = local_hdf5.local_dataset(table, "id") if isinstance(table, h5py.Group) else None
            if ids is not None and local_hdf5.type_of(table) == kind and name not in _NO_STIMULI:
                require_readable(ids)
                found[name] = found.get(name, 0) + int(ids.size)
    return found


def _known(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _movie_name(file: h5py.File) -> str | None:
    link = movie_link(file)
    return None if link is None else Path(str(link.filename)).name


def _foreign_problem(path: Path) -> str | None:
    """Why a file that others wrote should not be relied on: it leads elsewhere, or pynwb refuses it."""
    try:
        with open_sample(path) as file:
            outside = outside_links(file)
    except SampleError as error:
        return error.cause
    if outside:
        # pynwb would open that file; what a stranger's sample points at stays closed.
        name, target = outside[0]
        return f"{name} leads to another file ({target}), which is not followed"
    from nwb_schema.pynwb_check import pynwb_refusal  # imports pynwb, which takes a second

    return pynwb_refusal(path)
