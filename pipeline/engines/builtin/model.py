"""The CNMF model of a movie: footprints times traces, plus a background of low rank."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.cnmfe.ring import RingBackground

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """``Y = footprints.T @ traces + background.T @ background_traces + noise``, pixels in C order.

    Attributes
    ----------
    footprints
        ``(n, n_pixels)`` float32, non-negative, each of unit L2 norm.
    traces
        ``(n, n_frames)`` float32: denoised calcium, without baselines.
    background
        ``(nb, n_pixels)`` float32.
    background_traces
        ``(nb, n_frames)`` float32.
    residuals
        ``(n, n_frames)`` float32: what of the data in each footprint the model leaves unexplained (CaImAn's YrA).
    spikes
        ``(n, n_frames)`` float32.
    g
        ``(n, p)`` float32: the coefficients of each trace's autoregressive model; one column of zeros without one.
    baseline, noise, penalty, first
        ``(n,)`` float32 of each trace: baseline, noise, sparsity penalty, calcium in the first frame (CaImAn's bl,
        neurons_sn, lam, c1).
    ring
        The background of a one-photon movie, in place of `background` (which then has no rows); else None.
    """

    footprints: sparse.csr_array
    traces: Floats
    background: Floats
    background_traces: Floats
    residuals: Floats
    spikes: Floats
    g: Floats
    baseline: Floats
    noise: Floats
    penalty: Floats
    first: Floats
    ring: RingBackground | None = None

    @property
    def n(self) -> int:
        """Number of components."""
        return int(self.footprints.shape[0])


def unit_norm(footprints: sparse.csr_array) -> tuple[sparse.csr_array, Floats]:
    """Rows scaled to unit L2 norm, without explicit zeros, and the norms they had. Empty rows must not be there."""
    clean = sparse.csr_array(footprints, dtype=np.float32)
    clean.eliminate_zeros()
    clean.sort_indices()
    norms = np.sqrt(np.asarray(clean.multiply(clean).sum(axis=1))).astype(np.float32).ravel()
    return sparse.csr_array(sparse.diags_array(1 / norms) @ clean, dtype=np.float32), norms
