"""Where traces rest: their mode, and a percentile that moves along with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.threads import in_threads

Doubles = NDArray[np.float64]

# Frames that a baseline is taken over, and how often it is taken in between (the paper computes it with a stride and
# interpolates).
WINDOW = 500
STRIDE = 50
# Traces that one thread works on at a time.
ROWS = 16


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


def running_percentile(traces: Doubles, percentiles: Doubles, window: int = WINDOW) -> Doubles:
    """A percentile of each trace in a window that moves along, interpolated between every 50th frame.

    Parameters
    ----------
    traces
        ``(n, n_frames)``.
    percentiles
        ``(n,)``: 0 to 100, of each trace.
    window
        Frames; a shorter trace has one level.
    """
    n, n_frames = traces.shape
    window = min(window, n_frames)
    centres = np.unique(np.append(np.arange(0, n_frames, STRIDE), n_frames - 1))
    # Whole windows at the ends as well: half a window there would follow the first transient.
    starts = np.unique(np.clip(centres - window // 2, 0, n_frames - window))
    middles = starts + window // 2
    if n_frames == window:
        middles = np.zeros(1, int)
    rank = np.clip(percentiles, 0, 100) / 100 * (window - 1)
    below, share = np.floor(rank).astype(int), rank - np.floor(rank)
    above = np.minimum(below + 1, window - 1)
    out = np.empty((n, n_frames))

    def work(first: int) -> None:
        rows = slice(first, min(first + ROWS, n))
        row = np.arange(rows.stop - rows.start)
        levels = np.empty((len(row), len(starts)))
        for column, start in enumerate(starts):
            ordered = np.sort(traces[rows, start : start + window], axis=1)
            low, high = ordered[row, below[rows]], ordered[row, above[rows]]
            levels[:, column] = low + share[rows] * (high - low)
        for index, level in zip(range(rows.start, rows.stop), levels, strict=True):
            out[index] = np.interp(np.arange(n_frames), middles, level)

    for _ in in_threads(work, range(0, n, ROWS)):
        pass
    return out
