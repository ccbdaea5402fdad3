"""How fast and how good an engine is: seconds, memory, and cells found against cells that are there.

Seconds are worth little without the machine that they were measured on, so a fixed piece of work is timed right before
each run (`machine.calibration_s`), and a run is also given in multiples of it (``calibrations``) and
of what no engine can do without (``times_floor``: the movie read once, one FFT round trip and one matrix product for
every frame).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.benchmarks.machine import calibration_s, describe, floor_s
from pipeline.benchmarks.recordings import Floats, Recording, Size, opened
from pipeline.benchmarks.scoring import load_accepted, score
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.engine import Engine
from pipeline.movies import open_movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.simulate import simulate_movie, write_simulation


@dataclass(frozen=True)
class Run:
    """What one engine made of one recording.

    Attributes
    ----------
    footprints, traces
        ``(n, height, width)`` and ``(n, n_frames)`` of the accepted components.
    shifts
        ``(n_frames, 2)`` or None.
    numbers
        JSON-able: ``engine``, ``version``, ``seconds`` (by stage and ``total``), ``cpu_s``, ``calibration_s``,
        ``calibrations``, ``peak_rss_mb``.
    """

    footprints: Floats
    traces: Floats
    shifts: Floats | None
    numbers: dict[str, Any]


def benchmark(
    names: Sequence[str], *, size: Size, shared: Path | None, progress: Progress = lambda stage, fraction: None
) -> dict[str, Any]:
    """Run the built-in engine on each recording with the plain preset, and say how it did; JSON-able.

    Raises
    ------
    FluoriteError
        When a recording is not there, or the engine cannot process it.
    """
    compile_everything()
    engine = BuiltinEngine()
    report: dict[str, Any] = {"engine": engine.name, "version": engine.version, "machine": describe(), "movies": {}}
    for name in names:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(name, size=size, scratch=Path(folder), shared=shared) as it,
        ):
            floor = floor_s(it.movie, len(it.traces))
            run = run_engine(engine, it, Parameters.preset(it.preset), progress)
            found: dict[str, Any] = {"shape": list(it.movie.shape), "preset": it.preset, "floor_s": round(floor, 3)}
            found["ours"] = judged(it, run) | {"times_floor": round(run.numbers["seconds"]["total"] / floor, 2)}
            report["movies"][name] = found
    return report


def run_engine(engine: Engine, recording: Recording, parameters: Parameters, progress: Progress) -> Run:
    """One run, with its seconds, processor time (of child processes too) and calibration."""
    calibration = calibration_s()
    parameters = parameters.updated({"data.fr": recording.movie.rate_hz})
    engine.check(parameters, recording.movie)
    with tempfile.TemporaryDirectory() as folder:
        with processor_time() as spent:
            start = time.perf_counter()
            result = engine.run(recording.movie, parameters, Path(folder), progress)
            total = time.perf_counter() - start
        footprints, traces = load_accepted(result.results)
    return Run(
        footprints,
        traces,
        result.shifts,
        {
            "engine": result.engine,
            "version": result.version,
            "seconds": {stage: round(value, 3) for stage, value in result.seconds.items()} | {"total": round(total, 3)},
            "cpu_s": round(spent[0], 3),
            "calibration_s": round(calibration, 3),
            "calibrations": round(total / calibration, 3),
            "peak_rss_mb": round(result.peak_rss_mb),
        },
    )


def judged(recording: Recording, run: Run) -> dict[str, Any]:
    """The numbers of a run together with its scores against the truth."""
    scores: dict[str, Any] = score(recording.footprints, recording.traces, run.footprints, run.traces, recording.active)
    if recording.shifts is not None and run.shifts is not None:
        error = run.shifts - recording.shifts
        scores["shift_rms_px"] = round(float(np.sqrt(((error - error.mean(axis=0)) ** 2).mean())), 4)
    frames_per_s = round(recording.movie.shape[0] / run.numbers["seconds"]["total"], 1)
    return {**run.numbers, "frames_per_s": frames_per_s, **scores}


@contextmanager
def processor_time() -> Iterator[list[float]]:
    """Seconds of processor time that the block took, with the child processes that ended in it, as the one element."""
    before, spent = os.times(), [0.0]
    try:
        yield spent
    finally:
        # user, system, and both of the children; the fifth is the wall clock
        spent[0] = sum(os.times()[:4]) - sum(before[:4])


def compile_everything() -> None:
    """Run the engine once on a small movie, so that compiling is not counted as processing."""
    simulation = simulate_movie("2p", n_frames=150, height=48, width=64, n_cells=3)
    with tempfile.TemporaryDirectory() as folder:
        movie = open_movie(write_simulation(simulation, Path(folder) / "small.tif"))
        work = Path(folder) / "work"
        work.mkdir()
        BuiltinEngine().run(movie, Parameters.preset("2p"), work, lambda stage, fraction: None)
        movie.close()
