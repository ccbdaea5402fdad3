"""Relative change of fluorescence (dF/F) against a running baseline that includes the background."""

from __future__ import annotations

import numpy as np

from pipeline.engines.builtin.baseline import half_sample_mode, running_percentile
from pipeline.engines.builtin.model import Floats, Model


def relative_change(model: Model) -> Floats:
    """dF/F ``(n, n_frames)``: ``(F - F0) / (F0 + B0)``.

    F is the component's raw trace (C + YrA), B the background seen through its footprint. F0 and B0 are running
    percentiles; the percentile is where the trace's own mode lies, so that half of its noise is above and below.
    """
    raw = (model.traces + model.residuals).astype(np.float64)
    behind = np.asarray(model.footprints @ model.background.T) @ model.background_traces.astype(np.float64)
    out = np.zeros(raw.shape, np.float32)
    for k, (trace, background) in enumerate(zip(raw, behind, strict=True)):
        ordered = np.sort(trace)
        mode_at = 100 * np.searchsorted(ordered, half_sample_mode(ordered)) / max(1, len(trace) - 1)
        percentile = float(np.clip(mode_at, 5, 60))
        rest = running_percentile(trace, percentile)
        level = rest + running_percentile(background, percentile)
        # A cell in the dark has no baseline to divide by: the change is undefined there, and zero says "no change".
        floor = 1e-6 * max(1e-30, float(np.abs(level).max(initial=0)))
        out[k] = np.where(level > floor, (trace - rest) / np.where(level > floor, level, 1), 0)
    return out
