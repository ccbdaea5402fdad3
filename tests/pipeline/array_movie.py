"""A movie that lives in memory, for tests of what comes after reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.movies.movie import MovieMetadata


class ArrayMovie:
    """An array ``(n_frames, height, width[, depth])`` that keeps the `Movie` protocol."""

    def __init__(self, frames: NDArray[Any], rate_hz: float = 15.0, paths: tuple[Path, ...] = ()) -> None:
        self._frames = frames
        self.paths = paths or (Path("in-memory.tif"),)
        self.shape: tuple[int, ...] = frames.shape
        self.axes = "TYX"
        self.dtype = frames.dtype
        self.rate_hz = rate_hz
        self.boundaries: tuple[int, ...] = ()
        self.metadata = MovieMetadata()

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return np.array(self._frames[start:stop])

    def close(self) -> None:
        pass
