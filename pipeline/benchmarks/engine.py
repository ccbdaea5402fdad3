"""How fast and how good an engine is: seconds, memory, and cells found against cells that are there.

Seconds are worth little without the machine that they were measured on, so a fixed piece of work is timed right before
each run (`machine.calibration_s`), and a run is also given in multiples of it (``calibrations``) and
of what no engine can do without (``times_floor``: the movie read once, one FFT round trip and one matrix product for
every frame).

Against a peer, both run in one call under the same limit of threads: ours, the peer, and ours again where the peer's
runs were not kept from another call, so that neither has the quieter half of the machine's time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nwb_schema.errors import EngineError, ParameterError
from pipeline.benchmarks.machine import describe, floor_s
from pipeline.benchmarks.peers import check_peer, peer_runs
from pipeline.benchmarks.recordings import SIMULATED, Recording, Size, opened
from pipeline.benchmarks.run import Run, judged, run_engine
from pipeline.benchmarks.scoring import score
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.movies import open_movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.simulate import simulate_movie, write_simulation

# What is asked of the engine beyond its preset: the same for every recording of that kind.
ASKED: Mapping[str, Mapping[str, Any]] = {"2p": {"pw_rigid": True}, "1p": {}, "3d": {}}


def benchmark(
    names: Sequence[str],
    *,
    size: Size,
    shared: Path | None,
    against: Sequence[str] = (),
    cache: Path,
    progress: Progress = lambda stage, fraction: None,
) -> dict[str, Any]:
    """Run the built-in engine on each recording with one set of parameters a preset, beside its peers; JSON-able.

    Parameters
    ----------
    against
        Names of `pipeline.benchmarks.peers.PEERS`.
    cache
        Where the peers' runs are kept.

    Raises
    ------
    FluoriteError
        When a recording or a peer is not there, or our engine cannot process it. A peer that cannot is in the report.
    """
    volumes = [name for name in names if name in SIMULATED and SIMULATED[name][0] == "3d"]
    if against and volumes:
        raise ParameterError(
            "--against", f"{volumes[0]} is of volumes, and peers run on planes only here", f"Leave {volumes[0]} out."
        )
    for peer in against:
        check_peer(peer)
    compile_everything()
    engine = BuiltinEngine()
    report: dict[str, Any] = {"engine": engine.name, "version": engine.version, "machine": describe(), "movies": {}}
    for name in names:
        with (
            tempfile.TemporaryDirectory() as folder,
            opened(name, size=size, scratch=Path(folder), shared=shared) as recording,
        ):
            report["movies"][name] = compare(engine, recording, against, cache, progress)
    return report


def compare(
    engine: BuiltinEngine, recording: Recording, against: Sequence[str], cache: Path, progress: Progress
) -> dict[str, Any]:
    """Our run on one recording, what it is of the floor, and each peer's runs with what ours is of the best of them."""
    floor = floor_s(recording.movie, len(recording.traces))
    parameters, note = parameters_for(engine, recording)
    ours = run_engine(engine, recording, parameters, progress)
    peers: dict[str, list[tuple[Run, bool]]] = {}
    failed: dict[str, str] = {}
    for peer in against:
        try:
            peers[peer] = list(peer_runs(peer, recording, cache, progress))
        except EngineError as error:
            # Suite2p stops on some small movies: that is a result, too, and no reason to lose the others.
            failed[peer] = str(error)
            continue
        if not all(kept for _, kept in peers[peer]):
            again = run_engine(engine, recording, parameters, progress)
            ours = min(ours, again, key=lambda run: float(run.numbers["calibrations"]))
    found: dict[str, Any] = {
        "shape": list(recording.movie.shape),
        "preset": recording.preset,
        "floor_s": round(floor, 3),
        "ours": judged(recording, ours) | {"times_floor": round(ours.numbers["seconds"]["total"] / floor, 2)},
        "notes": [note] if note else [],
    }
    for peer, runs in peers.items():
        found[peer] = beside(recording, ours, runs)
    for peer, cause in failed.items():
        found[peer] = {"failed": cause}
    return found


def beside(recording: Recording, ours: Run, runs: Sequence[tuple[Run, bool]]) -> dict[str, Any]:
    """A peer's runs with their scores, and of the one with the best F1: agreement, and ratios (peer to ours)."""
    scored = [judged(recording, run) | {"kept": kept} for run, kept in runs]
    best = max(range(len(scored)), key=lambda number: float(scored[number]["f1"]))
    theirs = runs[best][0]
    our_f1 = float(judged(recording, ours)["f1"])
    agreement = score(theirs.footprints, theirs.traces, ours.footprints, ours.traces)

    def ratio(name: str) -> float:
        return round(float(theirs.numbers[name]) / float(ours.numbers[name]), 2)

    return {
        "runs": scored,
        "best": best,
        "agreement": {name: agreement[name] for name in ("matched", "f1", "trace_corr_median")},
        "ratios": {
            "speed": ratio("calibrations"),
            "processor": ratio("cpu_s"),
            "memory": ratio("peak_rss_mb"),
            "f1_difference": round(our_f1 - float(scored[best]["f1"]), 4),
        },
    }


def parameters_for(engine: BuiltinEngine, recording: Recording) -> tuple[Parameters, str]:
    """The preset with what is asked of every engine; where ours does not do it, without it and with a note."""
    preset = Parameters.preset(recording.preset)
    asked = preset.updated(ASKED[recording.preset])
    try:
        engine.check(asked.updated({"data.fr": recording.movie.rate_hz}), recording.movie)
    except ParameterError as error:
        return preset, f"Ours ran the plain preset: {error.file} {error.cause}."
    return asked, ""


def compile_everything() -> None:
    """Run the engine once on a small movie, so that compiling is not counted as processing."""
    simulation = simulate_movie("2p", n_frames=150, height=48, width=64, n_cells=3)
    with tempfile.TemporaryDirectory() as folder:
        movie = open_movie(write_simulation(simulation, Path(folder) / "small.tif"))
        work = Path(folder) / "work"
        work.mkdir()
        BuiltinEngine().run(movie, Parameters.preset("2p"), work, lambda stage, fraction: None)
        movie.close()
