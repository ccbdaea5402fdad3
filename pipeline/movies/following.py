"""A movie that is still being written: whole frames as they come, until the recording ends.

A recording has ended when its marker is there, an empty file ``MOVIE.done`` beside it that whoever records may make, or
when no new frame has come for a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.growing_hdf5 import GrowingHdf5
from pipeline.movies.growing_tiff import GrowingTiff
from pipeline.movies.movie import Movie, MovieMetadata
from pipeline.movies.not_yet import NotYet
from pipeline.movies.opening import check_openable, merge_metadata
from pipeline.movies.rate import checked_option_rate, rate_origin, resolve_rate
from pipeline.movies.sidecar import find_sidecar, read_sidecar
from pipeline.movies.source import FrameSource, OpenOptions

logger = logging.getLogger("fluorite.movies")

IDLE_S = 30.0
"""Seconds without a new frame after which a recording has ended."""
POLL_S = 0.02
END_MARKER = ".done"
"""Added to the movie's name, the file that says that nothing more will come."""


class GrowingSource(FrameSource, Protocol):
    """One file that is still being written."""

    def look(self) -> int:
        """Look at the file again; how many whole frames it has by now."""
        ...


_READERS: dict[str, Callable[[Path, OpenOptions], GrowingSource]] = {
    ".tif": GrowingTiff,
    ".tiff": GrowingTiff,
    ".btf": GrowingTiff,
    ".tf8": GrowingTiff,
    ".h5": GrowingHdf5,
    ".hdf5": GrowingHdf5,
    ".hdf": GrowingHdf5,
}


@runtime_checkable
class GrowingMovie(Movie, Protocol):
    """A `Movie` whose ``shape`` says how many whole frames are there by now."""

    def wait_for(self, n_frames: int, tick: Callable[[], None]) -> bool:
        """Wait until there are `n_frames` whole frames; False when the recording ended with fewer.

        `tick` is called many times a second meanwhile; what it raises passes through.
        """
        ...


def wait_for_frames(movie: Movie, n_frames: int, tick: Callable[[], None]) -> bool:
    """Whether `movie` has `n_frames` frames; one that is still growing is waited for."""
    return movie.wait_for(n_frames, tick) if isinstance(movie, GrowingMovie) else movie.shape[0] >= n_frames


class FollowedMovie:
    """A `GrowingMovie` over one file.

    Parameters
    ----------
    source
        The opened file.
    idle_s
        Seconds without a new frame after which the recording has ended.
    """

    boundaries: tuple[int, ...] = ()

    def __init__(self, source: GrowingSource, rate_hz: float, metadata: MovieMetadata, idle_s: float) -> None:
        self._source, self._idle_s = source, idle_s
        self.paths, self.axes, self.dtype = source.paths, source.axes, source.dtype
        self.rate_hz, self.metadata = rate_hz, metadata
        self._ended = False
        self._grown_at = time.monotonic()

    @property
    def shape(self) -> tuple[int, ...]:
        """``(whole frames by now, height, width)``."""
        return self._source.shape

    def wait_for(self, n_frames: int, tick: Callable[[], None]) -> bool:
        """Wait until there are `n_frames` whole frames; False when the recording ended with fewer."""
        while self.shape[0] < n_frames and not self._ended:
            # The marker first: what was written before it has to be seen by the look after it.
            marked = end_marker(self.paths[0]).exists()
            before = self.shape[0]
            if self._source.look() > before:
                self._grown_at = time.monotonic()
                continue
            idle = time.monotonic() - self._grown_at > self._idle_s
            if marked or idle:
                self._ended = True
                why = "its end is marked" if marked else f"no new frame for {self._idle_s:g} s"
                logger.info("%s has ended after %d frames: %s", self.paths[0].name, before, why)
                break
            tick()
            time.sleep(POLL_S)
        return self.shape[0] >= n_frames

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) of those that are there.

        Raises
        ------
        MovieError
            When a frame holds what is no number: a movie that grows cannot be checked beforehand.
        """
        frames = self._source.read(start, min(stop, self.shape[0]))
        if self.dtype.kind == "f" and not np.isfinite(frames).all():
            bad = start + int(np.argmin(np.isfinite(frames).all(axis=(1, 2))))
            raise MovieError(
                self.paths[0], f"frame {bad} holds pixels that are NaN or infinite", "Fill them where it is recorded."
            )
        return frames

    def close(self) -> None:
        """Release the file handle."""
        self._source.close()

    def __enter__(self) -> FollowedMovie:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def end_marker(movie: Path) -> Path:
    """The file that says that nothing more will be written to `movie`."""
    return movie.with_name(movie.name + END_MARKER)


def open_growing_movie(
    path: Path,
    *,
    idle_s: float = IDLE_S,
    frame_rate_hz: float | None = None,
    axes: str | None = None,
    dataset: str | None = None,
    channel: int | None = None,
    plane: int | None = None,
    load_method: str | None = None,
    volume: bool = False,
    sidecar: Path | None = None,
) -> FollowedMovie:
    """Open a movie that is still being written, as soon as its first frame is there.

    Parameters
    ----------
    path
        A TIFF with a page for each frame, or an HDF5 file with time first (best written in SWMR mode). It may not be
        there yet.
    idle_s
        Seconds without a new frame after which the recording has ended.
    frame_rate_hz, axes, dataset, channel, plane, load_method, volume, sidecar
        As for `open_movie`; what does not fit a growing movie is refused.

    Raises
    ------
    MovieError
        When there is no frame after `idle_s`, or the file cannot be followed.
    """
    rate = checked_option_rate(frame_rate_hz)
    options = OpenOptions(axes, dataset, channel, plane, volume, load_method)
    if volume:
        raise MovieError(path, "volumes cannot be followed while they are written", "Process it when it is finished.")
    if path.suffix.lower() not in _READERS:
        raise MovieError(
            path,
            f"movies of type {path.suffix or '(no extension)'} cannot be followed while they are written",
            f"Record to {', '.join(_READERS)}, or process it without --follow when it is finished.",
        )
    source = _first_frame(path, options, idle_s)
    try:
        found = find_sidecar(path, sidecar)
        side = None if found is None else read_sidecar(found, rate_is_given=rate is not None)
        rate_hz = resolve_rate(path, rate, side, source.facts)
        metadata = merge_metadata(source.facts.metadata, side, rate_origin(rate, side, source.facts))
        return FollowedMovie(source, rate_hz, metadata, idle_s)
    except BaseException:
        source.close()
        raise


def _first_frame(path: Path, options: OpenOptions, idle_s: float) -> GrowingSource:
    """The opened file, once it can be opened and has a frame."""
    began, told = time.monotonic(), False
    while True:
        marked = end_marker(path).exists()
        try:
            check_openable(path)
            source = _READERS[path.suffix.lower()](path, options)
        except NotYet as error:
            problem: MovieError = error
        except MovieError as error:
            if path.exists() and path.stat().st_size > 0:
                raise  # what is there is wrong; more of it will not help
            problem = error
        else:
            return source
        if marked or time.monotonic() - began > idle_s:
            raise problem
        if not told:
            told = True
            logger.info("waiting for the first frame of %s", path.name)
        time.sleep(POLL_S)
