"""Compiled loops over small windows of a frame, one window a cell.

Every window has the same size ``(n_rows, n_columns)`` and lies wholly in the field, so that footprints are one array
``(n, n_rows, n_columns)`` and a frame costs what the windows cover, not what the field has.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.compiled import compiled

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


@compiled
def project(frame: Floats, corners: Integers, images: Floats) -> Doubles:
    """``A'y``: each footprint times what `frame` ``(height, width)`` shows in its window, ``(n,)``."""
    n, n_rows, n_columns = images.shape
    out = np.zeros(n)
    for k in range(n):
        top, left = corners[k, 0], corners[k, 1]
        total = 0.0
        for y in range(n_rows):
            for x in range(n_columns):
                total += images[k, y, x] * frame[top + y, left + x]
        out[k] = total
    return out


@compiled
def subtract(frame: NDArray[np.floating], corners: Integers, images: Floats, amounts: Floats) -> None:
    """Subtract each footprint times its amount ``(n,)`` from `frame` ``(height, width)``, in place."""
    n, n_rows, n_columns = images.shape
    for k in range(n):
        amount = amounts[k]
        if amount == 0:
            continue
        top, left = corners[k, 0], corners[k, 1]
        for y in range(n_rows):
            for x in range(n_columns):
                frame[top + y, left + x] -= amount * images[k, y, x]


@compiled
def accumulate(sums: Doubles, frame: Floats, corners: Integers, amounts: Floats) -> None:
    """Add amount times window of `frame` to the running sums ``(n, n_rows, n_columns)``, in place."""
    n, n_rows, n_columns = sums.shape
    for k in range(n):
        amount = np.float64(amounts[k])
        if amount == 0:
            continue
        top, left = corners[k, 0], corners[k, 1]
        for y in range(n_rows):
            for x in range(n_columns):
                sums[k, y, x] += amount * frame[top + y, left + x]


@compiled
def overlaps(one: int, others: Integers, corners: Integers, images: Floats) -> Doubles:
    """Inner products of footprint `one` with those of `others` ``(m,)``."""
    _, n_rows, n_columns = images.shape
    out = np.zeros(len(others))
    for position in range(len(others)):
        other = others[position]
        down, right = corners[other, 0] - corners[one, 0], corners[other, 1] - corners[one, 1]
        total = 0.0
        for y in range(max(0, down), min(n_rows, n_rows + down)):
            for x in range(max(0, right), min(n_columns, n_columns + right)):
                total += images[one, y, x] * images[other, y - down, x - right]
        out[position] = total
    return out


@compiled
def pasted(one: int, others: Integers, weights: Doubles, corners: Integers, images: Floats) -> Doubles:
    """Sum of weighted footprints of `others` as seen in the window of `one`: ``(n_rows, n_columns)``."""
    _, n_rows, n_columns = images.shape
    out = np.zeros((n_rows, n_columns))
    for position in range(len(others)):
        other, weight = others[position], weights[position]
        down, right = corners[other, 0] - corners[one, 0], corners[other, 1] - corners[one, 1]
        for y in range(max(0, down), min(n_rows, n_rows + down)):
            for x in range(max(0, right), min(n_columns, n_columns + right)):
                out[y, x] += weight * images[other, y - down, x - right]
    return out


@compiled
def background_removed(frame: Floats, background: Floats, amounts: Floats) -> Floats:
    """``y - b f``: `frame` ``(height, width)`` without the background ``(nb, height, width)``."""
    nb, height, width = background.shape
    out = frame.copy()
    for i in range(nb):
        amount = amounts[i]
        for y in range(height):
            for x in range(width):
                out[y, x] -= amount * background[i, y, x]
    return out


@compiled
def add_background(sums: Doubles, frame: Floats, amounts: Doubles) -> None:
    """Add amount times `frame` to the background's running sums ``(nb, height, width)``, in place."""
    nb, height, width = sums.shape
    for i in range(nb):
        amount = amounts[i]
        for y in range(height):
            for x in range(width):
                sums[i, y, x] += amount * frame[y, x]
