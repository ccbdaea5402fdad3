"""Decay, baseline, noise and sparsity of a trace of which only a stretch is known."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.oasis import ar1_pools, constrained, deconvolve, trace_noise
from pipeline.parameters import Parameters

# Frames from which the decay is estimated; of fewer, the usual length of a transient says more.
LEAST_FRAMES = 150
# Frames at the end of a trace that its parameters are taken from: baselines drift.
RECENT_FRAMES = 1000


def dynamics_of(trace: NDArray[np.float64], params: Parameters, rate_hz: float) -> tuple[float, float, float, float]:
    """``g``, baseline, noise and penalty of `trace` ``(n_frames,)``, noise and baseline included."""
    if len(trace) == 0:
        return 0.0, 0.0, 0.0, 0.0
    if params.temporal.p == 0:
        baseline = float(np.percentile(trace, 8))
        return 0.0, max(0.0, baseline) if params.temporal.bas_nonneg else baseline, trace_noise(trace), 0.0
    if len(trace) >= LEAST_FRAMES:
        found = deconvolve(
            trace,
            fudge_factor=params.temporal.fudge_factor,
            lags=params.temporal.lags,
            bas_nonneg=params.temporal.bas_nonneg,
        )
        return float(found.g[0]), found.baseline, found.noise, found.penalty
    g, noise = float(np.exp(-1 / (params.data.decay_time * rate_hz))), trace_noise(trace)
    if noise <= 0:
        return g, float(np.median(trace)), 0.0, 0.0
    _, baseline, penalty = constrained(
        lambda above, weight: ar1_pools(above, g, weight), trace, noise, params.temporal.bas_nonneg
    )
    return g, float(baseline), noise, float(penalty)
