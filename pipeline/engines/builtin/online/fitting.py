"""What happens with one frame: traces, new cells, footprints (eLife 2019, algorithm 4, lines 10 to 18)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.online.cells import Cells
from pipeline.engines.builtin.online.detection import Detector
from pipeline.engines.builtin.online.dynamics import RECENT_FRAMES, dynamics_of
from pipeline.engines.builtin.online.shapes import update_background, update_shapes
from pipeline.parameters import Parameters

Floats = NDArray[np.float32]

# Most footprints renewed after one frame, in multiples of what keeps up with them: no frame waits for a crowd.
RUSH = 3


class OnlineFit:
    """Takes in registered frames, one after the other.

    Parameters
    ----------
    cells
        The model to begin with.
    noise
        ``(height, width)``: the standard deviation of each pixel's noise.
    """

    def __init__(self, cells: Cells, noise: Floats, params: Parameters, rate_hz: float) -> None:
        self.cells, self._noise, self._params, self._rate_hz = cells, noise, params, rate_hz
        online = params.online
        self._detector = Detector(noise, params, rate_hz) if online.update_num_comps else None
        self.detects = self._detector is not None
        self._frame = 0
        # The first frames have made the footprints: until as many have gone through again, sums know less than these.
        first = online.init_batch
        self._due = first + 1 + np.arange(cells.n) * online.update_freq // max(1, cells.n)

    def take_in(self, frame: Floats) -> int:
        """Take in a frame ``(height, width)``; returns how many new cells it brought."""
        cells = self.cells
        amounts = cells.explain(frame, self._params.temporal.ITER)
        cells.learn(frame, amounts)
        added = self._look_for_cells(frame, amounts) if self.detects else 0
        self._frame += 1
        if not added:
            self._update_shapes()
        return added

    def restrict_to(self, numbers: NDArray[np.intp]) -> None:
        """Forget all cells but these."""
        self.cells.keep(numbers)
        self._due = self._due[numbers]

    def rewind(self, remembered: float) -> None:
        """Begin another epoch, in which the sums of this one count the share `remembered`."""
        self.cells.traces.rewind()
        self.cells.forget_sums(remembered)
        if self._detector is not None:
            self._detector.clear()
        self._frame = 0
        self._due = np.arange(self.cells.n) * self._params.online.update_freq // max(1, self.cells.n)

    def expected_image(self, n_frames: int) -> Floats:
        """The model's image of the field ``(height, width)`` over the last frames: what the next are moved onto."""
        cells = self.cells
        amounts = cells.traces.background_last(n_frames).mean(axis=1)
        _, active = cells.traces.last(n_frames)
        return cells.image(amounts, active.mean(axis=1))

    def _look_for_cells(self, frame: Floats, amounts: NDArray[np.float64]) -> int:
        assert self._detector is not None
        self._detector.push(self.cells.residual(frame, amounts))
        if not self._detector.ready:
            return 0
        before = self.cells.n
        self._detector.candidates(self.cells)
        self._due = np.append(self._due, np.zeros(self.cells.n - before, np.int64))
        for k in range(before, self.cells.n):
            self._renew_dynamics(k)
            # Soon, together with those that it overlaps, and then in its turn.
            self._due[self.cells.touching(k)] = self._frame + 2
        return self.cells.n - before

    def _update_shapes(self) -> None:
        online, cells = self._params.online, self.cells
        with_background = self._params.spatial.update_background_components
        if self._frame % online.update_freq == 0 and self._frame >= online.init_batch and with_background:
            update_background(cells)
        if online.dist_shape_update:
            most = RUSH * (1 + cells.n // online.update_freq)
            numbers = np.flatnonzero(self._due <= self._frame)
            numbers = numbers[np.argsort(self._due[numbers], kind="stable")][:most]
        else:
            at_once = self._frame % online.update_freq == 0 and self._frame > online.init_batch
            numbers = np.arange(cells.n) if at_once else np.zeros(0, np.intp)
        if len(numbers) == 0:
            return
        update_shapes(
            cells,
            numbers,
            self._noise,
            rounds=online.iters_shape,
            nrgthr=self._params.spatial.nrgthr,
            with_background=with_background,
        )
        self._due[numbers] = self._frame + online.update_freq
        for k in numbers:
            self._renew_dynamics(int(k))

    def _renew_dynamics(self, k: int) -> None:
        trace = self.cells.traces.known(k, RECENT_FRAMES)
        self.cells.set_dynamics(k, *dynamics_of(trace, self._params, self._rate_hz))
