"""The first background: the strongest low-rank part of what the cells leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

POWER_ITERATIONS = 8
# Pixels that one thread works on at a time.
PIXELS_AT_ONCE = 4096


def initial_background(short: Floats, footprints: sparse.csr_array, traces: Floats, noise: Floats, nb: int) -> Floats:
    """Background images ``(nb, n_pixels)`` of a shortened movie ``(n_short, height, width[, depth])``.

    Subspace iteration for the `nb` strongest components of ``short - traces.T @ footprints``, each pixel weighted by
    its noise; the first follows the mean brightness. The residual movie itself is never built.
    """
    n_short = len(short)
    flat = short.reshape(n_short, -1)
    scale = noise.ravel()
    weight = np.where(scale > 0, 1 / np.maximum(scale, 1e-6 * max(1e-30, float(scale.max(initial=0)))), 0) ** 2
    nb = min(nb, n_short)
    rng = np.random.default_rng(0)  # only directions to start from; the iteration forgets them
    courses = rng.standard_normal((n_short, nb))
    courses[:, 0] = 1.0
    courses, _ = np.linalg.qr(courses)
    images = np.empty((nb, flat.shape[1]), np.float32)

    def work(first: int) -> NDArray[np.float64]:
        """Images of some pixels, and what these pixels add to the next courses."""
        part = slice(first, first + PIXELS_AT_ONCE)
        images[:, part] = courses.T.astype(np.float32) @ flat[:, part] - of_cells[:, part]
        return np.asarray(flat[:, part] @ (images[:, part] * weight[part]).T.astype(np.float32), dtype=np.float64)

    for turn in range(POWER_ITERATIONS + 1):
        of_cells = (courses.T @ traces.T) @ footprints
        new = sum(in_threads(work, range(0, flat.shape[1], PIXELS_AT_ONCE)), np.zeros((n_short, nb)))
        new -= traces.T @ (footprints @ (images * weight).T)
        if turn == POWER_ITERATIONS or not np.any(new):
            break
        courses, _ = np.linalg.qr(new)
    signs = np.where(images.sum(axis=1) < 0, -1, 1)
    return np.asarray(images * signs[:, None], dtype=np.float32)
