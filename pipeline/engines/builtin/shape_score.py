"""How much a footprint looks like the body of one cell: a small neural network, as CaImAn's ``cnn_preds``.

The network is ours: two layers, trained on simulated footprints (`benchmarks/train_shape.py`), its weights beside this
file. CaImAn's own network is not part of Fluorite, so the scores differ; the rule that they enter is the same.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.resources import as_file, files

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin.threads import still_wanted

Floats = NDArray[np.float32]

# A footprint is looked at in a square of this many pixels, which spans this many gSig to every side of its centre.
SIDE = 24
REACH = 3.0
# Pixels beyond the border in which the mirror image of a cut cell is looked at.
MIRROR = 40


def shape_scores(footprints: sparse.csr_array, field: tuple[int, ...], gSig: tuple[int, ...]) -> Floats:
    """Scores ``(n,)`` from 0 (no cell) to 1 of footprints ``(n, n_pixels)``, pixels in C order of `field`.

    Parameters
    ----------
    field
        ``(height, width)``.
    gSig
        Half-size of a cell ``(y, x)``: a footprint is judged against it, whatever the size of a pixel.
    """
    if footprints.shape[0] == 0:
        return np.zeros(0, np.float32)
    images = rows_of(footprints, field)
    portraits = []
    for image in images:
        still_wanted()
        portraits.append(portrait(image, field, gSig))
    scores = judged(np.stack(portraits), weights())
    # A cell that the border cuts in half is whole together with its mirror image.
    cut = [number for number, image in enumerate(images) if touches_border(image)]
    if cut:
        whole = [np.pad(images[number], MIRROR, mode="symmetric") for number in cut]
        pieces = [largest_piece(image) for image in whole]
        scores[cut] = np.maximum(
            scores[cut], judged(np.stack([portrait(image, image.shape, gSig) for image in pieces]), weights())
        )
    return scores


def touches_border(image: Floats) -> bool:
    """Whether a footprint is there at the border of the field with more than a fifth of its maximum."""
    edges = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return bool(edges.max(initial=0) > 0.2 * image.max(initial=0))


def largest_piece(image: Floats) -> Floats:
    """The connected part of `image` that weighs most: without mirror images that lie by themselves."""
    labels, count = ndimage.label(image > 0, np.ones((3, 3)))
    heaviest = 1 + int(np.argmax(ndimage.sum_labels(image, labels, np.arange(1, count + 1))))
    return np.where(labels == heaviest, image, 0).astype(np.float32)


def rows_of(footprints: sparse.csr_array, field: tuple[int, ...]) -> list[Floats]:
    """Each footprint as an image ``(height, width)``."""
    return [footprints[[row]].toarray().reshape(field).astype(np.float32) for row in range(footprints.shape[0])]


def portrait(image: Floats, field: tuple[int, ...], gSig: tuple[int, ...]) -> Floats:
    """A footprint ``(height, width)`` centred, in units of gSig, with a maximum of 1: ``(SIDE, SIDE)``."""
    total = float(image.sum())
    if not total > 0:
        return np.zeros((SIDE, SIDE), np.float32)
    y = float(image.sum(axis=1) @ np.arange(field[0])) / total
    x = float(image.sum(axis=0) @ np.arange(field[1])) / total
    step_y, step_x = (2 * REACH * g / SIDE for g in gSig[:2])
    middle = (SIDE - 1) / 2
    matrix = np.array([[step_x, 0, x - step_x * middle], [0, step_y, y - step_y * middle]])
    # Averaged before it is made smaller, because single pixels would be skipped.
    sigma = [0.5 * math.sqrt(max(0.0, step**2 - 1)) for step in (step_y, step_x)]
    if max(sigma) > 0.1:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), sigmaX=max(sigma[1], 0.1), sigmaY=max(sigma[0], 0.1)))
    seen = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    highest = float(seen.max())
    return np.asarray(seen / highest if highest > 0 else seen, np.float32)


def judged(portraits: Floats, network: tuple[Floats, ...]) -> Floats:
    """The network's output ``(n,)`` for portraits ``(n, SIDE, SIDE)``.

    The mean over the eight turned and mirrored versions: a cell has no upper side.
    """
    total = np.zeros(len(portraits), np.float64)
    for turns in range(4):
        turned = np.rot90(portraits, turns, (1, 2))
        for version in (turned, turned[:, :, ::-1]):
            hidden, bias, out, last = network
            first = np.maximum(version.reshape(len(portraits), -1) @ hidden + bias, 0)
            total += 1 / (1 + np.exp(-np.clip(first @ out + last, -60, 60)))
    return (total / 8).astype(np.float32)


@lru_cache(maxsize=1)
def weights() -> tuple[Floats, ...]:
    """``(SIDE * SIDE, n_hidden)``, ``(n_hidden,)``, ``(n_hidden,)`` and ``()`` float32, from the package."""
    with as_file(files("pipeline.engines.builtin") / "shape_weights.npz") as path, np.load(path) as stored:
        return tuple(stored[name].astype(np.float32) for name in ("hidden", "bias", "out", "last"))
