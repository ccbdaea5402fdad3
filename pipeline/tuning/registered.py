"""A part of a movie with its motion corrected as it is read: nothing is written, and little is held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.checks import check_motion
from pipeline.engines.builtin.motion import build_estimators, moved
from pipeline.engines.builtin.warp import warp_frame
from pipeline.parameters.groups import Motion
from pipeline.tuning.part import PartOfMovie

Floats = NDArray[np.float32]


class RegisteredPart:
    """Frames of a part of a movie, registered by the built-in engine's motion correction onto a template of their own.

    Parameters
    ----------
    part
        The raw frames.
    params
        The group ``motion``; with ``motion_correct`` off, frames come as they are.
    progress
        Called with the fraction done while the template is made; what it raises stops the work.

    Raises
    ------
    ParameterError
        When the parameters do not fit the field.
    """

    def __init__(
        self, part: PartOfMovie, params: Motion, progress: Callable[[float], None] = lambda done: None
    ) -> None:
        self._part, self._params = part, params
        self.shape: tuple[int, int, int] = (part.shape[0], part.shape[1], part.shape[2])
        self.shifts = np.zeros((part.shape[0], 2), np.float32)
        self._known = np.zeros(part.shape[0], bool)
        self._patch_shifts: dict[int, Floats] = {}
        if params.motion_correct:
            check_motion(params, part.shape[1:])
            self._estimator, self._patches = build_estimators(part, params, progress)

    def raw(self, start: int, stop: int) -> Floats:
        """Frames ``start`` to ``stop`` (exclusive) as they are; what is not known (NaN) is zero."""
        return np.nan_to_num(self._part.read(start, stop).astype(np.float32))

    def read(self, start: int, stop: int) -> Floats:
        """The same frames, registered; `shifts` has theirs from then on."""
        frames = self.raw(start, stop)
        if self._params.motion_correct:
            for index, frame in enumerate(frames):
                frames[index] = self._registered(start + index, frame.copy())
        return frames

    def _registered(self, number: int, frame: Floats) -> Floats:
        if not self._known[number]:
            self.shifts[number] = self._estimator(frame)
            if self._patches is not None:
                self._patch_shifts[number] = self._patches(frame, self.shifts[number])
            self._known[number] = True
        if self._patches is None:
            return moved(frame, tuple(self.shifts[number]), "copy")
        return warp_frame(frame, self._patch_shifts[number], self._patches.grid, "copy")
