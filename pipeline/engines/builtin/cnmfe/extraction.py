"""Source extraction for one-photon movies: CNMF-E (Zhou et al. 2018), from the registered movie to a model.

One thing is done in another order than in the paper: the ring background is taken away before cells are looked for,
not only the part of it that a spatial filter removes. Most of what looks like a cell to the filter alone is background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import sparse

from pipeline.engines.builtin.cnmfe.corr_pnr import corr_pnr
from pipeline.engines.builtin.cnmfe.duplicates import without_duplicates
from pipeline.engines.builtin.cnmfe.residual import ResidualFrames
from pipeline.engines.builtin.cnmfe.ring import RingBackground, ring_radius
from pipeline.engines.builtin.cnmfe.seeding import Grown, grow
from pipeline.engines.builtin.cnmfe.short_movie import ShortMovie
from pipeline.engines.builtin.cnmfe.updates import update_footprints, update_traces
from pipeline.engines.builtin.extraction import instead_of_empty
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.merging import merged
from pipeline.engines.builtin.model import Floats, Model, unit_norm
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.spatial import tidied
from pipeline.engines.builtin.stages import Stages
from pipeline.engines.builtin.survey import Survey
from pipeline.parameters import Parameters
from pipeline.progress import Progress


@dataclass(frozen=True)
class Start:
    """Where the refinement starts: footprints ``(n, n_pixels)`` of unit norm, and the background behind them."""

    footprints: sparse.csr_array
    ring: RingBackground


def extract_one_photon(
    frames: Frames,
    known: Survey,
    params: Parameters,
    rate_hz: float,
    progress: Progress,
    stages: Stages,
    seeds: sparse.csr_array | None = None,
) -> Model:
    """Find the components of a one-photon movie and refine them.

    Stages reported to `progress`: ``initialisation``, then ``refinement``. With ``patch.refit`` footprints, traces and
    background are refined once more at the end. Kept in `stages`: ``initialisation``, ``traces`` (with the cells that
    the first search missed), ``refinement 1``, ``refinement 2``.

    With `seeds` ``(n, n_pixels)`` no cell is looked for: component i is seed i, and is neither merged nor dropped.
    """
    work = _Extraction(frames, known, params, given=seeds is not None)
    rounds = 3 if params.patch.refit else 2
    steps, done = 2 + 2 * rounds, 0

    @contextmanager
    def step() -> Iterator[Callable[[float], None]]:
        nonlocal done
        yield lambda part: progress("refinement", (done + part) / steps)
        done += 1

    def first() -> Model:
        with step() as report:
            model = work.traces(start.footprints, start.ring, report)
        if seeds is not None:
            return model
        with step() as report:
            return work.with_more_cells(model, work.ring_behind(model), report)

    def refined(model: Model) -> Model:
        with step() as report:
            ring = work.ring_behind(model)
            footprints = work.footprints(model, ring, report)
        with step() as report:
            model = work.traces(footprints, ring, report)
            return work.tidied_up(model, ring, partial(report, 1.0))

    start = stages.run(
        "initialisation",
        lambda: work.first_cells(seeds, lambda part: progress("initialisation", part)),
        (Start, RingBackground),
    )
    model = stages.run("traces", first, (Model, RingBackground))
    for number in range(rounds):
        done = 2 + 2 * number  # also when the stages before it were taken from an earlier run
        model = stages.run(f"refinement {number + 1}", partial(refined, model), (Model, RingBackground))
    return model


class _Extraction:
    def __init__(self, frames: Frames, known: Survey, params: Parameters, *, given: bool) -> None:
        self._frames, self._known, self._params, self._given = frames, known, params, given
        self._short = ShortMovie(known, params.init.ssub_B)
        self._radius = ring_radius(params.init)
        self._mean = known.images["mean"]
        self._field = (frames.shape[1], frames.shape[2])
        self._no_cells = sparse.csr_array((0, self._field[0] * self._field[1]), dtype=np.float32)
        self._no_traces = np.zeros((0, frames.shape[0]), np.float32)

    def first_cells(self, seeds: sparse.csr_array | None, progress: Callable[[float], None]) -> Start:
        ring = self._short.fit_ring(self._no_cells, self._no_traces, self._radius)
        progress(0.2)
        if seeds is not None:
            progress(1.0)
            return Start(_normalised(sparse.csr_array(seeds, dtype=np.float32)), ring)
        nothing = Grown(self._no_cells, self._short.averaged(self._no_traces))
        grown = self._grown(ring, self._no_cells, self._no_traces, nothing, lambda done: progress(0.2 + 0.8 * done))
        progress(1.0)
        return Start(_normalised(grown.footprints), ring)

    def _grown(
        self,
        ring: RingBackground,
        footprints: sparse.csr_array,
        traces: Floats,
        earlier: Grown,
        progress: Callable[[float], None],
    ) -> Grown:
        """Cells in what the model so far leaves."""
        init = self._params.init
        most = None if init.K is None else max(0, init.K - footprints.shape[0])
        residual = ResidualFrames(self._frames, ring, footprints, traces)
        images = corr_pnr(
            residual, init.gSig, center_psf=init.center_psf, ssub=init.ssub, progress=lambda done: progress(0.6 * done)
        )
        seeds = images.seeds(init.min_corr, init.min_pnr)
        seeds = seeds[self._inside(seeds)]
        background = self._short.background(ring, footprints, traces)
        return grow(
            self._short, background, images, seeds, init, most, earlier, lambda done: progress(0.6 + 0.4 * done)
        )

    def _inside(self, seeds: np.ndarray) -> np.ndarray:
        border = self._params.patch.border_pix
        far = (seeds >= border) & (seeds < np.array(self._field) - border)
        return np.flatnonzero(far.all(axis=1))

    def traces(self, footprints: sparse.csr_array, ring: RingBackground, progress: Callable[[float], None]) -> Model:
        return update_traces(self._frames, footprints, ring, self._mean, self._params.temporal, progress)

    def ring_behind(self, model: Model) -> RingBackground:
        """The background of what the cells leave; without ``update_background_components`` only its constant part."""
        if model.ring is not None and not self._params.spatial.update_background_components:
            return model.ring.with_offset(self._short.offset(model.footprints, model.traces))
        return self._short.fit_ring(model.footprints, model.traces, self._radius)

    def with_more_cells(self, model: Model, ring: RingBackground, progress: Callable[[float], None]) -> Model:
        change = self._short.averaged(model.traces)
        change -= change.mean(axis=1, keepdims=True)
        earlier = Grown(model.footprints, change)
        more = self._grown(ring, model.footprints, model.traces, earlier, lambda done: progress(0.7 * done))
        if more.footprints.shape[0] == 0:
            return model
        both = sparse.csr_array(sparse.vstack([model.footprints, _normalised(more.footprints)]), dtype=np.float32)
        return self.traces(both, ring, lambda done: progress(0.7 + 0.3 * done))

    def footprints(self, model: Model, ring: RingBackground, progress: Callable[[float], None]) -> sparse.csr_array:
        """New footprints for the cells that are ever active; what is no cell by its shape is left out."""
        everyone = np.arange(model.n)
        alive = everyone if self._given else np.flatnonzero(model.traces.max(axis=1, initial=0) > 0)
        raw = update_footprints(
            self._frames, model.footprints[alive], model.traces[alive], ring, self._known.noise, self._mean, progress
        )
        tidy = tidied(raw, self._field, self._params.spatial.nrgthr)
        if self._given:
            return _normalised(instead_of_empty(tidy, model.footprints))
        tidy = tidy[np.flatnonzero(cell_sized(tidy, self._field, self._params.init.gSig))]
        return _normalised(tidy)

    def tidied_up(self, model: Model, ring: RingBackground, tick: Callable[[], None]) -> Model:
        """Pieces of one cell joined, and doubles deleted."""
        if self._given:
            return model
        footprints, changed = model.footprints, 0
        if self._params.merging.do_merge:
            footprints, _, changed = merged(model, self._params.merging.merge_thr)
        if changed:
            model = self.traces(footprints, ring, lambda _: tick())
        if self._params.patch.del_duplicates:
            keep = without_duplicates(model)
            if len(keep) < model.n:
                model = self.traces(model.footprints[keep], ring, lambda _: tick())
        return model


def _normalised(footprints: sparse.csr_array) -> sparse.csr_array:
    return unit_norm(footprints)[0] if footprints.shape[0] else footprints
