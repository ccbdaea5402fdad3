"""The movie as the model of its cells explains it: A C, the background, and what neither of them explains.

A movie is taken for ``Y = A C + B + noise`` (Pnevmatikakis et al. 2016), with footprints A and denoised traces C. The
background B is a few images times their traces, ``b f``, or in one-photon movies predicted from a ring around each
pixel (Zhou et al. 2018). All of it is computed frame by frame, when a frame is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import FluoriteError, SampleError
from nwb_schema.layout import DELETED, ORIGIN
from nwb_schema.movie_file import MovieFile
from nwb_schema.project import Project
from nwb_schema.reader import (
    read_background,
    read_footprints,
    read_provenance,
    read_rois,
    read_summary,
    read_traces,
    trace_kinds,
)
from pipeline.jobs.publication import RESULTS_NAME

if TYPE_CHECKING:
    from pipeline.engines.builtin.cnmfe.ring import RingBackground

Floats = NDArray[np.float32]

COMPUTED: Mapping[str, str] = {
    "background_subtracted": "The movie without its background: Y \u2212 B",
    "reconstructed": "What the cells explain: footprints times denoised traces, A C",
    "residual": "What neither cells nor background explain: Y \u2212 A C \u2212 B",
    "background": "The background alone: B",
}
"""Views that are computed, and what they are."""

# Drawn cells have the mean inside them for a trace, whose product with the mask is no part of the movie.
_NOT_OF_THE_MODEL = ("manual",)
_NO_BACKGROUND = "so the movie cannot be shown without it"


@dataclass(frozen=True)
class LowRank:
    """A background of few components: images ``(n, n_pixels)`` times traces ``(n, n_frames)``."""

    images: Floats
    traces: Floats


@dataclass(frozen=True)
class Model:
    """What a movie was taken apart into.

    Attributes
    ----------
    shape
        ``(height, width)``, of volumes ``(height, width, depth)``.
    footprints, traces
        A ``(n, n_pixels)``, pixels in C order, and C ``(n, n_frames)``.
    background
        B, or None where there is none to be had; `no_background` then says why, as a clause.
    """

    shape: tuple[int, ...]
    footprints: sparse.csr_array
    traces: Floats
    background: LowRank | RingBackground | None
    no_background: str = ""


def cells(model: Model, start: int, stop: int) -> Floats:
    """A C of the frames `start` to `stop`: ``(stop - start, height, width[, depth])``."""
    flat = model.footprints.T @ model.traces[:, start:stop]
    return np.ascontiguousarray(flat.T, dtype=np.float32).reshape(stop - start, *model.shape)


def computed(view: str, model: Model, movie: Floats, start: int) -> Floats:
    """A view of frames of the movie.

    Parameters
    ----------
    view
        Of `COMPUTED`.
    movie
        ``(n, height, width[, depth])`` float32: the registered movie from frame `start` on. Not looked at for
        ``reconstructed``.

    Raises
    ------
    ValueError
        When there is no such view, or it needs a background that the model does not have.
    """
    if view not in COMPUTED:
        raise ValueError(f"view must be one of {tuple(COMPUTED)}, not {view!r}")
    stop = start + len(movie)
    active = cells(model, start, stop)
    if view == "reconstructed":
        return active
    if model.background is None:
        raise ValueError(f"the view {view!r} needs a background")
    if isinstance(model.background, LowRank):
        flat = model.background.traces[:, start:stop].T @ model.background.images
        background = flat.reshape(movie.shape).astype(np.float32)
    else:
        # The ring sees what the cells leave; pixels of which nothing is known count as 0, as they did for the engine.
        left = np.nan_to_num(movie) - active
        background = left - model.background.subtract(left)
    if view == "background":
        return background
    without = movie - background
    return without if view == "background_subtracted" else without - active


def read_model(project: Project, path: Path) -> Model:
    """The model of a sample's movie: all of its ROIs, accepted or not, but deleted and drawn ones.

    The background is in the sample; that of a one-photon movie is only in the results file of its job.

    Raises
    ------
    SampleError
        When the sample has no cells, no denoised traces or no size of a frame.
    """
    summary = read_summary(path)
    if not (summary.height and summary.width):
        raise SampleError(path, "does not say how large a frame is", "Its masks cannot be placed in an image.")
    if "denoised" not in trace_kinds(path) or summary.n_rois == 0:
        raise SampleError(
            path, "has no cells with denoised traces (C)", "Process its movie, or import results that have them."
        )
    shape = (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())
    rois = read_rois(path)
    there = ~rois[DELETED].to_numpy(dtype=bool)
    if ORIGIN in rois:
        there &= ~rois[ORIGIN].isin(_NOT_OF_THE_MODEL).to_numpy(dtype=bool)
    rows = np.flatnonzero(there)
    footprints = sparse.csr_array(read_footprints(path)[rows])
    traces = np.nan_to_num(read_traces(path, "denoised", rows.tolist()))
    background, problem = _background(project, path, shape)
    return Model(shape, footprints, traces, background, problem)


def _background(project: Project, path: Path, shape: tuple[int, ...]) -> tuple[LowRank | RingBackground | None, str]:
    """The background, or why there is none."""
    stored = read_background(path)
    if stored is not None:
        return LowRank(*stored), ""
    # Of another result that took the segmentation's place, no job is recorded; the first one's background is not its.
    job = str(read_provenance(path).get("job_id") or "")
    results = project.batch_dir / job / RESULTS_NAME
    if not job:
        return None, f"the sample holds no background, and does not say which results file has it, {_NO_BACKGROUND}"
    if not results.is_file():
        where = results.relative_to(project.folder)
        return None, f"its background is only in its results file, and {where} is not there any more, {_NO_BACKGROUND}"
    # Imported when it is needed, because it brings the engine, which takes a second.
    from pipeline.engines.builtin.cnmfe.ring import RingBackground
    from pipeline.results import read_ring

    try:
        ring = read_ring(results)
    except FluoriteError as error:
        return None, f"its results file cannot be read ({error.cause}), {_NO_BACKGROUND}"
    if ring is None or len(shape) != 2:
        return None, f"neither the sample nor its results file holds a background, {_NO_BACKGROUND}"
    height, width = shape
    ssub = -(-height // ring.small_shape[0])
    if (-(-height // ssub), -(-width // ssub)) != ring.small_shape or len(ring.offset) != height * width:
        return None, f"the background in its results file is of another size of frame, {_NO_BACKGROUND}"
    return RingBackground((height, width), ssub, ring.weights, ring.offset), ""


class ComputedView:
    """A view of a sample's movie, computed when frames are read; see `pipeline.viewing.frames.View`.

    Raises
    ------
    SampleError
        When the model lacks what the view needs, or does not fit the movie.
    """

    def __init__(self, view: str, sample: Path, movie: Path, model: Model) -> None:
        self.path = sample
        if model.background is None and view != "reconstructed":
            raise SampleError(sample, model.no_background, "Choose the view of the cells alone, which needs none.")
        self._view, self._model = view, model
        self._movie = MovieFile(movie)
        self.shape, self.rate_hz = self._movie.shape, self._movie.rate_hz
        if self.shape != (model.traces.shape[1], *model.shape):
            self._movie.close()
            raise SampleError(
                sample,
                f"has traces of {model.traces.shape[1]} frames of {model.shape}, but its movie is {self.shape}",
                "Process the movie again.",
            )

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames `start` to `stop` (exclusive) as ``(stop - start, height, width[, depth])`` float32."""
        if self._view == "reconstructed":
            return cells(self._model, start, stop)
        movie = np.ascontiguousarray(self._movie.read(start, stop), dtype=np.float32)
        return computed(self._view, self._model, movie, start)

    def close(self) -> None:
        """Release the movie's file handle."""
        self._movie.close()
