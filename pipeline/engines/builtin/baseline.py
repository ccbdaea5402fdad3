"""Where a trace rests: its mode, and a percentile that moves along with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Frames that a baseline is taken over, and how often it is taken in between (the paper computes it with a stride and
# interpolates).
WINDOW = 500
STRIDE = 50


def half_sample_mode(ordered: Doubles) -> float:
    """Mode of sorted values: the shortest half of the sample, of that half, and so on (Bickel & Fruehwirth 2006)."""
    while len(ordered) > 2:
        half = (len(ordered) + 1) // 2
        widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
        start = int(np.argmin(widths))
        if widths[start] == 0:
            return float(ordered[start])
        ordered = ordered[start : start + half]
    return float(ordered.mean()) if len(ordered) else 0.0


def running_percentile(trace: Doubles, percentile: float, window: int = WINDOW) -> Doubles:
    """Percentile of `trace` ``(n_frames,)`` in a window that moves along, interpolated between every 50th frame."""
    n = len(trace)
    if n <= window:
        return np.full(n, np.percentile(trace, percentile))
    half = window // 2
    centres = np.unique(np.append(np.arange(0, n, STRIDE), n - 1))
    # Whole windows at the ends as well: half a window there would follow the first transient.
    starts = np.clip(centres - half, 0, n - window)
    levels = [np.percentile(trace[start : start + window], percentile) for start in starts]
    interpolated: Doubles = np.interp(np.arange(n), centres, levels)
    return interpolated
