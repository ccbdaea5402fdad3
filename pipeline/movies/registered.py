"""The registered movie of a sample as a `pipeline.movies.movie.Movie`, so that it can be processed again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.movie_file import MovieFile
from pipeline.movies.movie import MovieMetadata


class RegisteredMovie:
    """A registered movie, lazily. Implements `pipeline.movies.movie.Movie`.

    Parameters
    ----------
    path
        ``movies/<identifier>.h5`` of a project.
    boundaries
        Index of the first frame of every recording after the first, for a series.

    Raises
    ------
    MovieError
        When the file is missing or is not a registered movie.
    """

    def __init__(self, path: Path, boundaries: tuple[int, ...] = ()) -> None:
        self._movie = MovieFile(path)
        self.paths: tuple[Path, ...] = (path,)
        self.shape = self._movie.shape
        self.axes = "TYX" if len(self.shape) == 3 else "TYXZ"
        self.dtype: np.dtype[Any] = self._movie.dtype
        self.rate_hz = self._movie.rate_hz
        self.boundaries = boundaries
        self.metadata = MovieMetadata()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(stop - start, height, width[, depth])``."""
        return self._movie.read(start, stop)

    def close(self) -> None:
        """Release the file handle."""
        self._movie.close()
