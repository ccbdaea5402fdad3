"""From what came in frame by frame to the components of the recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.merging import merge_groups
from pipeline.engines.builtin.model import Model
from pipeline.engines.builtin.online import windows
from pipeline.engines.builtin.online.cells import Cells
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.temporal import explain
from pipeline.engines.builtin.threads import in_threads
from pipeline.parameters import Parameters

_RANK_ONE_ROUNDS = 10


def finished(cells: Cells, params: Parameters) -> Model:
    """The model with every trace deconvolved once more as a whole, now that its future is known.

    Before a cell was found nothing is known of it: its calcium is 0 there, and its raw trace its baseline.
    """
    traces = cells.traces
    n, n_frames = cells.n, traces.n_frames

    def work(k: int) -> tuple[NDArray[np.float64], ...]:
        seen = traces.seen[k].astype(np.float64)
        born = int(traces.born[k])
        found = explain(seen[born:], params.temporal)
        calcium, spikes, residual = np.zeros(n_frames), np.zeros(n_frames), np.full(n_frames, found.baseline)
        calcium[born:], spikes[born:] = found.calcium, found.spikes
        residual[born:] = seen[born:] - found.calcium
        numbers = (float(found.g[0]), found.baseline, found.noise, found.penalty)
        return calcium, spikes, residual, np.array(numbers)

    parts = list(in_threads(work, range(n)))
    stacked = [np.array([part[i] for part in parts], np.float32).reshape(n, n_frames) for i in range(3)]
    numbers = np.array([part[3] for part in parts], np.float32).reshape(n, 4)
    return Model(
        footprints=cells.footprints(),
        traces=stacked[0],
        background=cells.background.reshape(cells.nb, -1),
        background_traces=traces.amounts.copy(),
        residuals=stacked[2],
        spikes=stacked[1],
        g=numbers[:, :1],
        baseline=numbers[:, 1],
        noise=numbers[:, 2],
        penalty=numbers[:, 3],
        first=stacked[0][:, 0] if n_frames else np.zeros(n, np.float32),
    )


def worth_keeping(cells: Cells, model: Model, params: Parameters) -> NDArray[np.intp]:
    """Numbers of the cells that are active and of a cell's size, after pieces of one cell were joined in `cells`.

    With seeds all are kept as they are: component i is mask i, and new ones come after them.
    """
    if params.init.Ain is not None:
        return np.arange(cells.n)
    gone = np.zeros(cells.n, bool)
    if params.merging.do_merge:
        for group in merge_groups(model.footprints, model.traces, params.merging.merge_thr):
            gone[_join(cells, group, model)] = True
    silent = model.traces.max(axis=1, initial=0) <= 0
    wide = cell_sized(cells.footprints(), (cells.height, cells.width), params.init.gSig)
    return np.flatnonzero(~gone & ~silent & wide)


def _join(cells: Cells, group: NDArray[np.intp], model: Model) -> NDArray[np.intp]:
    """Make the strongest of `group` the rank-one component closest to their sum; returns the others, which it holds."""
    strength = np.linalg.norm(model.traces[group], axis=1)
    keeper = int(group[np.argmax(strength)])
    others = group[group != keeper]
    activity = model.traces[group].astype(np.float64)
    trace = model.traces[keeper].astype(np.float64)
    image = cells.images[keeper].astype(np.float64)
    for _ in range(_RANK_ONE_ROUNDS):
        weights = activity @ trace / max(trace @ trace, 1e-30)
        image = windows.pasted(keeper, group, weights, cells.corners, cells.images)
        image /= max(float(np.linalg.norm(image)), 1e-30)
        shares = np.array([_within(cells, keeper, int(k), image) for k in group])
        trace = np.maximum(shares @ activity, 0)
    cells.traces.combine(keeper, group, shares)
    cells.images[keeper] = image
    cells.measure(keeper)
    return others


def _within(cells: Cells, keeper: int, k: int, image: NDArray[np.float64]) -> float:
    """How much of footprint `k` an image in the window of `keeper` holds (their inner product)."""
    own = windows.pasted(keeper, np.array([k]), np.ones(1), cells.corners, cells.images)
    return float((own * image).sum())
