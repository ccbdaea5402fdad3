"""Which pixels of a frame a drawn shape covers.

A pixel belongs to a shape when its centre lies inside, where pixel ``(y, x)`` covers ``y`` to ``y + 1`` and ``x`` to
``x + 1``: so ImageJ and browsers draw, whose coordinates are those of the corners of pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]


def polygon_mask(points: ArrayLike, shape: tuple[int, int]) -> Mask:
    """Pixels inside a closed polygon; where it crosses itself, those that it encloses an odd number of times.

    Parameters
    ----------
    points
        ``(n, 2)`` corners as ``(x, y)``; it is closed from the last to the first.
    shape
        ``(height, width)``.

    Raises
    ------
    ValueError
        With fewer than three corners, or one that is no finite number.
    """
    corners = np.asarray(points, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError("a polygon has three or more corners (x, y)")
    mask = np.zeros(shape, bool)
    top, bottom = _span(corners[:, 1], shape[0])
    left, right = _span(corners[:, 0], shape[1])
    if top >= bottom or left >= right:
        return mask
    y = np.arange(top, bottom)[:, None] + 0.5
    x = np.arange(left, right)[None, :] + 0.5
    inside = np.zeros((bottom - top, right - left), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y >= min(y0, y1)) & (y < max(y0, y1))
        inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    mask[top:bottom, left:right] = inside
    return mask


def ellipse_mask(left: float, top: float, width: float, height: float, shape: tuple[int, int]) -> Mask:
    """Pixels inside the ellipse in a rectangle.

    Raises
    ------
    ValueError
        When the rectangle is empty.
    """
    if not (np.isfinite([left, top, width, height]).all() and width > 0 and height > 0):
        raise ValueError("an ellipse has a left and a top edge, a width and a height")
    y = (np.arange(shape[0])[:, None] + 0.5 - top - height / 2) / (height / 2)
    x = (np.arange(shape[1])[None, :] + 0.5 - left - width / 2) / (width / 2)
    inside: Mask = x**2 + y**2 <= 1
    return inside


def sides_of(line: ArrayLike, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The two sides ``(2, height, width)`` of a line through a frame; it goes on straight beyond its ends.

    Parameters
    ----------
    line
        ``(n, 2)`` points as ``(x, y)``, two or more.

    Raises
    ------
    ValueError
        With fewer than two different points, or one that is no finite number.
    """
    points = np.asarray(line, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise ValueError("a line has two or more points (x, y)")
    # A double click leaves its last point twice.
    points = points[np.r_[True, np.any(np.diff(points, axis=0) != 0, axis=1)]] if len(points) else points
    if len(points) < 2:
        raise ValueError("a line has two or more points (x, y)")
    far = 4.0 * (sum(shape) + np.abs(points).max())
    first, last = points[0] - points[1], points[-1] - points[-2]
    start = points[0] + first / np.linalg.norm(first) * far
    end = points[-1] + last / np.linalg.norm(last) * far
    along = (end - start) / max(np.linalg.norm(end - start), 1e-9)
    aside = np.array([-along[1], along[0]]) * far
    one = polygon_mask(np.vstack([start, points, end, end + aside, start + aside]), shape)
    return np.stack([one, ~one])


def _span(values: NDArray[np.float64], size: int) -> tuple[int, int]:
    return max(0, int(np.floor(values.min()))), min(size, int(np.ceil(values.max())) + 1)
