"""Updating footprints and background from running sums (eLife 2019, algorithm 6; Giovannucci et al. 2017, S5).

The background's images are free and eliminated exactly, as in the batch engine (`spatial`): for each pixel the
footprints are what is left to explain once the background has taken its best part.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin.online import windows
from pipeline.engines.builtin.online.cells import Cells
from pipeline.engines.builtin.spatial import GROWTH, SPARSITY, tidied

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_DIAMOND = ndimage.generate_binary_structure(2, 1)


def update_shapes(
    cells: Cells, numbers: NDArray[np.integer], noise: Floats, *, rounds: int, nrgthr: float, with_background: bool
) -> None:
    """Renew the footprints of the cells `numbers`, and the background in their windows.

    Parameters
    ----------
    noise
        ``(height, width)``: the standard deviation of each pixel's noise.
    rounds
        How often to go through them; each takes what the others leave.
    """
    inverse: Doubles = np.linalg.pinv(cells.background_moments, hermitian=True).astype(np.float64)
    rounds = 1 if len(numbers) == 1 else rounds  # by itself a footprint is at its best after one
    for turn in range(rounds):
        for k in numbers:
            image = _best_image(cells, int(k), noise, inverse)
            # Tidying costs more than the rest, and what it removes in between would only come back.
            if image is not None and turn == rounds - 1:
                image = _tidy(image, nrgthr)
            norm = 0.0 if image is None else float(np.linalg.norm(image))
            if image is not None and norm > 0:
                cells.images[k] = image / norm
                cells.rescale(int(k), norm)
                cells.measure(int(k))
    if with_background:
        for k in numbers:
            cells.replace_background(int(k), _background_behind(cells, int(k), inverse))


def update_background(cells: Cells) -> None:
    """Renew the background of the whole field."""
    inverse: Doubles = np.linalg.pinv(cells.background_moments, hermitian=True).astype(np.float64)
    rest = cells.background_products.copy()
    for image, shared in zip(rest, cells.joint.T, strict=True):
        windows.subtract(image, cells.corners, cells.images, shared.astype(np.float32))
    cells.background = np.ascontiguousarray(np.tensordot(inverse, rest, axes=1), np.float32)
    cells.remeasure_background()


def _best_image(cells: Cells, k: int, noise: Floats, inverse: Doubles) -> Doubles | None:
    """The non-negative, sparse image of `k` that explains most of its window given the others; None if it is silent."""
    near = cells.touching(k)
    rows, columns = cells.view(k)
    reduced = cells.moments[k, near] - cells.joint[k] @ inverse @ cells.joint[near].T
    own = float(reduced[near == k][0])
    if own <= 0:
        return None
    others = near != k
    target = cells.products[k] - np.tensordot(
        cells.joint[k] @ inverse, cells.background_products[:, rows, columns], axes=1
    )
    target -= windows.pasted(k, near[others], reduced[others], cells.corners, cells.images)
    penalty = SPARSITY * noise[rows, columns] * np.sqrt(own)
    image: Doubles = np.maximum(target - penalty, 0) / own
    image[~ndimage.binary_dilation(cells.images[k] > 0, _DIAMOND, iterations=GROWTH)] = 0
    return image


def _tidy(image: Doubles, nrgthr: float) -> Doubles:
    row = sparse.csr_array(image.reshape(1, -1).astype(np.float32))
    return np.asarray(tidied(row, image.shape, nrgthr).toarray(), np.float64).reshape(image.shape)


def _background_behind(cells: Cells, k: int, inverse: Doubles) -> Doubles:
    """The best background ``(nb, n_rows, n_columns)`` in the window of `k`, given the footprints."""
    near = cells.touching(k)
    rows, columns = cells.view(k)
    rest = cells.background_products[:, rows, columns].copy()
    for image, shared in zip(rest, cells.joint.T, strict=True):
        image -= windows.pasted(k, near, shared[near], cells.corners, cells.images)
    return np.tensordot(inverse, rest, axes=1)
