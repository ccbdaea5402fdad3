"""Cells in a picture of a structural channel (a red fluorophore, an anatomical mean), by an adaptive threshold."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

# Gaussians, in units of gSig, whose difference shows what is as large as a cell and brighter than its surroundings.
CELL, SURROUNDINGS = 0.5, 2.0
# How far a cell stands out of its surroundings, in robust standard deviations of their difference.
STANDS_OUT = 2.0
# Areas that are believed, in units of a disc of radius gSig.
LEAST_AREA, MOST_AREA = 0.25, 6.0


def segment_structure(image: NDArray[np.float32], gSig: tuple[int, int]) -> NDArray[np.int32]:
    """Labels ``(height, width)``, 1 and up from the brightest cell down, 0 where there is none.

    The threshold follows the surroundings, so that cells in a dark corner count as much as those in a bright one.
    Touching cells are parted along the valley between their peaks.
    """
    usual = np.nanmedian(image) if np.isfinite(image).any() else 0
    known: NDArray[np.float32] = np.where(np.isfinite(image), image, usual).astype(np.float32)
    contrast: NDArray[np.float32] = np.subtract(_blurred(known, CELL, gSig), _blurred(known, SURROUNDINGS, gSig))
    spread = 1.4826 * float(np.median(np.abs(contrast - np.median(contrast))))
    bright = contrast > max(STANDS_OUT * spread, 1e-12)
    bright = np.asarray(ndimage.binary_opening(bright, np.ones((2, 2))), bool)
    tops = hilltops(contrast)
    names, basins = np.unique(tops, return_inverse=True)
    basins = np.where(bright, basins.reshape(contrast.shape) + 1, 0)
    count = len(names)
    areas = ndimage.sum_labels(bright, basins, np.arange(1, count + 1)) / (np.pi * gSig[0] * gSig[1])
    heights = ndimage.maximum(contrast, basins, np.arange(1, count + 1))
    order = [k for k in np.argsort(-np.asarray(heights)) if LEAST_AREA <= areas[k] <= MOST_AREA]
    labels = np.zeros(image.shape, np.int32)
    for number, k in enumerate(order, start=1):
        labels[np.asarray(ndimage.binary_fill_holes(basins == k + 1), bool)] = number
    return labels


def hilltops(image: NDArray[np.float32]) -> NDArray[np.intp]:
    """The pixel (number in C order) at which a walk uphill from each pixel ends: ``(height, width)``."""
    height, width = image.shape
    padded = np.pad(image, 1, constant_values=-np.inf)
    steps = [(dy, dx) for dy in (0, -1, 1) for dx in (0, -1, 1)]  # to stay comes first, and wins a tie
    around = np.stack([padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in steps])
    way = np.array([dy * width + dx for dy, dx in steps])[around.argmax(axis=0)]
    end = np.arange(height * width) + way.ravel()
    while not np.array_equal(end, end[end]):
        end = end[end]
    return np.asarray(end.reshape(height, width), np.intp)


def _blurred(image: NDArray[np.float32], width: float, gSig: tuple[int, int]) -> NDArray[np.float32]:
    sigma_y, sigma_x = width * gSig[0], width * gSig[1]
    blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)
