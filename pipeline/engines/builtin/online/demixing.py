"""What each known cell did in one frame: HALS for activity, with deconvolution inside (eLife 2019, algorithm 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.online.deconvolution import calcium_now, take_in

Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]

# Share of a footprint's energy that the background has to leave to it; below, the cell cannot be told from it.
LEAST_OWN = 1e-3


@compiled
def demix(
    through: Doubles,
    behind: Doubles,
    overlap: Doubles,
    neighbours: Integers,
    cross: Doubles,
    inverse: Doubles,
    explained: Doubles,
    g: Doubles,
    baseline: Doubles,
    penalty: Doubles,
    values: Doubles,
    weights: Doubles,
    lengths: Integers,
    counts: Integers,
    rounds: int,
) -> tuple[Doubles, Doubles]:
    """The activity of every cell in a frame, given what the frame shows through the footprints and the background.

    The background's amounts are free and are eliminated exactly. The cells are gone through `rounds` times; each takes
    what the others leave, and is deconvolved there and then, so that a neighbour's noise is not handed on.

    Parameters
    ----------
    through, behind
        ``A'y`` ``(n,)`` and ``b'y`` ``(nb,)``.
    overlap, neighbours
        ``A'A`` ``(n, n)``, and for each cell the numbers of those whose windows touch its own, itself among them,
        filled up with -1.
    cross, inverse
        ``A'b`` ``(n, nb)``, and the inverse of ``b'b``.
    explained
        ``(n,)``: calcium plus baseline of the last frame; this frame's when the function returns.
    g, baseline, penalty
        ``(n,)`` of each trace.
    values, weights, lengths, counts
        Pools of each trace (`deconvolution`); the frame is taken in.

    Returns
    -------
    ``(n,)``: what each cell shows by itself, with its noise; and ``(nb,)``: the background's amounts.
    """
    n, nb = cross.shape
    seen = np.zeros(n)
    held = np.zeros(nb)  # b'A x
    own = np.empty(n)
    for k in range(n):
        explained[k] = (explained[k] - baseline[k]) * g[k] + baseline[k]
        own[k] = overlap[k, k]
        for i in range(nb):
            held[i] += cross[k, i] * explained[k]
            for j in range(nb):
                own[k] -= cross[k, i] * inverse[i, j] * cross[k, j]
        own[k] = max(own[k], LEAST_OWN)
    for _ in range(rounds):
        for k in range(n):
            rest = through[k]
            for position in range(neighbours.shape[1]):
                other = neighbours[k, position]
                if other < 0:
                    break
                rest -= overlap[k, other] * explained[other]
            for i in range(nb):
                amount = 0.0
                for j in range(nb):
                    amount += inverse[i, j] * (behind[j] - held[j])
                rest -= cross[k, i] * amount
            seen[k] = explained[k] + rest / own[k]
            above = seen[k] - baseline[k] - penalty[k] * (1 - g[k])
            new = calcium_now(above, g[k], values[k], weights[k], lengths[k], counts[k]) + baseline[k]
            for i in range(nb):
                held[i] += cross[k, i] * (new - explained[k])
            explained[k] = new
    amounts = np.zeros(nb)
    for i in range(nb):
        for j in range(nb):
            amounts[i] += inverse[i, j] * (behind[j] - held[j])
    for k in range(n):
        above = seen[k] - baseline[k] - penalty[k] * (1 - g[k])
        counts[k] = take_in(above, g[k], values[k], weights[k], lengths[k], counts[k])
    return seen, amounts
