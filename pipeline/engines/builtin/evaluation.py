"""Judging components: how far a trace stands out of its noise, and how well a footprint matches the data.

Definitions as in Giovannucci et al. (eLife 2019, equations 5 to 9 and "Matching spatial footprints to the raw data"),
with the constants that CaImAn uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse, special

from pipeline.engines.builtin.baseline import block_percentile, half_sample_mode
from pipeline.engines.builtin.cnmfe.updates import mean_frames
from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.model import Floats, Model
from pipeline.engines.builtin.shape_score import shape_scores
from pipeline.engines.builtin.threads import still_wanted
from pipeline.parameters.groups import Quality

# The noise's scale counts three times: an excursion has to be that much more than noise to be a transient.
NOISE_FACTOR = 3.0
BASELINE_PERCENTILE = 8.0
# Beyond this the probability of the excursion cannot be told from zero.
MOST_SNR = 1000.0
PEAKS = 10
# Seconds before and after a peak whose frames show the component, and the least number of frames of each.
BEFORE_S, AFTER_S = 5 / 30, 25 / 30
LEAST_BEFORE, LEAST_AFTER = 2, 5
# Frames in which a neighbour with more overlap than this has its own peaks do not count.
NEIGHBOUR_OVERLAP = 0.1


@dataclass(frozen=True)
class Evaluation:
    """Scores ``(n,)`` float32 and who is accepted ``(n,)`` bool; `shape` is None where shapes were not judged."""

    snr: Floats
    r_values: Floats
    accepted: NDArray[np.bool_]
    shape: Floats | None = None


def evaluate(
    frames: Frames,
    model: Model,
    params: Quality,
    *,
    rate_hz: float,
    decay_time_s: float,
    progress: Callable[[float], None],
    gSig: tuple[int, ...] | None = None,
) -> Evaluation:
    """Score all components of `model` and decide by CaImAn's rule.

    Accepted is who reaches ``min_SNR``, ``rval_thr`` or (with ``use_cnn`` and a `gSig` to judge shapes by)
    ``min_cnn_thr``, unless a score is at or below its lowest value.
    """
    window = max(1, int(np.ceil(rate_hz * decay_time_s)))
    snr = trace_snr(model.traces + model.residuals, window)
    r_values = footprint_correlation(frames, model, rate_hz, progress)
    shape = best_shape_scores(model.footprints, frames.shape[1:], gSig, params) if gSig is not None else None
    return Evaluation(snr, r_values, accepted(snr, r_values, params, shape), shape)


def best_shape_scores(
    footprints: sparse.csr_array, field: tuple[int, ...], gSig: tuple[int, ...], params: Quality
) -> Floats | None:
    """Shapes judged against `gSig`, or against that of ``gSig_range`` whose scores are highest on average; None without
    ``use_cnn``."""
    if not params.use_cnn:
        return None
    scores = [shape_scores(footprints, field, size) for size in params.gSig_range or (gSig,)]
    return max(scores, key=lambda found: float(found.mean()) if len(found) else 0.0)


def accepted(snr: Floats, r_values: Floats, params: Quality, shape: Floats | None = None) -> NDArray[np.bool_]:
    """CaImAn's rule: at or above any threshold, and above every lowest value."""
    good = (snr >= params.min_SNR) | (r_values >= params.rval_thr)
    bad = (snr <= params.SNR_lowest) | (r_values <= params.rval_lowest)
    if shape is not None:
        good |= shape >= params.min_cnn_thr
        bad |= shape <= params.cnn_lowest
    result: NDArray[np.bool_] = good & ~bad
    return result


def trace_snr(traces: Floats, window: int) -> Floats:
    """Peak signal-to-noise ratio of raw traces ``(n, n_frames)``, averaged over `window` frames, ``(n,)``.

    The baseline is slow drift plus the trace's mode, the noise the root mean square of what lies below it; the SNR says
    how unlikely it is that noise alone stays that high for `window` frames. Equal to CaImAn's (to 2e-7) on its traces.
    """
    n, n_frames = traces.shape
    window = min(window, n_frames)
    snr = np.zeros(n, np.float32)
    raw = traces.astype(np.float64)
    for k, trace in enumerate(raw - block_percentile(raw, BASELINE_PERCENTILE)):
        still_wanted()
        mode = half_sample_mode(np.sort(trace))
        below = trace[trace < mode] - mode
        noise = np.sqrt(np.mean(below**2)) if len(below) else 0.0
        # The spline leaves rounding errors in a constant trace.
        if noise <= 1e-9 * np.abs(raw[k]).max():
            continue
        log_p = special.log_ndtr(-(trace - mode) / (NOISE_FACTOR * noise))
        sums = np.convolve(log_p, np.ones(window), mode="valid")
        snr[k] = min(-float(special.ndtri_exp(sums.min() / window)), MOST_SNR)
    return snr


def footprint_correlation(frames: Frames, model: Model, rate_hz: float, progress: Callable[[float], None]) -> Floats:
    """Pearson's correlation of each footprint with the mean frame around its own peaks, over its pixels, ``(n,)``.

    Frames of a one-photon movie are taken without their ring background, which would hide every cell.
    """
    windows = peak_frames(model.traces, rate_hz)
    chosen = alone_frames(model.footprints, windows)
    seen = _mean_of_chosen(frames, model, chosen, progress)
    r_values = np.zeros(model.n, np.float32)
    for k in range(model.n):
        pixels = slice(model.footprints.indptr[k], model.footprints.indptr[k + 1])
        image, weights = seen[pixels], model.footprints.data[pixels].astype(np.float64)
        if len(weights) > 1 and image.std() > 0 and weights.std() > 0:
            r_values[k] = np.corrcoef(image, weights)[0, 1]
    return r_values


def _mean_of_chosen(
    frames: Frames, model: Model, chosen: NDArray[np.bool_], progress: Callable[[float], None]
) -> NDArray[np.float64]:
    """The mean frame of each component's chosen ones, at the entries of its footprint."""
    counts = np.maximum(1, chosen.sum(axis=1))
    footprints = model.footprints
    if model.ring is not None:
        return mean_frames(frames, footprints, model.traces, model.ring, chosen / counts[:, None], progress)
    sums = np.zeros(len(footprints.data))
    for start, block in frames.chunks(progress):
        part = np.ascontiguousarray(chosen[:, start : start + len(block)])
        _add_chosen(block.reshape(len(block), -1), part, footprints.indptr, footprints.indices, sums)
    return sums / np.repeat(counts, np.diff(footprints.indptr))


def peak_frames(traces: Floats, rate_hz: float) -> NDArray[np.bool_]:
    """Frames around the highest peaks of each trace: ``(n, n_frames)`` bool."""
    before = max(LEAST_BEFORE, int(np.ceil(BEFORE_S * rate_hz)))
    after = max(LEAST_AFTER, int(np.ceil(AFTER_S * rate_hz)))
    chosen = np.zeros(traces.shape, bool)
    n_frames = traces.shape[1]
    for row, trace in zip(chosen, traces, strict=True):
        still_wanted()
        highest = ndimage.maximum_filter1d(trace, size=before + after + 1, mode="nearest")
        peaks = np.flatnonzero((trace == highest) & (trace > 0))
        for peak in peaks[np.argsort(-trace[peaks], kind="stable")][:PEAKS]:
            row[max(0, peak - before) : min(n_frames, peak + after + 1)] = True
    return chosen


def alone_frames(footprints: sparse.csr_array, windows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`windows` without the frames of overlapping neighbours; where nothing would be left, `windows` as they are."""
    overlap = (footprints @ footprints.T).toarray() > NEIGHBOUR_OVERLAP
    np.fill_diagonal(overlap, False)
    chosen = windows.copy()
    for k in range(len(windows)):
        still_wanted()
        alone = windows[k] & ~windows[overlap[k]].any(axis=0)
        if alone.any():
            chosen[k] = alone
    return chosen


@compiled
def _add_chosen(
    frames: Floats,
    chosen: NDArray[np.bool_],
    indptr: NDArray[np.int32],
    indices: NDArray[np.int32],
    sums: NDArray[np.float64],
) -> None:
    for k in range(len(indptr) - 1):
        for t in range(len(frames)):
            if chosen[k, t]:
                for position in range(indptr[k], indptr[k + 1]):
                    sums[position] += frames[t, indices[position]]
