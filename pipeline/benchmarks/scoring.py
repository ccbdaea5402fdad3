"""How well found cells match true ones, as the CaImAn paper (eLife 2019) defines it."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse
from scipy.optimize import linear_sum_assignment

BINARISE_AT = 0.2
MATCH_BELOW = 0.7


def load_accepted(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Accepted footprints ``(n, height, width[, depth])`` and their denoised traces ``(n, n_frames)``, from a file."""
    with h5py.File(path) as file:
        estimates = file["estimates"]
        parts = tuple(estimates[f"A/{name}"][:] for name in ("data", "indices", "indptr"))
        matrix = sparse.csc_array(parts, shape=tuple(estimates["A/shape"][:]))
        dims = tuple(int(size) for size in file["params/data/dims"][:])
        accepted = estimates["idx_components"][:].astype(int)
        traces = estimates["C"][:][accepted]
    columns = matrix[:, accepted].toarray().T.reshape(-1, *dims[::-1])
    return columns.transpose(0, *range(len(dims), 0, -1)).astype(np.float32), traces.astype(np.float32)


def score(
    true: NDArray[np.float32],
    true_traces: NDArray[np.float32],
    found: NDArray[np.float32],
    found_traces: NDArray[np.float32],
    active: NDArray[np.bool_] | None = None,
) -> dict[str, float | int | None]:
    """Precision, recall, F1 and the median correlation of matched traces.

    With `active` ``(n_true,)``, also ``recall_active``: the share of those that were found.

    Footprints ``(n, height, width[, depth])`` are binarised at 20 % of their maximum; a match has a Jaccard distance
    below 0.7 and is one to one (Hungarian). A whole-pixel offset of the field, which motion correction is free to
    choose, is removed first.
    """
    rows = columns = np.zeros(0, int)
    if len(true) and len(found):
        found = np.roll(found, _offset(true, found), tuple(range(1, found.ndim)))
        a, b = (_masks(images).reshape(len(images), -1).astype(np.float32) for images in (true, found))
        both = a @ b.T
        distance = 1 - both / np.maximum(a.sum(1)[:, None] + b.sum(1) - both, 1)
        rows, columns = linear_sum_assignment(np.where(distance < MATCH_BELOW, distance, 10.0))
        matched = distance[rows, columns] < MATCH_BELOW
        rows, columns = rows[matched], columns[matched]
    precision, recall = len(rows) / max(1, len(found)), len(rows) / max(1, len(true))
    n = min(true_traces.shape[1], found_traces.shape[1])
    pairs = zip(rows, columns, strict=True)
    agreement = [np.corrcoef(true_traces[i, :n], found_traces[j, :n])[0, 1] for i, j in pairs]
    recall_active = float(np.isin(np.flatnonzero(active), rows).mean()) if active is not None and active.any() else None
    return {
        "n_true": len(true),
        "n_found": len(found),
        "matched": len(rows),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        **({} if recall_active is None else {"recall_active": round(recall_active, 4)}),
        "f1": round(2 * precision * recall / max(1e-9, precision + recall), 4),
        "trace_corr_median": round(float(np.median(agreement)), 4) if agreement else None,
    }


def _masks(images: NDArray[np.float32]) -> NDArray[np.bool_]:
    highest = images.max(axis=tuple(range(1, images.ndim)), keepdims=True)
    masks: NDArray[np.bool_] = images >= np.maximum(BINARISE_AT * highest, 1e-12)
    return masks


def _offset(true: NDArray[np.float32], found: NDArray[np.float32]) -> tuple[int, ...]:
    a, b = (ndimage.gaussian_filter(_masks(images).sum(axis=0).astype(float), 1.0) for images in (true, found))
    correlation = fft.ifftn(fft.fftn(a) * np.conj(fft.fftn(b))).real
    best = np.unravel_index(int(correlation.argmax()), correlation.shape)
    return tuple(
        int(at) if at < length // 2 else int(at) - length for at, length in zip(best, correlation.shape, strict=True)
    )
