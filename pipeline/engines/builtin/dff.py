"""Relative change of fluorescence (dF/F) against a running baseline that includes the background."""

from __future__ import annotations

import numpy as np

from pipeline.engines.builtin.baseline import Doubles, half_sample_mode, running_percentile
from pipeline.engines.builtin.model import Floats, Model

# A mode can lie anywhere in a trace that is active all the time; a baseline cannot.
PERCENTILES = (5.0, 60.0)


def relative_change(model: Model) -> Floats:
    """dF/F ``(n, n_frames)``: ``(F - F0) / (F0 + B0)``.

    F is the component's raw trace (C + YrA), B the background seen through its footprint. F0 and B0 are running
    percentiles; the percentile is where the trace's own mode lies, so that half of its noise is above and below.
    """
    raw = (model.traces + model.residuals).astype(np.float64)
    if raw.size == 0:
        return raw.astype(np.float32)
    behind = np.asarray(model.footprints @ model.background.T, dtype=np.float64) @ model.background_traces
    return change_against(raw, behind)


def change_against(raw: Doubles, behind: Doubles) -> Floats:
    """dF/F ``(n, n_frames)`` of traces `raw` that lie on the background `behind`, both ``(n, n_frames)``."""
    ordered = np.sort(raw, axis=1)
    ranks = [np.searchsorted(trace, half_sample_mode(trace)) for trace in ordered]
    percentiles = np.clip(100 * np.array(ranks) / max(1, raw.shape[1] - 1), *PERCENTILES)
    rest = running_percentile(raw, percentiles)
    level = rest + running_percentile(behind, percentiles)
    # A cell in the dark has no baseline to divide by: the change is undefined there, and zero says "no change".
    floor = 1e-6 * np.maximum(np.abs(level).max(axis=1, keepdims=True), 1e-30)
    change = np.where(level > floor, (raw - rest) / np.where(level > floor, level, 1), 0)
    return change.astype(np.float32)
