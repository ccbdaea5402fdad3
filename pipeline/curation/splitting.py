"""One ROI that is several cells becomes several: which pixels belong to which, and their traces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.cluster.vq import kmeans2

from nwb_schema.errors import EditError
from pipeline.curation.traces import all_traces, movie_sums

Floats = NDArray[np.float32]

LEAST_SHARE = 0.05
"""Pieces of a footprint with less of its weight than this are no cells of their own and go to the nearest."""


def parts_of(
    footprint: NDArray[np.float32], n_parts: int | None = None, masks: NDArray[np.bool_] | None = None
) -> NDArray[np.float32]:
    """Footprints ``(n_parts, height, width)`` (or with a depth) of the parts of one.

    Parameters
    ----------
    footprint
        ``(height, width)``, or ``(height, width, depth)``.
    n_parts
        How many; None: as many as it has connected pieces, or two when it is in one piece.
    masks
        ``(n, height, width)``: which pixels belong to which part; what no mask covers belongs to none.

    Raises
    ------
    EditError
        When there is nothing to split.
    """
    inside = footprint > 0
    if masks is not None:
        if masks.shape[1:] != footprint.shape:
            raise EditError(
                "the masks", f"have the shape {masks.shape[1:]}, the frames {footprint.shape}", "Draw them anew."
            )
        parts = np.stack([np.where(mask, footprint, 0) for mask in masks.astype(bool)]).astype(np.float32)
        empty = [number for number, part in enumerate(parts, start=1) if not part.any()]
        if len(parts) < 2 or empty:
            what = f"mask {empty[0]} covers none of its pixels" if empty else "fewer than two masks are given"
            raise EditError("the masks", what, "Draw two or more over the ROI.")
        return parts
    pixels = np.argwhere(inside)
    if len(pixels) < (n_parts or 2):
        raise EditError("the ROI", f"has {len(pixels)} pixels and cannot be split", "Choose another.")
    label = None
    if n_parts is None:
        label = _pieces(footprint, inside, pixels)
    if label is None:
        label = _clusters(pixels, n_parts or 2)
    parts = np.zeros((label.max() + 1, *footprint.shape), np.float32)
    parts[(label, *pixels.T)] = footprint[tuple(pixels.T)]
    return parts


def _pieces(
    footprint: NDArray[np.float32], inside: NDArray[np.bool_], pixels: NDArray[np.intp]
) -> NDArray[np.intp] | None:
    """Which connected piece each pixel belongs to, or None when there is one only."""
    labels, n = ndimage.label(inside, structure=np.ones((3,) * inside.ndim))
    share = ndimage.sum_labels(footprint, labels, np.arange(1, n + 1)) / footprint.sum()
    large = np.flatnonzero(share >= LEAST_SHARE) + 1
    if len(large) < 2:
        return None
    centres = np.array(ndimage.center_of_mass(footprint, labels, large))
    nearest = np.linalg.norm(pixels[:, None] - centres[None], axis=2).argmin(axis=1)
    own = labels[tuple(pixels.T)]
    position = {label: number for number, label in enumerate(large)}
    return np.array([position.get(label, near) for label, near in zip(own, nearest, strict=True)])


def _clusters(pixels: NDArray[np.intp], n_parts: int) -> NDArray[np.intp]:
    """Which of `n_parts` compact groups each pixel belongs to (k-means, always the same)."""
    _, label = kmeans2(pixels.astype(np.float64), n_parts, minit="++", seed=0, iter=50)
    used, compact = np.unique(label, return_inverse=True)
    if len(used) < 2:
        raise EditError("the ROI", "cannot be divided into parts", "Give the parts with --mask.")
    return np.asarray(compact, np.intp)


def split_traces(
    footprint: sparse.csr_array, parts: sparse.csr_array, traces: Mapping[str, Floats], movie: Path | None
) -> dict[str, Floats]:
    """Traces ``(n_parts, n_frames)`` by kind of the parts of one ROI.

    Its own trace says what it is after everything else was taken off; the movie seen through its footprint says what
    it is with that. The difference is taken to be even over the few pixels of an ROI, and is taken off each part's
    view of the movie: that is its ``raw``. The others are made of it as for any ROI (`all_traces`). Without a movie
    each part keeps the traces of the whole, which is what its footprint times its trace amounted to.

    Parameters
    ----------
    footprint, parts
        ``(1, n_pixels)`` and ``(n_parts, n_pixels)``.
    traces
        ``(1, n_frames)`` of the whole, by kind.
    movie
        The registered movie, or None.
    """
    raw = traces.get("raw", traces.get("denoised"))
    n = parts.shape[0]
    if movie is None or raw is None:
        return {kind: np.repeat(found, n, axis=0) for kind, found in traces.items()}
    views = sparse.csr_array(sparse.vstack([footprint, parts], format="csr"), dtype=np.float64)
    square = np.asarray(views.multiply(views).sum(axis=1)).ravel()
    seen = movie_sums(movie, sparse.csr_array(sparse.diags_array(1 / square) @ views))
    flat = np.asarray(views.sum(axis=1)).ravel() / square  # how a uniform background shows through each
    even = (seen[0] - raw[0]) / flat[0]
    behind = flat[1:, None] * even[None, :]
    found = all_traces((seen[1:] - behind).astype(np.float32), behind)
    return {kind: found[kind] for kind in traces}
