"""Non-negative deconvolution of one trace with an AR(1) model (OASIS: Friedrich, Zhou & Paninski 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from pipeline.engines.builtin.compiled import compiled

Floats = NDArray[np.float64]

# The largest decay per frame that is believed: beyond it, drift is mistaken for calcium.
G_RANGE = (0.0, 0.995)
MOST_PENALTY_STEPS = 12
RSS_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Deconvolved:
    """One trace, explained.

    Attributes
    ----------
    calcium, spikes
        ``(n_frames,)``: the denoised trace without its baseline, and what drives it.
    baseline, noise, g, penalty
        The baseline, the standard deviation of the noise, the decay per frame, the weight of the sparsity penalty.
    """

    calcium: Floats
    spikes: Floats
    baseline: float
    noise: float
    g: float
    penalty: float


def deconvolve(
    trace: NDArray[np.floating], *, fudge_factor: float = 0.96, lags: int = 5, bas_nonneg: bool = False
) -> Deconvolved:
    """Split `trace` ``(n_frames,)`` into baseline, calcium, spikes and noise.

    Finds the sparsest non-negative spikes (least L1 norm) whose calcium leaves a residual of no more than the noise,
    with the baseline estimated along with them.

    Parameters
    ----------
    fudge_factor
        Shrinks the estimated decay, which noise biases upwards.
    lags
        Lags of the autocovariance that the decay is fitted to, besides the first.
    bas_nonneg
        Whether the baseline has to be non-negative.
    """
    y = np.ascontiguousarray(trace, dtype=np.float64)
    noise = trace_noise(y)
    if noise <= 0 or not np.isfinite(noise):
        baseline = float(np.median(y)) if len(y) else 0.0
        calcium = np.maximum(y - baseline, 0)
        return Deconvolved(calcium, calcium.copy(), baseline, 0.0, 0.0, 0.0)
    g = estimate_g(y, noise, fudge_factor, lags)
    calcium, spikes, baseline, penalty = constrained_ar1(y, g, noise, bas_nonneg)
    return Deconvolved(calcium, spikes, float(baseline), noise, g, float(penalty))


def trace_noise(trace: Floats) -> float:
    """Standard deviation of the noise of `trace` ``(n_frames,)``: the smaller of two estimates.

    One is the upper half of the spectrum (Welch), as in CNMF. It counts the jumps of bright transients as noise (of a
    clean trace it makes ten times too much), so the median absolute second difference is the other: nearly all second
    differences are between transients.
    """
    if len(trace) < 8:
        return 0.0
    frequencies, power = signal.welch(trace, nperseg=min(256, len(trace)))
    # The density is one-sided: white noise of variance v has density 2 v over (0, 0.5).
    spectral = np.sqrt(power[(frequencies > 0.25) & (frequencies <= 0.5)].mean() / 2)
    second = np.diff(trace, 2)
    # 1.4826 makes a standard deviation of it; a second difference of white noise has 1 + 4 + 1 times its variance.
    robust = 1.4826 * np.median(np.abs(second - np.median(second))) / np.sqrt(6)
    return float(min(spectral, robust))


def estimate_g(trace: Floats, noise: float, fudge_factor: float, lags: int) -> float:
    """Decay per frame of an AR(1) process seen through white noise, from its autocovariance."""
    most = min(lags + 1, len(trace) - 2)
    if most < 2:
        return 0.0
    centred = trace - trace.mean()
    covariance = np.array([centred[: len(centred) - lag] @ centred[lag:] for lag in range(most + 1)]) / len(centred)
    covariance[0] -= noise**2
    below, above = covariance[:-1], covariance[1:]
    if below @ below <= 0:
        return 0.0
    return float(np.clip((below @ above) / (below @ below), *G_RANGE)) * fudge_factor


def constrained_ar1(y: Floats, g: float, noise: float, bas_nonneg: bool) -> tuple[Floats, Floats, float, float]:
    """Calcium, spikes, baseline and penalty for `y`: least L1 norm of the spikes with a residual of `noise`.

    For given pools of OASIS, calcium falls linearly with the penalty, so the penalty that brings the residual to the
    noise is the root of a quadratic; pools and root are updated in turn (the paper's "dual" update).
    """
    target = noise * noise * len(y)
    penalty, too_low, too_high = 0.0, 0.0, np.inf
    baseline = float(np.percentile(y, 15))
    calcium, slope = ar1_pools(y - baseline, g, penalty)
    for _ in range(MOST_PENALTY_STEPS):
        residual = y - calcium
        baseline = float(residual.mean())
        if bas_nonneg:
            baseline = max(0.0, baseline)
        residual -= baseline
        rss = residual @ residual
        if abs(rss - target) <= RSS_TOLERANCE * target or (penalty == 0 and rss > target):
            break
        too_low, too_high = (penalty, too_high) if rss < target else (too_low, penalty)
        free = not (bas_nonneg and baseline == 0)
        change = slope - slope.mean() if free else slope
        a, b, c = change @ change, 2 * (change @ residual), rss - target
        root = b * b - 4 * a * c
        aim = penalty + (-b + np.sqrt(root)) / (2 * a) if a > 0 and root >= 0 else np.nan
        if not too_low < aim < too_high:  # also when aim is NaN: pools changed too much for the quadratic to hold
            aim = (too_low + too_high) / 2 if np.isfinite(too_high) else 2 * penalty + noise
        if free:
            baseline += (aim - penalty) * float(slope.mean())
        penalty = aim
        calcium, slope = ar1_pools(y - baseline, g, penalty)
    spikes = calcium.copy()
    spikes[1:] -= g * calcium[:-1]
    return calcium, np.maximum(spikes, 0), baseline, penalty


@compiled
def ar1_pools(y: Floats, g: float, penalty: float) -> tuple[Floats, Floats]:
    """OASIS for AR(1): calcium for a fixed penalty, and how fast it falls as the penalty grows (per unit).

    Minimises ``|y - c|^2 / 2 + penalty * sum(c[t] - g * c[t-1])`` with all spikes non-negative, by merging neighbouring
    pools until no pool starts below what the one before has decayed to.
    """
    n = len(y)
    value = np.empty(n)  # numerator / weight: the pool's first calcium
    weight = np.empty(n)
    drop = np.empty(n)  # d value / d penalty, negated
    start = np.empty(n, np.int64)
    length = np.empty(n, np.int64)
    last = -1
    for t in range(n):
        # sum of spikes = (1 - g) * sum of calcium, but the last calcium has no successor that it pays for
        cost = 1.0 - g if t < n - 1 else 1.0
        last += 1
        value[last] = y[t] - penalty * cost
        drop[last] = cost
        weight[last] = 1.0
        start[last] = t
        length[last] = 1
        while last > 0 and value[last] < value[last - 1] * g ** length[last - 1]:
            decay = g ** length[last - 1]
            total = weight[last - 1] + decay * decay * weight[last]
            value[last - 1] = (weight[last - 1] * value[last - 1] + decay * weight[last] * value[last]) / total
            drop[last - 1] = (weight[last - 1] * drop[last - 1] + decay * weight[last] * drop[last]) / total
            weight[last - 1] = total
            length[last - 1] += length[last]
            last -= 1
    calcium = np.zeros(n)
    slope = np.zeros(n)
    for pool in range(last + 1):
        c, d = value[pool], drop[pool]
        if c <= 0:
            continue
        for t in range(start[pool], start[pool] + length[pool]):
            calcium[t] = c
            slope[t] = d
            c *= g
            d *= g
    return calcium, slope
