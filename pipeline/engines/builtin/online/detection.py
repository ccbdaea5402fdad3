"""Looking for new cells in what the model leaves unexplained (eLife 2019, algorithm 5).

The last frames' residuals are kept, blurred to the size of a cell, and each pixel's energy over them is kept up to
date. Where it is highest, a component is fitted to the buffer and has to pass for a cell: a footprint that the frames
of its transients show, of a cell's size, a transient that noise does not make, and no cell that is known already. As in
the batch engine's search, downward activity, which no cell has, says from where on a place is worth a try.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.evaluation import trace_snr
from pipeline.engines.builtin.initialisation import (
    BLUR,
    NEUROPIL,
    NEXT_TO,
    around,
    fit_one,
    null_level,
    white_noise_level,
)
from pipeline.engines.builtin.online.cells import Cells
from pipeline.engines.builtin.online.initial import inside_border
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.smoothing import blurred, noise_gain
from pipeline.parameters import Parameters

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Frames after which a place that held no cell is worth another try; twice as many after each further failure, up to
# about a buffer.
PAUSE = 10
MOST_DOUBLINGS = 3
# Share of the edge of the box around a candidate that its footprint may touch.
MOST_OF_EDGE = 0.1
# Frames between two looks at what downward activity reaches.
CHECK_EVERY = 10


@dataclass(frozen=True)
class Candidate:
    """A new cell.

    Attributes
    ----------
    corner, image
        Its window, and its footprint there, of unit norm.
    recent
        ``(n_recent,)``: its activity in the frames of the buffer, in units of the footprint.
    """

    corner: tuple[int, int]
    image: Floats
    recent: Doubles


class Detector:
    """The buffer of residuals and what may be new in it.

    Parameters
    ----------
    noise
        ``(height, width)``: the standard deviation of each pixel's noise.
    rate_hz
        Frames per second.
    """

    def __init__(self, noise: Floats, params: Parameters, rate_hz: float) -> None:
        self._params, self._online = params, params.online
        length = self._online.minibatch_shape
        height, width = noise.shape
        floor = float(np.median(noise[noise > 0])) if (noise > 0).any() else 1.0
        self.scale = np.maximum(noise, 0.2 * floor).astype(np.float32)
        gSig = params.init.gSig
        self._blur = (BLUR * gSig[0], BLUR * gSig[1])
        self._neuropil = (NEUROPIL * gSig[0], NEUROPIL * gSig[1])
        self._gain = noise_gain(self._blur, noise.shape)
        self._box = params.init.gSiz if params.init.gSiz is not None else (2 * gSig[0] + 1, 2 * gSig[1] + 1)
        self._reach = tuple(int(np.ceil(3 * b)) for b in self._blur)
        self._residuals = np.zeros((length, height, width), np.float32)
        self._blurred = np.zeros((length, height, width), np.float32)
        self._up, self._down = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
        self._allowed = inside_border(params.patch.border_pix, height, width)
        self._next, self.filled = 0, 0
        self._wait, self._failed = np.zeros((height, width), np.int32), np.zeros((height, width), np.int8)
        self._frame, self._level = 0, np.inf
        self._window = self._online.N_samples_exceptionality or max(1, int(np.ceil(rate_hz * params.data.decay_time)))
        self._least = (
            self._online.thresh_fitness_raw
            if self._online.thresh_fitness_raw is not None
            else self._window * float(special.log_ndtr(-self._online.min_SNR))
        )

    def push(self, residual: Floats) -> None:
        """Take in what the model leaves of a frame ``(height, width)``."""
        flat = residual / self.scale
        flat -= widely_blurred(flat, self._neuropil)
        smooth = blurred(flat, self._blur) * self._gain
        _replace_energy(self._up, self._down, self._blurred[self._next], smooth)
        self._residuals[self._next], self._blurred[self._next] = flat, smooth
        self._next = (self._next + 1) % len(self._residuals)
        self.filled = min(self.filled + 1, len(self._residuals))
        self._frame += 1

    def clear(self) -> None:
        """Forget all residuals: the next frame does not follow on the last one."""
        for part in (self._residuals, self._blurred, self._up, self._down):
            part[:] = 0
        self._next, self.filled = 0, 0
        self._wait[:] = 0
        self._failed[:] = 0
        self._frame = 0

    @property
    def ready(self) -> bool:
        """Whether the buffer is full: what it holds less of cannot be judged."""
        return self.filled == len(self._residuals)

    def candidates(self, cells: Cells) -> list[Candidate]:
        """New cells, at most ``max_num_added``; each is taken out of the buffer and belongs to the model then."""
        online = self._online
        if self._frame % CHECK_EVERY == 0 or not np.isfinite(self._level):
            n = len(self._residuals)
            self._level = n * max(null_level(self._down / np.float32(n), self._params.init.gSig), white_noise_level(n))
        found: list[Candidate] = []
        for y, x in self._peaks(online.min_num_trial):
            if len(found) == online.max_num_added:
                break
            here = around((y, x), NEXT_TO, self._up.shape)
            self._wait[here] = self._frame + PAUSE * 2 ** int(self._failed[y, x])
            self._failed[here] = min(MOST_DOUBLINGS, int(self._failed[y, x]) + 1)
            candidate = self._fit(y, x, cells)
            if candidate is not None:
                found.append(candidate)
                cells.add(candidate.corner, candidate.image, candidate.recent)
                cells.remember(cells.n - 1, self._raw_window(cells.view(cells.n - 1)))
                self._take_out(candidate)
        return found

    def _peaks(self, most: int) -> list[tuple[int, int]]:
        """Places of the highest local maxima of energy, the highest first."""
        gSig = self._params.init.gSig
        top = cv2.dilate(self._up, np.ones((2 * gSig[0] + 1, 2 * gSig[1] + 1), np.uint8))
        high = (self._up >= top) & (self._up > self._level) & (self._wait <= self._frame)
        high &= self._allowed
        rows, columns = np.nonzero(high)
        order = np.argsort(-self._up[rows, columns], kind="stable")[:most]
        return [(int(rows[i]), int(columns[i])) for i in order]

    def _fit(self, y: int, x: int, cells: Cells) -> Candidate | None:
        """The component at a place, or None when it does not pass for a new cell."""
        height, width = self._up.shape
        rows, columns = around((y, x), self._box, (height, width))
        box = self._in_order(rows, columns)
        shape, trace = fit_one(box, (y - rows.start, x - columns.start), self._blur)
        if not shape.any() or fills(shape):
            return None
        if correlation(box, shape, trace) < self._online.rval_thr:
            return None
        if not cell_sized(sparse.csr_array(shape.reshape(1, -1)), shape.shape, self._params.init.gSig)[0]:
            return None
        course = box.reshape(len(box), -1) @ shape.ravel() / np.float32(np.square(shape).sum())
        snr = float(trace_snr(course[None], self._window)[0])
        if self._window * float(special.log_ndtr(-snr)) > self._least:
            return None
        whole = np.zeros((height, width), np.float32)
        whole[rows, columns] = shape * self.scale[rows, columns]
        total = float(whole.sum())
        centre = ((whole.sum(1) @ np.arange(height)) / total + 0.5, (whole.sum(0) @ np.arange(width)) / total + 0.5)
        top, left = cells.window_around(*centre)
        image = whole[top : top + cells.window[0], left : left + cells.window[1]]
        norm = float(np.linalg.norm(image))
        if norm <= 0 or self._is_known((top, left), image / norm, course, cells):
            return None
        return Candidate((top, left), image / norm, course.astype(np.float64) * norm)

    def _is_known(self, corner: tuple[int, int], image: Floats, course: Floats, cells: Cells) -> bool:
        """Whether it is a cell that the model has: much the same footprint, or a piece that goes along with it."""
        down, right = np.array(corner)[:, None] - cells.corners.T
        near = np.flatnonzero((np.abs(down) < cells.window[0]) & (np.abs(right) < cells.window[1]))
        if len(near) == 0:
            return False
        _, active = cells.traces.last(len(course))
        for other in near:
            dy, dx = int(down[other]), int(right[other])
            n_rows, n_columns = cells.window
            mine = image[max(0, -dy) : n_rows - max(0, dy), max(0, -dx) : n_columns - max(0, dx)]
            its = cells.images[other][max(0, dy) : n_rows - max(0, -dy), max(0, dx) : n_columns - max(0, -dx)]
            overlap = float((mine * its).sum())
            if overlap > self._online.thresh_overlap:
                return True
            merges = self._params.merging.do_merge and overlap > 0 and active[other].std() > 0
            if merges and np.corrcoef(active[other], course)[0, 1] > self._params.merging.merge_thr:
                return True
        return False

    def _in_order(self, rows: slice, columns: slice) -> Floats:
        """A part of the buffer, the oldest frame first."""
        return np.concatenate(
            [self._residuals[self._next :, rows, columns], self._residuals[: self._next, rows, columns]]
        )

    def _raw_window(self, window: tuple[slice, slice]) -> Floats:
        return self._in_order(*window) * self.scale[window]

    def _take_out(self, candidate: Candidate) -> None:
        """Subtract a new cell from the buffer, and renew the energy around it."""
        height, width = self._up.shape
        n_rows, n_columns = candidate.image.shape
        top, left = candidate.corner
        rows = slice(max(0, top - self._reach[0]), min(height, top + n_rows + self._reach[0]))
        columns = slice(max(0, left - self._reach[1]), min(width, left + n_columns + self._reach[1]))
        whole = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.float32)
        inside = (
            slice(top - rows.start, top - rows.start + n_rows),
            slice(left - columns.start, left - columns.start + n_columns),
        )
        whole[inside] = candidate.image / self.scale[top : top + n_rows, left : left + n_columns]
        smeared = blurred(whole, self._blur) * self._gain
        course = np.maximum(np.roll(candidate.recent, self._next), 0).astype(np.float32)[:, None, None]
        self._residuals[:, rows, columns] -= course * whole
        self._blurred[:, rows, columns] -= course * smeared
        part = np.ascontiguousarray(self._blurred[:, rows, columns])
        self._up[rows, columns] = np.square(np.maximum(part, 0)).sum(axis=0)
        self._down[rows, columns] = np.square(np.minimum(part, 0)).sum(axis=0)


def correlation(box: Floats, shape: Floats, trace: Floats) -> float:
    """Pearson's correlation, over all pixels of the box, of a footprint and the mean of its active frames.

    `box` is ``(n_recent, h, w)``; frames count by the component's activity `trace` ``(n_recent,)`` in them.
    """
    weights = np.maximum(trace - np.median(trace), 0)
    if weights.sum() <= 0:
        return 0.0
    image = np.tensordot(weights, box, axes=1)
    if image.std() == 0 or shape.std() == 0:
        return 0.0
    return float(np.corrcoef(image.ravel(), shape.ravel())[0, 1])


def fills(shape: Floats) -> bool:
    """Whether a footprint goes on beyond its box, which is wider than a cell: neuropil does."""
    edge = np.concatenate([shape[0], shape[-1], shape[1:-1, 0], shape[1:-1, -1]])
    return bool((edge > 0).mean() > MOST_OF_EDGE)


def widely_blurred(image: Floats, sigma: tuple[float, float]) -> Floats:
    """`image` ``(height, width)`` blurred widely: two running means, which cost the same at any width."""
    size = tuple(2 * round(np.sqrt(6 * s * s + 1) / 2) + 1 for s in sigma)  # each adds (size^2 - 1) / 12
    once = cv2.blur(image, (size[1], size[0]), borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.blur(once, (size[1], size[0]), borderType=cv2.BORDER_REFLECT), np.float32)


@compiled
def _replace_energy(up: Floats, down: Floats, old: Floats, new: Floats) -> None:
    height, width = up.shape
    for y in range(height):
        for x in range(width):
            value = old[y, x]
            if value > 0:
                up[y, x] -= value * value
            else:
                down[y, x] -= value * value
            value = new[y, x]
            if value > 0:
                up[y, x] += value * value
            else:
                down[y, x] += value * value
