"""Whether a footprint can be the body of a cell of the expected size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# A footprint is judged by its pixels above this share of its maximum (the CaImAn paper binarises at the same level).
BINARISE_AT = 0.2
# Least half-width, across its narrow side, in units of gSig: dendrites, axons and boutons are thinner.
LEAST_HALF_WIDTH = 0.75


def is_cell_sized(image: NDArray[np.floating], gSig: tuple[int, int]) -> bool:
    """Whether a footprint ``(height, width)`` is as wide as a cell with half-size `gSig` ``(y, x)``.

    The half-width is that of the ellipse with the same second moments (two standard deviations along its short axis,
    the radius for a disc), in units of gSig.
    """
    y, x = np.nonzero(image >= BINARISE_AT * max(float(image.max()), 1e-30))
    if len(y) < 4:
        return False
    covariance = np.cov(y / gSig[0], x / gSig[1], bias=True)
    # Pixels are squares, not points: a line of them still has a width, with a variance of 1/12 px^2.
    covariance[0, 0] += 1 / (12 * gSig[0] ** 2)
    covariance[1, 1] += 1 / (12 * gSig[1] ** 2)
    return bool(2 * np.sqrt(np.linalg.eigvalsh(covariance)[0]) >= LEAST_HALF_WIDTH)
