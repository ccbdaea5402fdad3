"""Joining components that are pieces of one cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.engines.builtin.model import Floats, Model
from pipeline.engines.builtin.threads import still_wanted

# Overlap (cosine of unit-norm footprints) from which two components can be pieces of one.
LEAST_OVERLAP = 0.01
RANK_ONE_ROUNDS = 10


def merge_groups(footprints: sparse.csr_array, traces: Floats, merge_thr: float) -> list[NDArray[np.intp]]:
    """Groups of two and more components that overlap in space and agree in time, joined by chains."""
    if len(traces) < 2:
        return []
    overlap = (footprints @ footprints.T).toarray() > LEAST_OVERLAP
    centred = traces - traces.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1)
    unit = centred / np.where(norms > 0, norms, np.inf)[:, None]
    alike = overlap & (unit @ unit.T > merge_thr)
    n_groups, label = csgraph.connected_components(sparse.csr_array(alike), directed=False)
    groups = [np.flatnonzero(label == number) for number in range(n_groups)]
    return [group for group in groups if len(group) > 1]


def merged(model: Model, merge_thr: float) -> tuple[sparse.csr_array, Floats, int]:
    """Footprints and traces of `model` after merging, and how many components disappeared."""
    return joined(model.footprints, model.traces, merge_thr)


def joined(footprints: sparse.csr_array, traces: Floats, merge_thr: float) -> tuple[sparse.csr_array, Floats, int]:
    """Footprints (unit norm) and traces after merging, and how many components disappeared.

    Each group becomes the rank-1 non-negative component closest to the sum of its members (eLife 2019, "Combining
    results"): the data are not needed for it.
    """
    groups = merge_groups(footprints, traces, merge_thr)
    if not groups:
        return footprints, traces, 0
    gone = np.concatenate(groups)
    keep = np.setdiff1d(np.arange(len(traces)), gone)
    kept, courses = [footprints[keep]], [traces[keep]]
    for group in groups:
        a, c = footprints[group].toarray().astype(np.float64), traces[group].astype(np.float64)
        trace = c[np.argmax(np.linalg.norm(c, axis=1))]
        image = np.zeros(a.shape[1])
        for _ in range(RANK_ONE_ROUNDS):
            still_wanted()
            image = np.maximum(a.T @ (c @ trace), 0) / max(trace @ trace, 1e-30)
            trace = np.maximum((image @ a.T) @ c, 0) / max(image @ image, 1e-30)
        norm = np.linalg.norm(image)
        if norm > 0:
            kept.append(sparse.csr_array((image / norm).astype(np.float32)[None]))
            courses.append((trace * norm).astype(np.float32)[None])
    stacked = sparse.csr_array(sparse.vstack(kept), dtype=np.float32)
    return stacked, np.concatenate(courses), len(traces) - stacked.shape[0]
