"""The `Movie` that `open_movie` returns: one file, or several that are one recording."""

from __future__ import annotations

import bisect
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.source import FrameSource

MAX_OPEN_FILES = 64
"""A sequence of one TIFF per frame has thousands of files; systems allow 256 to 1,024 open ones."""

Reopen = Callable[[Path], FrameSource]


class Recording:
    """A `pipeline.movies.movie.Movie` over one or more files.

    Parameters
    ----------
    sources
        The opened files' shapes, in order of time: ``(path, n_frames)``.
    opener
        Opens one of them again; at most `MAX_OPEN_FILES` are open at a time.
    first
        The first file, opened.
    rate_hz, metadata
        Of the whole recording.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, int]],
        opener: Reopen,
        first: FrameSource,
        *,
        paths: tuple[Path, ...],
        rate_hz: float,
        metadata: MovieMetadata,
    ) -> None:
        self.paths = paths
        self.axes = first.axes
        self.dtype: np.dtype[Any] = first.dtype
        self.rate_hz = rate_hz
        self.metadata = metadata
        self._files = [path for path, _ in files]
        self._starts = [0, *accumulate(count for _, count in files)]
        self.shape: tuple[int, ...] = (self._starts[-1], *first.shape[1:])
        # Files of one frame each are the frames of one recording, not recordings that were joined.
        joined = len(files) > 1 and any(count > 1 for _, count in files)
        self.boundaries: tuple[int, ...] = tuple(self._starts[1:-1]) if joined else ()
        self._opener = opener
        self._open: OrderedDict[int, FrameSource] = OrderedDict({0: first})
        self._lock = threading.Lock()
        self._closed = False

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(n, height, width[, depth])`` in the file's dtype.

        `stop` beyond the end means the end, as in slicing. Safe to call from several threads at once.

        Raises
        ------
        IndexError
            When `start` is negative or beyond the end.
        ValueError
            When the movie was closed.
        MovieError
            When the file turns out to be damaged.
        """
        if self._closed:
            raise ValueError("the movie was closed")
        n_frames = self.shape[0]
        if not 0 <= start <= n_frames:
            raise IndexError(f"frame {start} is not in 0..{n_frames}")
        stop = max(start, min(stop, n_frames))
        which = min(bisect.bisect_right(self._starts, start) - 1, len(self._files) - 1)
        if stop <= self._starts[which + 1]:
            return self._read_file(which, start - self._starts[which], stop - self._starts[which])
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        position = start
        while position < stop:
            end = min(stop, self._starts[which + 1])
            if end > position:
                offset = self._starts[which]
                out[position - start : end - start] = self._read_file(which, position - offset, end - offset)
            position, which = end, which + 1
        return out

    def _read_file(self, which: int, start: int, stop: int) -> NDArray[Any]:
        if len(self._files) <= MAX_OPEN_FILES:
            with self._lock:
                source = self._source(which)
            return source.read(start, stop)
        # With more files than may be open, one that another thread reads must not be closed under it.
        with self._lock:
            return self._source(which).read(start, stop)

    def _source(self, which: int) -> FrameSource:
        if self._closed:  # by another thread, between two files of one read
            raise ValueError("the movie was closed")
        if which not in self._open:
            if len(self._open) >= MAX_OPEN_FILES:
                _, oldest = self._open.popitem(last=False)
                oldest.close()
            self._open[which] = self._opener(self._files[which])
        self._open.move_to_end(which)
        return self._open[which]

    def close(self) -> None:
        """Release the file handles. Reading after this is an error; closing twice is not."""
        with self._lock:
            self._closed = True
            while self._open:
                self._open.popitem()[1].close()

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def check_fits(path: Path, source: FrameSource, first: FrameSource) -> None:
    """Refuse a file of a series that differs from the first in frame size or type, naming it.

    Raises
    ------
    MovieError
    """
    remedy = f"All files of one recording must equal the first ({first.paths[0].name}): take it out of the series."
    if source.shape[1:] != first.shape[1:]:
        raise MovieError(
            path,
            f"its frames are {source.shape[1]} high x {source.shape[2]} wide{_planes(source)}, "
            f"those of the first file {first.shape[1]} x {first.shape[2]}{_planes(first)}",
            remedy,
        )
    if source.dtype != first.dtype:
        raise MovieError(path, f"its pixels are {source.dtype}, those of the first file {first.dtype}", remedy)


def _planes(source: FrameSource) -> str:
    return f" x {source.shape[3]} planes" if len(source.shape) == 4 else ""
