"""Relative change of fluorescence (dF/F) against a running baseline that includes the background."""

from __future__ import annotations

import numpy as np

from pipeline.engines.builtin.baseline import WINDOW, Doubles, mode_percentile, running_percentile
from pipeline.engines.builtin.model import Floats, Model
from pipeline.engines.builtin.threads import in_threads

# A mode can lie anywhere in a trace that is active all the time; a baseline cannot.
PERCENTILES = (5.0, 60.0)


def relative_change(model: Model, window: int = WINDOW) -> Floats:
    """dF/F ``(n, n_frames)``: ``(F - F0) / (F0 + B0)`` (eLife 2019, equations 16 and 17).

    F is the component's raw trace (C + YrA), B the background seen through its footprint. F0 and B0 are the same
    running percentile of either: where the mode of the trace's first `window` frames lies, so that half of its noise is
    above and below. A one-photon background leaves nothing in the model that one could divide by: there it is
    ``F - F0``.
    """
    raw = (model.traces + model.residuals).astype(np.float64)
    if raw.size == 0:
        return raw.astype(np.float32)
    if model.ring is not None:
        percentiles = _percentiles(raw, window)
        return (raw - running_percentile(raw, percentiles, window)).astype(np.float32)
    behind = np.asarray(model.footprints @ model.background.T, dtype=np.float64) @ model.background_traces
    return change_against(raw, behind, window)


def change_against(raw: Doubles, behind: Doubles, window: int = WINDOW) -> Floats:
    """dF/F ``(n, n_frames)`` of traces `raw` that lie on the background `behind`; see `relative_change`."""
    return against_baseline(raw, behind, _percentiles(raw, window), window).astype(np.float32)


def _percentiles(raw: Doubles, window: int) -> Doubles:
    return np.clip(list(in_threads(mode_percentile, raw[:, :window])), *PERCENTILES)


def against_baseline(raw: Doubles, behind: Doubles, percentiles: Doubles, window: int) -> Doubles:
    """``(F - F0) / (F0 + B0)`` for raw traces F and what is behind them, B, both ``(n, n_frames)``."""
    rest = running_percentile(raw, percentiles, window)
    level = rest + running_percentile(behind, percentiles, window)
    # A cell in the dark has no baseline to divide by: the change is undefined there, and zero says "no change".
    floor = 1e-6 * np.maximum(np.abs(level).max(axis=1, keepdims=True), 1e-30)
    change: Doubles = np.where(level > floor, (raw - rest) / np.where(level > floor, level, 1), 0)
    return change
