"""The model to begin with, from the first frames: background, noise, and the cells that these show already.

"Bare" is the batch engine's search on those few frames (eLife 2019, BareInitialization), "seeded" takes the places of
cells from masks (algorithm 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from pipeline.engines.builtin.background import initial_background
from pipeline.engines.builtin.initialisation import Candidates, find_cells
from pipeline.engines.builtin.model import unit_norm
from pipeline.engines.builtin.online.cells import Cells
from pipeline.engines.builtin.online.dynamics import dynamics_of
from pipeline.engines.builtin.spatial import GROWTH
from pipeline.engines.builtin.start import seeded_traces
from pipeline.engines.builtin.survey import spectral_power
from pipeline.parameters import Parameters

Floats = NDArray[np.float32]

# Rows of the field whose spectra are taken at a time.
_ROWS = 32


class Batch:
    """Frames in memory, as far as the batch engine needs a movie."""

    def __init__(self, frames: NDArray[Any]) -> None:
        self.frames = frames
        self.shape = frames.shape

    def read(self, start: int, stop: int) -> NDArray[Any]:
        return self.frames[start:stop]


def initial_cells(
    frames: Floats,
    params: Parameters,
    rate_hz: float,
    seeds: sparse.csr_array | None,
    progress: Callable[[float], None],
) -> tuple[Cells, Floats]:
    """Cells, background and noise ``(height, width)`` from the first registered frames ``(n, height, width)``.

    The cells have dynamics, but no traces and no running sums yet: the same frames go through the model for that.

    Parameters
    ----------
    seeds
        Masks ``(n, n_pixels)``, binary or real-valued, or None.
    """
    n_frames, height, width = frames.shape
    noise = pixel_noise(frames)
    factor = min(params.init.tsub, n_frames)
    short = np.stack([frames[start : start + factor].mean(axis=0) for start in range(0, n_frames, factor)])
    if seeds is None:
        found = find_cells(
            short,
            noise,
            params.init,
            short_rate_hz=rate_hz / factor,
            factor=factor,
            allowed=inside_border(params.patch.border_pix, height, width),
            progress=progress,
        )
    else:
        found = Candidates(seeds, seeded_traces(short, seeds, rate_hz / factor))
    background = initial_background(short, found.footprints, found.traces, noise, params.init.nb)
    footprints = unit_norm(found.footprints)[0] if found.footprints.shape[0] else found.footprints
    cells = Cells(background.reshape(-1, height, width), window_size(params, footprints, height, width))
    for row in range(footprints.shape[0]):
        part = slice(footprints.indptr[row], footprints.indptr[row + 1])
        y, x = np.divmod(footprints.indices[part], width)
        corner = cells.window_around((y.min() + y.max() + 1) / 2, (x.min() + x.max() + 1) / 2)
        image = np.zeros(cells.window, np.float32)
        image[y - corner[0], x - corner[1]] = footprints.data[part]
        cells.add(corner, image, np.zeros(0))
    for k, trace in enumerate(seen_through(cells, frames)):
        cells.set_dynamics(k, *dynamics_of(trace, params, rate_hz))
        cells.explained[k] = cells.baseline[k]
    return cells, noise


def inside_border(border_pix: int, height: int, width: int) -> NDArray[np.bool_]:
    """Where a cell may be centred: ``(height, width)``."""
    allowed = np.zeros((height, width), bool)
    allowed[border_pix : height - border_pix, border_pix : width - border_pix] = True
    return allowed


def window_size(params: Parameters, footprints: sparse.csr_array, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a cell's window: room for a box around a cell, and for every footprint, to grow in."""
    gSig = params.init.gSig
    box = params.init.gSiz if params.init.gSiz is not None else (2 * gSig[0] + 1, 2 * gSig[1] + 1)
    largest = [2 * box[0] + 1, 2 * box[1] + 1]
    for row in range(footprints.shape[0]):
        y, x = np.divmod(footprints.indices[footprints.indptr[row] : footprints.indptr[row + 1]], width)
        largest = [max(largest[0], int(np.ptp(y)) + 1), max(largest[1], int(np.ptp(x)) + 1)]
    return min(height, largest[0] + 2 * GROWTH), min(width, largest[1] + 2 * GROWTH)


def pixel_noise(frames: Floats) -> Floats:
    """The standard deviation of each pixel's noise ``(height, width)``, row by row to bound the memory of spectra."""
    rows = range(0, frames.shape[1], _ROWS)
    return np.concatenate([np.sqrt(spectral_power(frames[:, row : row + _ROWS])) for row in rows]).astype(np.float32)


def seen_through(cells: Cells, frames: Floats) -> NDArray[np.float64]:
    """What each cell shows by itself in `frames`, by least squares together with the others: ``(n, n_frames)``."""
    flat = frames.reshape(len(frames), -1)
    footprints = cells.footprints()
    if cells.n == 0:
        return np.zeros((0, len(frames)))
    background = cells.background.reshape(cells.nb, -1)
    through = np.asarray(footprints @ flat.T, np.float64)
    behind = (background @ flat.T).astype(np.float64)
    inverse = np.linalg.pinv((background @ background.T).astype(np.float64), hermitian=True)
    gram = cells.overlap - cells.cross @ inverse @ cells.cross.T
    data = through - cells.cross @ inverse @ behind
    # A little ridge, as in `temporal`: two footprints that are almost the same would share out noise without bound.
    seen: NDArray[np.float64] = linalg.solve(gram + 1e-3 * np.eye(cells.n), data, assume_a="pos")
    return seen
