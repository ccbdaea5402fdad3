"""The online engine: a movie, which may still be growing, frame by frame to the results file of the batch engine."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile, MovieFileWriter
from pipeline.engines.builtin.engine import MIB, Remembered, peak_rss, results_of, seeds_note, seeds_of
from pipeline.engines.builtin.evaluation import Evaluation, evaluate
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.model import Model
from pipeline.engines.builtin.motion import build_template, registered_dtype
from pipeline.engines.builtin.online.checks import check_online, notes_of
from pipeline.engines.builtin.online.finishing import finished, worth_keeping
from pipeline.engines.builtin.online.fitting import OnlineFit
from pipeline.engines.builtin.online.initial import Batch, initial_cells
from pipeline.engines.builtin.online.latency import Latency
from pipeline.engines.builtin.online.registration import AHEAD, Registrar, registered_frames
from pipeline.engines.builtin.survey import Survey, survey
from pipeline.engines.builtin.threads import ticking
from pipeline.engines.engine import EngineResult
from pipeline.movies.following import GrowingMovie, wait_for_frames
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.results_file import Results, write_results
from pipeline.seeds import Seeds

logger = logging.getLogger("fluorite.online")

VERSION = "0.2.0"
Floats = NDArray[np.float32]

# Frames from one template to the next.
TEMPLATE_EVERY = 100
# Share that the sums of an epoch have in the next one, which knows all cells from its first frame on.
REMEMBERED = 0.2
_REPORT_EVERY_S = 10.0


class OnlineEngine:
    """CaImAn Online (OnACID) for two-photon movies. Implements `Engine`.

    Stages reported: ``initialisation``, ``online``, ``summary images``, ``evaluation``, ``results``.
    """

    name = "online"
    version = VERSION

    def check(self, params: Parameters, movie: Movie) -> None:
        """Refuse, before any work, what online mode does not do.

        Raises
        ------
        ParameterError, MovieError
        """
        check_online(params, movie)
        seeds_of(params, movie)

    def run(
        self, movie: Movie, params: Parameters, workdir: Path, progress: Progress, *, keep: Path | None = None
    ) -> EngineResult:
        """Process `movie`: ``registered.h5`` and ``results.hdf5`` in `workdir`, which exists and is empty.

        `keep` is not used: a run that was killed begins anew.

        What `progress` raises (`Cancelled`) passes through, after what was being written is removed.

        Raises
        ------
        MovieError, ParameterError
        """
        self.check(params, movie)
        seeds = seeds_of(params, movie)
        progress = Remembered(progress)
        seconds: dict[str, float] = {}
        registered, results = workdir / "registered.h5", workdir / "results.hdf5"
        latency = Latency()
        told_seeds = () if seeds is None else (seeds_note(params, seeds),)
        try:
            with peak_rss() as peak, threadpool_limits(limits=1, user_api="blas"), ticking(progress.repeat):
                fit, shifts = self._first_epoch(movie, params, seeds, registered, progress, seconds, latency)
                with _timed(seconds, "epochs"):
                    for epoch in range(1, params.online.epochs):
                        _another_epoch(fit, registered, params, epoch, progress)
                with Frames(registered) as frames:
                    with _timed(seconds, "summary images"):
                        known = survey(frames, params.init.tsub, lambda done: progress("summary images", done))
                    with _timed(seconds, "evaluation"):
                        model = _pruned(fit, params)
                        verdict = evaluate(
                            frames,
                            model,
                            params.quality,
                            rate_hz=movie.rate_hz,
                            decay_time_s=params.data.decay_time,
                            progress=lambda done: progress("evaluation", done),
                        )
                notes = (*notes_of(params), *told_seeds, *latency.notes(movie.rate_hz), *_late(fit))
                with _timed(seconds, "results"):
                    progress("results", 0.0)
                    written = _results(movie, params, known, model, verdict, shifts, latency, notes)
                    write_results(results, written, progress.repeat)
                    progress("results", 1.0)
        except BaseException:
            # Also on Cancelled and KeyboardInterrupt: nothing half-done stays behind.
            registered.unlink(missing_ok=True)
            results.unlink(missing_ok=True)
            raise
        for line in latency.notes(movie.rate_hz):
            logger.info("%s", line)
        return EngineResult(
            results=results,
            registered_movie=registered,
            shifts=shifts,
            summary_images=known.images,
            engine=self.name,
            version=self.version,
            seconds=seconds,
            peak_rss_mb=peak[0] / MIB,
            notes=notes,
        )

    def _first_epoch(
        self,
        movie: Movie,
        params: Parameters,
        seeds: Seeds | None,
        registered: Path,
        progress: Progress,
        seconds: dict[str, float],
        latency: Latency,
    ) -> tuple[OnlineFit, Floats]:
        """The movie frame by frame, written to `registered` on the way; also the shifts ``(n_frames, 2)``."""
        _, height, width = movie.shape
        dtype = registered_dtype(movie.dtype, params.motion)
        shifts: list[tuple[float, float]] = []
        with MovieFileWriter(
            registered, n_frames=None, height=height, width=width, dtype=dtype, rate_hz=movie.rate_hz
        ) as writer:
            with _timed(seconds, "initialisation"):
                raw = _first_frames(movie, params, progress)
                registrar = _registrar(raw, params, dtype)
                first = np.empty(raw.shape, np.float32)
                for number, frame in enumerate(raw):
                    stored, shift = registrar(number, frame)
                    writer.write(number, stored[None])
                    first[number] = stored
                    shifts.append(shift)
                first = _known(first)
                cells, noise = initial_cells(
                    first,
                    params,
                    movie.rate_hz,
                    None if seeds is None else seeds.footprints,
                    lambda done: progress("initialisation", done),
                )
            del raw
            fit = OnlineFit(cells, noise, params, movie.rate_hz)
            fit.detects = fit.detects and not (params.online.stop_detection and params.online.epochs == 1)
            fill = first.mean(axis=0)
            with _timed(seconds, "online"):
                told = _Teller(movie, progress, fit, latency)
                for frame in first:
                    fit.take_in(frame)
                    told.tick()
                start = len(first)
                del first
                with closing(registered_frames(movie, registrar, writer, start, told.waiting)) as stream:
                    for item in stream:
                        begun = time.perf_counter()
                        fit.take_in(_filled(item.frame, fill))
                        shifts.append(item.shift)
                        if (item.number + 1) % TEMPLATE_EVERY == 0:
                            registrar.renew(fit.expected_image(TEMPLATE_EVERY), item.number + 1 + AHEAD)
                        now = time.perf_counter()
                        latency.add(item.work_s + now - begun, now - item.seen_at)
                        told.tick()
                _refuse_short(movie, len(shifts))
        return fit, np.array(shifts, np.float32).reshape(-1, 2)


class _Teller:
    """Tells how far the stream is: to the job at every frame, and in the log now and then."""

    def __init__(self, movie: Movie, progress: Progress, fit: OnlineFit, latency: Latency) -> None:
        self._movie, self._progress, self._fit, self._latency = movie, progress, fit, latency
        self._grows = isinstance(movie, GrowingMovie)
        self._told = time.monotonic()

    def tick(self) -> None:
        """A frame has been taken in."""
        n_frames = self._fit.cells.traces.n_frames
        self._progress("online", 0.0 if self._grows else n_frames / self._movie.shape[0])
        if time.monotonic() - self._told > _REPORT_EVERY_S:
            self._told = time.monotonic()
            logger.info("frame %d: %d cells, %s", n_frames, self._fit.cells.n, self._latency.recently())

    def waiting(self) -> None:
        """The next frame is not there yet."""
        self._progress("online", 0.0)


def _first_frames(movie: Movie, params: Parameters, progress: Progress) -> NDArray[Any]:
    """The raw frames that the model begins with; a growing movie is waited for."""
    wanted = params.online.init_batch
    wait_for_frames(movie, wanted, lambda: progress("waiting for frames", movie.shape[0] / wanted))
    n_frames = min(wanted, movie.shape[0])
    _refuse_short(movie, n_frames)
    step = 16
    return np.concatenate([movie.read(start, min(start + step, n_frames)) for start in range(0, n_frames, step)])


def _refuse_short(movie: Movie, n_frames: int) -> None:
    from pipeline.engines.builtin.checks import LEAST_FRAMES

    if n_frames < LEAST_FRAMES:
        raise MovieError(
            movie.paths[0] if movie.paths else "movie",
            f"ended after {n_frames} frames; at least {LEAST_FRAMES} are needed to tell transients from noise",
            "Record longer, or wait longer with --idle-s.",
        )


def _registrar(raw: NDArray[Any], params: Parameters, dtype: np.dtype[Any]) -> Registrar:
    most = params.online.max_shifts_online
    max_shifts = params.motion.max_shifts if most is None else (most, most)
    template = None
    if params.motion.motion_correct:
        motion = params.motion.model_copy(update={"max_shifts": max_shifts})
        template = build_template(cast(Movie, Batch(raw)), motion, lambda _: None)
    return Registrar(template, params.motion, max_shifts, dtype)


def _another_epoch(fit: OnlineFit, registered: Path, params: Parameters, epoch: int, progress: Progress) -> None:
    """The registered movie once more, with the cells that are known by now."""
    fit.restrict_to(worth_keeping(fit.cells, finished(fit.cells, params), params))
    fit.rewind(REMEMBERED)
    fit.detects = fit.detects and not (params.online.stop_detection and epoch == params.online.epochs - 1)
    with MovieFile(registered) as movie:
        n_frames = movie.shape[0]
        for number in range(n_frames):
            fit.take_in(_known(np.ascontiguousarray(movie.read(number, number + 1)[0], np.float32)))
            progress("online", (number + 1) / n_frames)


def _pruned(fit: OnlineFit, params: Parameters) -> Model:
    fit.restrict_to(worth_keeping(fit.cells, finished(fit.cells, params), params))
    return finished(fit.cells, params)


def _known(frames: Floats) -> Floats:
    """Frames without NaN (borders under ``border_nan`` True): nothing is known there, so nothing is found there."""
    return np.nan_to_num(frames, nan=0.0, copy=False)


def _filled(frame: Floats, fill: Floats) -> Floats:
    unknown = np.isnan(frame)
    return np.where(unknown, fill, frame) if unknown.any() else frame


def _late(fit: OnlineFit) -> tuple[str, ...]:
    late = int((fit.cells.traces.born > 0).sum())
    if not late:
        return ()
    return (
        f"{late} of {fit.cells.n} cells were found while the movie ran: before that their traces are flat, because "
        "nothing is known of them there (online.epochs 2 goes through the movie once more).",
    )


def _results(
    movie: Movie,
    params: Parameters,
    known: Survey,
    model: Model,
    verdict: Evaluation,
    shifts: Floats,
    latency: Latency,
    notes: tuple[str, ...],
) -> Results:
    made_by = (OnlineEngine.name, OnlineEngine.version)
    results = results_of(movie, params, known, model, verdict, shifts, notes, made_by)
    return replace(results, latency_s=latency.seconds())


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
