"""Source extraction for two-photon movies: CNMF (Pnevmatikakis et al. 2016) from the registered movie to a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from pipeline.engines.builtin.background import initial_background
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.initialisation import find_cells
from pipeline.engines.builtin.merging import merged
from pipeline.engines.builtin.model import Floats, Model, unit_norm
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.spatial import tidied, update_footprints
from pipeline.engines.builtin.stages import Stages
from pipeline.engines.builtin.survey import Survey
from pipeline.engines.builtin.temporal import update_traces
from pipeline.parameters import Parameters
from pipeline.progress import Progress


@dataclass(frozen=True)
class Start:
    """Where the refinement starts: footprints ``(n, n_pixels)`` of unit norm and background ``(nb, n_pixels)``."""

    footprints: sparse.csr_array
    background: Floats


def extract(
    frames: Frames, known: Survey, params: Parameters, rate_hz: float, progress: Progress, stages: Stages
) -> Model:
    """Find the components of a movie and refine them.

    Stages reported to `progress`: ``initialisation``, then ``refinement``. With ``patch.refit`` footprints and traces
    are refined twice, else once. Each of them is kept in `stages`: ``initialisation``, ``traces``, ``refinement 1``
    and ``refinement 2``.
    """
    start = stages.run("initialisation", lambda: _started(known, params, rate_hz, progress), (Start,))
    mean = known.images["mean"]
    rounds = 2 if params.patch.refit else 1
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
            footprints, background = _refined(frames, known, model, params, report)
        with step() as report:
            model = update_traces(frames, footprints, background, mean, params.temporal, report)
        if params.merging.do_merge:
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


def _started(known: Survey, params: Parameters, rate_hz: float, progress: Progress) -> Start:
    found = find_cells(
        known.short,
        known.noise,
        params.init,
        short_rate_hz=rate_hz / known.factor,
        factor=known.factor,
        border_pix=params.patch.border_pix,
        progress=lambda done: progress("initialisation", 0.9 * done),
    )
    background = initial_background(known.short, found.footprints, found.traces, known.noise, params.init.nb)
    progress("initialisation", 1.0)
    footprints = unit_norm(found.footprints)[0] if found.footprints.shape[0] else found.footprints
    return Start(footprints, background)


def _refined(
    frames: Frames, known: Survey, model: Model, params: Parameters, progress: Callable[[float], None]
) -> tuple[sparse.csr_array, Floats]:
    """New footprints (unit norm, none empty) and background images for the traces of `model`."""
    field = frames.shape[1:]
    alive = np.flatnonzero(model.traces.max(axis=1, initial=0) > 0)
    raw, background = update_footprints(
        frames,
        model.footprints[alive],
        model.traces[alive],
        model.background_traces,
        known.noise,
        known.images["mean"],
        progress,
    )
    tidy = tidied(raw, field, params.spatial.nrgthr)
    # What began as a bit of a dendrite has grown along it by now.
    tidy = tidy[np.flatnonzero(cell_sized(tidy, field, params.init.gSig))]
    if not params.spatial.update_background_components:
        background = model.background
    return (unit_norm(tidy)[0] if tidy.shape[0] else tidy), background
