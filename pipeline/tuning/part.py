"""Some frames of a movie as a movie."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.movie import Movie


class PartOfMovie:
    """Frames `first` to `first` + `n_frames` of a movie of planes, or as many as there are; a `Movie` itself.

    Raises
    ------
    MovieError
        When the movie is of volumes, or has no such frames.
    """

    def __init__(self, movie: Movie, first: int, n_frames: int, *, least: int = 1) -> None:
        if len(movie.shape) != 3:
            raise MovieError(movie.paths[0], "it is of volumes", "Choose one plane to look at (the field Plane).")
        last = min(first + n_frames, movie.shape[0])
        if first < 0 or last - first < least:
            raise MovieError(
                movie.paths[0],
                f"it has {movie.shape[0]} frames, and {max(0, last - first)} from frame {first} on; {least} are needed",
                "Begin earlier, or take more frames.",
            )
        self._movie, self._first = movie, first
        self.paths, self.axes, self.dtype = movie.paths, movie.axes, movie.dtype
        self.rate_hz, self.metadata = movie.rate_hz, movie.metadata
        self.boundaries: tuple[int, ...] = ()
        self.shape: tuple[int, ...] = (last - first, *movie.shape[1:])

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) of this part."""
        stop = min(stop, self.shape[0])
        return np.asarray(self._movie.read(self._first + start, self._first + max(start, stop)))

    def close(self) -> None:
        """Release the movie's files."""
        self._movie.close()
