"""Single pictures of a movie: averaged over neighbouring frames, and of a volume one plane or all seen from above."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.viewing.levels import Contrast, contrast

MOST_AVERAGED = 61
"""Frames of a running mean at most: what is longer shows no activity any more."""

# Frames looked at to choose levels: spread over the recording, because brightness drifts and cells take turns.
_FRAMES_FOR_LEVELS = 16
# Values of single planes looked at, about: levels do not get better with more.
_VALUES_OF_PLANES = 1 << 23
# With a running mean, each of them costs as many reads as it averages.
_READS_FOR_LEVELS = 128


class View(Protocol):
    """Frames that are read when asked for: a registered movie, a raw one, or what is computed from one."""

    @property
    def path(self) -> Path: ...
    @property
    def shape(self) -> tuple[int, ...]:
        """``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``."""
        ...

    @property
    def rate_hz(self) -> float: ...

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames `start` to `stop` (exclusive) as ``(stop - start, height, width[, depth])``."""
        ...

    def close(self) -> None: ...


def note_of(view: View) -> str:
    """What could not be made sure of a view, as a sentence, or nothing."""
    return str(getattr(view, "note", ""))


class RunningSum:
    """The sum of a window of frames, kept for the next one: while a movie plays, each has only one new frame.

    Not for several threads at once.
    """

    def __init__(self) -> None:
        self._window = range(0)
        self._total: NDArray[np.int32] | None = None

    def mean(self, view: View, start: int, stop: int) -> NDArray[np.float32] | None:
        """Mean of the frames `start` to `stop`; None for values whose sums would not be exact: sum them anew."""
        window, total = range(start, stop), self._total
        added = [number for number in window if number not in self._window]
        gone = [number for number in self._window if number not in window]
        if total is None or len(added) + len(gone) >= len(window):
            added, gone, total = list(window), [], None
        # Nothing is kept of what a failed read leaves half-summed.
        self._window, self._total = range(0), None
        for number in [*added, *gone]:
            frame = view.read(number, number + 1)[0]
            if frame.dtype.kind not in "iu" or frame.dtype.itemsize > 2:
                return None
            if total is None:
                total = np.zeros(frame.shape, np.int32)
            if number in window:
                total += frame
            else:
                total -= frame
        self._window, self._total = window, total
        return None if total is None else total.astype(np.float32) / np.float32(len(window))


def picture(
    view: View, number: int, *, plane: int | None = None, mean: int = 1, kept: RunningSum | None = None
) -> NDArray[Any]:
    """Frame `number`, ``(height, width)``; without a mean as stored, otherwise float32.

    Parameters
    ----------
    plane
        Of a volume, the plane; None shows what is seen from above, the maximum over the planes.
    mean
        How many frames are averaged, with this one in the middle; at either end of the movie fewer.
    kept
        What was summed for another picture of this view, which makes this one cheaper.

    Raises
    ------
    MovieError
        When there is no such frame or plane, or `mean` is out of range.
    """
    n_frames = view.shape[0]
    if not 0 <= number < n_frames:
        raise MovieError(
            view.path, f"has no frame {number}", f"Ask for a frame from 0 to {n_frames - 1}: it has {n_frames}."
        )
    if not 1 <= mean <= MOST_AVERAGED:
        raise MovieError(view.path, f"a mean of {mean} frames was asked for", f"Average 1 to {MOST_AVERAGED} frames.")
    return seen(view.path, _averaged(view, number, mean, kept), plane)


def _averaged(view: View, number: int, mean: int, kept: RunningSum | None = None) -> NDArray[Any]:
    """Frame `number`, or the mean of those around it; what is NaN does not count.

    One read at a time: a window of volumes would not fit into memory.
    """
    if mean == 1:
        return np.asarray(view.read(number, number + 1)[0])
    start = max(0, number - (mean - 1) // 2)
    stop = min(view.shape[0], number - (mean - 1) // 2 + mean)
    found = None if kept is None else kept.mean(view, start, stop)
    if found is not None:
        return found
    total = np.zeros(view.shape[1:], np.float32)
    known = None
    for each in range(start, stop):
        frame = view.read(each, each + 1)[0]
        if frame.dtype.kind == "f":
            there = np.isfinite(frame)
            if known is None:
                known = np.zeros(total.shape, np.float32)
            known += there
            frame = np.where(there, frame, 0)
        total += frame
    with np.errstate(invalid="ignore", divide="ignore"):
        total /= np.float32(stop - start) if known is None else known
    return total


def seen(path: Path, frame: NDArray[Any], plane: int | None) -> NDArray[Any]:
    """What is shown ``(height, width)`` of a frame ``(height, width[, depth])``.

    Raises
    ------
    MovieError
        When there is no such plane.
    """
    planes = frame.shape[2] if frame.ndim == 3 else 1
    if plane is not None and not 0 <= plane < planes:
        raise MovieError(path, f"has no plane {plane}", f"Ask for a plane from 0 to {planes - 1}.")
    if frame.ndim == 2:
        return frame
    return np.ascontiguousarray(frame.max(axis=2) if plane is None else frame[..., plane])


def view_contrast(view: View, *, planes: bool = False, mean: int = 1) -> Contrast:
    """Values and automatic levels, from frames spread over the recording.

    Parameters
    ----------
    planes
        Of volumes, whether single planes are shown, which are darker than all of them seen from above.
    mean
        How many frames are averaged into one that is shown.
    """
    n_frames = view.shape[0]
    n_looked_at = max(4, min(_FRAMES_FOR_LEVELS, _READS_FOR_LEVELS // mean))
    numbers = np.unique(np.linspace(0, n_frames - 1, n_looked_at).astype(int))
    if not planes:
        return contrast(np.stack([seen(view.path, _averaged(view, int(number), mean), None) for number in numbers]))
    # Of each volume some planes, of another one others: whole ones would take seconds, and more memory than all else.
    step = 1 + math.prod(view.shape[1:]) * len(numbers) // _VALUES_OF_PLANES
    first = np.arange(len(numbers)) * step // len(numbers)
    some = [_averaged(view, int(n), mean)[..., start::step].ravel() for n, start in zip(numbers, first, strict=True)]
    return contrast(np.concatenate(some))
