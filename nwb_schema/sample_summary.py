"""What a list of samples shows of one, read from an open file; unknown in a foreign file is None."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.layout import DELETED, FLUORITE, TRACES
from nwb_schema.limits import MAX_FRAME_PIXELS, MAX_FRAMES, MAX_NAME_BYTES, require_at_most, require_readable
from nwb_schema.linked_movie import movie_link, movie_problem
from nwb_schema.pixel_size import UM_PER_UNIT
from nwb_schema.stored_masks import accept_flags, count_rois, find_images, find_segmentation
from nwb_schema.stored_traces import find_series


@dataclass(frozen=True)
class SampleSummary:
    """One sample in a list.

    Attributes
    ----------
    path, identifier
        The file, and the UUID that never changes.
    session_start_time
        ISO 8601 with time zone, as stored.
    rate_hz, n_frames, duration_s
        Frames per second, number of frames, seconds.
    height, width, depth
        Pixels of a frame; `depth` is None for a plane.
    n_rois, n_accepted, evaluated
        Components, those that count as cells and are not deleted, and whether anything decided that.
    is_ours
        Whether Fluorite wrote it.
    has_movie, movie_problem
        Whether its registered movie can be shown, and if not, why, in one line.
    notes
        What was assumed or not at hand when it was made.
    """

    path: Path
    identifier: str
    subject_id: str | None
    session_id: str | None
    session_start_time: str | None
    session_description: str | None
    rate_hz: float | None
    n_frames: int | None
    height: int | None
    width: int | None
    depth: int | None
    duration_s: float | None
    n_rois: int
    n_accepted: int
    evaluated: bool
    engine: str | None
    engine_version: str | None
    parameters_sha256: str | None
    input_sha256: str | None
    one_photon: bool | None
    has_movie: bool
    movie_problem: str | None
    indicator: str | None
    location: str | None
    is_ours: bool
    notes: tuple[str, ...] = ()


def summarise(path: Path, file: h5py.File, counts: tuple[int, int, bool] | None = None) -> SampleSummary:
    """The summary of the open sample `file`; `path` tells where its movie would be.

    Parameters
    ----------
    counts
        Number of ROIs, how many count as cells, and whether anything decided that, for who knows them already.
    """
    ours = local_hdf5.local_group(file, FLUORITE)
    own = _Fields(ours)
    height, width, depth = _frame_shape(own, file)
    sizes = [abs(size) for size in (height, width, depth) if size]
    require_at_most("a frame", math.prod(sizes), MAX_FRAME_PIXELS, "pixels")
    rate_hz = own.number("rate_hz") or _foreign_rate(file)
    n_frames = own.integer("n_frames")
    if n_frames is None:
        n_frames = _foreign_frames(file)
    require_at_most("the recording", n_frames or 0, MAX_FRAMES, "frames")
    n_rois, n_accepted, evaluated = _counts(file) if counts is None else counts
    problem = _movie_problem(path, file, (n_frames, height, width, *([depth] if depth else [])))
    return SampleSummary(
        path=path,
        identifier=local_hdf5.name_text(file, "identifier") or "",
        subject_id=local_hdf5.name_text(file, "general/subject/subject_id"),
        session_id=local_hdf5.name_text(file, "general/session_id"),
        session_start_time=_iso(local_hdf5.name_text(file, "session_start_time")),
        session_description=local_hdf5.text(file, "session_description"),
        rate_hz=rate_hz,
        n_frames=n_frames,
        height=height,
        width=width,
        depth=depth,
        duration_s=n_frames / rate_hz if n_frames is not None and rate_hz else None,
        n_rois=n_rois,
        n_accepted=n_accepted,
        evaluated=evaluated,
        engine=own.text("engine"),
        engine_version=own.text("engine_version"),
        parameters_sha256=own.text("parameters_sha256"),
        input_sha256=own.text("input_sha256"),
        one_photon=own.boolean("one_photon"),
        has_movie=problem is None,
        movie_problem=problem,
        indicator=_plane_text(file, "indicator"),
        location=_plane_text(file, "location"),
        is_ours=ours is not None,
        notes=() if ours is None else local_hdf5.texts(ours, "notes"),
    )


class _Fields:
    """The fields of our extension, or nothing in a foreign file."""

    def __init__(self, group: h5py.Group | None) -> None:
        self._group = group

    def value(self, name: str) -> Any:
        return None if self._group is None else local_hdf5.scalar(self._group, name, MAX_NAME_BYTES)

    def text(self, name: str) -> str | None:
        value = self.value(name)
        return None if value is None else local_hdf5.as_text(value)

    def number(self, name: str) -> float | None:
        value = self.value(name)
        return None if value is None else float(value)

    def integer(self, name: str) -> int | None:
        value = self.value(name)
        return None if value is None else int(value)

    def boolean(self, name: str) -> bool | None:
        value = self.value(name)
        return None if value is None else bool(value)

    def shape(self) -> tuple[int, ...]:
        data = None if self._group is None else local_hdf5.local_dataset(self._group, "frame_shape")
        if data is None:
            return ()
        require_readable(data)
        return tuple(int(size) for size in np.asarray(data[()]).reshape(-1))


def _frame_shape(own: _Fields, file: h5py.File) -> tuple[int | None, int | None, int | None]:
    """``(height, width, depth)``: as we recorded it, else of an image, a dense mask or the embedded movie."""
    shape = own.shape()
    if len(shape) >= 2:
        return shape[0], shape[1], shape[2] if len(shape) == 3 else None
    for image in find_images(file).values():
        return int(image.shape[1]), int(image.shape[0]), None
    table = find_segmentation(file)
    dense = None if table is None else local_hdf5.local_dataset(table, "image_mask")
    if dense is not None and dense.ndim == 3:
        return int(dense.shape[2]), int(dense.shape[1]), None
    for series in _movie_series(file):
        data = local_hdf5.local_dataset(series, "data")
        if data is not None and data.ndim == 3 and data.size:
            return int(data.shape[2]), int(data.shape[1]), None
    return None, None, None


def _counts(file: h5py.File) -> tuple[int, int, bool]:
    """Number of ROIs, how many count as cells, and whether anything decided that."""
    table = find_segmentation(file)
    if table is None:
        return 0, 0, False
    n_rois = count_rois(table)
    accepted, evaluated = accept_flags(table, n_rois)
    deleted = local_hdf5.local_dataset(table, DELETED)
    if deleted is not None and deleted.shape == (n_rois,) and deleted.dtype.kind in "biu":
        accepted = accepted & ~np.asarray(deleted[()], dtype=bool)
    return n_rois, int(accepted.sum()), bool(n_rois and evaluated.all())


def _movie_series(file: h5py.File) -> Iterator[h5py.Group]:
    acquisition = local_hdf5.local_group(file, "acquisition")
    if acquisition is not None:
        for _, node in local_hdf5.local_children(acquisition):
            if isinstance(node, h5py.Group) and local_hdf5.type_of(node) in ("TwoPhotonSeries", "OnePhotonSeries"):
                yield node


def _movie_problem(path: Path, file: h5py.File, shape: tuple[int | None, ...]) -> str | None:
    link = movie_link(file)
    if link is None and any(local_hdf5.local_dataset(series, "data") is not None for series in _movie_series(file)):
        return "its movie is not a registered movie of this project"
    return movie_problem(path, link, shape)


def _trace_series(file: h5py.File) -> Iterator[h5py.Group]:
    for kind in TRACES:
        series = find_series(file, kind)
        if series is not None:
            yield series


def _foreign_frames(file: h5py.File) -> int | None:
    for series in (*_trace_series(file), *_movie_series(file)):
        data = local_hdf5.local_dataset(series, "data")
        if data is not None and data.ndim >= 1 and data.size:
            return int(data.shape[0])
    return None


def _foreign_rate(file: h5py.File) -> float | None:
    # The plane before the series: OptiNiSt writes a rate of 1.0 into every series.
    plane = _first_plane(file)
    rate = None if plane is None else local_hdf5.scalar(plane, "imaging_rate")
    if rate is not None and np.isfinite(rate) and rate > 0:
        return float(rate)
    for series in (*_trace_series(file), *_movie_series(file)):
        start = local_hdf5.local_dataset(series, "starting_time")
        if start is not None and float(start.attrs.get("rate", 0)) > 0:
            return float(start.attrs["rate"])
    return None


def _first_plane(file: h5py.File) -> h5py.Group | None:
    planes = local_hdf5.local_group(file, "general/optophysiology")
    if planes is None:
        return None
    return next((node for _, node in local_hdf5.local_children(planes) if isinstance(node, h5py.Group)), None)


def _plane_text(file: h5py.File, name: str) -> str | None:
    plane = _first_plane(file)
    return None if plane is None else local_hdf5.name_text(plane, name)


def is_volume(file: h5py.File) -> bool:
    """Whether frames have several planes."""
    return _frame_shape(_Fields(local_hdf5.local_group(file, FLUORITE)), file)[2] is not None


def pixel_size_um(file: h5py.File) -> tuple[float, float] | None:
    """Size of a pixel in micrometres as (y, x), or None where the file does not say; NWB stores (x, y)."""
    spacing = _grid_spacing_um(file)
    return None if spacing is None else (spacing[1], spacing[0])


def plane_spacing_um(file: h5py.File) -> float | None:
    """Distance of the planes of a volume in micrometres, or None where the file does not say."""
    spacing = _grid_spacing_um(file)
    return spacing[2] if spacing is not None and len(spacing) == 3 and _is_length(spacing[2]) else None


def _grid_spacing_um(file: h5py.File) -> list[float] | None:
    """``(x, y[, z])``; None where pixels have no size."""
    plane = _first_plane(file)
    spacing = None if plane is None else local_hdf5.local_dataset(plane, "grid_spacing")
    if spacing is None or spacing.ndim != 1 or not 2 <= spacing.shape[0] <= 3:
        return None
    unit = local_hdf5.as_text(spacing.attrs.get("unit", "meters"))
    to_um = UM_PER_UNIT.get(unit)
    sizes = [float(value) for value in spacing[:]]
    if to_um is None or not (_is_length(sizes[0]) and _is_length(sizes[1])):
        return None
    return [size * to_um for size in sizes]


def _is_length(size: float) -> bool:
    return math.isfinite(size) and size > 0


def _iso(text: str | None) -> str | None:
    """The time as ISO 8601, or as it stands where it is none."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        return text
