"""What a benchmark's seconds are worth on this machine: a fixed piece of work, and the least that an engine must do."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import psutil

from pipeline.engines.builtin.threads import n_threads
from pipeline.movies.movie import Movie

_CHUNK = 100


def describe() -> dict[str, Any]:
    """The machine in a few words, and how busy it is with other programs."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": n_threads(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": load,
    }


def calibration_s() -> float:
    """Seconds for five FFT round trips of 200 frames of 256 x 256 pixels on one thread.

    The best of three, because other programs only slow it down.
    """
    frames = np.random.default_rng(0).random((200, 256, 256), np.float32)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(5):
            np.fft.irfft2(np.fft.rfft2(frames))
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def floor_s(movie: Movie, n_cells: int) -> float:
    """Seconds to read the movie, take every frame through an FFT and back, and multiply it with `n_cells` traces."""
    n_frames, *field = movie.shape
    axes = tuple(range(1, len(movie.shape)))
    weights = np.random.default_rng(0).random((max(1, n_cells), n_frames), np.float32)
    total = np.zeros((max(1, n_cells), math.prod(field)), np.float32)
    start = time.perf_counter()
    for first in range(0, n_frames, _CHUNK):
        frames = movie.read(first, min(first + _CHUNK, n_frames)).astype(np.float32)
        np.fft.irfftn(np.fft.rfftn(frames, axes=axes), s=field, axes=axes)
        total += weights[:, first : first + len(frames)] @ frames.reshape(len(frames), -1)
    return time.perf_counter() - start


@contextmanager
def processor_time() -> Iterator[list[float]]:
    """Seconds of processor time that the block took, with the child processes that ended in it, as the one element."""
    before, spent = os.times(), [0.0]
    try:
        yield spent
    finally:
        # user, system, and both of the children; the fifth is the wall clock
        spent[0] = sum(os.times()[:4]) - sum(before[:4])
