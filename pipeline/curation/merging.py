"""Several ROIs that are one cell become one: its footprint and traces, from those of its parts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.curation.traces import all_traces

Floats = NDArray[np.float32]


def merged(footprints: sparse.csr_array, traces: Mapping[str, Floats]) -> tuple[sparse.csr_array, dict[str, Floats]]:
    """One footprint ``(1, n_pixels)`` and its traces ``(1, n_frames)`` by kind, of parts that are one cell.

    - Footprint: the sum of the parts' footprints, each times the size of its trace (Euclidean norm of the denoised one,
      else the raw one), scaled to the parts' mean norm.
    - ``raw``: what the parts make together, projected onto that footprint by least squares; so footprint times trace
      is as close as it can be to the sum of the parts'.
    - ``denoised``, ``deconvolved``: recomputed from ``raw`` (OASIS, AR(1)).
    - ``dff``: the parts' mean, each weighted with its baseline as seen through the new footprint; the baseline is what
      raw fluorescence has to be divided by to change as dF/F does.

    Parameters
    ----------
    footprints
        ``(n_parts, n_pixels)``.
    traces
        ``(n_parts, n_frames)`` by kind; kinds that are not there are not made.
    """
    parts = sparse.csr_array(footprints, dtype=np.float64)
    sized = traces.get("denoised", traces.get("raw"))
    size = np.ones(parts.shape[0]) if sized is None else np.linalg.norm(np.nan_to_num(sized).astype(np.float64), axis=1)
    if not size.any():
        size = np.ones(parts.shape[0])
    norm = np.sqrt(np.asarray(parts.multiply(parts).sum(axis=1)).ravel())
    together = sparse.csr_array(sparse.csr_array(size[None, :]) @ parts)
    length = float(np.sqrt((together.data**2).sum()))
    together = together * (float((size * norm).sum() / size.sum()) / length)
    shares = np.asarray((parts @ together.T).todense()).ravel() / float((together.data**2).sum())
    out: dict[str, Floats] = {}
    raw = traces.get("raw", traces.get("denoised"))
    if raw is not None:
        out = {kind: found for kind, found in all_traces(_sum(shares, raw)).items() if kind in traces}
    if "dff" in traces:
        weights = shares * (_baselines(raw, traces["dff"]) if raw is not None else 1.0)
        total = weights.sum()
        out["dff"] = _sum(weights / total if total > 0 else np.full(len(shares), 1 / len(shares)), traces["dff"])
    return sparse.csr_array(together, dtype=np.float32), out


def _sum(weights: NDArray[np.float64], traces: Floats) -> Floats:
    return (weights[None, :] @ traces.astype(np.float64)).astype(np.float32)


def _baselines(raw: Floats, dff: Floats) -> NDArray[np.float64]:
    """What each raw trace was divided by: the slope of its steps over those of its dF/F, which no slow drift moves."""
    steps, relative = np.diff(raw.astype(np.float64), axis=1), np.diff(dff.astype(np.float64), axis=1)
    below = (relative**2).sum(axis=1)
    return np.where(below > 0, (steps * relative).sum(axis=1) / np.where(below > 0, below, 1), 0).clip(min=0)
