"""Frames one at a time, each moved onto the image that the model has of the field (eLife 2019, algorithm 4, line 9).

Frames that are there already are registered ahead, in threads of their own, while the model takes in those before. A
new template holds from a frame on that cannot have been begun yet: the result does not depend on who was faster.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.movie_file import MovieFileWriter
from pipeline.engines.builtin.motion import to_dtype
from pipeline.engines.builtin.shifts import ShiftEstimator
from pipeline.engines.builtin.threads import n_threads
from pipeline.engines.builtin.warp import shift_frame
from pipeline.movies.following import wait_for_frames
from pipeline.movies.movie import Movie
from pipeline.parameters.groups import Motion

Floats = NDArray[np.float32]

# Frames begun before the model has asked for them, and how many a thread takes at a time.
AHEAD = 8
BLOCK = 4


@dataclass(frozen=True)
class Registered:
    """One frame, ready for the model.

    Attributes
    ----------
    number
        Counted from the start of the movie.
    frame
        ``(height, width)`` float32.
    shift
        ``(y, x)`` pixels that were added to its content.
    work_s, seen_at
        Seconds that it has taken so far, and when it was first there (`time.perf_counter`).
    """

    number: int
    frame: Floats
    shift: tuple[float, float]
    work_s: float
    seen_at: float


class Registrar:
    """Moves frames onto the latest template.

    Parameters
    ----------
    template
        ``(height, width)``, or None when the movie is taken as it is.
    max_shifts
        Largest shift looked for, ``(y, x)`` pixels.
    dtype
        Type of the registered movie.
    """

    def __init__(
        self, template: Floats | None, params: Motion, max_shifts: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._params, self._max_shifts, self.dtype = params, max_shifts, dtype
        self._estimators: list[tuple[int, ShiftEstimator]] = []
        self.corrects = template is not None
        if template is not None:
            self.renew(template, 0)

    def renew(self, template: Floats, first: int) -> None:
        """Hold frames from number `first` on against `template`."""
        if self.corrects:
            estimator = ShiftEstimator(template, self._max_shifts, self._params.gSig_filt)
            self._estimators = [*self._estimators[-1:], (first, estimator)]

    def __call__(self, number: int, raw: NDArray[Any]) -> tuple[NDArray[Any], tuple[float, float]]:
        """The registered frame `number` in the type of the registered movie, and its shift."""
        if not self.corrects:
            return to_dtype(raw, self.dtype) if raw.dtype != self.dtype else raw, (0.0, 0.0)
        estimator = next(one for first, one in reversed(self._estimators) if first <= number)
        shift = estimator(raw.astype(np.float32))
        return to_dtype(shift_frame(raw, shift, self._params.border_nan), self.dtype), shift


def registered_frames(
    movie: Movie, registrar: Registrar, writer: MovieFileWriter, start: int, tick: Callable[[], None]
) -> Generator[Registered]:
    """Every frame from number `start` on, registered and stored in `writer`, until the movie ends.

    Parameters
    ----------
    tick
        Called often while a growing movie is waited for; what it raises stops the work.
    """

    def work(first: int, stop: int, seen_at: float) -> list[Registered]:
        begun = time.perf_counter()
        raw = movie.read(first, stop)
        done, stored = [], np.empty(raw.shape, registrar.dtype)
        read_s = (time.perf_counter() - begun) / len(raw)
        for offset, frame in enumerate(raw):
            begun = time.perf_counter()
            stored[offset], shift = registrar(first + offset, frame)
            ready = np.ascontiguousarray(stored[offset], np.float32)
            done.append(Registered(first + offset, ready, shift, read_s + time.perf_counter() - begun, seen_at))
        writer.write(first, stored)
        return done

    begun = start
    waiting: deque[tuple[int, Future[list[Registered]]]] = deque()
    with ThreadPoolExecutor(max(1, n_threads() - 1), "registration") as pool:
        try:
            while True:
                in_hand = sum(count for count, _ in waiting)
                if not waiting and not wait_for_frames(movie, begun + 1, tick):
                    return
                while in_hand < AHEAD and begun < movie.shape[0]:
                    stop = min(begun + min(BLOCK, AHEAD - in_hand), movie.shape[0])
                    future = pool.submit(work, begun, stop, time.perf_counter())
                    waiting.append((stop - begun, future))
                    in_hand, begun = in_hand + stop - begun, stop
                yield from waiting.popleft()[1].result()
        finally:
            for _, future in waiting:
                future.cancel()
