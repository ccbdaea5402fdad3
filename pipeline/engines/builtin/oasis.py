"""Non-negative deconvolution of one trace with an autoregressive model of calcium.

AR(1) is solved by OASIS (Friedrich, Zhou & Paninski 2017). Its pools are exact for AR(1) only, so AR(2) is the same
convex problem solved by an interior-point method whose Newton steps are banded (Vogelstein et al. 2010): as exact, and
linear in the number of frames as well.
"""

from __future__ import annotations

from collections.abc import Callable
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
# Newton steps of the interior-point method, and the duality gap, relative to the trace's energy, at which it ends.
MOST_NEWTON_STEPS = 60
GAP_TOLERANCE = 1e-9
# Spikes below this share of the largest are what the interior-point method leaves of a zero.
LEAST_SPIKE = 1e-4


@dataclass(frozen=True)
class Deconvolved:
    """One trace, explained.

    Attributes
    ----------
    calcium, spikes
        ``(n_frames,)``: the denoised trace without its baseline, and what drives it.
    g
        ``(p,)``: the coefficients of the model, calcium = g[0] * the last + g[1] * the one before + spikes.
    baseline, noise, penalty
        The baseline, the standard deviation of the noise, the weight of the sparsity penalty.
    """

    calcium: Floats
    spikes: Floats
    baseline: float
    noise: float
    g: Floats
    penalty: float


def deconvolve(
    trace: NDArray[np.floating],
    *,
    p: int = 1,
    fudge_factor: float = 0.96,
    lags: int = 5,
    bas_nonneg: bool = False,
) -> Deconvolved:
    """Split `trace` ``(n_frames,)`` into baseline, calcium, spikes and noise.

    Finds the sparsest non-negative spikes (least L1 norm) whose calcium leaves a residual of no more than the noise,
    with the baseline estimated along with them.

    Parameters
    ----------
    p
        Order of the model: 1 for calcium that rises at once, 2 for calcium that takes time to rise.
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
        return Deconvolved(calcium, calcium.copy(), baseline, 0.0, np.zeros(p), 0.0)
    if p == 1:
        decay = estimate_g(y, noise, fudge_factor, lags)
        g = np.array([decay])
        calcium, baseline, penalty = constrained(lambda z, weight: ar1_pools(z, decay, weight), y, noise, bas_nonneg)
    else:
        g = estimate_ar2(y, noise, fudge_factor, lags)
        calcium, baseline, penalty = constrained(
            lambda z, weight: ar2_interior(z, g[0], g[1], weight, MOST_NEWTON_STEPS, GAP_TOLERANCE),
            y,
            noise,
            bas_nonneg,
        )
    spikes = spikes_of(calcium, g)
    if p == 2:
        spikes[spikes < LEAST_SPIKE * spikes.max(initial=0)] = 0
        calcium = signal.lfilter([1.0], [1.0, *-g], spikes)
    return Deconvolved(calcium, spikes, float(baseline), noise, g, float(penalty))


def spikes_of(calcium: Floats, g: Floats) -> Floats:
    """What drives `calcium`, never negative."""
    spikes: Floats = signal.lfilter([1.0, *-g], [1.0], calcium)
    return np.maximum(spikes, 0)


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


def estimate_ar2(trace: Floats, noise: float, fudge_factor: float, lags: int) -> Floats:
    """Coefficients ``(2,)`` of an AR(2) process seen through white noise, from its autocovariance.

    Its two roots, the decay and the rise per frame, are kept real and between 0 and 1, because calcium does not swing:
    where the data say otherwise (no rise to be seen at this frame rate), it is an AR(1) process with a rise of 0.
    """
    most = min(lags + 2, len(trace) - 2)
    single = np.array([estimate_g(trace, noise, fudge_factor, lags), 0.0])
    if most < 4:
        return single
    centred = trace - trace.mean()
    covariance = np.array([centred[: len(centred) - lag] @ centred[lag:] for lag in range(most + 1)]) / len(centred)
    covariance[0] -= noise**2
    design = np.stack([covariance[1:-1], covariance[:-2]], axis=1)
    first, second = np.linalg.lstsq(design, covariance[2:], rcond=None)[0]
    inside = first**2 + 4 * second
    if not np.isfinite(inside) or inside < 0:
        return single
    decay, rise = (first + np.sqrt(inside)) / 2, (first - np.sqrt(inside)) / 2
    if rise <= 0 or decay <= 0:
        return single
    decay, rise = (float(np.clip(root, *G_RANGE)) * fudge_factor for root in (decay, rise))
    return np.array([decay + rise, -decay * rise])


def constrained(
    solve: Callable[[Floats, float], tuple[Floats, Floats]], y: Floats, noise: float, bas_nonneg: bool
) -> tuple[Floats, float, float]:
    """Calcium, baseline and penalty for `y`: least L1 norm of the spikes with a residual of `noise`.

    `solve` gives, for a trace and a penalty, calcium and how fast it falls as the penalty grows. As long as no spike
    comes or goes, calcium falls linearly, so the penalty that brings the residual to the noise is the root of a
    quadratic; calcium and root are updated in turn (the OASIS paper's "dual" update).
    """
    target = noise * noise * len(y)
    penalty, too_low, too_high = 0.0, 0.0, np.inf
    baseline = float(np.percentile(y, 15))
    calcium, slope = solve(y - baseline, penalty)
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
        if not too_low < aim < too_high:  # also when aim is NaN: too many spikes came or went for the quadratic to hold
            aim = (too_low + too_high) / 2 if np.isfinite(too_high) else 2 * penalty + noise
        if free:
            baseline += (aim - penalty) * float(slope.mean())
        penalty = aim
        calcium, slope = solve(y - baseline, penalty)
    return calcium, baseline, penalty


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


@compiled
def ar2_interior(
    y: Floats, first: float, second: float, penalty: float, steps: int, tolerance: float
) -> tuple[Floats, Floats]:
    """Calcium for a fixed penalty under AR(2), and how fast it falls as the penalty grows (per unit).

    Minimises ``|y - c|^2 / 2 + penalty * sum(s)`` with ``s[t] = c[t] - first * c[t-1] - second * c[t-2] >= 0`` by a
    primal-dual interior-point method. A Newton step solves ``(I + G' D G) x = r`` with the bidiagonal-plus-one G that
    makes spikes of calcium, so the matrix has five diagonals and is factorised in one pass.
    """
    n = len(y)
    cost = np.empty(n)  # d sum(s) / d c
    for t in range(n):
        cost[t] = 1.0 - (first if t + 1 < n else 0.0) - (second if t + 2 < n else 0.0)
    scale = 0.0
    for t in range(n):
        scale += y[t] * y[t]
    scale = np.sqrt(scale / max(1, n)) + 1e-300
    spikes = np.full(n, 0.1 * scale)
    dual = np.full(n, 0.1 * scale)
    c = np.empty(n)
    for t in range(n):
        c[t] = spikes[t] + (first * c[t - 1] if t > 0 else 0.0) + (second * c[t - 2] if t > 1 else 0.0)
    diagonal, below, further = np.empty(n), np.empty(n), np.empty(n)
    right = np.empty(n)
    x = np.empty(n)
    change = np.empty(n)
    for _ in range(steps):
        gap = 0.0
        for t in range(n):
            gap += spikes[t] * dual[t]
        gap /= n
        if gap <= tolerance * scale * scale:
            break
        # First where the step without centring would lead, then how much centring that calls for (Mehrotra).
        aim = 0.0
        for turn in range(2):
            for t in range(n):
                pull = aim / spikes[t]
                after = aim / spikes[t + 1] if t + 1 < n else 0.0
                later = aim / spikes[t + 2] if t + 2 < n else 0.0
                right[t] = y[t] - c[t] - penalty * cost[t] + pull - first * after - second * later
            if turn == 0:
                _factorise(first, second, spikes, dual, diagonal, below, further)
            _solve(diagonal, below, further, right, x)
            primal_step, dual_step = 1.0, 1.0
            for t in range(n):
                moved = x[t] - (first * x[t - 1] if t > 0 else 0.0) - (second * x[t - 2] if t > 1 else 0.0)
                change[t] = moved
                if moved < 0:
                    primal_step = min(primal_step, -spikes[t] / moved)
                turned = (aim - dual[t] * moved) / spikes[t] - dual[t]
                if turned < 0:
                    dual_step = min(dual_step, -dual[t] / turned)
            if turn == 0:
                ahead = 0.0
                for t in range(n):
                    turned = -dual[t] * change[t] / spikes[t] - dual[t]
                    ahead += (spikes[t] + primal_step * change[t]) * (dual[t] + dual_step * turned)
                aim = max((ahead / n / gap) ** 3, 1e-4) * gap
        # A quadratic objective: unequal steps in calcium and duals may leave the path.
        step = 0.99 * min(primal_step, dual_step)
        for t in range(n):
            turned = (aim - dual[t] * change[t]) / spikes[t] - dual[t]
            c[t] += step * x[t]
            spikes[t] += step * change[t]
            dual[t] += step * turned
    _factorise(first, second, spikes, dual, diagonal, below, further)
    slope = np.empty(n)
    _solve(diagonal, below, further, cost, slope)
    return c, slope


@compiled
def _factorise(
    first: float, second: float, spikes: Floats, dual: Floats, diagonal: Floats, below: Floats, further: Floats
) -> None:
    """Factors ``L D L'`` of ``I + G' diag(dual / spikes) G``: `diagonal` of D, bands `below` and `further` of L."""
    n = len(spikes)
    for t in range(n):
        here = dual[t] / spikes[t]
        after = dual[t + 1] / spikes[t + 1] if t + 1 < n else 0.0
        later = dual[t + 2] / spikes[t + 2] if t + 2 < n else 0.0
        on = 1.0 + here + first * first * after + second * second * later
        off = -first * after + first * second * later  # between t and t + 1
        far = -second * later  # between t and t + 2
        if t > 0:
            on -= below[t - 1] * below[t - 1] * diagonal[t - 1]
            off -= below[t - 1] * further[t - 1] * diagonal[t - 1]
        if t > 1:
            on -= further[t - 2] * further[t - 2] * diagonal[t - 2]
        diagonal[t] = on
        below[t] = off / on
        further[t] = far / on


@compiled
def _solve(diagonal: Floats, below: Floats, further: Floats, right: Floats, x: Floats) -> None:
    """``L D L' x = right`` by substitution."""
    n = len(right)
    for t in range(n):
        x[t] = right[t]
        if t > 0:
            x[t] -= below[t - 1] * x[t - 1]
        if t > 1:
            x[t] -= further[t - 2] * x[t - 2]
    for t in range(n - 1, -1, -1):
        x[t] /= diagonal[t]
        if t + 1 < n:
            x[t] -= below[t] * x[t + 1]
        if t + 2 < n:
            x[t] -= further[t] * x[t + 2]
