"""The recordings that engines are measured on, each with its truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies import open_movie
from pipeline.movies.movie import Movie
from pipeline.parameters import PresetName
from pipeline.simulate import simulate_movie, write_simulation
from pipeline.simulate_volumes import simulate_volumes

Floats = NDArray[np.float32]

# Simulated here: preset, and cells in the field where the size is the usual one.
SIMULATED: Mapping[str, tuple[PresetName, int]] = {"sim": ("2p", 150), "sim1p": ("1p", 80), "sim3d": ("3d", 40)}
# A volume has as many pixels as planes times its height times its width: it gets a quarter of each of these.
PLANES, SMALLER, LEAST_PX = 12, 4, 32
# In the folder of shared recordings: preset, movie, truth.
SHARED: Mapping[str, tuple[PresetName, str, str]] = {
    "twophoton": ("2p", "twophoton.tif", "twophoton_truth.npz"),
    "cortex": ("2p", "cortex_2p.tif", "cortex_2p_labels.npz"),
    "onephoton": ("1p", "onephoton.tif", "onephoton_truth.npz"),
}
NAMES = (*SIMULATED, *SHARED)


@dataclass(frozen=True)
class Size:
    """How large a simulated recording is; `n_cells` None takes the usual number."""

    n_frames: int = 2000
    height: int = 240
    width: int = 272
    n_cells: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Recording:
    """A movie and what is truly in it.

    Attributes
    ----------
    name, preset
        One of `NAMES`, and the parameters' starting point that suits it.
    movie
        The raw movie.
    footprints, traces
        ``(n, height, width[, depth])`` and ``(n, n_frames)``: true cells (human labels for a real movie).
    shifts
        ``(n_frames, 2)``, of volumes ``(n_frames, 3)``: what has to be added to each frame's content to register it;
        None where nobody knows.
    active
        ``(n,)`` bool: cells that did something in this movie.
    """

    name: str
    preset: PresetName
    movie: Movie
    footprints: Floats
    traces: Floats
    shifts: NDArray[np.floating] | None
    active: NDArray[np.bool_]


@contextmanager
def opened(name: str, *, size: Size, scratch: Path, shared: Path | None) -> Iterator[Recording]:
    """The recording of that name: simulated into `scratch`, or read from the folder `shared`.

    Raises
    ------
    MovieError
        When it is one of the shared recordings, and is not there.
    """
    recording = _simulated(name, size, scratch) if name in SIMULATED else _shared(name, shared)
    try:
        yield recording
    finally:
        recording.movie.close()


def _simulated(name: str, size: Size, scratch: Path) -> Recording:
    preset, usual = SIMULATED[name]
    n_cells = usual if size.n_cells is None else size.n_cells
    if preset == "3d":
        simulation = simulate_volumes(
            n_frames=size.n_frames,
            height=max(LEAST_PX, size.height // SMALLER),
            width=max(LEAST_PX, size.width // SMALLER),
            depth=PLANES,
            n_cells=n_cells,
            seed=size.seed,
        )
    else:
        simulation = simulate_movie(
            preset,
            n_frames=size.n_frames,
            height=size.height,
            width=size.width,
            n_cells=n_cells,
            seed=size.seed,
        )
    movie = open_movie(write_simulation(simulation, scratch / f"{name}.tif"), volume=preset == "3d")
    everyone = np.ones(len(simulation.footprints), bool)
    return Recording(name, preset, movie, simulation.footprints, simulation.traces, -simulation.shifts, everyone)


def _shared(name: str, shared: Path | None) -> Recording:
    preset, movie_name, truth_name = SHARED[name]
    folder = shared / "movies" if shared is not None else None
    if folder is None or not (folder / movie_name).is_file() or not (folder / truth_name).is_file():
        raise MovieError(
            folder / movie_name if folder is not None else name,
            "is not one of the recordings at hand",
            "Name the folder that has movies/ with --shared DIR, or measure on a simulated one: --movie sim.",
        )
    with np.load(folder / truth_name) as truth:
        footprints, traces = truth["A"].astype(np.float32), truth["C"].astype(np.float32)
        shifts = -truth["shifts"] if "shifts" in truth.files else None
        active = truth["peak_snr"] > 6 if "peak_snr" in truth.files else np.ones(len(footprints), bool)
        rate_hz = float(truth["fr"])
    movie = open_movie(folder / movie_name, frame_rate_hz=rate_hz, axes="TYX")
    return Recording(name, preset, movie, footprints, traces, shifts, active)
