"""The built-in engine: from a movie to a results file, without CaImAn."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
from threadpoolctl import threadpool_limits

from pipeline.engines.builtin.checks import check_parameters, check_recording, warnings_of
from pipeline.engines.builtin.cnmfe.checks import is_one_photon
from pipeline.engines.builtin.cnmfe.extraction import extract_one_photon
from pipeline.engines.builtin.dff import relative_change
from pipeline.engines.builtin.evaluation import Evaluation, evaluate
from pipeline.engines.builtin.extraction import extract
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.model import Floats, Model
from pipeline.engines.builtin.motion import Registration, correct_motion
from pipeline.engines.builtin.stages import Stages
from pipeline.engines.builtin.survey import Survey, survey
from pipeline.engines.builtin.threads import ticking
from pipeline.engines.builtin.warp import Grid
from pipeline.engines.engine import EngineResult
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.results_file import Results, RingWeights, write_results
from pipeline.seeds import Seeds, load_seeds, seeds_sha256
from pipeline.version import code_sha256

VERSION = "0.2.0"
MIB = 2**20


class BuiltinEngine:
    """Motion correction, CNMF or (one-photon) CNMF-E, evaluation and dF/F in NumPy and threads. Implements `Engine`.

    Stages reported: ``motion correction``, ``summary images``, ``initialisation``, ``refinement``, ``evaluation``,
    ``results``.
    """

    name = "builtin"
    version = VERSION

    def check(self, params: Parameters, movie: Movie) -> None:
        """Refuse, before any work, parameters that this engine does not honour and movies that it cannot process.

        Raises
        ------
        ParameterError
            Naming the parameter and the remedy.
        MovieError
            When the movie is too short or too small.
        """
        check_parameters(params)
        check_recording(movie, params)
        seeds_of(params, movie)

    def run(
        self, movie: Movie, params: Parameters, workdir: Path, progress: Progress, *, keep: Path | None = None
    ) -> EngineResult:
        """Process `movie`: ``registered.h5`` and ``results.hdf5`` in `workdir`, which exists and is empty.

        With `keep`, finished stages are taken from there and put there (`pipeline.engines.builtin.stages`), and the
        registered movie is there, too. What `progress` raises (`Cancelled`) passes through, after what was being
        written to `workdir` is removed.

        Raises
        ------
        MovieError
            When the movie is too short or too small.
        ParameterError
            When a parameter is not honoured or does not fit the movie.
        """
        check_parameters(params)
        check_recording(movie, params)
        seeds = seeds_of(params, movie)
        notes = warnings_of(params) + (() if seeds is None else (seeds_note(params, seeds),))
        progress = Remembered(progress)
        raw_bytes = math.prod(movie.shape) * movie.dtype.itemsize
        stages = Stages(keep, work_key(movie, params), raw_bytes, progress)
        results = workdir / "results.hdf5"
        registered = (workdir if keep is None else keep) / "registered.h5"

        def register() -> Registration:
            written = workdir / "registered.h5"
            made = correct_motion(movie, params.motion, written, lambda done: progress("motion correction", done))
            os.replace(written, registered)
            return made

        try:
            # One BLAS thread in each of ours: more of them wait for each other in busy loops (measured: 20 x slower).
            with peak_rss() as peak, threadpool_limits(limits=1, user_api="blas"), ticking(progress.repeat):
                motion = stages.run(
                    "motion correction",
                    register,
                    (Registration, Grid),
                    is_intact=lambda made: made.is_of(registered, lambda done: progress("motion correction", done)),
                )
                with Frames(registered, lambda done: progress("summary images", 0.0)) as frames:
                    known = stages.run(
                        "summary images",
                        lambda: survey(frames, params.init.tsub, lambda done: progress("summary images", done)),
                        (Survey,),
                    )
                    masks = None if seeds is None else seeds.footprints
                    find = extract_one_photon if is_one_photon(params) else extract
                    model = find(frames, known, params, movie.rate_hz, progress, stages, masks)
                    verdict = stages.run(
                        "evaluation",
                        lambda: evaluate(
                            frames,
                            model,
                            params.quality,
                            rate_hz=movie.rate_hz,
                            decay_time_s=params.data.decay_time,
                            progress=lambda done: progress("evaluation", done),
                            gSig=None if params.init.method_init == "sparse_nmf" else params.init.gSig,
                        ),
                        (Evaluation,),
                    )
                with stages.timed("results"):
                    progress("results", 0.0)
                    notes = (*notes, *motion.notes())
                    written = _results(movie, params, known, model, verdict, motion, notes, (self.name, self.version))
                    write_results(results, written, progress.repeat)
                    progress("results", 1.0)
        except BaseException:
            # Also on Cancelled and KeyboardInterrupt: nothing half-done stays behind.
            (workdir / "registered.h5").unlink(missing_ok=True)
            results.unlink(missing_ok=True)
            raise
        return EngineResult(
            results=results,
            registered_movie=registered,
            shifts=motion.shifts,
            summary_images=known.images,
            engine=self.name,
            version=self.version,
            seconds=_by_stage(stages.seconds),
            peak_rss_mb=peak[0] / MIB,
            notes=notes,
        )


def seeds_of(params: Parameters, movie: Movie) -> Seeds | None:
    return load_seeds(Path(params.init.Ain), movie.shape[1:], params.init.gSig) if params.init.Ain else None


def seeds_note(params: Parameters, seeds: Seeds) -> str:
    digest = seeds_sha256(Path(params.init.Ain or ""))
    return f"Started from {seeds.origin} (SHA-256 {digest}) instead of looking for cells; component i is mask i."


class Remembered:
    """A progress function that can say again what it said last, only to be asked whether to stop."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._last: tuple[str, float] | None = None

    def __call__(self, stage: str, fraction: float) -> None:
        self._last = stage, fraction
        self._progress(stage, fraction)

    def repeat(self) -> None:
        if self._last is not None:
            self._progress(*self._last)


def work_key(movie: Movie, params: Parameters) -> str:
    """SHA-256 over what a stage's result depends on, except the movie's pixels: the caller keeps movies apart."""
    seeds = seeds_sha256(Path(params.init.Ain)) if params.init.Ain else None
    parts = (code_sha256(), params.sha256(), movie.shape, str(movie.dtype), movie.rate_hz, seeds)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _by_stage(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds in the order of the work, with everything that is not reported by itself under ``extraction``."""
    alone = ("motion correction", "summary images", "extraction", "evaluation", "results")
    together = dict.fromkeys(alone, 0.0)
    for stage, value in seconds.items():
        together[stage if stage in alone else "extraction"] += value
    return together


def _results(
    movie: Movie,
    params: Parameters,
    known: Survey,
    model: Model,
    verdict: Evaluation,
    motion: Registration,
    notes: tuple[str, ...],
    made_by: tuple[str, str],
) -> Results:
    ring = model.ring
    return replace(
        results_of(movie, params, known, model, verdict, motion.shifts, notes, made_by),
        cnn_preds=verdict.shape,
        patch_shifts=motion.patch_shifts,
        patch_rows=None if motion.grid is None else motion.grid.rows,
        patch_columns=None if motion.grid is None else motion.grid.columns,
        ring=None if ring is None else RingWeights(ring.weights, ring.small_shape, ring.offset),
    )


def results_of(
    movie: Movie,
    params: Parameters,
    known: Survey,
    model: Model,
    verdict: Evaluation,
    shifts: Floats,
    notes: tuple[str, ...],
    made_by: tuple[str, str],
) -> Results:
    """What every run of this engine writes, frame by frame or not; `made_by` is its name and version."""
    return Results(
        shape=movie.shape[1:],
        rate_hz=movie.rate_hz,
        footprints=model.footprints,
        denoised=model.traces,
        deconvolved=model.spikes,
        residual=model.residuals,
        dff=relative_change(model),
        background_footprints=model.background,
        background_traces=model.background_traces,
        snr=verdict.snr,
        r_values=verdict.r_values,
        accepted=verdict.accepted,
        per_trace={
            "g": model.g,
            "bl": model.baseline,
            "c1": model.first,
            "neurons_sn": model.noise,
            "lam": model.penalty,
        },
        noise=known.noise,
        shifts=shifts,
        images=known.images,
        parameters=params.to_dict(),
        engine=made_by[0],
        version=made_by[1],
        notes=notes,
    )


@contextmanager
def peak_rss(every_s: float = 0.05) -> Iterator[list[int]]:
    """The highest resident set size in bytes while the block runs, as the one element of a list.

    Sampled, because the operating system's own high-water mark also counts what ran before in the same process.
    """
    process, done = psutil.Process(), threading.Event()
    highest = [process.memory_info().rss]

    def watch() -> None:
        while not done.wait(every_s):
            highest[0] = max(highest[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch, name="peak-rss", daemon=True)
    watcher.start()
    try:
        yield highest
    finally:
        done.set()
        watcher.join()
        highest[0] = max(highest[0], process.memory_info().rss)
