"""Speed and accuracy of the built-in engine, in one JSON object.

    python -m benchmarks.engine [--frames N] [--height N] [--width N] [--cells N] [--shared ../shared/data]

Seconds are worth little without the machine that they were measured on. So a fixed piece of work is timed in the same
run, on one thread: five FFT round trips of 200 frames of 256 x 256 pixels (``calibration_s``; the recorded CaImAn runs
of the shared recordings have theirs). ``calibrations`` is the run in multiples of it, and ``speedup_over_caiman``
compares those multiples. ``floor_s`` is what no engine can do without: the movie read once, one FFT round trip and one
matrix product per frame.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.scoring import load_accepted, score
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.threads import n_threads
from pipeline.movies import open_movie
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.simulate import simulate_movie, write_simulation

# Recordings that come with a truth and a recorded CaImAn run: name, file of the truth.
SHARED = (("twophoton", "twophoton_truth.npz"), ("cortex_2p", "cortex_2p_labels.npz"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and print one JSON object to stdout; messages go to stderr."""
    parser = argparse.ArgumentParser(prog="benchmarks.engine", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--height", type=int, default=240)
    parser.add_argument("--width", type=int, default=272)
    parser.add_argument("--cells", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--shared", type=Path, help="folder with movies/ and caiman/baseline.json, to run these as well"
    )
    chosen = parser.parse_args(argv)
    compile_everything()
    report: dict[str, Any] = {"engine": BuiltinEngine.name, "version": BuiltinEngine.version, "threads": n_threads()}
    report["calibration_s"] = round(calibration_s(), 3)
    print(f"simulating {chosen.frames} x {chosen.height} x {chosen.width}, {chosen.cells} cells", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        simulation = simulate_movie(
            "2p",
            n_frames=chosen.frames,
            height=chosen.height,
            width=chosen.width,
            n_cells=chosen.cells,
            seed=chosen.seed,
        )
        path = write_simulation(simulation, Path(folder) / "simulated.tif")
        report["simulated_2p"] = measure(
            open_movie(path), simulation.footprints, simulation.traces, report["calibration_s"], -simulation.shifts
        )
    if chosen.shared:
        baseline = json.loads((chosen.shared / "caiman" / "baseline.json").read_text(encoding="utf-8"))
        for name, truth_name in SHARED:
            print(name, file=sys.stderr)
            with np.load(chosen.shared / "movies" / truth_name) as truth:
                footprints, traces, rate = truth["A"].astype(np.float32), truth["C"], float(truth["fr"])
                shifts = -truth["shifts"] if "shifts" in truth.files else None
            movie = open_movie(chosen.shared / "movies" / f"{name}.tif", frame_rate_hz=rate, axes="TYX")
            found = measure(movie, footprints, traces, report["calibration_s"], shifts)
            caiman = baseline[name]
            in_calibrations = caiman["caiman_seconds"] / caiman["calibration_s"]
            found["caiman"] = {key: caiman[key] for key in ("f1", "trace_corr_median", "caiman_seconds")}
            found["speedup_over_caiman"] = round(in_calibrations / found["calibrations"], 1)
            report[name] = found
    print(json.dumps(report))
    return 0


def measure(
    movie: Movie,
    footprints: NDArray[np.float32],
    traces: NDArray[np.float32],
    calibration: float,
    shifts: NDArray[np.floating] | None,
) -> dict[str, Any]:
    """One run with the plain 2p preset: scores, seconds per stage, and what they compare with."""
    floor = floor_s(movie, len(traces))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        result = BuiltinEngine().run(movie, Parameters.preset("2p"), Path(folder), lambda stage, fraction: None)
        total = time.perf_counter() - start
        scores: dict[str, Any] = score(footprints, traces, *load_accepted(result.results))
    if shifts is not None:
        error = result.shifts - shifts
        scores["shift_rms_px"] = round(float(np.sqrt(((error - error.mean(axis=0)) ** 2).mean())), 4)
    return {
        "shape": list(movie.shape),
        **scores,
        "seconds": {stage: round(value, 3) for stage, value in result.seconds.items()} | {"total": round(total, 3)},
        "frames_per_s": round(movie.shape[0] / total, 1),
        "calibrations": round(total / calibration, 3),
        "floor_s": round(floor, 3),
        "times_floor": round(total / floor, 2),
        "peak_rss_mb": round(result.peak_rss_mb),
    }


def calibration_s() -> float:
    """Seconds for the fixed piece of work, one thread; the best of three, because other programs only slow it down."""
    frames = np.random.default_rng(0).random((200, 256, 256), np.float32)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in range(5):
            np.fft.irfft2(np.fft.rfft2(frames))
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def floor_s(movie: Movie, n_cells: int) -> float:
    """Seconds to read the movie, take every frame through an FFT and back, and multiply it with `n_cells` traces."""
    n_frames, height, width = movie.shape
    weights = np.random.default_rng(0).random((max(1, n_cells), n_frames), np.float32)
    total = np.zeros((max(1, n_cells), height * width), np.float32)
    start = time.perf_counter()
    for first in range(0, n_frames, 100):
        frames = movie.read(first, min(first + 100, n_frames)).astype(np.float32)
        np.fft.irfft2(np.fft.rfft2(frames), s=(height, width))
        total += weights[:, first : first + len(frames)] @ frames.reshape(len(frames), -1)
    return time.perf_counter() - start


def compile_everything() -> None:
    """Run the engine once on a small movie, so that compiling is not counted as processing."""
    simulation = simulate_movie("2p", n_frames=150, height=48, width=64, n_cells=3)
    with tempfile.TemporaryDirectory() as folder:
        movie = open_movie(write_simulation(simulation, Path(folder) / "small.tif"))
        work = Path(folder) / "work"
        work.mkdir()
        BuiltinEngine().run(movie, Parameters.preset("2p"), work, lambda stage, fraction: None)


if __name__ == "__main__":
    sys.exit(main())
