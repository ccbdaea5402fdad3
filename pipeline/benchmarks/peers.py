"""CaImAn and Suite2p on the same recordings, each in its own interpreter, with what they found kept for the next time.

A peer's run takes minutes, and the same run gives the same cells. So it is kept in a cache folder under the digest of
the movie, the parameters, the version and the number of threads, and a grid of parameters is paid for once. Seconds
of a run that is not from this call are compared in multiples of the calibration that was timed right before it.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.errors import EngineError
from nwb_schema.provenance import canonical_json
from pipeline.benchmarks.machine import calibration_s, processor_time
from pipeline.benchmarks.recordings import Recording
from pipeline.benchmarks.run import Run, run_engine
from pipeline.engines.builtin.threads import n_threads
from pipeline.engines.caiman.child import run_child
from pipeline.engines.caiman.engine import CaimanEngine, write_raw
from pipeline.engines.caiman.installation import child_environment, find_python
from pipeline.movies.digest import movie_sha256
from pipeline.parameters import Parameters
from pipeline.progress import Progress

PEERS = ("caiman", "suite2p")
SUITE2P_VARIABLE = "FLUORITE_SUITE2P_PYTHON"

# CaImAn's parameters for each recording: those of the recorded runs of the shared recordings (found by a small search
# for the best F1), and for the simulated ones the same kind of search: every combination of the lists is one run.
_TWO_PHOTON: Mapping[str, Any] = {
    "pw_rigid": True, "strides": 64, "overlaps": 24, "max_shifts": 8, "rf": 32, "stride": 10, "tsub": 1, "nb": 2,
    "merge_thr": 0.85, "min_SNR": 2.0, "rval_thr": 0.85,
}  # fmt: skip
_ONE_PHOTON: Mapping[str, Any] = {
    "gSig_filt": 5, "max_shifts": 8, "gSig": 5, "gSiz": 21, "rf": 48, "stride": 24, "rval_thr": 0.85, "min_SNR": 3.0,
}  # fmt: skip
CAIMAN_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "sim": {**_TWO_PHOTON, "K": [8, 12], "gSig": [4, 5]},
    "sim1p": {**_ONE_PHOTON, "min_corr": [0.7, 0.8], "min_pnr": [6, 10]},
    "twophoton": {**_TWO_PHOTON, "K": 10, "gSig": 4},
    "cortex": {
        **_TWO_PHOTON, "strides": 96, "overlaps": 32, "rf": 25, "K": 5, "gSig": 6, "decay_time": 1.0,
    },
    "onephoton": {**_ONE_PHOTON, "min_corr": 0.8, "min_pnr": 6},
}  # fmt: skip

_SUITE2P_WORKER = Path(__file__).with_name("suite2p_worker.py")


def cache_folder() -> Path:
    """Where runs of peers are kept: in the user's own cache folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "fluorite" / "bench"


def check_peer(peer: str) -> None:
    """Look for a peer's interpreter, before any work.

    Raises
    ------
    EngineError
        When it is not there.
    """
    if peer == "suite2p":
        suite2p_version(suite2p_python())
    else:
        find_python(None)


def peer_runs(peer: str, recording: Recording, cache: Path, progress: Progress) -> Iterator[tuple[Run, bool]]:
    """All runs of a peer on a recording, one for every combination of its parameters; and whether it was kept.

    Raises
    ------
    EngineError
        When its interpreter is not there, or it fails.
    """
    if peer == "suite2p":
        settings = {"fs": recording.movie.rate_hz, "tau": 1.0 if recording.name == "cortex" else 0.5}
        python = suite2p_python()
        program = f"suite2p {suite2p_version(python)}"
        yield _kept(recording, program, settings, cache, lambda: run_suite2p(python, recording, settings, progress))
        return
    engine = CaimanEngine(find_python(None))
    for changes in combinations(CAIMAN_PARAMETERS.get(recording.name, {})):
        parameters = Parameters.preset(recording.preset).updated({"n_processes": n_threads(), **changes})
        found, was_kept = _kept(
            recording,
            f"caiman {engine.version}",
            parameters.to_dict(),
            cache,
            lambda parameters=parameters: run_engine(engine, recording, parameters, progress),  # type: ignore[misc]
        )
        found.numbers["parameters"] = dict(changes)
        # Starting Python, writing its input and reading its output is not CaImAn's work.
        not_its_own = ("preparing the movie", "starting CaImAn", "registered movie", "summary images")
        seconds = found.numbers["seconds"]
        _set_total(found, sum(value for stage, value in seconds.items() if stage not in (*not_its_own, "total")))
        yield found, was_kept


def combinations(parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every choice of one value from each list."""
    listed = {name: value if isinstance(value, list) else [value] for name, value in parameters.items()}
    for values in itertools.product(*listed.values()):
        yield dict(zip(listed, values, strict=True))


def suite2p_python() -> str:
    """The interpreter that has Suite2p.

    Raises
    ------
    EngineError
        When none is named.
    """
    named = os.environ.get(SUITE2P_VARIABLE)
    if not named:
        raise EngineError(
            "--against suite2p",
            "no interpreter with Suite2p is named",
            f"pip install suite2p into an environment of its own, and name its python in {SUITE2P_VARIABLE}.",
        )
    return named


def suite2p_version(python: str) -> str:
    """The version of Suite2p that this interpreter has.

    Raises
    ------
    EngineError
        When it has none, or cannot be run.
    """
    try:
        said = subprocess.run(
            [python, str(_SUITE2P_WORKER), "--version"], capture_output=True, text=True, check=True, timeout=60,
            env=child_environment(),
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(python, f"cannot say which Suite2p it has ({error})", "pip install suite2p there.") from error
    return said.stdout.strip()


def run_suite2p(python: str, recording: Recording, settings: Mapping[str, Any], progress: Progress) -> Run:
    """One run of Suite2p; its cells with their neuropil-corrected traces.

    Raises
    ------
    EngineError
        When it fails.
    """
    calibration = calibration_s()
    threads = {name: str(n_threads()) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")}
    with tempfile.TemporaryDirectory() as name, processor_time() as spent:
        folder = Path(name)
        raw = write_raw(recording.movie, folder, lambda done: progress("preparing the movie", done))
        task = {"movie": str(raw), "results": str(folder / "cells.npz"), "settings": dict(settings)}
        (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
        outcome = run_child(
            [python, str(_SUITE2P_WORKER), str(folder / "task.json")],
            folder=folder,
            log=folder / "log.txt",
            environment={**child_environment(), **threads},
            progress=progress,
            name="Suite2p",
            remedy="Run it by hand in its own environment.",
        )
        try:
            with np.load(folder / "cells.npz", allow_pickle=False) as cells:
                footprints = _images(cells, recording.movie.shape[1:])
                traces = cells["traces"].astype(np.float32)
        except (OSError, KeyError, ValueError) as error:
            raise EngineError("Suite2p", f"handed back what cannot be read ({error})", "Update it.") from error
    total = float(outcome.answer["seconds"]["suite2p"])
    numbers = {
        "engine": "suite2p",
        "version": str(outcome.answer.get("version", "unknown")),
        "parameters": dict(settings),
        "seconds": {"total": round(total, 3)},
        "cpu_s": round(spent[0], 3),
        "calibration_s": round(calibration, 3),
        "calibrations": round(total / calibration, 3),
        "peak_rss_mb": round(outcome.peak_rss_bytes / 2**20),
    }
    return Run(footprints, traces, None, numbers)


def _images(cells: Mapping[str, Any], field: Sequence[int]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Footprints ``(n, height, width)`` from lists of pixels, one cell after the other."""
    lengths = cells["lengths"]
    images = np.zeros((len(lengths), *field), np.float32)
    numbers = np.repeat(np.arange(len(lengths)), lengths)
    images[numbers, cells["ypix"].astype(int), cells["xpix"].astype(int)] = cells["lam"]
    return images


def _set_total(run: Run, total: float) -> None:
    run.numbers["seconds"]["total"] = round(total, 3)
    run.numbers["calibrations"] = round(total / run.numbers["calibration_s"], 3)


def _kept(
    recording: Recording, program: str, parameters: Mapping[str, Any], cache: Path, make: Callable[[], Run]
) -> tuple[Run, bool]:
    """The run as kept, or made and kept."""
    parts = {
        "movie": movie_sha256(recording.movie),
        "rate_hz": recording.movie.rate_hz,
        "program": program,
        "parameters": parameters,
        "threads": n_threads(),
    }
    path = cache / f"{hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:32]}.npz"
    with suppress(OSError, ValueError, KeyError), np.load(path, allow_pickle=False) as kept:
        shifts = kept["shifts"] if kept["shifts"].size else None
        return Run(kept["footprints"], kept["traces"], shifts, json.loads(str(kept["numbers"]))), True
    run = make()
    run.numbers["measured"] = time.strftime("%Y-%m-%d %H:%M")
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez_compressed(
            file,
            footprints=run.footprints,
            traces=run.traces,
            shifts=np.zeros(0) if run.shifts is None else run.shifts,
            numbers=np.array(json.dumps(run.numbers)),
        )
    os.replace(part, path)
    return run, False
