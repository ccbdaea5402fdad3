"""Is a movie fit to be processed? What the reader lets pass because looking at it needs no more than a frame."""

from __future__ import annotations

import numpy as np

from nwb_schema.errors import MovieError
from pipeline.movies.movie import Movie

_BLOCK_BYTES = 64 << 20
"""How much of the movie to hold at a time."""


def check_movie(movie: Movie, minimum_frames: int, *, allow_non_finite: bool = False) -> None:
    """Refuse a movie that is too short, or holds pixels that are not numbers.

    Only movies of floating-point pixels are read for it, in blocks of 64 MB at most.

    Parameters
    ----------
    minimum_frames
        The fewest frames that whoever processes it can do with.
    allow_non_finite
        Let NaN and infinity pass.

    Raises
    ------
    MovieError
        Naming the number of frames, or how many pixels are not finite and the first frame that has one.
    """
    n_frames, height, width = movie.shape
    path = movie.paths[0]
    if n_frames < minimum_frames:
        frames = "frame" if n_frames == 1 else "frames"
        raise MovieError(
            path,
            f"it has {n_frames} {frames}, too few to find cells in (at least {minimum_frames} are needed)",
            "Choose the whole recording; files that are one recording go together with --series.",
        )
    if allow_non_finite or movie.dtype.kind != "f":
        return
    step = max(1, _BLOCK_BYTES // (height * width * movie.dtype.itemsize))
    pixels, frames_hit, first = 0, 0, -1
    for start in range(0, n_frames, step):
        per_frame = np.count_nonzero(~np.isfinite(movie.read(start, min(start + step, n_frames))), axis=(1, 2))
        if first < 0 and per_frame.any():
            first = start + int(np.argmax(per_frame > 0))
        pixels += int(per_frame.sum())
        frames_hit += int(np.count_nonzero(per_frame))
    if pixels:
        raise MovieError(
            path,
            f"{pixels} pixels in {frames_hit} frames are NaN or infinite, the first in frame {first}",
            "Crop the border or fill the gaps where the movie was made (motion correction often leaves NaN at edges).",
        )
