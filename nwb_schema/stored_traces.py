"""Where a file keeps its traces, and which ROI each of them belongs to, in our files and in foreign ones."""

from __future__ import annotations

from collections.abc import Iterator

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.layout import TRACES

_MAX_DEPTH = 3
# What others call their series; whatever is named otherwise counts as raw fluorescence.
_WORDS = {
    "dff": ("dff", "df_f", "dfoverf", "df/f"),
    "deconvolved": ("deconv", "spike", "event", "inferred"),
    "denoised": ("denois",),
    None: ("neuropil", "background", "corrected_mask"),
}


def find_series(file: h5py.File, kind: str) -> h5py.Group | None:
    """The series of the traces of a kind (`nwb_schema.layout.TRACE_KINDS`), or None.

    Where we put it; in a foreign file the first RoiResponseSeries in ``processing``, else in ``acquisition``, whose
    name and place sound like it.
    """
    ours = local_hdf5.local_group(file, TRACES[kind])
    if ours is not None:
        return ours
    known = set(TRACES.values())
    for series in _all_series(file):
        if series.name.strip("/") not in known and _kind(series) == kind:
            return series
    return None


def trace_rows(series: h5py.Group, n_rois: int) -> NDArray[np.int64] | None:
    """The row in the table of ROIs of each column of ``data``; None when they are the same.

    Others give traces of some ROIs alone: OptiNiSt, of those that it takes for cells.
    """
    region = local_hdf5.local_dataset(series, "rois")
    if region is None or region.ndim != 1:
        return None
    rows = np.asarray(region[()], dtype=np.int64)
    return None if np.array_equal(rows, np.arange(n_rois)) else rows


def _kind(series: h5py.Group) -> str | None:
    names = str(series.name).lower().split("/")
    for kind, words in _WORDS.items():
        if any(word in name for name in names[2:] for word in words):
            return kind
    return "raw"


def _all_series(file: h5py.File) -> Iterator[h5py.Group]:
    for place in ("processing", "acquisition"):
        top = local_hdf5.local_group(file, place)
        level = [] if top is None else [top]
        for _ in range(_MAX_DEPTH):
            level = [
                child
                for group in level
                for _, child in local_hdf5.local_children(group)
                if isinstance(child, h5py.Group)
            ]
            yield from (group for group in level if local_hdf5.type_of(group) == "RoiResponseSeries")
