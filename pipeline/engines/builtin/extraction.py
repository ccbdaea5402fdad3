"""Source extraction for two-photon movies: CNMF (Pnevmatikakis et al. 2016) from the registered movie to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import numpy as np
from scipy import sparse

from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.merging import merged
from pipeline.engines.builtin.model import Floats, Model, unit_norm
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.spatial import tidied, update_footprints
from pipeline.engines.builtin.stages import Stages
from pipeline.engines.builtin.start import Start, started
from pipeline.engines.builtin.survey import Survey
from pipeline.engines.builtin.temporal import update_traces
from pipeline.parameters import Parameters
from pipeline.progress import Progress


def extract(
    frames: Frames,
    known: Survey,
    params: Parameters,
    rate_hz: float,
    progress: Progress,
    stages: Stages,
    seeds: sparse.csr_array | None = None,
) -> Model:
    """Find the components of a movie and refine them.

    Stages reported to `progress`: ``initialisation``, then ``refinement``. With ``patch.refit`` footprints and traces
    are refined twice, without it once, and with ``patch.only_init`` besides not at all. Each of them is kept in
    `stages`: ``initialisation``, ``traces``, ``refinement 1`` and ``refinement 2``.

    With `seeds` ``(n, n_pixels)`` no cell is looked for: component i is seed i, refined as the parameters say, and is
    neither merged nor dropped.
    """
    start = stages.run("initialisation", lambda: started(known, params, rate_hz, progress, seeds), (Start,))
    mean = known.images["mean"]
    rounds = 2 if params.patch.refit else 0 if params.patch.only_init else 1
    steps = 2 * rounds + 1
    done = 0

    @contextmanager
    def step() -> Iterator[Callable[[float], None]]:
        nonlocal done
        yield lambda part: progress("refinement", (done + part) / steps)
        done += 1

    def first() -> Model:
        with step() as report:
            return update_traces(frames, start.footprints, start.background, mean, params.temporal, report)

    def refined(model: Model) -> Model:
        with step() as report:
            footprints, background = _refined(frames, known, model, params, report, keep_all=seeds is not None)
        with step() as report:
            model = update_traces(frames, footprints, background, mean, params.temporal, report)
        if params.merging.do_merge and seeds is None:
            footprints, _, joined = merged(model, params.merging.merge_thr)
            if joined:
                again = partial(progress, "refinement", done / steps)
                model = update_traces(frames, footprints, background, mean, params.temporal, lambda _: again())
        return model

    model = stages.run("traces", first, (Model,))
    for number in range(rounds):
        done = 2 * number + 1  # also when the stages before it were taken from an earlier run
        model = stages.run(f"refinement {number + 1}", partial(refined, model), (Model,))
    return model


def _refined(
    frames: Frames,
    known: Survey,
    model: Model,
    params: Parameters,
    progress: Callable[[float], None],
    *,
    keep_all: bool,
) -> tuple[sparse.csr_array, Floats]:
    """New footprints (unit norm, none empty) and background images for the traces of `model`.

    With `keep_all` none is left out: a component without activity of its own keeps its footprint.
    """
    field = frames.shape[1:]
    thin = params.init.method_init == "sparse_nmf"
    alive = np.arange(model.n) if keep_all else np.flatnonzero(model.traces.max(axis=1, initial=0) > 0)
    raw, background = update_footprints(
        frames,
        model.footprints[alive],
        model.traces[alive],
        model.background_traces,
        known.noise,
        known.images["mean"],
        progress,
    )
    tidy = tidied(raw, field, params.spatial.nrgthr, thin=thin)
    if not params.spatial.update_background_components:
        background = model.background
    if keep_all:
        tidy = instead_of_empty(tidy, model.footprints)
    elif thin:
        tidy = tidy[np.flatnonzero(np.diff(tidy.indptr))]
    else:
        # What began as a bit of a dendrite has grown along it by now.
        tidy = tidy[np.flatnonzero(cell_sized(tidy, field, params.init.gSig))]
    return (unit_norm(tidy)[0] if tidy.shape[0] else tidy), background


def instead_of_empty(footprints: sparse.csr_array, others: sparse.csr_array) -> sparse.csr_array:
    """`footprints`, each empty row replaced by that of `others`."""
    rows = [
        (footprints if footprints.indptr[row + 1] > footprints.indptr[row] else others)[[row]]
        for row in range(footprints.shape[0])
    ]
    return sparse.csr_array(sparse.vstack(rows), dtype=np.float32) if rows else footprints
