"""Awkward recordings and impossible parameters: each ends in a result, or in a refusal that says what to do."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.parameters import Parameters
from pipeline.results import read_results
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

TWO_PHOTON = Parameters.preset("2p")
HEIGHT, WIDTH = 48, 62


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=250, height=HEIGHT, width=WIDTH, n_cells=5, seed=2, motion_px=0)


def cells_on(frames: np.ndarray, *centres: tuple[int, int]) -> np.ndarray:
    """The frames with a cell of radius 5 px at each place, active now and then."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    movie = frames.astype(np.float64)
    for y, x in centres:
        trace = np.zeros(len(frames))
        for t in range(1, len(trace)):
            trace[t] = 0.85 * trace[t - 1] + (rng.random() < 0.04) * 40
        movie += trace[:, None, None] * ((rows - y) ** 2 + (columns - x) ** 2 <= 25)
    return rng.poisson(movie)


def run(frames: np.ndarray, folder: Path, **overrides: Any) -> Any:
    params = TWO_PHOTON.updated({"motion_correct": False, **overrides})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = BuiltinEngine().run(ArrayMovie(frames), params, folder, lambda stage, fraction: None)
    return read_results(found.results)


def at(results: Any, y: int, x: int) -> int:
    """How many footprints have most of their weight within 8 px of a place."""
    images = results.footprints.toarray().reshape(-1, HEIGHT, WIDTH)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    near = np.hypot(rows - y, columns - x) < 8
    return int(sum(image[near].sum() > 0.7 * image.sum() for image in images))


def test_one_cell_is_one_component(tmp_path: Path) -> None:
    frames = cells_on(np.full((250, HEIGHT, WIDTH), 30), (20, 40)).astype(np.uint16)
    results = run(frames, tmp_path)
    assert results.n_rois == 1
    assert at(results, 20, 40) == 1
    assert results.accepted.all()


def test_a_cell_on_the_border_and_in_the_corner_is_found(tmp_path: Path) -> None:
    frames = cells_on(np.full((250, HEIGHT, WIDTH), 30), (24, 3), (3, 58)).astype(np.uint16)
    results = run(frames, tmp_path)
    assert at(results, 24, 3) == 1
    assert at(results, 3, 58) == 1


def test_eight_bits_are_enough(simulation: Simulation, tmp_path: Path) -> None:
    eight = np.minimum(simulation.frames // 2, 255).astype(np.uint8)
    assert run(eight, tmp_path).accepted.sum() >= len(simulation.footprints) - 2


@pytest.mark.parametrize("damage", ["dead column", "saturated", "negative", "dead and saturated pixel"])
def test_damage_in_one_place_does_not_cost_cells_elsewhere(damage: str, simulation: Simulation, tmp_path: Path) -> None:
    frames = simulation.frames.astype(np.int32)
    if damage == "dead column":
        frames[:, :, 3] = 7
    elif damage == "saturated":
        frames[:, :5, :5] = 65535
    elif damage == "negative":
        frames -= 5000
    else:
        frames[:, 0, 0], frames[:, HEIGHT - 1, WIDTH - 1] = 0, 65535
    usual, damaged = tmp_path / "usual", tmp_path / "damaged"
    usual.mkdir(), damaged.mkdir()
    assert run(frames, damaged).accepted.sum() >= run(simulation.frames, usual).accepted.sum() - 1


def test_the_fewest_frames_that_are_taken_give_a_result(simulation: Simulation, tmp_path: Path) -> None:
    assert run(simulation.frames[:100], tmp_path).denoised.shape[1] == 100


def test_no_cell_in_patches_or_with_two_time_constants(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).poisson(40, (120, HEIGHT, WIDTH)).astype(np.uint16)
    assert run(noise, tmp_path, rf=12, stride=6, p=2).accepted.sum() == 0


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"K": -1}, "init.K is -1, outside the allowed range >= 0"),
        ({"decay_time": 0}, "data.decay_time is 0.*, outside the allowed range > 0"),
        ({"gSig": 20, "rf": 10}, "init.gSig is .* larger than a patch"),
        ({"rf": 10, "stride": 20}, "patch.stride is 20, but patches are only 20"),
        ({"gSiz": 2}, "init.gSiz is .* smaller than gSig"),
        ({"p": 3}, "p is 3"),
        ({"gsig": 3}, "Did you mean 'gSig'"),
        ({"min_snr": 3}, "Did you mean 'min_SNR'"),
        ({"method_init": "greedy"}, "method_init"),
        ({"ssub": 0}, "init.ssub is 0"),
    ],
)
def test_impossible_parameters_are_named(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message) as refusal:
        TWO_PHOTON.updated(overrides)
    assert refusal.value.remedy
