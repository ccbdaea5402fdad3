"""Reopen a sample that was just written and compare it with what should be in it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
from numpy.typing import NDArray

from nwb_schema import reader
from nwb_schema.errors import SampleError
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.local_hdf5 import local_dataset
from nwb_schema.movie_file import MovieFile
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.segmentation import Segmentation

_REMEDY = "Nothing was kept. Try again; if it happens twice, report it with the results file."


def verify_sample(
    path: Path, *, segmentation: Segmentation, registered_movie: Path | None, shifts: NDArray[np.float32] | None
) -> None:
    """Check that `path` is valid NWB, that pynwb opens it, and that it holds exactly what it should.

    Raises
    ------
    SampleError
        On the first difference.
    """
    problems = schema_problems(path)
    if problems:
        raise SampleError(path, f"is not valid NWB ({problems[0]})", _REMEDY)
    _check_movie(path, registered_movie)
    summary = reader.read_summary(path)
    size = (summary.height, summary.width, *([summary.depth] if summary.depth else []))
    _same(path, "frame size", size, segmentation.shape)
    _same(path, "number of ROIs", summary.n_rois, segmentation.n_rois)
    rois = reader.read_rois(path)
    _same_array(path, "accept flags", rois["is_accepted"].to_numpy(bool), segmentation.accepted)
    written, expected = reader.read_footprints(path), segmentation.footprints
    _same(path, "footprints", written.shape, expected.shape)
    _same_array(path, "footprints", written.indptr, expected.indptr)
    _same_array(path, "footprints", written.indices, expected.indices)
    _same_array(path, "footprints", written.data, expected.data)
    _check_dense_mask(path, segmentation)
    for kind in reader.TRACE_KINDS:
        traces = getattr(segmentation, kind)
        if traces is not None:
            _same_array(path, f"{kind} traces", reader.read_traces(path, kind), traces)
    images = reader.read_images(path)
    for name, image in segmentation.images.items():
        _same_array(path, f"image {name}", images[name], np.asarray(image, np.float32))
    planes = reader.read_plane_images(path)
    for name, volume in segmentation.plane_images.items():
        _same_array(path, f"planes of {name}", planes.get(name), np.asarray(volume, np.float32))
    if shifts is not None:
        _same_array(path, "motion shifts", reader.read_shifts(path), np.asarray(shifts, np.float32))


def _check_movie(path: Path, registered_movie: Path | None) -> None:
    """The movie as plain pynwb sees it through the link, against the movie file itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pynwb.NWBHDF5IO(str(path), "r") as io:
            acquisition = io.read().acquisition
            if registered_movie is None:
                _same(path, "acquisition", len(acquisition), 0)
                return
            with MovieFile(registered_movie) as movie:
                n_frames, height, width, *planes = movie.shape
                data = next(iter(acquisition.values())).data
                expected = (n_frames, width, height, *planes)
                _same(path, "linked movie (n_frames, width, height[, depth])", tuple(data.shape), expected)
                last = movie.read(n_frames - 1, n_frames)[0]
                _same_array(path, "last frame of the linked movie", data[n_frames - 1], last.swapaxes(0, 1))


def _check_dense_mask(path: Path, segmentation: Segmentation) -> None:
    """The dense mask of the last ROI, which our own reader does not use."""
    with reader.open_sample(path) as file:
        dense = local_dataset(file, f"{PLANE_SEGMENTATION}/image_mask")
        if dense is not None and segmentation.n_rois:
            row = segmentation.n_rois - 1
            expected = segmentation.footprints[[row]].toarray().reshape(segmentation.shape)
            _same_array(path, "dense masks", dense[row].T, expected)


def _same(path: Path, what: str, written: Any, expected: Any) -> None:
    if written != expected:
        raise SampleError(path, f"the {what} read back as {written}, but should be {expected}", _REMEDY)


def _same_array(path: Path, what: str, written: NDArray[Any] | None, expected: NDArray[Any]) -> None:
    if expected.dtype == np.float64:
        expected = expected.astype(np.float32)  # single precision is what is stored
    if written is None or not np.array_equal(written, expected, equal_nan=written.dtype.kind == "f"):
        raise SampleError(path, f"the {what} did not read back as they were written", _REMEDY)
