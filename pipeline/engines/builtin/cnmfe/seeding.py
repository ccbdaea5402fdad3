"""Cells from seeds: one after the other, the best first, out of what the earlier ones leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.cnmfe.cell_filter import REACH, filtered
from pipeline.engines.builtin.cnmfe.corr_pnr import CorrPnr
from pipeline.engines.builtin.cnmfe.short_movie import ShortMovie
from pipeline.engines.builtin.initialisation import around, fit_one
from pipeline.engines.builtin.shape import cell_sized
from pipeline.parameters.groups import Init

Floats = NDArray[np.float32]

# Width of the first guess of a footprint, in units of gSig.
BLUR = 0.65


@dataclass(frozen=True)
class Grown:
    """Cells that grew from seeds: footprints ``(n, n_pixels)`` with maximum 1, traces ``(n, n_short)``."""

    footprints: sparse.csr_array
    traces: Floats


def grow(
    short: ShortMovie,
    background: Floats,
    images: CorrPnr,
    seeds: NDArray[np.intp],
    params: Init,
    most: int | None,
    earlier: Grown,
    progress: Callable[[float], None],
) -> Grown:
    """Fit a footprint and a trace at each of `seeds`, in the short movie less its background and the `earlier` cells.

    A seed is passed over when the cells found before it explain so much of it that its peak-to-noise ratio falls below
    ``min_pnr``, or when what is there is too thin for a cell.

    Parameters
    ----------
    background
        Of `ShortMovie.background`.
    seeds
        ``(n, 2)`` as ``(y, x)``.
    most
        How many cells to stop at, or None.
    earlier
        Cells that are in the movie still.
    """
    field = images.pnr.shape
    found = _Found(field, earlier)
    box_size = params.gSiz if params.gSiz is not None else (2 * params.gSig[0] + 1, 2 * params.gSig[1] + 1)
    blur = tuple(BLUR * g for g in params.gSig)
    for number, (y, x) in enumerate(seeds):
        if most is not None and found.n_new >= most:
            break
        rows, columns = around((int(y), int(x)), box_size, field)
        window = (rows, columns)
        box = short.box(window, background)
        seed = (int(y) - rows.start, int(x) - columns.start)
        kernel = _kernel(box.shape[1:], seed, params)
        before = _peak(box, kernel)
        found.subtract_from(box, window)
        if before <= 0 or images.pnr[y, x] * _peak(box, kernel) / before < params.min_pnr:
            continue
        footprint, trace = fit_one(box, seed, blur)
        if footprint.any():
            found.add(footprint, trace, window, params.gSig)
        progress((number + 1) / len(seeds))
    return found.new()


class _Found:
    """Cells found so far, each in its own window."""

    def __init__(self, field: tuple[int, ...], earlier: Grown) -> None:
        self._field = field
        self._images: list[tuple[tuple[slice, slice], Floats]] = []
        self._traces: list[Floats] = list(earlier.traces)
        for row in range(earlier.footprints.shape[0]):
            part = slice(earlier.footprints.indptr[row], earlier.footprints.indptr[row + 1])
            y, x = np.unravel_index(earlier.footprints.indices[part], field)
            if len(y) == 0:
                y = x = np.zeros(1, np.intp)
            window = (slice(int(y.min()), int(y.max()) + 1), slice(int(x.min()), int(x.max()) + 1))
            image = np.zeros((window[0].stop - window[0].start, window[1].stop - window[1].start), np.float32)
            if part.stop > part.start:
                image[y - window[0].start, x - window[1].start] = earlier.footprints.data[part]
            self._images.append((window, image))
        self._n_earlier = len(self._images)

    @property
    def n_new(self) -> int:
        return len(self._images) - self._n_earlier

    def subtract_from(self, box: Floats, window: tuple[slice, slice]) -> None:
        """Take the cells out of the frames `box` of a window, in place."""
        for (place, image), trace in zip(self._images, self._traces, strict=True):
            rows, columns = (
                slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(place, window, strict=True)
            )
            if rows.start >= rows.stop or columns.start >= columns.stop:
                continue
            own = image[
                rows.start - place[0].start : rows.stop - place[0].start,
                columns.start - place[1].start : columns.stop - place[1].start,
            ]
            box[
                :,
                rows.start - window[0].start : rows.stop - window[0].start,
                columns.start - window[1].start : columns.stop - window[1].start,
            ] -= trace[:, None, None] * own

    def add(self, footprint: Floats, trace: Floats, window: tuple[slice, slice], gSig: tuple[int, ...]) -> None:
        row = self._row(window, footprint)
        if cell_sized(row, self._field, gSig)[0]:
            self._images.append((window, footprint))
            self._traces.append(trace)

    def new(self) -> Grown:
        rows = [self._row(window, image) for window, image in self._images[self._n_earlier :]]
        traces = self._traces[self._n_earlier :]
        if not rows:
            n_pixels = self._field[0] * self._field[1]
            return Grown(sparse.csr_array((0, n_pixels), dtype=np.float32), np.zeros((0, 0), np.float32))
        return Grown(sparse.csr_array(sparse.vstack(rows), dtype=np.float32), np.stack(traces))

    def _row(self, window: tuple[slice, slice], image: Floats) -> sparse.csr_array:
        y, x = np.nonzero(image)
        pixels = (y + window[0].start) * self._field[1] + x + window[1].start
        n_pixels = self._field[0] * self._field[1]
        return sparse.csr_array((image[y, x], (np.zeros(len(y), np.intp), pixels)), shape=(1, n_pixels))


def _kernel(shape: tuple[int, ...], seed: tuple[int, int], params: Init) -> Floats:
    """What the cell filter makes of a box at the seed, as weights of its pixels ``(h, w)``."""
    # On a canvas of its own, so that the reflection at a box's edge does not enter.
    reach = [REACH * g for g in params.gSig]
    impulse = np.zeros((4 * reach[0] + 1, 4 * reach[1] + 1), np.float32)
    impulse[2 * reach[0], 2 * reach[1]] = 1
    response = filtered(impulse, params.gSig, center_psf=params.center_psf)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    rows, columns = rows - seed[0] + 2 * reach[0], columns - seed[1] + 2 * reach[1]
    inside = (rows >= 0) & (rows < response.shape[0]) & (columns >= 0) & (columns < response.shape[1])
    return np.where(inside, response[np.where(inside, rows, 0), np.where(inside, columns, 0)], 0).astype(np.float32)


def _peak(box: Floats, kernel: Floats) -> float:
    series = box.reshape(len(box), -1) @ kernel.ravel()
    return float(series.max() - np.median(series))
