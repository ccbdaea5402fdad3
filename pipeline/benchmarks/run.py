"""One run of an engine on a recording, and how it did."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.benchmarks.machine import calibration_s, processor_time
from pipeline.benchmarks.recordings import Floats, Recording
from pipeline.benchmarks.scoring import load_accepted, score
from pipeline.engines.engine import Engine
from pipeline.parameters import Parameters
from pipeline.progress import Progress


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
