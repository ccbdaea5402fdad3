"""The first background: the strongest low-rank part of what the cells leave."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float32]

POWER_ITERATIONS = 8


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
    for _ in range(POWER_ITERATIONS):
        images = courses.T.astype(np.float32) @ flat - (courses.T @ traces.T) @ footprints
        weighted = (images * weight).astype(np.float32)
        new = (flat @ weighted.T).astype(np.float64) - traces.T @ (footprints @ weighted.T)
        if not np.any(new):
            break
        courses, _ = np.linalg.qr(new)
    images = courses.T.astype(np.float32) @ flat - (courses.T @ traces.T) @ footprints
    signs = np.where(images.sum(axis=1) < 0, -1, 1)
    return np.asarray(images * signs[:, None], dtype=np.float32)
