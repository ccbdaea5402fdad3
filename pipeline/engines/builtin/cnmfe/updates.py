"""Traces and footprints with a ring background behind them.

The residual that has to be small is ``(I - U W D)(Y - b0 - A C)``. All that the updates need of the movie is linear in
it, so that the background's part comes from the images ``U W D A`` and ``U W D Y C'`` of a few cells, and never from
the frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.cnmfe.ring import RingBackground
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.model import Model
from pipeline.engines.builtin.projections import Tiles, correlate_with_traces, project_onto_footprints
from pipeline.engines.builtin.spatial import MOST_SWEEPS, SPARSITY, TOLERANCE, descend, grown, moved_pixels
from pipeline.engines.builtin.temporal import calcium_of, demix, model_of
from pipeline.engines.builtin.threads import in_threads, still_wanted
from pipeline.parameters.groups import Temporal

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def update_traces(
    frames: Frames,
    footprints: sparse.csr_array,
    ring: RingBackground,
    mean: Floats,
    params: Temporal,
    progress: Callable[[float], None],
) -> Model:
    """Traces for given footprints: ``A'(I - UWD)(Y - b0) = A'(I - UWD) A C``, every trace deconvolved.

    One pass over the movie. `mean` is any image close to its mean.
    """
    n_frames = frames.shape[0]
    nothing = np.zeros((0, math.prod(frames.shape[1:])), np.float32)
    through = ring.seen_through(footprints)
    data, _ = project_onto_footprints(frames, through, nothing, mean, lambda done: progress(0.7 * done))
    data = data - (through @ ring.offset.astype(np.float64))[:, None]
    gram = (through @ footprints.T).toarray().astype(np.float64)
    overlap = (footprints @ footprints.T).toarray().astype(np.float64)
    each, _ = demix(data, gram, overlap, params, lambda done: progress(0.7 + 0.3 * done))
    residuals = data - gram @ calcium_of(each, n_frames)
    model = model_of(footprints, each, residuals, nothing, np.zeros((0, n_frames), np.float32))
    return replace(model, ring=ring)


def update_footprints(
    frames: Frames,
    footprints: sparse.csr_array,
    traces: Floats,
    ring: RingBackground,
    noise: Floats,
    mean: Floats,
    progress: Callable[[float], None],
) -> sparse.csr_array:
    """Footprints ``(n, n_pixels)`` for given traces; rows may come out empty.

    As for two-photon movies (`spatial.update_footprints`), with the background that the last footprints left. One pass
    over the movie.
    """
    field = frames.shape[1:]
    n, n_pixels = footprints.shape
    supports = grown(footprints, field)
    # A pixel's background depends on the data of the whole ring around it.
    products = _products_with_traces(frames, ring.reach_of(supports), traces, ring.offset, mean, progress)
    gram = traces.astype(np.float64) @ traces.T
    target = _without_background(products, supports, footprints, gram, ring)
    tiles = Tiles(field, supports)

    def solve(number: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
        members, window = tiles.members[number], tiles.windows[number]
        shape = tuple(part.stop - part.start for part in window)
        pixels = moved_pixels(tuple(np.indices(shape).reshape(len(shape), -1)), window, field)
        right = target[members][:, pixels].toarray().T.astype(np.float64)
        inner = gram[np.ix_(members, members)]
        scale = np.sqrt(np.maximum(np.diag(inner), 0))
        penalty = SPARSITY * noise[window].reshape(-1, 1).astype(np.float64) * scale
        mixture = descend(inner, np.ascontiguousarray(right), penalty, tiles.reached(number), MOST_SWEEPS, TOLERANCE)
        pixel, member = np.nonzero(mixture)
        return members[member], pixels[pixel], mixture[pixel, member].astype(np.float32)

    entries = list(in_threads(solve, range(len(tiles.windows))))
    of_row, of_pixel, weights = (np.concatenate(part) for part in zip(*entries, strict=True))
    return sparse.csr_array((weights, (of_row, of_pixel)), shape=(n, n_pixels))


def mean_frames(
    frames: Frames,
    footprints: sparse.csr_array,
    traces: Floats,
    ring: RingBackground,
    weights: NDArray[np.floating],
    progress: Callable[[float], None],
) -> Doubles:
    """Weighted means of frames without their background, one for each footprint, at its stored entries.

    `weights` are ``(n, n_frames)``. One pass over the movie.
    """
    chosen = np.asarray(weights, dtype=np.float32)
    reach = ring.reach_of(footprints)
    mean = ring.offset.reshape(frames.shape[1:])
    products = _products_with_traces(frames, reach, chosen, ring.offset, mean, progress)
    gram = chosen.astype(np.float64) @ traces.T
    return np.asarray(_without_background(products, footprints, footprints, gram, ring).data)


def _products_with_traces(
    frames: Frames,
    supports: sparse.csr_array,
    traces: Floats,
    offset: Floats,
    mean: Floats,
    progress: Callable[[float], None],
) -> sparse.csr_array:
    """``(Y - b0) C'`` where each component's support is: ``(n, n_pixels)``."""
    field = frames.shape[1:]
    tiles = Tiles(field, supports)
    data = correlate_with_traces(frames, tiles, traces, np.zeros((0, frames.shape[0]), np.float32), mean, progress)
    sums = traces.sum(axis=1, dtype=np.float64)
    parts: list[tuple[NDArray[np.intp], NDArray[np.intp], Doubles]] = []
    for number, (members, window) in enumerate(zip(tiles.members, tiles.windows, strict=True)):
        still_wanted()
        pixel, member = np.nonzero(tiles.reached(number))
        shape = tuple(part.stop - part.start for part in window)
        flat = moved_pixels(np.unravel_index(pixel, shape), window, field)
        parts.append((members[member], flat, data[number][pixel, member] - offset[flat] * sums[members[member]]))
    of_row, of_pixel, values = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sparse.csr_array((values, (of_row, of_pixel)), shape=supports.shape)


def _without_background(
    products: sparse.csr_array,
    supports: sparse.csr_array,
    footprints: sparse.csr_array,
    gram: Doubles,
    ring: RingBackground,
) -> sparse.csr_array:
    """``(Y - B) C'`` on `supports`: `products` less what the ring makes of ``(Y - b0 - A C) C'``."""
    small_footprints = sparse.csr_array(footprints @ ring.down.T).T.tocsr()
    small_products = sparse.csr_array(products @ ring.down.T)

    def row(k: int) -> Doubles:
        pixels = supports.indices[supports.indptr[k] : supports.indptr[k + 1]]
        rest = small_products[[k]].toarray()[0] - small_footprints @ gram[k]
        behind = ring.up[pixels] @ (ring.weights @ rest)
        return np.asarray(products[[k]].toarray()[0, pixels] - behind)

    rows = list(in_threads(row, range(supports.shape[0])))
    values = np.concatenate(rows) if rows else np.zeros(0)
    return sparse.csr_array((values, supports.indices, supports.indptr), shape=supports.shape)
