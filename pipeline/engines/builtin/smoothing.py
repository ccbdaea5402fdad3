"""Gaussian blur of planes and of volumes, frame by frame."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

MOST_CHANNELS = 64


def blurred(image: Floats, sigma: tuple[float, ...]) -> Floats:
    """`image` ``(height, width[, depth])`` blurred with a Gaussian, mirrored at its borders.

    Parameters
    ----------
    sigma
        Standard deviations in pixels, ``(y, x[, z])``.
    """
    if image.ndim == 2:
        return _in_plane(image, sigma)
    # OpenCV takes planes for the channels of a colour image and blurs each for itself, but no more than 128 at once.
    parts = [
        _in_plane(np.ascontiguousarray(image[..., start : start + MOST_CHANNELS]), sigma).reshape(*image.shape[:2], -1)
        for start in range(0, image.shape[2], MOST_CHANNELS)
    ]
    return np.concatenate(parts, axis=2) @ across_planes(image.shape[2], sigma[2]).T


def noise_gain(sigma: tuple[float, ...], field: tuple[int, ...]) -> Floats:
    """What a blurred image has to be multiplied with so that white noise keeps its variance.

    One number for a plane; for a volume ``(depth,)``, because the blur mixes fewer planes at the top and the bottom,
    and in a volume of ten planes these are many.
    """
    size = 2 * int(np.ceil(4 * max(sigma[:2]))) + 1
    impulse = np.zeros((size, size), np.float32)
    impulse[size // 2, size // 2] = 1
    spread = float((blurred(impulse, sigma[:2]) ** 2).sum())
    between = (across_planes(field[2], sigma[2]) ** 2).sum(axis=1) if len(field) == 3 else np.ones(())
    return np.asarray(1 / np.sqrt(spread * between), dtype=np.float32)


def _in_plane(image: Floats, sigma: tuple[float, ...]) -> Floats:
    out = cv2.GaussianBlur(image, (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_REFLECT)
    return np.asarray(out, np.float32)


@lru_cache(maxsize=32)
def across_planes(depth: int, sigma: float) -> Floats:
    """``(depth, depth)``: the blur along z as a matrix, one row for each plane of the result."""
    return ndimage.gaussian_filter1d(np.eye(depth, dtype=np.float32), sigma, axis=0, mode="reflect")
