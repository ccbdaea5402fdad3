"""The registered movie as float32, chunk by chunk, so that no stage has to hold it whole."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nwb_schema.movie_file import MovieFile
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

# A movie of up to this size (as float32) is kept after the first pass over it; a larger one is read again each time.
CACHE_BYTES = 768 * 2**20
CHUNK_BYTES = 64 * 2**20
MOST_FRAMES_A_CHUNK = 256
# Frames that one thread reads at a time.
FRAMES_AT_ONCE = 8


class Frames:
    """Chunks of the registered movie; use it as a context manager.

    Parameters
    ----------
    path
        In the layout of `nwb_schema.movie_file`.
    progress
        Called with the fraction done while a movie of floats is looked through for NaN.

    Pixels that are NaN in any frame (a border under ``border_nan`` True) are zero in all of them: nothing is known
    there, so nothing is found there.

    Attributes
    ----------
    shape
        ``(n_frames, height, width)``; of volumes ``(n_frames, height, width, depth)``.
    """

    def __init__(self, path: Path, progress: Callable[[float], None] = lambda done: None) -> None:
        self._file = MovieFile(path)
        self.shape = self._file.shape
        n_frames, field = self.shape[0], self.shape[1:]
        self._step = int(np.clip(CHUNK_BYTES // (4 * math.prod(field)), 1, MOST_FRAMES_A_CHUNK))
        fits = n_frames * math.prod(field) * 4 <= CACHE_BYTES
        self._cache: Floats | None = np.empty(self.shape, np.float32) if fits else None
        self._cached = 0
        self._unknown: NDArray[np.bool_] | None = None
        if self._file.dtype.kind == "f":
            unknown = np.zeros(field, bool)
            for start in range(0, n_frames, self._step):
                unknown |= np.isnan(self._file.read(start, start + self._step)).any(axis=0)
                progress(min(1.0, (start + self._step) / n_frames))
            self._unknown = unknown if unknown.any() else None

    def read(self, start: int, stop: int) -> Floats:
        """Frames `start` to `stop` (exclusive) as ``(stop - start, *shape[1:])`` float32; not to be written to."""
        if self._cache is not None:
            if self._cached < stop:
                self._load(self._cached, stop, self._cache[self._cached : stop])
                self._cached = stop
            return self._cache[start:stop]
        return self._load(start, stop, np.empty((stop - start, *self.shape[1:]), np.float32))

    def chunks(self, progress: Callable[[float], None]) -> Iterator[tuple[int, Floats]]:
        """``(first frame, frames)`` in order of time, reporting the fraction done after each."""
        n_frames = self.shape[0]
        for start in range(0, n_frames, self._step):
            stop = min(start + self._step, n_frames)
            yield start, self.read(start, stop)
            progress(stop / n_frames)

    def _load(self, start: int, stop: int, out: Floats) -> Floats:
        """Fill `out` with frames `start` to `stop`, a few of them in each thread at a time."""

        def work(first: int) -> None:
            part = slice(first, min(first + FRAMES_AT_ONCE, stop))
            block = out[part.start - start : part.stop - start]
            block[:] = self._file.read(part.start, part.stop)
            if self._unknown is not None:
                block[:, self._unknown] = 0

        for _ in in_threads(work, range(start, stop, FRAMES_AT_ONCE)):
            pass
        return out

    def __enter__(self) -> Frames:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache = None
        self._file.close()
