"""Updating traces: demix what is seen through the footprints, then deconvolve every trace."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.model import Model
from pipeline.engines.builtin.oasis import Deconvolved, deconvolve, trace_noise
from pipeline.engines.builtin.projections import Doubles, Floats, project_onto_footprints
from pipeline.engines.builtin.threads import in_threads
from pipeline.parameters.groups import Temporal

# Components whose footprints overlap by less than this (cosine) do not disturb each other within one round.
INDEPENDENT = 0.05


def update_traces(
    frames: Frames,
    footprints: sparse.csr_array,
    background: Floats,
    mean: Floats,
    params: Temporal,
    progress: Callable[[float], None],
) -> Model:
    """Traces for given footprints and background images.

    The background's traces are free and are eliminated exactly. A joint least-squares fit starts the traces; then,
    `params.ITER` times, each is recomputed from what the others leave and deconvolved (block coordinate descent as in
    CNMF, components that do not overlap at the same time).

    Parameters
    ----------
    footprints
        ``(n, n_pixels)``, unit norm, no empty row.
    background
        ``(nb, n_pixels)``.
    mean
        ``(height, width)``.
    """
    through, behind = project_onto_footprints(frames, footprints, background, mean, lambda done: progress(0.7 * done))
    overlap = (footprints @ footprints.T).toarray().astype(np.float64)
    of_background = np.linalg.pinv(background.astype(np.float64) @ background.T, hermitian=True)
    cross = np.asarray(footprints @ background.T, dtype=np.float64)
    data = through - cross @ of_background @ behind
    gram = overlap - cross @ of_background @ cross.T
    each, explained = demix(data, gram, overlap, params, lambda done: progress(0.7 + 0.3 * done))
    background_traces = of_background @ (behind - cross.T @ explained)
    traces = calcium_of(each, through.shape[1])
    residuals = through - overlap @ traces - cross @ background_traces
    return model_of(footprints, each, residuals, background, background_traces)


def demix(
    data: Doubles, gram: Doubles, overlap: Doubles, params: Temporal, progress: Callable[[float], None]
) -> tuple[list[Deconvolved], Doubles]:
    """Solve ``gram @ traces = data`` with every trace deconvolved.

    Parameters
    ----------
    data
        ``(n, n_frames)``: the movie without its background, seen through each footprint.
    gram
        ``(n, n)``: each footprint (column) seen in the same way (row).
    overlap
        ``(n, n)``: which footprints disturb each other.

    Returns
    -------
    The traces, and ``(n, n_frames)`` float64: calcium plus baseline of each.
    """
    n, n_frames = data.shape
    if n == 0:
        return [], np.zeros((0, n_frames))
    # A little ridge: two footprints that are almost the same would otherwise share out noise without bound.
    explained: Doubles = linalg.solve(gram + 1e-3 * np.eye(n), data)
    explained -= np.minimum(np.percentile(explained, 8, axis=1, keepdims=True), 0)
    found: dict[int, Deconvolved] = {}
    groups = independent_groups(overlap)
    for turn in range(params.ITER):
        for group in groups:
            rest = data[group] - gram[group] @ explained
            alone = explained[group] + rest / np.diag(gram)[group, None]

            def work(trace: Doubles) -> Deconvolved:
                return explain(trace, params)

            for number, result in zip(group, in_threads(work, alone), strict=True):
                found[int(number)] = result
                explained[number] = result.calcium + result.baseline
        progress((turn + 1) / params.ITER)
    return [found[k] for k in range(n)], explained


def calcium_of(each: list[Deconvolved], n_frames: int) -> Doubles:
    """Denoised traces ``(n, n_frames)`` without their baselines."""
    return np.stack([result.calcium for result in each]) if each else np.zeros((0, n_frames))


def model_of(
    footprints: sparse.csr_array,
    each: list[Deconvolved],
    residuals: Doubles,
    background: Floats,
    background_traces: NDArray[np.floating],
) -> Model:
    """Footprints, their traces and a background as one model."""
    n, n_frames = residuals.shape
    traces = calcium_of(each, n_frames)
    return Model(
        footprints=footprints,
        traces=traces.astype(np.float32),
        background=background,
        background_traces=background_traces.astype(np.float32),
        residuals=residuals.astype(np.float32),
        spikes=np.array([result.spikes for result in each], np.float32).reshape(n, n_frames),
        g=np.stack([result.g for result in each]).astype(np.float32) if each else np.zeros((0, 1), np.float32),
        baseline=np.array([result.baseline for result in each], np.float32),
        noise=np.array([result.noise for result in each], np.float32),
        penalty=np.array([result.penalty for result in each], np.float32),
        first=traces[:, 0].astype(np.float32),
    )


def explain(trace: Doubles, params: Temporal) -> Deconvolved:
    """Baseline, calcium and spikes of one trace: AR(p) for p = 1 and 2; for p = 0 what lies above the baseline."""
    if params.p == 0:
        baseline = float(np.percentile(trace, 8))
        if params.bas_nonneg:
            baseline = max(0.0, baseline)
        calcium = np.maximum(trace - baseline, 0)
        return Deconvolved(calcium, calcium.copy(), baseline, trace_noise(trace), np.zeros(1), 0.0)
    return deconvolve(
        trace, p=params.p, fudge_factor=params.fudge_factor, lags=params.lags, bas_nonneg=params.bas_nonneg
    )


def independent_groups(overlap: Doubles) -> list[NDArray[np.intp]]:
    """Components sorted into groups without overlap inside a group (greedy colouring, the most entangled first)."""
    neighbours = np.abs(overlap) > INDEPENDENT
    colour = np.full(len(overlap), -1)
    for k in np.argsort(-neighbours.sum(axis=1), kind="stable"):
        taken = set(colour[neighbours[k]].tolist())
        colour[k] = next(number for number in range(len(overlap) + 1) if number not in taken)
    return [np.flatnonzero(colour == number) for number in range(int(colour.max(initial=-1)) + 1)]
