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
from scipy import sparse
from scipy.linalg import blas

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Added to the diagonal of each ring's covariance, as a share of its trace: rings of equal pixels have no unique answer.
RIDGE = 1e-5
# Pixels whose rings are solved for at a time: bounds the memory for their covariances.
BATCH = 128


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


def ring_offsets(radius: int) -> NDArray[np.intp]:
    """``(n, 2)`` steps ``(y, x)`` from a pixel to those of the ring around it: at a distance in (radius, radius + 1]."""
    reach = np.arange(-radius - 1, radius + 2)
    y, x = np.meshgrid(reach, reach, indexing="ij")
    distance = y**2 + x**2
    chosen = (distance > radius**2) & (distance <= (radius + 1) ** 2)
    return np.stack([y[chosen], x[chosen]], axis=1).astype(np.intp)


def fit_weights(
    residual: Floats, radius: int, noise: Floats, progress: Callable[[float], None] = lambda done: None
) -> sparse.csr_array:
    """Weights of the rings that predict each pixel of a reduced movie best (ridge regression).

    The covariances are computed tile by tile, where neighbouring rings share most of them.

    Parameters
    ----------
    residual
        ``(n_short, height, width)``: the reduced movie without cells and without its mean.
    radius
        Of the ring, in pixels of `residual`.
    noise
        ``(height, width)``: variance that the pixels of a frame have beyond those of `residual`, because these were
        averaged over several frames. Weights for single frames must not rely on pixels that are noisier in them.

    Returns
    -------
    ``(n_pixels, n_pixels)`` float32 CSR.
    """
    n_short, height, width = residual.shape
    steps = ring_offsets(radius)
    side = max(8, 2 * (radius + 1))
    corners = [(y, x) for y in range(0, height, side) for x in range(0, width, side)]
    extra = noise.astype(np.float64) * n_short

    def solve(corner: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        rows = slice(max(0, corner[0] - radius - 1), min(height, corner[0] + side + radius + 1))
        columns = slice(max(0, corner[1] - radius - 1), min(width, corner[1] + side + radius + 1))
        part = np.ascontiguousarray(residual[:, rows, columns]).reshape(n_short, -1)
        # part is C-ordered, so its transpose is what BLAS takes without a copy; the upper triangle comes back.
        covariance = np.asarray(blas.ssyrk(1.0, part.T))
        across = columns.stop - columns.start
        y, x = (
            grid.ravel()
            for grid in np.mgrid[
                corner[0] : min(height, corner[0] + side), corner[1] : min(width, corner[1] + side)
            ]
        )
        found = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)], [np.zeros(0, np.float32)]
        for first in range(0, len(y), BATCH):
            here = slice(first, first + BATCH)
            ring_y, ring_x = y[here, None] + steps[:, 0], x[here, None] + steps[:, 1]
            inside = (ring_y >= 0) & (ring_y < height) & (ring_x >= 0) & (ring_x < width)
            ring_y, ring_x = np.where(inside, ring_y, y[here, None]), np.where(inside, ring_x, x[here, None])
            local = (ring_y - rows.start) * across + ring_x - columns.start
            centre = (y[here] - rows.start) * across + x[here] - columns.start
            weights = _ridge(covariance, local, centre, inside, np.where(inside, extra[ring_y, ring_x], 0))
            of, ring = np.nonzero(inside & (weights != 0))
            found[0].append(y[here][of] * width + x[here][of])
            found[1].append(ring_y[of, ring] * width + ring_x[of, ring])
            found[2].append(weights[of, ring].astype(np.float32))
        return np.concatenate(found[0]), np.concatenate(found[1]), np.concatenate(found[2])

    parts = []
    for number, part in enumerate(in_threads(solve, corners)):
        parts.append(part)
        progress((number + 1) / len(corners))
    of_row, of_column, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    matrix = sparse.csr_array((values, (of_row, of_column)), shape=(height * width, height * width))
    matrix.sort_indices()
    return matrix


def _ridge(
    covariance: Floats, local: NDArray[np.intp], centre: NDArray[np.intp], inside: NDArray[np.bool_], extra: Doubles
) -> Doubles:
    """Solve for the ring of each pixel of a batch: ``(n, n_ring)``."""
    low, high = np.minimum(local[:, :, None], local[:, None, :]), np.maximum(local[:, :, None], local[:, None, :])
    gram = covariance[low, high].astype(np.float64)
    gram *= inside[:, :, None] & inside[:, None, :]
    right = covariance[np.minimum(local, centre[:, None]), np.maximum(local, centre[:, None])] * inside
    n_ring = local.shape[1]
    diagonal = np.arange(n_ring)
    trace = gram[:, diagonal, diagonal].sum(axis=1)
    # A ring of dead pixels has no variance: any weight will do, and the right-hand side makes it zero.
    gram[:, diagonal, diagonal] += extra + np.maximum(RIDGE * trace, 1e-12)[:, None] + ~inside * np.maximum(trace, 1)[:, None]
    return np.asarray(np.linalg.solve(gram, right.astype(np.float64)[:, :, None])[:, :, 0])


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
    n_pixels, n = frames.shape
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
