"""A movie that is still being written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from pipeline.movies.movie import Movie


@runtime_checkable
class GrowingMovie(Movie, Protocol):
    """A `Movie` whose ``shape`` says how many whole frames are there by now."""

    def wait_for(self, n_frames: int, tick: Callable[[], None]) -> bool:
        """Wait until there are `n_frames` whole frames; False when the recording ended with fewer.

        `tick` is called several times a second meanwhile; what it raises passes through.
        """
        ...


def wait_for_frames(movie: Movie, n_frames: int, tick: Callable[[], None]) -> bool:
    """Whether `movie` has `n_frames` frames; one that is still growing is waited for."""
    return movie.wait_for(n_frames, tick) if isinstance(movie, GrowingMovie) else movie.shape[0] >= n_frames
