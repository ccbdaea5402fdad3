"""Whether footprints can be the bodies of cells of the expected size."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# A footprint is judged by its pixels above this share of its maximum (the CaImAn paper binarises at the same level).
BINARISE_AT = 0.2
# Least half-width, across its narrow side, in units of gSig: dendrites, axons and boutons are thinner.
LEAST_HALF_WIDTH = 0.75


def cell_sized(footprints: sparse.csr_array, field: tuple[int, ...], gSig: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which footprints ``(n, n_pixels)`` are as wide as a cell with half-size `gSig` ``(y, x[, z])``: ``(n,)`` bool.

    The half-width is that of the ellipse with the same second moments (two standard deviations along its short axis,
    the radius for a disc), in units of gSig. In a volume it is that of the footprint seen from above: cells that the
    top or bottom plane cuts through are thin in z and cells all the same.

    A footprint that the border of the field cuts is judged together with its mirror image beyond it.

    Parameters
    ----------
    field
        ``(height, width[, depth])``.
    """
    wide = np.zeros(footprints.shape[0], bool)
    for k in range(len(wide)):
        part = slice(footprints.indptr[k], footprints.indptr[k + 1])
        weights = footprints.data[part]
        bright = footprints.indices[part][weights >= BINARISE_AT * weights.max(initial=0)]
        seen = np.unique(bright // math.prod(field[2:]))
        if len(seen) < 4:
            continue
        y, x = with_mirror_image(*np.divmod(seen, field[1]), field)
        covariance = np.cov(y / gSig[0], x / gSig[1], bias=True)
        # Pixels are squares, not points: a line of them still has a width, with a variance of 1/12 px^2.
        covariance[0, 0] += 1 / (12 * gSig[0] ** 2)
        covariance[1, 1] += 1 / (12 * gSig[1] ** 2)
        wide[k] = 2 * np.sqrt(np.linalg.eigvalsh(covariance)[0]) >= LEAST_HALF_WIDTH
    return wide


def with_mirror_image(
    y: NDArray[np.integer], x: NDArray[np.integer], field: tuple[int, ...]
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Pixels together with their mirror image at each border of the field ``(height, width)`` that they touch."""
    for border, touches in ((-1, y.min() == 0), (2 * field[0] - 1, y.max() == field[0] - 1)):
        if touches:
            y, x = np.concatenate([y, border - y]), np.concatenate([x, x])
    for border, touches in ((-1, x.min() == 0), (2 * field[1] - 1, x.max() == field[1] - 1)):
        if touches:
            y, x = np.concatenate([y, y]), np.concatenate([x, border - x])
    return y, x
