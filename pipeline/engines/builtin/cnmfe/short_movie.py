"""The movie averaged over time, with its cells and its ring background taken apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.cnmfe.residual import remove_cells
from pipeline.engines.builtin.cnmfe.ring import (
    RingBackground,
    enlarged,
    fit_weights,
    reduced,
    strong_courses,
    weighted,
)
from pipeline.engines.builtin.survey import Survey
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

SLICE = 16
# The ring regression's ridge, in units of the noise of single frames. Noise that it lets through is averaged over a
# cell, background that it holds back is not: so it is less than the 1 that would be best for a single pixel.
RIDGE = 0.05
# Before any cell is known, rings that follow the movie closely would predict the cells as well.
FIRST_RIDGE = 0.2


class ShortMovie:
    """A movie of means over a few frames, in memory: the ring's weights are fitted to it and cells started from it.

    Parameters
    ----------
    known
        Its `short` is ``(n_short, height, width)``.
    ssub
        By how much the field is reduced for the ring (``ssub_B``).
    """

    def __init__(self, known: Survey, ssub: int) -> None:
        self._short, self._factor, self._ssub = known.short, known.factor, ssub
        self._mean = known.images["mean"]
        self._noise = known.noise
        n_short, height, width = known.short.shape
        self._small = np.empty((n_short, -(-height // ssub), -(-width // ssub)), np.float32)

        def work(first: int) -> None:
            part = slice(first, first + SLICE)
            self._small[part] = reduced(known.short[part] - self._mean, ssub)

        for _ in in_threads(work, range(0, n_short, SLICE)):
            pass

    def averaged(self, traces: Floats) -> Floats:
        """Traces ``(n, n_frames)`` at the times of the short movie, ``(n, n_short)``."""
        edges = np.arange(0, traces.shape[1], self._factor)
        counts = np.diff(np.append(edges, traces.shape[1]))
        return np.asarray(np.add.reduceat(traces, edges, axis=1) / counts, dtype=np.float32)

    def offset(self, footprints: sparse.csr_array, traces: Floats) -> Floats:
        """b0 ``(n_pixels,)``: the movie's mean less that of the cells."""
        mean: Floats = self._mean.ravel() - footprints.T @ traces.mean(axis=1)
        return mean.astype(np.float32)

    def fit_ring(self, footprints: sparse.csr_array, traces: Floats, radius: int) -> RingBackground:
        """The ring background of what the cells leave (`traces` at the full rate)."""
        field = (self._mean.shape[0], self._mean.shape[1])
        start = RingBackground(field, self._ssub, sparse.csr_array((1, 1)), self.offset(footprints, traces))
        small = self._small.copy()
        if footprints.shape[0]:
            change = self.averaged(traces)
            change -= change.mean(axis=1, keepdims=True)
            remove_cells(small, sparse.csr_array(footprints @ start.down.T, dtype=np.float32), change)
        # Of one frame of the movie, on the reduced field.
        variance = reduced((self._noise**2)[None], self._ssub)[0] / self._ssub**2
        courses = strong_courses(small, np.sqrt(variance), radius)
        ridge = RIDGE if footprints.shape[0] else FIRST_RIDGE
        weights = fit_weights(courses, radius, ridge * len(small) * variance)
        return RingBackground(field, self._ssub, weights, start.offset)

    def background(self, ring: RingBackground, footprints: sparse.csr_array, traces: Floats) -> Floats:
        """``W D (Y - A C - b0)`` on the reduced field: ``(n_short, small height, small width)``."""
        small = self._small.copy()
        if footprints.shape[0]:
            change = self.averaged(traces)
            change -= change.mean(axis=1, keepdims=True)
            remove_cells(small, sparse.csr_array(footprints @ ring.down.T, dtype=np.float32), change)
        flat = small.reshape(len(small), -1)
        out = np.empty_like(flat)

        def work(first: int) -> None:
            out[first : first + SLICE] = weighted(flat[first : first + SLICE], ring.weights)

        for _ in in_threads(work, range(0, len(flat), SLICE)):
            pass
        return out.reshape(small.shape)

    def box(self, window: tuple[slice, slice], background: Floats) -> Floats:
        """The movie less its mean and its `background` (of the method above) in a window: ``(n_short, h, w)``."""
        ssub = self._ssub
        height, width = background.shape[1:]
        rows = slice(max(0, window[0].start // ssub - 1), min(height, -(-window[0].stop // ssub) + 1))
        columns = slice(max(0, window[1].start // ssub - 1), min(width, -(-window[1].stop // ssub) + 1))
        shape = ((rows.stop - rows.start) * ssub, (columns.stop - columns.start) * ssub)
        behind = enlarged(np.ascontiguousarray(background[:, rows, columns]), ssub, shape)
        top, left = window[0].start - rows.start * ssub, window[1].start - columns.start * ssub
        size = (window[0].stop - window[0].start, window[1].stop - window[1].start)
        behind = behind[:, top : top + size[0], left : left + size[1]]
        return np.asarray(self._short[(slice(None), *window)] - self._mean[window] - behind, dtype=np.float32)
