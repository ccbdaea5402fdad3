"""Moving the content of a frame by less than a pixel: all of it alike, or each place by its own shift.

Interpolation is cubic convolution (Keys 1981), which overshoots beside bright specks; the result is clipped to the
frame's own range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.shifts import inside

Floats = NDArray[np.float32]


def shift_frame(frame: NDArray[Any], shift: tuple[float, ...], border: bool | str) -> Floats:
    """`frame` ``(height, width)`` with its content moved by `shift` ``(y, x)`` pixels, as float32.

    What comes in from outside the field is filled as `border` says: ``copy``, ``min``, False (zero) or True (NaN).
    """
    dy, dx = float(shift[0]), float(shift[1])
    image = np.ascontiguousarray(frame, np.float32)
    if dy == 0 and dx == 0:
        return image
    height, width = image.shape
    low, high = image.min(), image.max()
    moved = _shifted(image, dy, dx, low, high)
    rows, columns = inside(height, dy), inside(width, dx)
    if border == "copy":
        moved[: rows.start] = moved[rows.start]
        moved[rows.stop :] = moved[rows.stop - 1]
        moved[:, : columns.start] = moved[:, columns.start, None]
        moved[:, columns.stop :] = moved[:, columns.stop - 1, None]
        return moved
    filled = np.full_like(moved, _fill(border, low))
    filled[rows, columns] = moved[rows, columns]
    return filled


@dataclass(frozen=True)
class Grid:
    """Places of a field whose shifts are known; between them (and beyond) shifts follow straight lines.

    Attributes
    ----------
    rows, columns
        ``(ny,)`` and ``(nx,)`` float32: the places, in pixels, ascending.
    """

    rows: Floats
    columns: Floats

    def on_axes(self, height: int, width: int) -> tuple[Floats, Floats]:
        """The field's shift from the places': matrices ``(height, ny)`` and ``(width, nx)``.

        ``rows @ shifts @ columns.T`` is the shift of every pixel.
        """
        return _lines(height, self.rows), _lines(width, self.columns)


def warp_frame(frame: NDArray[Any], shifts: Floats, grid: Grid, border: bool | str) -> Floats:
    """`frame` ``(height, width)`` with the content of each place moved by its own shift, as float32.

    Parameters
    ----------
    shifts
        ``(ny, nx, 2)`` pixels ``(y, x)`` at the places of `grid`.
    border
        As in `shift_frame`.
    """
    image = np.ascontiguousarray(frame, np.float32)
    if not shifts.any():
        return image
    height, width = image.shape
    from_y, from_x = sources(shifts, grid.on_axes(height, width))
    # Where a frame ends its outermost pixels go on, so that every pixel has its sixteen neighbours.
    reach = int(np.ceil(np.abs(shifts).max() * 3)) + 3
    padded = cv2.copyMakeBorder(image, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    low = image.min()
    moved = _sampled(np.asarray(padded, np.float32), reach, from_y, from_x, low, image.max())
    if border != "copy":
        outside = (from_y < 0) | (from_y > height - 1) | (from_x < 0) | (from_x > width - 1)
        moved[outside] = _fill(border, low)
    return moved


def sources(shifts: Floats, on_axes: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Where the content of each pixel comes from: ``y`` and ``x``, each ``(height, width)`` float32.

    Parameters
    ----------
    shifts
        ``(ny, nx, 2)``.
    on_axes
        `Grid.on_axes`.
    """
    on_rows, on_columns = on_axes
    y, x = (on_rows @ np.ascontiguousarray(shifts[..., axis], np.float32) @ on_columns.T for axis in (0, 1))
    np.subtract(np.arange(len(y), dtype=np.float32)[:, None], y, out=y)
    np.subtract(np.arange(x.shape[1], dtype=np.float32), x, out=x)
    return y, x


def _fill(border: bool | str, low: np.floating) -> float:
    return float(low) if border == "min" else (np.nan if border is True else 0.0)


def _lines(n: int, places: Floats) -> Floats:
    """``(n, n_places)``: weights that join the places by straight lines, the outer ones carried on for a gap."""
    weights = np.zeros((n, len(places)), np.float32)
    if len(places) == 1:
        weights[:] = 1
        return weights
    left = np.clip(np.searchsorted(places, np.arange(n)) - 1, 0, len(places) - 2)
    share = (np.arange(n) - places[left]) / (places[left + 1] - places[left])
    # Beyond the outer places the line goes on, but no farther than it has been seen to hold.
    share = np.clip(share, -1, 2)
    weights[np.arange(n), left] = 1 - share
    weights[np.arange(n), left + 1] = share
    return weights


@compiled
def _cubic(part: float, weights: Floats) -> None:
    """Weights of the four samples around a place that lies `part` of a pixel behind the second."""
    a = -0.5
    for k in range(4):
        t = abs(part + 1 - k)
        weights[k] = ((a + 2) * t - (a + 3)) * t * t + 1 if t <= 1 else ((a * t - 5 * a) * t + 8 * a) * t - 4 * a


@compiled
def _shifted(image: Floats, dy: float, dx: float, low: float, high: float) -> Floats:
    height, width = image.shape
    below, right = int(np.floor(-dy)), int(np.floor(-dx))
    of_rows, of_columns = np.empty(4, np.float32), np.empty(4, np.float32)
    _cubic(-dy - below, of_rows)
    _cubic(-dx - right, of_columns)
    out = np.empty((height, width), np.float32)
    line, wide = np.empty(width, np.float32), np.empty(width + 3, np.float32)
    for y in range(height):
        y0 = min(max(y + below - 1, 0), height - 1)
        y1 = min(max(y + below, 0), height - 1)
        y2 = min(max(y + below + 1, 0), height - 1)
        y3 = min(max(y + below + 2, 0), height - 1)
        for x in range(width):
            line[x] = (
                of_rows[0] * image[y0, x]
                + of_rows[1] * image[y1, x]
                + of_rows[2] * image[y2, x]
                + of_rows[3] * image[y3, x]
            )
        for x in range(width + 3):
            wide[x] = line[min(max(x + right - 1, 0), width - 1)]
        for x in range(width):
            value = (
                of_columns[0] * wide[x]
                + of_columns[1] * wide[x + 1]
                + of_columns[2] * wide[x + 2]
                + of_columns[3] * wide[x + 3]
            )
            out[y, x] = min(max(value, low), high)
    return out


@compiled
def _sampled(padded: Floats, reach: int, from_y: Floats, from_x: Floats, low: float, high: float) -> Floats:
    """The image, padded by `reach` on all sides, at the places ``(from_y, from_x)``.

    Shifts change slowly along a row: in most of it the neighbours of each pixel lie beside those of the one before, and
    the loop over such a run has no jumps in it, so that the compiler turns it into vectors.
    """
    height, width = from_y.shape
    out = np.empty((height, width), np.float32)
    half, one, two, three = np.float32(0.5), np.float32(1), np.float32(2), np.float32(3)
    four, five = np.float32(4), np.float32(5)
    for y in range(height):
        start = 0
        while start < width:
            top, left = int(np.floor(from_y[y, start])), int(np.floor(from_x[y, start]))
            stop = start + 1
            while (
                stop < width
                and int(np.floor(from_y[y, stop])) == top
                and int(np.floor(from_x[y, stop])) - stop == left - start
            ):
                stop += 1
            n, row, column = stop - start, top + reach, left + reach
            rows, columns = from_y[y, start:stop], from_x[y, start:stop]
            a, b = padded[row - 1, column - 1 : column + n + 2], padded[row, column - 1 : column + n + 2]
            c, d = padded[row + 1, column - 1 : column + n + 2], padded[row + 2, column - 1 : column + n + 2]
            a0, a1, a2, a3 = a[:n], a[1 : n + 1], a[2 : n + 2], a[3 : n + 3]
            b0, b1, b2, b3 = b[:n], b[1 : n + 1], b[2 : n + 2], b[3 : n + 3]
            c0, c1, c2, c3 = c[:n], c[1 : n + 1], c[2 : n + 2], c[3 : n + 3]
            d0, d1, d2, d3 = d[:n], d[1 : n + 1], d[2 : n + 2], d[3 : n + 3]
            here = out[y, start:stop]
            for k in range(n):
                t, u = rows[k] - np.float32(top), columns[k] - np.float32(left) - np.float32(k)
                y0, y1 = half * t * ((two - t) * t - one), half * (t * t * (three * t - five) + two)
                y2, y3 = half * t * ((four - three * t) * t + one), half * t * t * (t - one)
                x0, x1 = half * u * ((two - u) * u - one), half * (u * u * (three * u - five) + two)
                x2, x3 = half * u * ((four - three * u) * u + one), half * u * u * (u - one)
                value = (
                    y0 * (x0 * a0[k] + x1 * a1[k] + x2 * a2[k] + x3 * a3[k])
                    + y1 * (x0 * b0[k] + x1 * b1[k] + x2 * b2[k] + x3 * b3[k])
                    + y2 * (x0 * c0[k] + x1 * c1[k] + x2 * c2[k] + x3 * c3[k])
                    + y3 * (x0 * d0[k] + x1 * d1[k] + x2 * d2[k] + x3 * d3[k])
                )
                here[k] = min(max(value, low), high)
            start = stop
    return out
