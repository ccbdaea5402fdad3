"""The ring background of CNMF-E: every pixel's background is predicted from the pixels on a ring around it.

One-photon background is blurred over many cells, so that what a ring of pixels, further away than any one cell reaches,
sees of it also tells what it is in the middle (Zhou et al. 2018, equations 4 to 6). On a field reduced by ``ssub_B``

    B = b0 + U W D (Y - A C - b0)

with D averaging squares of pixels, W the weights of the rings, and U interpolating back. Neither B nor the residual is
ever built for the whole movie: they are linear in Y, so that what the updates need of them follows from a few images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.threads import in_threads
from pipeline.parameters.groups import Init

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# How far beyond the noise's edge a component's eigenvalue has to be.
STRONG = 6.0
# Share of the area inside a ring that a component covers at least. What covers less is one or two cells.
AREA = 0.25
CHUNK_BYTES = 32 * 2**20
# Rows of the reduced field that one thread solves at a time.
BAND = 8


@dataclass(frozen=True)
class RingBackground:
    """Weights and constant part of a ring background.

    Attributes
    ----------
    shape
        ``(height, width)`` of the field.
    ssub
        By how much the field is reduced for the weights (``ssub_B``); what does not divide is a smaller square.
    weights
        ``(n_small, n_small)`` float32 CSR: row i has the weights of the ring around pixel i of the reduced field, C
        order.
    offset
        ``(n_pixels,)`` float32: b0.
    """

    shape: tuple[int, int]
    ssub: int
    weights: sparse.csr_array
    offset: Floats

    @property
    def small_shape(self) -> tuple[int, int]:
        """``(height, width)`` of the reduced field."""
        return -(-self.shape[0] // self.ssub), -(-self.shape[1] // self.ssub)

    @cached_property
    def down(self) -> sparse.csr_array:
        """``(n_small, n_pixels)``: the means of squares of pixels."""
        rows, columns = (_averaging(size, self.ssub) for size in self.shape)
        return sparse.csr_array(sparse.kron(rows, columns, format="csr"), dtype=np.float32)

    @cached_property
    def up(self) -> sparse.csr_array:
        """``(n_pixels, n_small)``: bilinear interpolation between the squares' centres."""
        rows, columns = (_interpolating(size, self.ssub) for size in self.shape)
        return sparse.csr_array(sparse.kron(rows, columns, format="csr"), dtype=np.float32)

    def seen_through(self, footprints: sparse.csr_array) -> sparse.csr_array:
        """``A' (I - U W D)``, ``(n, n_pixels)``: rows that, applied to a frame, give A' of it less its background."""
        behind = footprints @ self.up @ self.weights @ self.down
        return sparse.csr_array(footprints - behind, dtype=np.float32)

    def reach_of(self, supports: sparse.csr_array) -> sparse.csr_array:
        """Pixels ``(n, n_pixels)`` bool that `supports`, or the background at any of their pixels, depend on."""
        pattern = sparse.csr_array((np.ones(self.weights.nnz, np.float32), self.weights.indices, self.weights.indptr),
                                   shape=self.weights.shape)  # fmt: skip
        own = sparse.csr_array(supports, dtype=np.float32)
        reach = sparse.csr_array(own + own @ self.up @ pattern @ self.down)
        reach.sort_indices()
        return reach.astype(bool)

    def subtract(self, block: Floats) -> Floats:
        """``Y - b0 - U W D (Y - b0)`` for frames ``(n, height, width)``."""
        n, height, width = block.shape
        change = block - self.offset.reshape(height, width)
        small = reduced(change, self.ssub)
        predicted = weighted(small.reshape(n, -1), self.weights)
        change -= enlarged(predicted.reshape(n, *self.small_shape), self.ssub, (height, width))
        return change

    def with_offset(self, offset: Floats) -> RingBackground:
        """The same weights around another constant part."""
        return RingBackground(self.shape, self.ssub, self.weights, offset)


def ring_radius(params: Init) -> int:
    """Radius of the ring in pixels of the reduced field: ``ring_size_factor * gSiz / ssub_B``."""
    box = max(params.gSiz) if params.gSiz is not None else 2 * max(params.gSig) + 1
    return max(1, round(params.ring_size_factor * box / params.ssub_B))


def ring_offsets(radius: int) -> NDArray[np.intp]:
    """``(n, 2)`` steps ``(y, x)`` from a pixel to the ring around it, at a distance above `radius`, at most 1 more."""
    reach = np.arange(-radius - 1, radius + 2)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    distance = y**2 + x**2
    chosen = (distance > radius**2) & (distance <= (radius + 1) ** 2)
    return np.stack([y[chosen], x[chosen]], axis=1).astype(np.intp)


def strong_courses(residual: Floats, noise: Floats, radius: int) -> Floats:
    """The strong and wide components of a reduced movie: images ``(n, height, width)`` whose covariance is the movie's.

    What is common to many pixels stands out of the movie's noise, whose eigenvalues end at a known edge (Marchenko and
    Pastur 1967). What stands out and is smaller than a ring is cells. Rings that are fitted to what remains predict
    the background, and neither cells nor noise.

    Parameters
    ----------
    residual
        ``(n_short, height, width)``.
    noise
        ``(height, width)``: standard deviation of each pixel's noise; only its proportions matter.
    radius
        Of the ring, in pixels of `residual`.
    """
    n_short = len(residual)
    flat = residual.reshape(n_short, -1)
    floor = np.median(noise[noise > 0]) if (noise > 0).any() else 1.0
    scale = (1 / np.maximum(noise, 0.2 * floor)).astype(np.float32).ravel()
    gram = np.zeros((n_short, n_short), np.float32)
    step = max(1, CHUNK_BYTES // (4 * n_short))
    pieces = [slice(first, first + step) for first in range(0, flat.shape[1], step)]

    def work(piece: slice) -> Floats:
        part = np.asarray(flat[:, piece] * scale[piece], dtype=np.float32)
        return part @ part.T

    for part in in_threads(work, pieces):
        gram += part
    values, vectors = linalg.eigh(gram.astype(np.float64), overwrite_a=True)
    values, vectors = values[::-1], vectors[:, ::-1]
    edge = float(np.median(values)) * (1 + np.sqrt(n_short / flat.shape[1])) ** 2
    # Fewer courses than pixels on a ring: otherwise anything could be predicted.
    n = min(int((values > STRONG * max(edge, 1e-12)).sum()), len(ring_offsets(radius)) // 2)
    courses = np.ascontiguousarray(vectors[:, :n].T.astype(np.float32)) @ flat
    # Pixels that a component spreads over (participation ratio), in the units in which noise is equal everywhere.
    energy = (courses * scale).astype(np.float64) ** 2
    area = energy.sum(axis=1) ** 2 / np.maximum((energy**2).sum(axis=1), 1e-30)
    wide = courses[area > AREA * np.pi * (radius + 1) ** 2]
    return wide.reshape(len(wide), *residual.shape[1:])


def fit_weights(
    courses: Floats, radius: int, penalty: Floats, progress: Callable[[float], None] = lambda done: None
) -> sparse.csr_array:
    """Weights of the rings that predict each pixel best (ridge regression).

    Parameters
    ----------
    courses
        ``(n, height, width)``: what stands for the movie (`strong_courses`).
    radius
        Of the ring, in pixels of `courses`.
    penalty
        ``(height, width)``: weight of the ridge of each pixel as a part of a ring.

    Returns
    -------
    ``(n_pixels, n_pixels)`` float32 CSR.
    """
    _, height, width = courses.shape
    steps = ring_offsets(radius)
    by_pixel = np.ascontiguousarray(np.moveaxis(courses, 0, 2), dtype=np.float64)
    floor = max(1e-6, 1e-3 * float(np.median(penalty)))
    ridge = np.maximum(penalty, floor).astype(np.float64)
    bands = range(0, height, BAND)

    def solve(first: int) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
        return _solve_rings(by_pixel, ridge, steps, first, min(first + BAND, height))

    parts = []
    for number, part in enumerate(in_threads(solve, bands)):
        parts.append(part)
        progress((number + 1) / len(bands))
    counts, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    indptr = np.concatenate([[0], np.cumsum(counts)])
    return sparse.csr_array((values, columns.astype(np.int32), indptr.astype(np.int32)), shape=(height * width,) * 2)


@compiled
def _solve_rings(
    courses: Doubles, ridge: Doubles, steps: NDArray[np.intp], first: int, last: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Rows `first` to `last`: how many ring pixels each pixel has, which, and their weights.

    With B the ring's courses (one row a pixel) and L its ridge, the weights ``(B B' + L)^-1 B x`` are computed as
    ``L^-1 B (I + B' L^-1 B)^-1 x``: there are fewer courses than pixels on a ring.
    """
    height, width, n = courses.shape
    counts = np.zeros((last - first) * width, np.int64)
    columns = np.empty((last - first) * width * len(steps), np.int64)
    values = np.empty((last - first) * width * len(steps), np.float32)
    matrix = np.empty((n, n))
    right = np.empty(n)
    used = 0
    for y in range(first, last):
        for x in range(width):
            matrix[:] = 0
            for i in range(n):
                matrix[i, i] = 1.0
                right[i] = courses[y, x, i]
            for k in range(len(steps)):
                v, u = y + steps[k, 0], x + steps[k, 1]
                if v < 0 or v >= height or u < 0 or u >= width:
                    continue
                weight = 1.0 / ridge[v, u]
                for i in range(n):
                    scaled = courses[v, u, i] * weight
                    for j in range(i + 1):
                        matrix[i, j] += scaled * courses[v, u, j]
            # Cholesky factor, in place, then forward and back substitution.
            for i in range(n):
                for j in range(i + 1):
                    total = matrix[i, j]
                    for m in range(j):
                        total -= matrix[i, m] * matrix[j, m]
                    matrix[i, j] = np.sqrt(max(total, 1e-12)) if i == j else total / matrix[j, j]
            for i in range(n):
                for m in range(i):
                    right[i] -= matrix[i, m] * right[m]
                right[i] /= matrix[i, i]
            for i in range(n - 1, -1, -1):
                for m in range(i + 1, n):
                    right[i] -= matrix[m, i] * right[m]
                right[i] /= matrix[i, i]
            for k in range(len(steps)):
                v, u = y + steps[k, 0], x + steps[k, 1]
                if v < 0 or v >= height or u < 0 or u >= width:
                    continue
                total = 0.0
                for i in range(n):
                    total += courses[v, u, i] * right[i]
                columns[used] = v * width + u
                values[used] = total / ridge[v, u]
                used += 1
                counts[(y - first) * width + x] += 1
    return counts, columns[:used], values[:used]


def reduced(frames: Floats, ssub: int) -> Floats:
    """Frames ``(n, height, width)`` as means of squares of `ssub` pixels; the last squares may be smaller."""
    if ssub == 1:
        return np.ascontiguousarray(frames, dtype=np.float32)
    n, height, width = frames.shape
    out = np.zeros((n, -(-height // ssub), -(-width // ssub)), np.float32)
    count = np.zeros(out.shape[1:], np.float32)
    for y in range(ssub):
        for x in range(ssub):
            part = frames[:, y::ssub, x::ssub]
            out[:, : part.shape[1], : part.shape[2]] += part
            count[: part.shape[1], : part.shape[2]] += 1
    out /= count
    return out


def enlarged(frames: Floats, ssub: int, shape: tuple[int, int]) -> Floats:
    """Frames ``(n, small height, small width)`` interpolated (bilinearly) to `shape`."""
    if ssub == 1:
        return frames
    out = np.empty((len(frames), *shape), np.float32)
    whole = (frames.shape[2] * ssub, frames.shape[1] * ssub)
    for t, frame in enumerate(frames):
        out[t] = cv2.resize(frame, whole, interpolation=cv2.INTER_LINEAR)[: shape[0], : shape[1]]
    return out


def weighted(frames: Floats, weights: sparse.csr_array) -> Floats:
    """``W`` applied to frames ``(n, n_small)``."""
    return _weighted(np.ascontiguousarray(frames.T), weights.indptr, weights.indices, weights.data)


@compiled
def _weighted(frames: Floats, indptr: NDArray[np.int32], indices: NDArray[np.int32], data: Floats) -> Floats:
    n = frames.shape[1]
    out = np.zeros((n, len(indptr) - 1), np.float32)
    row = np.empty(n, np.float32)
    for pixel in range(len(indptr) - 1):
        row[:] = 0
        for position in range(indptr[pixel], indptr[pixel + 1]):
            source, weight = indices[position], data[position]
            for t in range(n):
                row[t] += weight * frames[source, t]
        for t in range(n):
            out[t, pixel] = row[t]
    return out


def _averaging(size: int, ssub: int) -> sparse.csr_array:
    """``(small, size)``: means of runs of `ssub`."""
    index = np.arange(size) // ssub
    count = np.bincount(index)
    return sparse.csr_array((1 / count[index], (index, np.arange(size))), shape=(len(count), size))


def _interpolating(size: int, ssub: int) -> sparse.csr_array:
    """``(size, small)``: linear interpolation between the centres of runs of `ssub`, constant beyond the outermost.

    The last run counts as a whole one even where the field ends inside it, as it does in `enlarged`.
    """
    small = -(-size // ssub)
    position = np.clip((np.arange(size) - (ssub - 1) / 2) / ssub, 0, small - 1)
    left = np.minimum(position.astype(int), max(0, small - 2))
    share = position - left
    rows, columns = np.tile(np.arange(size), 2), np.concatenate([left, np.minimum(left + 1, small - 1)])
    matrix = sparse.csr_array((np.concatenate([1 - share, share]), (rows, columns)), shape=(size, small))
    matrix.eliminate_zeros()
    return matrix
