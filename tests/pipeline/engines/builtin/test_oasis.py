"""Deconvolution: the exact optimum for a given penalty, and the right penalty, decay and noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, signal

from pipeline.engines.builtin.oasis import (
    ar1_pools,
    ar2_interior,
    deconvolve,
    estimate_ar2,
    estimate_g,
    trace_noise,
)


def make_trace(n: int, g: float, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    spikes = (rng.random(n) < 0.02) * rng.uniform(0.5, 1.5, n)
    calcium = signal.lfilter([1.0], [1.0, -g], spikes)
    return calcium + noise * rng.standard_normal(n), calcium, spikes


@pytest.mark.parametrize("penalty", [0.0, 0.3, 1.0])
def test_pools_are_the_optimum_of_the_convex_problem(penalty: float) -> None:
    n, g = 60, 0.8
    y, _, _ = make_trace(n, g, 0.5, seed=1)
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    kernel = np.where(lag >= 0, g ** np.maximum(lag, 0), 0)

    def cost(spikes: np.ndarray) -> float:
        return float(((y - kernel @ spikes) ** 2).sum() / 2 + penalty * spikes.sum())

    best = optimize.minimize(
        cost,
        np.full(n, 0.1),
        jac=lambda spikes: -kernel.T @ (y - kernel @ spikes) + penalty,
        bounds=[(0, None)] * n,
        method="L-BFGS-B",
        options={"maxiter": 50000, "maxfun": 100000, "ftol": 1e-15, "gtol": 1e-10},
    )
    calcium, _ = ar1_pools(y, g, penalty)
    spikes = calcium.copy()
    spikes[1:] -= g * calcium[:-1]
    assert spikes.min() > -1e-12
    assert cost(spikes) == pytest.approx(best.fun, rel=1e-6)


def make_slow_trace(n: int, decay: float, rise: float, noise: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    spikes = (rng.random(n) < 0.02) * rng.uniform(0.5, 1.5, n)
    calcium = signal.lfilter([1.0], [1.0, -(decay + rise), decay * rise], spikes)
    return calcium + noise * rng.standard_normal(n), calcium, spikes


@pytest.mark.parametrize("penalty", [0.0, 0.3, 1.0])
def test_ar2_is_the_optimum_of_the_convex_problem(penalty: float) -> None:
    n, decay, rise = 70, 0.9, 0.5
    g = np.array([decay + rise, -decay * rise])
    y, _, _ = make_slow_trace(n, decay, rise, 0.3, seed=1)
    impulse = signal.lfilter([1.0], [1.0, *-g], np.eye(n)[0])
    lag = np.subtract.outer(np.arange(n), np.arange(n))
    kernel = np.where(lag >= 0, impulse[np.maximum(lag, 0)], 0)

    def cost(spikes: np.ndarray) -> float:
        return float(((y - kernel @ spikes) ** 2).sum() / 2 + penalty * spikes.sum())

    # |y - K s|^2 / 2 + penalty * sum(s) is, up to a constant, a non-negative least squares problem with K'K = K'K and
    # K'z = K'y - penalty.
    slow, _ = optimize.nnls(kernel, np.linalg.solve(kernel.T, kernel.T @ y - penalty), maxiter=5000)
    calcium, _ = ar2_interior(y, g[0], g[1], penalty, 100, 1e-12)
    spikes = signal.lfilter([1.0, *-g], [1.0], calcium)
    assert spikes.min() > -1e-9
    assert cost(spikes) == pytest.approx(cost(slow), rel=1e-6)
    np.testing.assert_allclose(calcium, kernel @ slow, atol=2e-3)


def test_ar2_without_a_rise_is_ar1() -> None:
    y, _, _ = make_trace(400, 0.9, 0.2)
    one, slope = ar1_pools(y, 0.9, 0.4)
    two, other = ar2_interior(y, 0.9, 0.0, 0.4, 100, 1e-13)
    np.testing.assert_allclose(two, one, atol=1e-4)
    np.testing.assert_allclose(other, slope, atol=5e-2)


def test_a_rise_is_seen_and_used() -> None:
    y, calcium, spikes = make_slow_trace(4000, 0.95, 0.6, 0.15)
    g = estimate_ar2(y, 0.15, 1.0, 10)
    decay, rise = np.roots([1.0, *-g])
    assert decay == pytest.approx(0.95, abs=0.02)
    assert rise == pytest.approx(0.6, abs=0.15)
    two, one = deconvolve(y + 3, p=2, fudge_factor=1.0), deconvolve(y + 3, p=1, fudge_factor=1.0)
    assert two.g.shape == (2,)
    assert (y + 3 - two.calcium - two.baseline).std() == pytest.approx(two.noise, rel=0.05)
    assert np.corrcoef(two.calcium, calcium)[0, 1] > 0.98

    def agreement(found: np.ndarray) -> float:
        blurred = [np.convolve(x, np.ones(3), "same") for x in (found, spikes)]
        return float(np.corrcoef(*blurred)[0, 1])

    assert agreement(two.spikes) > agreement(one.spikes) + 0.05


def test_an_ar2_that_swings_is_taken_for_ar1() -> None:
    y, _, _ = make_trace(5000, 0.8, 0.3)  # no rise: the second root is a matter of noise
    g = estimate_ar2(np.random.default_rng(0).standard_normal(5000), 1.0, 0.96, 5)
    assert np.isreal(np.roots([1.0, *-g])).all()
    found = deconvolve(y, p=2)
    assert np.isfinite(found.calcium).all()
    assert found.spikes.min() >= 0


def test_calcium_falls_with_the_penalty_as_fast_as_said() -> None:
    y, _, _ = make_trace(300, 0.9, 0.2)
    calcium, slope = ar1_pools(y, 0.9, 0.5)
    lower, _ = ar1_pools(y, 0.9, 0.5 + 1e-7)
    np.testing.assert_allclose((calcium - lower) / 1e-7, slope, atol=1e-4)


def test_the_residual_is_the_noise() -> None:
    y, calcium, spikes = make_trace(3000, 0.93, 0.3)
    found = deconvolve(y + 5)
    residual = y + 5 - found.calcium - found.baseline
    assert residual.std() == pytest.approx(found.noise, rel=0.01)
    assert found.noise == pytest.approx(0.3, rel=0.1)
    assert found.baseline == pytest.approx(5, abs=0.2)
    assert np.corrcoef(found.calcium, calcium)[0, 1] > 0.95
    assert found.spikes.min() >= 0
    blurred = np.convolve(spikes, np.ones(3), "same")
    assert np.corrcoef(np.convolve(found.spikes, np.ones(3), "same"), blurred)[0, 1] > 0.6


@pytest.mark.parametrize("g", [0.8, 0.95])
def test_decay_and_noise_are_recovered(g: float) -> None:
    y, _, _ = make_trace(20000, g, 0.2)
    assert trace_noise(y) == pytest.approx(0.2, rel=0.35 if g < 0.9 else 0.15)
    assert estimate_g(y, 0.2, 1.0, 5) == pytest.approx(g, abs=0.02)


def test_a_baseline_can_be_kept_from_going_below_zero() -> None:
    y, _, _ = make_trace(500, 0.9, 0.2)
    assert deconvolve(y - 3).baseline < -2
    assert deconvolve(y - 3, bas_nonneg=True).baseline == 0


@pytest.mark.parametrize("trace", [np.zeros(100), np.full(50, 7.0)])
def test_a_flat_trace_is_all_baseline(trace: np.ndarray) -> None:
    found = deconvolve(trace)
    assert not found.calcium.any()
    assert found.baseline == trace[0]
