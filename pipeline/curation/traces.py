"""Traces of ROIs that no engine found: read off the registered movie, then treated as an engine treats its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from nwb_schema.movie_file import MovieFile
from pipeline.curation.neuropil import Neuropil
from pipeline.engines.builtin.dff import change_against
from pipeline.engines.builtin.temporal import explain
from pipeline.parameters.groups import Temporal

Floats = NDArray[np.float32]
Report = Callable[[float], None]

_CHUNK_BYTES = 64 * 2**20


def movie_sums(movie: Path, weights: sparse.csr_array, report: Report = lambda _: None) -> NDArray[np.float64]:
    """The movie seen through `weights` ``(n, n_pixels)``: ``(n, n_frames)``, a weighted sum of every frame's pixels.

    Pixels that are NaN (a border where nothing is known) count as 0.
    """
    with MovieFile(movie) as file:
        n_frames, *frame = file.shape  # (height, width), of volumes (height, width, depth)
        step = int(np.clip(_CHUNK_BYTES // (4 * np.prod(frame)), 1, 256))
        sums = np.empty((weights.shape[0], n_frames))
        # Only the columns that count, so that a frame is not turned over for three ROIs.
        pixels = np.unique(weights.indices)
        chosen = weights[:, pixels].astype(np.float64)
        for start in range(0, n_frames, step):
            stop = min(start + step, n_frames)
            block = file.read(start, stop).reshape(stop - start, -1)[:, pixels]
            sums[:, start:stop] = chosen @ np.nan_to_num(block.astype(np.float64)).T
            report(stop / n_frames)
    return sums


def mean_in_masks(
    movie: Path,
    masks: sparse.csr_array,
    shape: tuple[int, int],
    *,
    others: sparse.csr_array | None = None,
    neuropil: Neuropil | None = None,
    report: Report = lambda _: None,
) -> Floats:
    """Fluorescence of ROIs: the mean of the movie in each mask, weighted, ``(n, n_frames)``.

    With `neuropil`, what the ring around an ROI does beyond its own median is taken off, so that the level stays that
    of the ROI: ``F - factor * (F_ring - median(F_ring))``.

    Parameters
    ----------
    others
        ``(n_others, n_pixels)`` ROIs that no ring may touch.
    """
    total = np.asarray(masks.sum(axis=1)).ravel()
    mean = sparse.csr_array(sparse.diags_array(1 / total) @ masks)
    if neuropil is None:
        return movie_sums(movie, mean, report).astype(np.float32)
    ring = rings(masks, shape, others, neuropil)
    both = movie_sums(movie, sparse.csr_array(sparse.vstack([mean, ring], format="csr")), report)
    own, around = both[: len(total)], both[len(total) :]
    level = np.median(around, axis=1, keepdims=True)
    return (own - neuropil.factor * (around - level)).astype(np.float32)


def rings(
    masks: sparse.csr_array, shape: tuple[int, int], others: sparse.csr_array | None, neuropil: Neuropil
) -> sparse.csr_array:
    """The ring of pixels around each mask, weights that sum to 1; empty where others leave nothing of it."""
    taken = np.zeros(shape, bool)
    for footprints in (masks, *(() if others is None else (others,))):
        taken.reshape(-1)[footprints.indices] = True
    found = []
    for row in range(masks.shape[0]):
        mask = np.zeros(shape, bool)
        mask.reshape(-1)[masks.indices[masks.indptr[row] : masks.indptr[row + 1]]] = True
        distance = ndimage.distance_transform_edt(~mask)
        ring = (distance > neuropil.inner_px) & (distance <= neuropil.outer_px) & ~taken
        found.append(sparse.csr_array((ring / max(1, ring.sum())).reshape(1, -1)))
    return sparse.csr_array(sparse.vstack(found, format="csr"))


def all_traces(raw: Floats, behind: NDArray[np.float64] | None = None) -> dict[str, Floats]:
    """All four kinds of traces of raw ones ``(n, n_frames)``.

    ``denoised`` and ``deconvolved`` by OASIS with an AR(1) model, as the built-in engine does it; ``dff`` against a
    running baseline.

    Parameters
    ----------
    behind
        ``(n, n_frames)``: the background behind each ROI, where `raw` is without it; its level is part of the baseline.
    """
    params = Temporal()
    results = [explain(trace.astype(np.float64), params) for trace in raw]
    under = np.zeros(raw.shape) if behind is None else behind
    return {
        "raw": raw.astype(np.float32),
        "denoised": np.array([result.calcium for result in results], np.float32).reshape(raw.shape),
        "deconvolved": np.array([result.spikes for result in results], np.float32).reshape(raw.shape),
        "dff": change_against(raw.astype(np.float64), under),
    }
