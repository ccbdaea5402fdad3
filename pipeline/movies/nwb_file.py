"""Movies in NWB files: TwoPhotonSeries, OnePhotonSeries and ImageSeries, read only, with h5py.

h5py rather than pynwb or roiextractors' NwbImagingExtractor (which opens with pynwb), because pynwb refuses whole
files over a detail elsewhere in them, and reads a series whose linked movie is missing as empty without a word.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.hdf5_file import ArrayFrames, open_array
from pipeline.movies.layout import Layout, choose, fit_axes
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.source import FileFacts, FileRate, OpenOptions, checked_dtype, jsonable

_TYPES = ("TwoPhotonSeries", "OnePhotonSeries", "ImageSeries")
_SUBJECT = ("subject_id", "sex", "species", "age", "genotype", "strain", "weight", "description", "date_of_birth")
_METRES_TO_UM = {
    "meters": 1e6,
    "meter": 1e6,
    "m": 1e6,
    "micrometers": 1.0,
    "micrometer": 1.0,
    "microns": 1.0,
    "um": 1.0,
}


def open_nwb(path: Path, options: OpenOptions) -> ArrayFrames:
    """Open the movie in an NWB file.

    NWB's schema stores frames as (time, x, y[, z]); a file that holds (time, y, x) all the same opens right with
    ``axes="TYX"``.

    Parameters
    ----------
    options
        `dataset` names the series (``acquisition/TwoPhotonSeries``, or its last part) when there are several.

    Raises
    ------
    MovieError, AmbiguousAxesError
    """

    def find(file: h5py.File) -> tuple[h5py.Dataset, Layout, FileFacts]:
        series = _choose_series(path, file, options.dataset)
        data = _data(path, series)
        checked_dtype(path, data.dtype)
        layout = _layout(path, data, options)
        return data, layout, _facts(file, series, layout.n_frames)

    return open_array(path, options, find)


def _choose_series(path: Path, file: h5py.File, name: str | None) -> h5py.Group:
    found: list[h5py.Group] = []

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Group) and jsonable(item.attrs.get("neurodata_type")) in _TYPES:
            found.append(item)

    file.visititems(visit)
    listed = ", ".join(series.name.lstrip("/") for series in found)
    if name is not None:
        wanted = name.strip("/")
        matching = [series for series in found if wanted in (series.name.strip("/"), series.name.rsplit("/", 1)[-1])]
        if len(matching) != 1:
            raise MovieError(
                path, f"--dataset {name} is not one of its image series", f"Choose from: {listed or 'it has none'}."
            )
        return matching[0]
    if not found:
        raise MovieError(
            path, f"it holds no image series ({', '.join(_TYPES)})", "Choose an NWB file that holds the movie."
        )
    # Reference images of a segmentation are image series too; what was acquired goes first.
    for group in ([series for series in found if series.name.startswith("/acquisition/")], found):
        if len(group) == 1:
            return group[0]
        if group:
            raise AmbiguousAxesError(
                path, f"it holds {len(group)} image series", f"Choose one with --dataset: {listed}."
            )
    raise AssertionError("unreachable: `found` is not empty")


def _data(path: Path, series: h5py.Group) -> h5py.Dataset:
    external = series.get("external_file")
    try:
        data = series["data"]
    except (KeyError, OSError):
        data = None
    if data is None or 0 in (data.shape or (0,)):
        if external is not None:
            names = ", ".join(str(jsonable(name)) for name in np.ravel(external[()])[:5])
            raise MovieError(
                path, f"its series {series.name!r} keeps its frames in another file ({names})", "Open that file."
            )
        raise MovieError(
            path, f"its series {series.name!r} has no frames (or the file that it links to is missing)", "Restore it."
        )
    if data.ndim < 3:
        raise MovieError(
            path, f"its series {series.name!r} has shape {data.shape}, which is no movie", "Choose another."
        )
    return data


def _layout(path: Path, data: h5py.Dataset, options: OpenOptions) -> Layout:
    if options.axes is not None:
        return choose(path, fit_axes(path, options.axes, data.shape), data.shape, options)
    axes = {3: "TXY", 4: "TXYZ"}.get(data.ndim)
    if axes is None:
        raise AmbiguousAxesError(path, f"its frames have {data.ndim - 1} axes", "Name the axes with --axes.")
    return choose(path, axes, data.shape, options)


def _facts(file: h5py.File, series: h5py.Group, n_frames: int) -> FileFacts:
    rate, problem = _rate(series, n_frames)
    subject_group = file.get("general/subject")
    subject = {}
    if isinstance(subject_group, h5py.Group):
        values = {name: _scalar(subject_group, name) for name in _SUBJECT}
        subject = {name: str(value) for name, value in values.items() if value}
    data = series["data"]
    scaling = {name: jsonable(data.attrs[name]) for name in ("conversion", "offset", "unit") if name in data.attrs}
    return FileFacts(
        rate=rate,
        rate_problem=problem,
        metadata=MovieMetadata(
            session_start=_date(_scalar(file, "session_start_time")),
            source=f"NWB {series.name.lstrip('/')}",
            pixel_size_um=_pixel_size(series),
            subject=subject,
            extra={"nwb_identifier": _scalar(file, "identifier"), "nwb_data": scaling},
        ),
    )


def _rate(series: h5py.Group, n_frames: int) -> tuple[FileRate | None, str | None]:
    start = series.get("starting_time")
    if start is not None and "rate" in start.attrs:
        return FileRate(float(start.attrs["rate"]), "starting_time rate"), None
    if "timestamps" not in series:
        return None, None
    stamps = np.ravel(series["timestamps"][()]).astype(float)
    if len(stamps) != n_frames or n_frames < 2:
        return None, f"it has {len(stamps)} timestamps for {n_frames} frames, which give no frame rate"
    steps = np.diff(stamps)
    middle = float(np.median(steps))
    # A step that is half a frame off means a missing or doubled frame: then no single rate is true.
    if not np.isfinite(steps).all() or middle <= 0 or np.abs(steps - middle).max() > middle / 2:
        return None, "its timestamps are irregular, so that they give no frame rate"
    return FileRate((n_frames - 1) / (stamps[-1] - stamps[0]), "timestamps"), None


def _pixel_size(series: h5py.Group) -> tuple[float, ...] | None:
    """``(y, x[, z])`` um from the imaging plane's grid spacing, which NWB stores as x, y[, z]."""
    plane = series.get("imaging_plane")
    spacing = plane.get("grid_spacing") if isinstance(plane, h5py.Group) else None
    if spacing is None:
        return None
    values = np.ravel(spacing[()]).astype(float)
    scale = _METRES_TO_UM.get(str(jsonable(spacing.attrs.get("unit", "meters"))).lower())
    if scale is None or not 2 <= len(values) <= 3 or not (np.isfinite(values).all() and (values > 0).all()):
        return None
    x, y, *z = (float(value) * scale for value in values)
    return (y, x, *z)


def _scalar(group: h5py.Group, name: str) -> Any:
    item = group.get(name)
    if not isinstance(item, h5py.Dataset) or item.size != 1:
        return None
    return jsonable(np.ravel(item[()])[0] if item.shape else item[()])


def _date(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
