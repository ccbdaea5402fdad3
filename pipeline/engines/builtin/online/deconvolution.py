"""OASIS for AR(1), one frame at a time (Friedrich, Zhou & Paninski 2017, algorithm 1), for many traces at once.

A trace is a stack of pools, each a stretch of exponential decay. A new frame is a pool of its own and merges with the
one before for as long as it starts below what that has decayed to. Only the last pools are kept: older ones could
change only if everything after them merged into one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.compiled import compiled

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# Pools kept for each trace.
POOLS = 48


@compiled
def calcium_now(y: float, g: float, values: Doubles, weights: Doubles, lengths: Integers, count: int) -> float:
    """The calcium in a frame that shows `y`, without taking the frame in."""
    value, weight, length = y, 1.0, 1
    for last in range(count - 1, -1, -1):
        decay = g ** lengths[last]
        if value >= values[last] * decay:
            break
        total = weights[last] + decay * decay * weight
        value = (weights[last] * values[last] + decay * weight * value) / total
        weight = total
        length += lengths[last]
    return max(0.0, value) * g ** (length - 1)


@compiled
def take_in(y: float, g: float, values: Doubles, weights: Doubles, lengths: Integers, count: int) -> int:
    """Append a frame that shows `y` to the pools, in place; returns their new number."""
    if count == len(values):
        half = count // 2
        values[: count - half] = values[half:count].copy()
        weights[: count - half] = weights[half:count].copy()
        lengths[: count - half] = lengths[half:count].copy()
        count -= half
    values[count], weights[count], lengths[count] = y, 1.0, 1
    while count > 0 and values[count] < values[count - 1] * g ** lengths[count - 1]:
        decay = g ** lengths[count - 1]
        total = weights[count - 1] + decay * decay * weights[count]
        values[count - 1] = (weights[count - 1] * values[count - 1] + decay * weights[count] * values[count]) / total
        weights[count - 1] = total
        lengths[count - 1] += lengths[count]
        count -= 1
    return count + 1


@compiled
def replayed(trace: Doubles, g: float, values: Doubles, weights: Doubles, lengths: Integers) -> int:
    """Fill the pools of one trace anew from `trace` ``(n_frames,)``; returns their number."""
    count = 0
    for y in trace:
        count = take_in(y, g, values, weights, lengths, count)
    return count
