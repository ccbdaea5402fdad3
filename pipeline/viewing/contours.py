"""Outlines of cells: from weighted footprints to polygons that a canvas can draw and hit-test.

A polygon is in image coordinates, x to the right and y down, with pixel ``(row, column)`` covering
``[column, column + 1) x [row, row + 1)``: the image's top left corner is (0, 0) and its bottom right one
``(width, height)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

# The outline encloses the brightest pixels that hold this share of the footprint's energy (sum of squares), as in
# CaImAn's `plot_contours` (`thr_method='nrg'`, `thr=0.9`): it ignores the faint skirt that a fraction of the maximum
# would keep in a cell with one bright spot.
ENERGY_SHARE = 0.9

# A footprint is interpolated this many times finer before it is cut, which makes round cells look round.
_SUBPIXELS = 4
# Specks beside the main body, and holes in it, are drawn from this share of its area on: smaller ones are noise.
_SMALLEST_PIECE = 0.05
# Vertices closer to the line between their neighbours than this are left out: invisible, and four times less to send.
_TOLERANCE_PX = 0.1


@dataclass(frozen=True)
class Outline:
    """The outline of one ROI.

    Attributes
    ----------
    pieces
        Closed polygons ``(n_vertices, 2)`` float32 as (x, y), the largest first; with the even-odd rule, a polygon
        inside another is a hole. Empty for a footprint without a positive pixel.
    """

    pieces: tuple[NDArray[np.float32], ...]


def outlines(footprints: sparse.csr_array, shape: tuple[int, int], energy_share: float = ENERGY_SHARE) -> list[Outline]:
    """The outline of every footprint.

    Parameters
    ----------
    footprints
        ``(n_rois, n_pixels)``, pixels in C order of `shape`.
    shape
        ``(height, width)``.
    energy_share
        How much of a footprint's energy the outline encloses, above 0 and at most 1.
    """
    starts = footprints.indptr
    return [
        footprint_outline(
            footprints.indices[starts[row] : starts[row + 1]],
            footprints.data[starts[row] : starts[row + 1]],
            shape,
            energy_share,
        )
        for row in range(footprints.shape[0])
    ]


@dataclass(frozen=True)
class Bodies:
    """The cells of a volume, ready to be cut by its planes.

    Each cell is cut at one level, that of its whole body: where it ends above or below a plane, nothing is drawn there.

    Attributes
    ----------
    footprints
        ``(n_rois, n_voxels)``, in C order of `shape`.
    shape
        ``(height, width, depth)``.
    levels
        ``(n_rois,)``: the weight above which a voxel is inside its cell; infinite for a cell without a positive one.
    """

    footprints: sparse.csr_array
    shape: tuple[int, int, int]
    levels: NDArray[np.float32]

    @classmethod
    def of(
        cls, footprints: sparse.csr_array, shape: tuple[int, int, int], energy_share: float = ENERGY_SHARE
    ) -> Bodies:
        """Find the levels, so that each cell's inside holds `energy_share` of its energy."""
        levels = np.full(footprints.shape[0], np.inf, np.float32)
        starts = footprints.indptr
        for row in range(footprints.shape[0]):
            weights = np.asarray(footprints.data[starts[row] : starts[row + 1]], dtype=np.float32)
            if (weights > 0).any():
                levels[row] = _cut(weights[weights > 0], energy_share)
        return cls(footprints, shape, levels)

    def outlines(self, plane: int) -> list[Outline]:
        """Where plane number `plane`, from 0, cuts through the cells; an empty outline for those that it misses."""
        rows, planes = self._rows, self._planes
        there = set(np.unique(rows[(planes == plane) & self._inside]).tolist())
        return [self._section(row, plane) if row in there else Outline(()) for row in range(len(self.levels))]

    @cached_property
    def extents(self) -> NDArray[np.intp]:
        """``(n_rois, 3)``: the first plane that cuts each cell, the one of its centre, and the last; -1 for none.

        The plane of the centre is the one nearest to the weighted centre of those that cut the cell, so that there is
        something of it to see there.
        """
        n_rois, depth = len(self.levels), self.shape[2]
        places = self._rows * depth + self._planes
        weights = np.maximum(self.footprints.data, 0).astype(np.float64)
        cut = np.bincount(places, self._inside, minlength=n_rois * depth).reshape(n_rois, depth) > 0
        mass = np.bincount(places, weights, minlength=n_rois * depth).reshape(n_rois, depth)
        numbers = np.arange(depth)
        centres = mass @ numbers / np.maximum(mass.sum(axis=1), np.finfo(np.float64).tiny)
        nearest = np.where(cut, np.abs(numbers - centres[:, None]), np.inf).argmin(axis=1)
        found = np.stack([cut.argmax(axis=1), nearest, depth - 1 - cut[:, ::-1].argmax(axis=1)], axis=1)
        return np.where(cut.any(axis=1, keepdims=True), found, -1)

    @cached_property
    def _rows(self) -> NDArray[np.intp]:
        """``(n,)``: the cell of each voxel."""
        return np.repeat(np.arange(len(self.levels)), np.diff(self.footprints.indptr))

    @cached_property
    def _planes(self) -> NDArray[np.integer]:
        """``(n,)``: the plane of each voxel."""
        return np.asarray(self.footprints.indices % self.shape[2])

    @cached_property
    def _inside(self) -> NDArray[np.bool_]:
        """``(n,)``: which voxels are inside their cell."""
        return np.asarray(self.footprints.data > self.levels[self._rows])

    def _section(self, row: int, plane: int) -> Outline:
        part = slice(self.footprints.indptr[row], self.footprints.indptr[row + 1])
        here = self._planes[part] == plane
        pixels = self.footprints.indices[part][here] // self.shape[2]
        weights = np.asarray(self.footprints.data[part][here], dtype=np.float32)
        return footprint_outline(pixels, weights, self.shape[:2], ENERGY_SHARE, float(self.levels[row]))


def flatten_depth(footprints: sparse.csr_array, depth: int) -> sparse.csr_array:
    """Footprints ``(n_rois, height * width * depth)`` seen from above: ``(n_rois, height * width)``, weights added."""
    # Copies, because adding up weights happens in place.
    flat = sparse.csr_array(
        (footprints.data.copy(), footprints.indices // depth, footprints.indptr.copy()),
        shape=(footprints.shape[0], footprints.shape[1] // depth),
    )
    flat.sum_duplicates()
    return flat


def footprint_outline(
    pixels: NDArray[np.integer],
    weights: NDArray[np.floating],
    shape: tuple[int, int],
    energy_share: float,
    level: float | None = None,
) -> Outline:
    """The outline of one footprint, given as pixel numbers in C order of `shape` and their weights.

    It is drawn at the weight `level`, or where that is None so that it encloses `energy_share`.
    """
    positive = weights > 0
    pixels, weights = pixels[positive], np.asarray(weights[positive], dtype=np.float32)
    if len(pixels) == 0:
        return Outline(())
    ys, xs = np.divmod(pixels, shape[1])
    # Two pixels of margin: interpolation reaches one pixel out, and an outline must not touch the border of its patch.
    top, left = int(ys.min()) - 2, int(xs.min()) - 2
    patch = np.zeros((int(ys.max()) - top + 3, int(xs.max()) - left + 3), dtype=np.float32)
    patch[ys - top, xs - left] = weights
    fine = cv2.resize(patch, None, fx=_SUBPIXELS, fy=_SUBPIXELS, interpolation=cv2.INTER_LINEAR)
    inside = (fine > (_cut(weights, energy_share) if level is None else level)).astype(np.uint8)
    found, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    by_area = sorted(((cv2.contourArea(piece), piece) for piece in found), key=lambda entry: -entry[0])
    smallest = _SMALLEST_PIECE * by_area[0][0] if by_area else 0.0
    kept = [piece for rank, (area, piece) in enumerate(by_area) if rank == 0 or area >= smallest]
    # Vertices are centres of fine pixels: half a fine pixel is added to get to the coordinates of the image's edges.
    return Outline(
        tuple(
            (
                (cv2.approxPolyDP(piece, _TOLERANCE_PX * _SUBPIXELS, True)[:, 0, :] + 0.5) / _SUBPIXELS + (left, top)
            ).astype(np.float32)
            for piece in kept
        )
    )


def _cut(weights: NDArray[np.float32], energy_share: float) -> float:
    """The value halfway between the faintest pixel that belongs inside and the brightest that does not."""
    descending = np.sort(weights)[::-1]
    energy = np.cumsum(descending.astype(np.float64) ** 2)
    count = int(np.searchsorted(energy, energy_share * energy[-1] * (1 - 1e-9))) + 1
    faintest = descending[min(count, len(descending)) - 1]
    # Equal weights belong together: a binary mask is inside as a whole.
    outside = descending[descending < faintest]
    return float(faintest + (outside[0] if len(outside) else 0.0)) / 2
