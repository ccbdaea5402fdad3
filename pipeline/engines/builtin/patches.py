"""How far each patch of a frame lies from a template: piecewise-rigid motion (NoRMCorre).

Two steps. Each patch is compared with the template around the frame's rigid shift (normalised correlation at whole
pixels, a parabola between them). That finds its mean shift; but shifts vary inside a patch, too. So least squares
follow, for all patches together: the field that joins their centres by straight lines is what is fitted to the
frame (Gauss-Newton, inverse compositional as in Baker and Matthews 2004). Tissue is stiff, which steadies the fit where
a patch holds little to see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.shifts import high_pass
from pipeline.engines.builtin.warp import Grid, shift_frame, sources

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# How much the shift may bend between neighbouring patches, in pixels (standard deviation of second differences).
BEND_PX = 0.2
# A least-squares step trusts its gradients no farther than this; a second one takes what the first has left.
LONGEST_STEP_PX = 1.0
STEPS = 2


class PatchEstimator:
    """Shifts of the patches of frames against one template.

    Parameters
    ----------
    template
        ``(height, width)``.
    sample
        Frames ``(height, width)`` with their rigid shifts, from which the noise is taken.
    strides, overlaps
        Distance of patches (at most) and their overlap (at least), ``(y, x)`` pixels.
    max_deviation_rigid
        How far the shift of a patch may be from the rigid one, in pixels.
    gSig_filt
        As in `ShiftEstimator`.

    Attributes
    ----------
    grid
        The centres of the patches.
    """

    def __init__(
        self,
        template: Floats,
        sample: Sequence[tuple[NDArray[Any], tuple[float, ...]]],
        *,
        strides: tuple[int, int],
        overlaps: tuple[int, int],
        max_deviation_rigid: int,
        gSig_filt: tuple[int, ...] | None = None,
    ) -> None:
        height, width = template.shape
        self._reach, self._filter = max_deviation_rigid, gSig_filt
        self._rows, tall = patch_starts(height, strides[0], overlaps[0])
        self._columns, wide = patch_starts(width, strides[1], overlaps[1])
        self._size = (tall, wide)
        self.grid = Grid(
            (self._rows + (tall - 1) / 2).astype(np.float32), (self._columns + (wide - 1) / 2).astype(np.float32)
        )
        self._on_axes = self.grid.on_axes(height, width)
        self._row_edges = np.unique(np.concatenate([self._rows, self._rows + tall]))
        self._column_edges = np.unique(np.concatenate([self._columns, self._columns + wide]))
        self._template = self._prepared(template)
        self._energy = float((self._template.astype(np.float64) ** 2).sum())
        self._flat = self._energy <= 1e-6 * template.size * max(1.0, float(np.abs(template).max()))
        self._slopes = self._inner_slopes()
        self._solve = np.zeros((0, 0)) if self._flat else self._solution(self._noise(sample))

    def __call__(self, frame: NDArray[Any], rigid: Sequence[float] | Floats) -> Floats:
        """Shifts ``(ny, nx, 2)`` in pixels ``(y, x)`` that put the patches of `frame` onto the template's.

        Parameters
        ----------
        rigid
            The shift of the whole frame ``(y, x)``.
        """
        middle = np.asarray(rigid, np.float32)
        shape = (len(self._rows), len(self._columns), 2)
        if self._flat or self._reach == 0:
            return np.broadcast_to(middle, shape).astype(np.float32)
        prepared = self._prepared(frame)
        whole = np.rint(middle).astype(np.int64)
        shifts = self._matched(prepared, (int(whole[0]), int(whole[1]))) + whole.astype(np.float32)
        for _ in range(STEPS):
            stepped = shifts + self._step(prepared, shifts)
            shifts = np.clip(stepped, middle - self._reach, middle + self._reach).astype(np.float32)
        return shifts

    def _prepared(self, image: NDArray[Any]) -> Floats:
        """`image` without what is larger than a third of a patch: brightness that comes and goes is no motion."""
        image = np.ascontiguousarray(image, np.float32)
        if self._filter is not None:
            return high_pass(image, self._filter)
        sides = [max(3, side // 3) for side in self._size]
        return np.asarray(image - cv2.blur(image, (sides[1], sides[0]), borderType=cv2.BORDER_REFLECT), np.float32)

    def _matched(self, prepared: Floats, whole: tuple[int, int]) -> Floats:
        """Shifts ``(ny, nx, 2)`` beyond `whole`, each patch by itself."""
        lags = self._reach + 1  # one more, so that the highest of those allowed has neighbours
        height, width = prepared.shape
        wide = lags + max(abs(whole[0]), abs(whole[1]))
        larger = cv2.copyMakeBorder(prepared, wide, wide, wide, wide, cv2.BORDER_REPLICATE)
        top, left = (wide - lags - shift for shift in whole)
        padded = np.ascontiguousarray(
            larger[top : top + height + 2 * lags, left : left + width + 2 * lags], dtype=np.float32
        )
        tiles = np.zeros((2 * lags + 1, 2 * lags + 1, len(self._row_edges) - 1, len(self._column_edges) - 1))
        _add_products(padded, self._template, self._row_edges, self._column_edges, tiles)
        return _peaks(
            tiles,
            # Sums of squares over everything above and to the left: (height + 1, width + 1).
            np.asarray(cv2.integral(padded * padded, sdepth=cv2.CV_64F), np.float64),
            self._rows,
            self._columns,
            np.searchsorted(self._row_edges, self._rows),
            np.searchsorted(self._row_edges, self._rows + self._size[0]),
            np.searchsorted(self._column_edges, self._columns),
            np.searchsorted(self._column_edges, self._columns + self._size[1]),
            self._size,
        )

    def _step(self, prepared: Floats, shifts: Floats) -> Floats:
        """What the least-squares fit of the field adds to `shifts` ``(ny, nx, 2)``."""
        from_y, from_x = sources(shifts, self._on_axes)
        moved = cv2.remap(prepared, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        scale = float(np.vdot(moved, self._template)) / self._energy
        if scale <= 0.05:  # nothing in common with the template: a dark frame, or one that is elsewhere
            return np.zeros_like(shifts)
        rest = np.asarray(moved, np.float32) / np.float32(scale) - self._template
        on_rows, on_columns = self._on_axes
        pull = np.concatenate([(on_rows.T @ (slope * rest) @ on_columns).ravel() for slope in self._slopes])
        step = (self._solve @ np.concatenate([pull, shifts[..., 0].ravel(), shifts[..., 1].ravel()])).reshape(2, -1)
        bounded = np.clip(step, -LONGEST_STEP_PX, LONGEST_STEP_PX)
        return bounded.T.reshape(shifts.shape).astype(np.float32)

    def _inner_slopes(self) -> tuple[Floats, Floats]:
        """The template's gradients along ``y`` and ``x``, zero at the border, where a shift brings other tissue in."""
        slopes = [np.zeros_like(self._template) for _ in range(2)]
        margin = min(self._reach + 2, min(self._template.shape) // 4)
        inner = (slice(margin, -margin or None),) * 2
        for slope, whole in zip(slopes, np.gradient(self._template), strict=True):
            slope[inner] = whole[inner]
        return slopes[0], slopes[1]

    def _noise(self, sample: Sequence[tuple[NDArray[Any], tuple[float, ...]]]) -> float:
        """Variance of one pixel of a prepared frame around the template, in the template's own brightness."""
        rests = []
        for frame, shift in sample:
            moved = shift_frame(self._prepared(frame), shift, "copy")
            scale = float(np.vdot(moved, self._template)) / self._energy
            if scale > 0.05:
                rests.append(float(np.mean((moved / np.float32(scale) - self._template) ** 2)))
        return float(np.median(rests)) if rests else self._energy / self._template.size

    def _solution(self, noise: float) -> Doubles:
        """The matrix that leads from the pull of the data and the present shifts to the step.

        Minimises ``|rest - slopes . field|^2 / noise + |bend|^2 / BEND_PX^2`` over the shifts at the patches' centres.
        """
        on_rows, on_columns = (axis.astype(np.float64) for axis in self._on_axes)
        n = len(self._rows) * len(self._columns)

        def products(weights: Floats) -> Doubles:
            """``sum over pixels of weights * line_k * line_l`` for every two places k and l."""
            by_row = np.einsum("ya,yb,yx->abx", on_rows, on_rows, weights, optimize=True)
            both = np.einsum("abx,xc,xd->acbd", by_row, on_columns, on_columns, optimize=True)
            return both.reshape(n, n)

        dy, dx = self._slopes
        data = np.block([[products(dy * dy), products(dy * dx)], [products(dy * dx), products(dx * dx)]])
        stiff = noise / BEND_PX**2 * np.kron(np.eye(2), _bending(self.grid))
        # A step with nothing to pull it must be none, also where the field may tilt freely.
        weak = noise / max(1.0, float(self._reach)) ** 2 * np.eye(2 * n)
        factor = linalg.cho_factor(data + stiff + weak)
        solution: Doubles = linalg.cho_solve(factor, np.concatenate([np.eye(2 * n), -stiff], axis=1))
        return solution


def patch_starts(n: int, stride: int, overlap: int) -> tuple[NDArray[np.int64], int]:
    """Where the patches of an axis of `n` pixels begin, and how long they are.

    They are spread evenly over the axis, `stride` apart or a little less.
    """
    size = min(n, stride + overlap)
    count = -(-(n - size) // stride) + 1
    return np.rint(np.linspace(0, n - size, count)).astype(np.int64), size


def _bending(grid: Grid) -> Doubles:
    """``(n, n)``: quadratic form of the bending of a field given at the grid's places, in units of its usual gaps."""
    ny, nx = len(grid.rows), len(grid.columns)
    parts = [
        np.kron(_second_differences(grid.rows), np.eye(nx)),
        np.kron(np.eye(ny), _second_differences(grid.columns)),
        np.sqrt(2) * np.kron(np.diff(np.eye(ny), axis=0), np.diff(np.eye(nx), axis=0)),
    ]
    total: Doubles = np.sum([part.T @ part for part in parts], axis=0)
    return total


def _second_differences(places: Floats) -> Doubles:
    n = len(places)
    out = np.zeros((max(0, n - 2), n))
    gaps = np.diff(places.astype(np.float64))
    gaps /= gaps.max(initial=1.0)
    for k in range(n - 2):
        before, after = gaps[k], gaps[k + 1]
        out[k, k : k + 3] = 2 / (before * (before + after)), -2 / (before * after), 2 / (after * (before + after))
    return out


@compiled
def _add_products(
    padded: Floats, template: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], tiles: Doubles
) -> None:
    """Sums over tiles of ``template * padded`` for every lag; `padded` is larger than `template` by the largest lag.

    ``tiles[i, j]`` is for the shift ``(i - lags, j - lags)`` of the frame. The columns of a tile are summed apart from
    each other: a long loop without a sum in it is one that the compiler turns into vectors.
    """
    n_lags, width = len(tiles), template.shape[1]
    sums = np.zeros((n_lags, width), np.float32)
    for i in range(n_lags):
        for row in range(len(rows) - 1):
            sums[:] = 0
            for y in range(rows[row], rows[row + 1]):
                line, own = padded[y + n_lags - 1 - i], template[y]
                for j in range(n_lags):
                    total, moved = sums[j], line[n_lags - 1 - j : n_lags - 1 - j + width]
                    for x in range(width):
                        total[x] += own[x] * moved[x]
            for j in range(n_lags):
                for column in range(len(columns) - 1):
                    part = 0.0
                    for x in range(columns[column], columns[column + 1]):
                        part += sums[j, x]
                    tiles[i, j, row, column] = part


@compiled
def _peaks(
    tiles: Doubles,
    squares: Doubles,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    first_row: NDArray[np.int64],
    last_row: NDArray[np.int64],
    first_column: NDArray[np.int64],
    last_column: NDArray[np.int64],
    size: tuple[int, int],
) -> Floats:
    """The shift ``(ny, nx, 2)`` at which each patch correlates best, refined by parabolas through its neighbours."""
    n_lags = len(tiles)
    out = np.zeros((len(rows), len(columns), 2), np.float32)
    surface = np.zeros((n_lags, n_lags))
    for row in range(len(rows)):
        for column in range(len(columns)):
            for i in range(n_lags):
                for j in range(n_lags):
                    total = 0.0
                    for a in range(first_row[row], last_row[row]):
                        for b in range(first_column[column], last_column[column]):
                            total += tiles[i, j, a, b]
                    top, left = rows[row] + n_lags - 1 - i, columns[column] + n_lags - 1 - j
                    energy = (
                        squares[top + size[0], left + size[1]]
                        - squares[top, left + size[1]]
                        - squares[top + size[0], left]
                        + squares[top, left]
                    )
                    surface[i, j] = total / np.sqrt(energy) if energy > 0 else 0.0
            y, x = n_lags // 2, n_lags // 2
            for i in range(1, n_lags - 1):
                for j in range(1, n_lags - 1):
                    if surface[i, j] > surface[y, x]:
                        y, x = i, j
            best = surface[y, x]
            bend_y = surface[y - 1, x] - 2 * best + surface[y + 1, x]
            bend_x = surface[y, x - 1] - 2 * best + surface[y, x + 1]
            part_y = 0.5 * (surface[y - 1, x] - surface[y + 1, x]) / bend_y if bend_y < 0 else 0.0
            part_x = 0.5 * (surface[y, x - 1] - surface[y, x + 1]) / bend_x if bend_x < 0 else 0.0
            out[row, column, 0] = y - n_lags // 2 + min(max(part_y, -0.5), 0.5)
            out[row, column, 1] = x - n_lags // 2 + min(max(part_x, -0.5), 0.5)
    return out
