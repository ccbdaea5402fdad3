"""What the catalogue stores of one file, read once: the sample, its ROIs, or why not."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nwb_schema import reader
from nwb_schema.catalogue_columns import ROI_COLUMNS
from nwb_schema.errors import SampleError
from nwb_schema.linked_movie import movie_link
from nwb_schema.local_hdf5 import outside_links


@dataclass(frozen=True)
class Entry:
    """One file.

    Attributes
    ----------
    sample
        Values of a `nwb_schema.reader.SampleSummary` by name; None when the file cannot be read at all.
    rois
        One dictionary per ROI.
    movie
        File name of the linked movie, or None.
    problem
        What is wrong with the file, or None.
    """

    sample: dict[str, Any] | None
    rois: Sequence[dict[str, Any]]
    movie: str | None
    problem: str | None


def read_entry(path: Path) -> Entry:
    """Read a file for the catalogue. Nothing that is wrong with it is raised: it is the entry's `problem`."""
    try:
        summary = reader.read_summary(path)
        movie = _movie_name(path)
        sample = {
            name: getattr(summary, name) for name in summary.__dataclass_fields__ if name not in ("path", "notes")
        }
        sample["name"] = path.name
        # Ours were opened with pynwb when they were written; that takes seconds, h5py milliseconds.
        problem = None if summary.is_ours else _foreign_problem(path)
    except SampleError as error:
        return Entry(None, (), None, error.cause)
    try:
        rois = _rois(path)
    except SampleError as error:
        return Entry(sample, (), movie, problem or error.cause)
    except MemoryError:
        return Entry(sample, (), movie, problem or "its table of ROIs needs more memory than there is")
    return Entry(sample, rois, movie, problem)


def _rois(path: Path) -> list[dict[str, Any]]:
    frame = reader.read_rois(path)
    frame["tags"] = _tags(frame)
    columns = {name: [_known(value) for value in frame[name].tolist()] for name in ROI_COLUMNS}
    return [dict(zip(columns, row, strict=True), name=path.name) for row in zip(*columns.values(), strict=True)]


def _tags(frame: pd.DataFrame) -> list[str]:
    """The columns of the table that are not the catalogue's own, as one JSON object per ROI."""
    others = {str(name): [_known(v) for v in frame[name].tolist()] for name in frame.columns if name not in ROI_COLUMNS}
    if not others:
        return ["{}"] * len(frame)
    return [
        json.dumps(dict(zip(others, row, strict=True)), ensure_ascii=False)
        for row in zip(*others.values(), strict=True)
    ]


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _movie_name(path: Path) -> str | None:
    with reader.open_sample(path) as file:
        link = movie_link(file)
        return None if link is None else Path(str(link.filename)).name


def _foreign_problem(path: Path) -> str | None:
    """Why a file that others wrote should not be relied on: it leads elsewhere, or pynwb refuses it."""
    with reader.open_sample(path) as file:
        outside = outside_links(file)
    if outside:
        # pynwb would open that file; what a stranger's sample points at stays closed.
        name, target = outside[0]
        return f"{name} leads to another file ({target}), which is not followed"
    from nwb_schema.pynwb_check import pynwb_refusal  # imports pynwb, which takes a second

    return pynwb_refusal(path)
