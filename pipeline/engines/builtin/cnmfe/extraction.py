"""Source extraction for one-photon movies: CNMF-E (Zhou et al. 2018), from the registered movie to a model.

One thing is done in another order than in the paper: the ring background is taken away before cells are looked for,
not only the part of it that a spatial filter removes. Most of what looks like a cell to the filter alone is background.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from scipy import sparse

from pipeline.engines.builtin.cnmfe.corr_pnr import corr_pnr
from pipeline.engines.builtin.cnmfe.duplicates import without_duplicates
from pipeline.engines.builtin.cnmfe.residual import ResidualFrames
from pipeline.engines.builtin.cnmfe.ring import RingBackground
from pipeline.engines.builtin.cnmfe.seeding import Grown, grow
from pipeline.engines.builtin.cnmfe.short_movie import ShortMovie
from pipeline.engines.builtin.cnmfe.updates import update_footprints, update_traces
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.merging import merged
from pipeline.engines.builtin.model import Floats, Model, unit_norm
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.spatial import tidied
from pipeline.engines.builtin.survey import Survey
from pipeline.parameters import Parameters
from pipeline.progress import Progress


def extract_one_photon(frames: Frames, known: Survey, params: Parameters, rate_hz: float, progress: Progress) -> Model:
    """Find the components of a one-photon movie and refine them.

    Stages reported to `progress`: ``initialisation``, then ``refinement``.
    """
    work = _Extraction(frames, known, params)
    footprints, ring = work.first_cells(lambda done: progress("initialisation", done))
    return work.refined(footprints, ring, lambda done: progress("refinement", done))


def ring_radius(params: Parameters) -> int:
    """Radius of the ring in pixels of the reduced field: ``ring_size_factor * gSiz / ssub_B``."""
    init = params.init
    box = max(init.gSiz) if init.gSiz is not None else 2 * max(init.gSig) + 1
    return max(1, round(init.ring_size_factor * box / init.ssub_B))


class _Extraction:
    def __init__(self, frames: Frames, known: Survey, params: Parameters) -> None:
        self._frames, self._known, self._params = frames, known, params
        self._short = ShortMovie(known, params.init.ssub_B)
        self._radius = ring_radius(params)
        self._mean = known.images["mean"]
        self._field = (frames.shape[1], frames.shape[2])
        self._no_cells = sparse.csr_array((0, self._field[0] * self._field[1]), dtype=np.float32)
        self._no_traces = np.zeros((0, frames.shape[0]), np.float32)

    def first_cells(self, progress: Callable[[float], None]) -> tuple[sparse.csr_array, RingBackground]:
        ring = self._short.fit_ring(self._no_cells, self._no_traces, self._radius)
        progress(0.2)
        nothing = Grown(self._no_cells, self._short.averaged(self._no_traces))
        grown = self._grown(ring, self._no_cells, self._no_traces, nothing, lambda done: progress(0.2 + 0.8 * done))
        progress(1.0)
        return _normalised(grown.footprints), ring

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

    def refined(
        self, footprints: sparse.csr_array, ring: RingBackground, progress: Callable[[float], None]
    ) -> Model:
        """Traces, footprints and ring in turn; cells that the first search missed are looked for in the residual."""
        rounds = 2 if self._params.patch.refit else 1
        steps, done = 4 + 2 * rounds, 0

        @contextmanager
        def step() -> Iterator[Callable[[float], None]]:
            nonlocal done
            yield lambda part: progress((done + part) / steps)
            done += 1

        with step() as report:
            model = self._traces(footprints, ring, report)
        ring = self._ring(model)
        with step() as report:
            model = self._with_more_cells(model, ring, report)
        for turn in range(rounds + 1):
            if turn:
                ring = self._ring(model)
            with step() as report:
                footprints = self._footprints(model, ring, report)
            with step() as report:
                model = self._tidied_up(self._traces(footprints, ring, report), ring)
        return model

    def _traces(
        self, footprints: sparse.csr_array, ring: RingBackground, progress: Callable[[float], None]
    ) -> Model:
        return update_traces(self._frames, footprints, ring, self._mean, self._params.temporal, progress)

    def _ring(self, model: Model) -> RingBackground:
        """The background of what the cells leave; without ``update_background_components`` only its constant part."""
        if model.ring is not None and not self._params.spatial.update_background_components:
            return model.ring.with_offset(self._short.offset(model.footprints, model.traces))
        return self._short.fit_ring(model.footprints, model.traces, self._radius)

    def _with_more_cells(self, model: Model, ring: RingBackground, progress: Callable[[float], None]) -> Model:
        change = self._short.averaged(model.traces)
        change -= change.mean(axis=1, keepdims=True)
        earlier = Grown(model.footprints, change)
        more = self._grown(ring, model.footprints, model.traces, earlier, lambda done: progress(0.7 * done))
        if more.footprints.shape[0] == 0:
            return model
        both = sparse.csr_array(sparse.vstack([model.footprints, _normalised(more.footprints)]), dtype=np.float32)
        return self._traces(both, ring, lambda done: progress(0.7 + 0.3 * done))

    def _footprints(
        self, model: Model, ring: RingBackground, progress: Callable[[float], None]
    ) -> sparse.csr_array:
        """New footprints for the cells that are ever active; what is no cell by its shape is left out."""
        alive = np.flatnonzero(model.traces.max(axis=1, initial=0) > 0)
        raw = update_footprints(
            self._frames, model.footprints[alive], model.traces[alive], ring, self._known.noise, self._mean, progress
        )
        tidy = tidied(raw, self._field, self._params.spatial.nrgthr)
        tidy = tidy[np.flatnonzero(cell_sized(tidy, self._field, self._params.init.gSig))]
        return _normalised(tidy)

    def _tidied_up(self, model: Model, ring: RingBackground) -> Model:
        """Pieces of one cell joined, and doubles deleted."""
        footprints, changed = model.footprints, 0
        if self._params.merging.do_merge:
            footprints, _, changed = merged(model, self._params.merging.merge_thr)
        if changed:
            model = self._traces(footprints, ring, lambda _: None)
        if self._params.patch.del_duplicates:
            keep = without_duplicates(model)
            if len(keep) < model.n:
                model = self._traces(model.footprints[keep], ring, lambda _: None)
        return model


def _normalised(footprints: sparse.csr_array) -> sparse.csr_array:
    return unit_norm(footprints)[0] if footprints.shape[0] else footprints
