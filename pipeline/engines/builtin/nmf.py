"""Sparse non-negative matrix factorisation of the movie (``method_init`` sparse_nmf): for dendrites and axons, whose
shape no kernel knows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from pipeline.engines.builtin.initialisation import Candidates, flattened
from pipeline.engines.builtin.smoothing import blurred

Floats = NDArray[np.float32]

ROUNDS = 40
# Frames that are enough to tell components apart; more are averaged first.
MOST_FRAMES = 800
# Blur of the frames, in pixels: neighbouring pixels of one process see the same.
SMOOTH_PX = 0.6
# The penalty on footprints, in standard deviations of what noise alone would give a pixel.
SPARSITY = 2.0
# A footprint ends where it falls below this share of its maximum.
EDGE = 0.15
# Footprints with fewer pixels are noise.
LEAST_PIXELS = 6


def find_processes(
    short: Floats, noise: Floats, K: int, *, short_rate_hz: float, factor: int, progress: Callable[[float], None]
) -> Candidates:
    """`K` components, or fewer, of a shortened movie ``(n_short, height, width[, depth])``.

    Alternating least squares over one component at a time (HALS, Cichocki et al. 2009), started from the leading
    singular vectors (Boutsidis & Gallopoulos 2008), with a penalty that keeps noise out of the footprints. Baselines
    and neuropil are not taken out: components of them take them up, and only brightening counts.

    Parameters
    ----------
    noise
        ``(height, width[, depth])``: noise of one pixel in one frame of the full movie.
    factor
        Frames averaged into one of `short`.
    """
    field = short.shape[1:]
    usual = float(np.median(noise[noise > 0])) if (noise > 0).any() else 0.0
    n_short, n_pixels = len(short), noise.size
    nothing = Candidates(sparse.csr_array((0, n_pixels), dtype=np.float32), np.zeros((0, n_short), np.float32))
    K = min(K, n_short)
    if usual == 0 or K == 0:
        return nothing
    scale = np.maximum(noise, 0.2 * usual)
    movie = flattened(short, short_rate_hz) * (np.float32(np.sqrt(factor)) / scale)
    for image in movie:
        image[:] = blurred(image, (SMOOTH_PX,) * len(field))
    full = np.maximum(movie, 0).reshape(n_short, -1)
    step = -(-n_short // MOST_FRAMES)
    starts = np.arange(0, n_short, step)
    counts = np.diff(starts, append=n_short)[:, None].astype(np.float32)
    data: Floats = (np.add.reduceat(full, starts, axis=0) / counts).astype(np.float32)

    traces = np.maximum(started(data, K), 1e-6)
    shapes = np.maximum(traces.T @ data / (traces**2).sum(axis=0)[:, None], 0)
    for turn in range(ROUNDS):
        traces = hals(traces, data @ shapes.T, shapes @ shapes.T, 0.0)
        traces /= np.maximum(np.linalg.norm(traces, axis=0), 1e-12)
        spread = 1 / np.sqrt(step)  # of the noise that the projection onto a trace of unit norm has
        shapes = hals(shapes.T, data.T @ traces, traces.T @ traces, SPARSITY * spread).T
        progress((turn + 1) / ROUNDS)
    shapes[shapes < EDGE * shapes.max(axis=1, keepdims=True)] = 0
    alive = np.flatnonzero((shapes > 0).sum(axis=1) >= LEAST_PIXELS)
    if not len(alive):
        return nothing
    in_units = shapes[alive] * (scale.ravel() / np.float32(np.sqrt(factor)))
    in_units /= in_units.max(axis=1, keepdims=True)
    weights = shapes[alive]
    courses = np.maximum(linalg.solve(weights @ weights.T + 1e-3 * np.eye(len(alive)), weights @ full.T), 0)
    peaks = (weights * (scale.ravel() / np.float32(np.sqrt(factor)))).max(axis=1, keepdims=True)
    return Candidates(sparse.csr_array(in_units.astype(np.float32)), (courses * peaks).astype(np.float32))


def started(data: Floats, K: int) -> Floats:
    """Non-negative traces ``(n_frames, K)``: of each leading singular vector the half that weighs more (NNDSVD)."""
    _, vectors = linalg.eigh((data @ data.T).astype(np.float64), subset_by_index=[max(0, len(data) - K), len(data) - 1])
    vectors = vectors[:, ::-1]
    up, down = np.maximum(vectors, 0), np.maximum(-vectors, 0)
    heavier = (up**2).sum(axis=0) >= (down**2).sum(axis=0)
    return np.where(heavier, up, down).astype(np.float32)


def hals(factor: Floats, target: Floats, gram: Floats, penalty: float) -> Floats:
    """One round of ``min |X - factor @ other|^2 / 2 + penalty * sum(factor)``, ``factor >= 0``, column by column.

    `target` is ``X @ other.T``, `gram` ``other @ other.T``.
    """
    new = factor.copy()
    for k in range(new.shape[1]):
        if gram[k, k] > 1e-12:
            slope = target[:, k] - new @ gram[:, k] - penalty
            new[:, k] = np.maximum(new[:, k] + slope / gram[k, k], 0)
    return new
