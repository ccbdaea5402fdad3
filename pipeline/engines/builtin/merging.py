"""Joining components that are pieces of one cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from pipeline.engines.builtin.model import Floats, Model

# Overlap (cosine of unit-norm footprints) from which two components can be pieces of one.
LEAST_OVERLAP = 0.01
RANK_ONE_ROUNDS = 10


def merge_groups(model: Model, merge_thr: float) -> list[NDArray[np.intp]]:
    """Groups of two and more components that overlap in space and agree in time, joined by chains."""
    if model.n < 2:
        return []
    overlap = (model.footprints @ model.footprints.T).toarray() > LEAST_OVERLAP
    centred = model.traces - model.traces.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1)
    unit = centred / np.where(norms > 0, norms, np.inf)[:, None]
    joined = overlap & (unit @ unit.T > merge_thr)
    n_groups, label = csgraph.connected_components(sparse.csr_array(joined), directed=False)
    groups = [np.flatnonzero(label == number) for number in range(n_groups)]
    return [group for group in groups if len(group) > 1]


def merged(model: Model, merge_thr: float) -> tuple[sparse.csr_array, Floats, int]:
    """Footprints and traces after merging, and how many components disappeared.

    Each group becomes the rank-1 non-negative component closest to the sum of its members (eLife 2019, "Combining
    results"): the data are not needed for it.
    """
    groups = merge_groups(model, merge_thr)
    if not groups:
        return model.footprints, model.traces, 0
    gone = np.concatenate(groups)
    keep = np.setdiff1d(np.arange(model.n), gone)
    footprints, traces = [model.footprints[keep]], [model.traces[keep]]
    for group in groups:
        a, c = model.footprints[group].toarray().astype(np.float64), model.traces[group].astype(np.float64)
        trace = c[np.argmax(np.linalg.norm(c, axis=1))]
        image = np.zeros(a.shape[1])
        for _ in range(RANK_ONE_ROUNDS):
            image = np.maximum(a.T @ (c @ trace), 0) / max(trace @ trace, 1e-30)
            trace = np.maximum((image @ a.T) @ c, 0) / max(image @ image, 1e-30)
        norm = np.linalg.norm(image)
        if norm > 0:
            footprints.append(sparse.csr_array((image / norm).astype(np.float32)[None]))
            traces.append((trace * norm).astype(np.float32)[None])
    stacked = sparse.csr_array(sparse.vstack(footprints), dtype=np.float32)
    return stacked, np.concatenate(traces), model.n - stacked.shape[0]
