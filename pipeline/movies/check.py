"""Is a movie fit to be processed? What the reader lets pass because looking at it needs no more than a frame."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.movie import Movie

_BLOCK_BYTES = 64 << 20
"""How much of the movie to hold at a time."""
LARGEST_PIXEL = 1e15
"""The engines compute in float32, which ends at 3.4e38: squares of pixels, and sums of them, have to fit it."""


def check_movie(
    movie: Movie,
    minimum_frames: int,
    *,
    allow_non_finite: bool = False,
    progress: Callable[[float], None] = lambda done: None,
) -> None:
    """Refuse a movie that is too short, or holds pixels that are not numbers or too large to compute with.

    Only movies of floating-point pixels, or of integers of eight bytes, are read for it, in blocks of 64 MB at most.

    Parameters
    ----------
    minimum_frames
        The fewest frames that whoever processes it can do with.
    allow_non_finite
        Let NaN and infinity pass.
    progress
        Called with the fraction done; what it raises passes through.

    Raises
    ------
    MovieError
        Naming the number of frames, or how many pixels are not finite or too large, and the first frame that has one.
    """
    n_frames = movie.shape[0]
    path = movie.paths[0]
    if n_frames < minimum_frames:
        frames = "frame" if n_frames == 1 else "frames"
        raise MovieError(
            path,
            f"it has {n_frames} {frames}, too few to find cells in (at least {minimum_frames} are needed)",
            "Choose the whole recording; files that are one recording go together with --series.",
        )
    may_be_too_large = _largest(movie.dtype) > LARGEST_PIXEL
    if movie.dtype.kind != "f" and not may_be_too_large:
        return
    non_finite, too_large = _Found(), _Found()
    step = max(1, _BLOCK_BYTES // (math.prod(movie.shape[1:]) * movie.dtype.itemsize))
    for start in range(0, n_frames, step):
        block = movie.read(start, min(start + step, n_frames))
        finite = np.isfinite(block)
        if not allow_non_finite:
            non_finite.add(start, ~finite)
        if may_be_too_large:
            too_large.add(start, finite & ((block > LARGEST_PIXEL) | (block < -LARGEST_PIXEL)))
        progress((start + len(block)) / n_frames)
    if non_finite.pixels:
        raise MovieError(
            path,
            f"{non_finite.pixels} pixels in {non_finite.frames} frames are NaN or infinite, "
            f"the first in frame {non_finite.first}",
            "Crop the border or fill the gaps where the movie was made (motion correction often leaves NaN at edges).",
        )
    if too_large.pixels:
        raise MovieError(
            path,
            f"{too_large.pixels} pixels in {too_large.frames} frames are beyond {LARGEST_PIXEL:g}, too large to "
            f"compute with, the first in frame {too_large.first}",
            "Fill them where the movie was made if they stand for missing pixels, else divide the movie by a constant.",
        )


class _Found:
    """How many pixels of how many frames have a fault, and the number of the first such frame (-1: none)."""

    def __init__(self) -> None:
        self.pixels, self.frames, self.first = 0, 0, -1

    def add(self, start: int, faulty: NDArray[np.bool_]) -> None:
        """Count `faulty` ``(n, height, width[, depth])``, which begins with frame `start`."""
        per_frame = np.count_nonzero(faulty.reshape(len(faulty), -1), axis=1)
        if self.first < 0 and per_frame.any():
            self.first = start + int(np.argmax(per_frame > 0))
        self.pixels += int(per_frame.sum())
        self.frames += int(np.count_nonzero(per_frame))


def _largest(dtype: np.dtype[Any]) -> float:
    return float((np.finfo if dtype.kind == "f" else np.iinfo)(dtype).max)
