"""Motion correction tried on some frames: how far they move, and whether their mean gets sharper."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.parameters.groups import Motion
from pipeline.tuning.part import PartOfMovie
from pipeline.tuning.registered import RegisteredPart

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MotionPreview:
    """What motion correction would do.

    Attributes
    ----------
    before, after
        ``(height, width)`` float32: mean of the frames, raw and registered.
    shifts
        ``(n_frames, 2)`` float32: pixels ``(y, x)`` that were added to each frame's content.
    crispness_before, crispness_after
        Of the two means (`crispness`), away from the border that the shifts uncover.
    correlation_before, correlation_after
        ``(n_frames,)`` float32: correlation of each frame with the mean.
    at_limit
        The share of frames whose shift is as large as ``max_shifts`` allows, 0 to 1.
    """

    before: Floats
    after: Floats
    shifts: Floats
    crispness_before: float
    crispness_after: float
    correlation_before: Floats
    correlation_after: Floats
    at_limit: float

    @property
    def border_px(self) -> int:
        """Pixels at each border that some frame does not show: what ``border_pix`` could be."""
        return math.ceil(float(np.abs(self.shifts).max(initial=0)))


def crispness(image: NDArray[np.floating]) -> float:
    """The length of all gradients of an image together (Frobenius norm): the sharper the image, the larger.

    As in Pnevmatikakis and Giovannucci 2017, who compare means of registered movies by it.
    """
    rows, columns = np.gradient(image.astype(np.float64))
    return float(np.sqrt(np.sum(rows**2) + np.sum(columns**2)))


def preview_motion(
    movie: PartOfMovie, params: Motion, progress: Callable[[float], None] = lambda done: None
) -> MotionPreview:
    """Register a part of a movie in memory.

    Parameters
    ----------
    movie
        A few hundred frames at most: they are held as float32.
    params
        The group ``motion``; `motion_correct` off shows what is there without it.

    Raises
    ------
    ParameterError
        When the parameters do not fit the field.
    """
    part = RegisteredPart(movie, params, lambda done: progress(0.6 * done))
    frames = part.raw(0, movie.shape[0])
    registered = np.empty_like(frames)
    for number in range(len(frames)):
        registered[number] = part.read(number, number + 1)[0]
        progress(0.6 + 0.4 * (number + 1) / len(frames))
    shifts = part.shifts
    before, after = frames.mean(axis=0), registered.mean(axis=0)
    inside = _inside(shifts, frames.shape[1:])
    reach = np.asarray(params.max_shifts[:2], np.float32)
    return MotionPreview(
        before.astype(np.float32),
        after.astype(np.float32),
        shifts,
        crispness(before[inside]),
        crispness(after[inside]),
        _correlations(frames[(slice(None), *inside)], before[inside]),
        _correlations(registered[(slice(None), *inside)], after[inside]),
        float(np.mean((np.abs(shifts) >= reach - 0.25).any(axis=1))) if params.motion_correct else 0.0,
    )


def _inside(shifts: Floats, field: tuple[int, ...]) -> tuple[slice, slice]:
    """The part of the field that all frames show, but at least its middle half."""
    border = [min(math.ceil(float(np.abs(shifts[:, axis]).max(initial=0))), field[axis] // 4) for axis in (0, 1)]
    return slice(border[0], field[0] - border[0]), slice(border[1], field[1] - border[1])


def _correlations(frames: Floats, image: Floats) -> Floats:
    flat = frames.reshape(len(frames), -1).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    target = image.ravel().astype(np.float64)
    target = target - target.mean()
    scale = np.linalg.norm(flat, axis=1) * np.linalg.norm(target)
    return np.divide(flat @ target, scale, out=np.zeros(len(flat)), where=scale > 0).astype(np.float32)
