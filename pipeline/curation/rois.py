"""Merge, split and add ROIs of a sample: what pages, the command line and scripts call.

Each function makes one edit (`nwb_schema.edits`): journalled, undone and done again like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.columns import ColumnKind
from nwb_schema.edits import Committed, EditKind, NewRois, RoiArrays, commit
from nwb_schema.errors import EditError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import (
    read_footprints,
    read_rois,
    read_summary,
    read_traces,
    registered_movie_path,
    trace_kinds,
)
from pipeline.curation.merging import merged
from pipeline.curation.neuropil import Neuropil
from pipeline.curation.splitting import parts_of, split_traces
from pipeline.curation.traces import Report, all_traces, mean_in_masks


def merge_rois(
    project: Project,
    path: Path,
    rois: Sequence[str],
    *,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
) -> Committed:
    """Make one ROI of several; these get marked deleted. See `pipeline.curation.merging.merged` for how.

    Parameters
    ----------
    rois
        ``roi_uuid`` of two or more.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

    Raises
    ------
    EditError
        When there are fewer than two, one is not there or deleted, or others edited the sample meanwhile.
    """
    parts = tuple(dict.fromkeys(rois))
    if len(parts) < 2:
        raise EditError("merge", "one ROI alone cannot be merged", "Give two or more.")
    rows = _rows(path, parts)
    kinds = trace_kinds(path)
    footprint, traces = merged(read_footprints(path)[rows], {kind: read_traces(path, kind, rows) for kind in kinds})
    arrays = RoiArrays(_shape(path), footprint, traces)
    edit = NewRois(EditKind.MERGE, arrays, parts, replacements=_replacements(project))
    return commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)


def split_roi(
    project: Project,
    path: Path,
    roi: str,
    *,
    actor: str,
    masks: NDArray[np.bool_] | None = None,
    n_parts: int | None = None,
    reason: str = "",
    based_on: str | None = None,
) -> Committed:
    """Make several ROIs of one, which gets marked deleted. See `pipeline.curation.splitting` for how.

    Parameters
    ----------
    roi
        ``roi_uuid``.
    masks
        ``(n, height, width)``: which pixels belong to which part.
    n_parts
        How many, where `masks` does not say; None: its connected pieces, or two.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

    Raises
    ------
    EditError
        When the ROI is not there or deleted, or there is nothing to split.
    """
    rows = _rows(path, (roi,))
    shape = _shape(path)
    whole = read_footprints(path)[rows]
    dense = parts_of(whole.toarray().reshape(shape), n_parts, masks)
    parts = sparse.csr_array(dense.reshape(len(dense), -1))
    traces = {kind: read_traces(path, kind, rows) for kind in trace_kinds(path)}
    found = split_traces(whole, parts, traces, _movie(path))
    edit = NewRois(EditKind.SPLIT, RoiArrays(shape, parts, found), (roi,), replacements=_replacements(project))
    return commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)


def add_rois(
    project: Project,
    path: Path,
    masks: sparse.csr_array | NDArray[Any],
    *,
    actor: str,
    neuropil: Neuropil | None = None,
    reason: str = "",
    based_on: str | None = None,
    report: Report = lambda _: None,
) -> Committed:
    """Add ROIs that a person drew. Their fluorescence is the mean of the registered movie in each mask.

    Without a movie they get no traces (not a number).

    Parameters
    ----------
    masks
        ``(n, height, width)``, or sparse ``(n, n_pixels)`` with pixels in C order; weights count.
    neuropil
        Take off what surrounds them; None: do not.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.
    report
        Told which part of the movie has been read.

    Raises
    ------
    EditError
        When the masks do not fit the sample's frames.
    """
    shape = _shape(path)
    footprints = _as_footprints(masks, shape)
    movie = _movie(path) if len(shape) == 2 else None
    traces = {}
    if movie is not None:
        others = read_footprints(path) if neuropil is not None else None
        plane = (shape[0], shape[1])
        raw = mean_in_masks(movie, footprints, plane, others=others, neuropil=neuropil, report=report)
        traces = all_traces(raw)
    edit = NewRois(EditKind.ADD, RoiArrays(shape, footprints, traces), replacements=_replacements(project))
    return commit(project, path, edit, actor=actor, reason=reason, based_on=based_on)


def plane_of(path: Path) -> tuple[int, int]:
    """``(height, width)`` of the frames of a sample in which ROIs can be drawn.

    Raises
    ------
    EditError
        When the sample is a volume.
    """
    shape = _shape(path)
    if len(shape) != 2:
        raise EditError(path, "is a volume, in which no plane can be drawn on", "Give masks from Python.")
    return shape[0], shape[1]


def _rows(path: Path, rois: Sequence[str]) -> list[int]:
    known = {roi: row for row, roi in enumerate(read_rois(path)["roi_uuid"])}
    for roi in rois:
        if roi not in known:
            raise EditError(roi[:60], "the sample has no such ROI", "List them with: fluorite rois DIR")
    return [known[roi] for roi in rois]


def _shape(path: Path) -> tuple[int, ...]:
    summary = read_summary(path)
    if summary.height is None or summary.width is None:
        raise SampleError(path, "does not say how large a frame is", "ROIs cannot be placed in it.")
    return (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())


def _as_footprints(masks: sparse.csr_array | NDArray[Any], shape: tuple[int, ...]) -> sparse.csr_array:
    n_pixels = int(np.prod(shape))
    if isinstance(masks, np.ndarray):
        if masks.shape[1:] != shape:
            raise EditError("the masks", f"have the shape {masks.shape[1:]}, the frames {shape}", "Draw them anew.")
        masks = sparse.csr_array(masks.reshape(len(masks), -1).astype(np.float32))
    found = sparse.csr_array(masks, dtype=np.float32)
    if not np.isfinite(found.data).all() or (found.data < 0).any():
        raise EditError("the masks", "have weights that are negative or not numbers", "Give weights from 0 on.")
    if found.shape[1] != n_pixels or found.shape[0] == 0 or not (np.asarray(found.sum(axis=1)) > 0).all():
        raise EditError(
            "the masks", f"are empty, or do not fit frames of {' x '.join(map(str, shape))}", "Draw them anew."
        )
    return found


def _movie(path: Path) -> Path | None:
    try:
        return registered_movie_path(path) if read_summary(path).has_movie else None
    except SampleError:
        return None


def _replacements(project: Project) -> dict[str, Any]:
    return {column.key: column.replacement for column in project.columns(ColumnKind.ROI_TAG)}
