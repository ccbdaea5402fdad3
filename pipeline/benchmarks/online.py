"""How fast and how good online mode is: frames a second, latency, and cells found, next to the batch engine."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from pipeline.benchmarks.machine import describe, processor_time
from pipeline.benchmarks.recordings import Recording, Size, opened
from pipeline.benchmarks.run import judged, run_engine
from pipeline.benchmarks.scoring import load_accepted, score
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.online.engine import OnlineEngine
from pipeline.movies import open_movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.simulate import simulate_movie, write_simulation


def benchmark_online(
    names: Sequence[str],
    *,
    size: Size,
    shared: Path | None,
    epochs: int = 1,
    with_batch: bool = True,
    progress: Progress = lambda stage, fraction: None,
) -> dict[str, Any]:
    """Run online mode on each recording with the plain 2p preset, then the batch engine; JSON-able.

    Raises
    ------
    FluoriteError
        When a recording is not there, or cannot be processed.
    """
    _compile_everything()
    report: dict[str, Any] = {"machine": describe(), "movies": {}}
    for name in names:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(name, size=size, scratch=Path(folder), shared=shared) as it,
        ):
            found: dict[str, Any] = {"shape": list(it.movie.shape)}
            found["online"] = _online(it, epochs, progress)
            if with_batch:
                run = run_engine(BuiltinEngine(), it, Parameters.preset("2p"), progress)
                found["batch"] = judged(it, run)
                found["f1_over_batch"] = round(found["online"]["f1"] - found["batch"]["f1"], 4)
            report["movies"][name] = found
    return report


def _online(recording: Recording, epochs: int, progress: Progress) -> dict[str, Any]:
    movie = recording.movie
    parameters = Parameters.preset("2p").updated({"data.fr": movie.rate_hz, "epochs": epochs})
    with tempfile.TemporaryDirectory() as folder:
        with processor_time() as spent:
            result = OnlineEngine().run(movie, parameters, Path(folder), progress)
        scores = score(recording.footprints, recording.traces, *load_accepted(result.results), recording.active)
        with h5py.File(result.results) as file:
            work = file["fluorite/latency_s"][:, 0]
    n_frames = movie.shape[0]
    median, high, longest = (round(1e3 * float(value), 1) for value in np.percentile(work, [50, 95, 100]))
    return {
        "epochs": epochs,
        # The stream alone: every frame registered, demixed, learnt from and written.
        "frames_per_s": round(n_frames / result.seconds["online"], 1),
        "latency_ms": {"median": median, "p95": high, "longest": longest},
        "seconds": {stage: round(value, 3) for stage, value in result.seconds.items()},
        "cpu_s": round(spent[0], 3),
        "peak_rss_mb": round(result.peak_rss_mb),
        **scores,
    }


def _compile_everything() -> None:
    """Run both once on a small movie, so that compiling is not counted as processing."""
    simulation = simulate_movie("2p", n_frames=240, height=48, width=64, n_cells=3)
    with tempfile.TemporaryDirectory() as folder:
        movie = open_movie(write_simulation(simulation, Path(folder) / "small.tif"))
        for engine in (OnlineEngine(), BuiltinEngine()):
            work = Path(folder) / engine.name
            work.mkdir()
            engine.run(movie, Parameters.preset("2p"), work, lambda stage, fraction: None)
