"""One-photon movies through the whole engine: cells, traces, results file, and bad input."""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from roiextractors import CaimanSegmentationExtractor
from scipy import sparse

from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters
from pipeline.progress import Cancelled
from pipeline.results import is_one_photon, read_results
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

ONE_PHOTON = Parameters.preset("1p")
HEIGHT, WIDTH, N_FRAMES = 72, 96, 600


def ignore(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("1p", n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, n_cells=9, seed=4)


@pytest.fixture(scope="module")
def calls() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def result(
    simulation: Simulation, calls: list[tuple[str, float]], tmp_path_factory: pytest.TempPathFactory
) -> EngineResult:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return BuiltinEngine().run(
            ArrayMovie(simulation.frames),
            ONE_PHOTON,
            tmp_path_factory.mktemp("work"),
            lambda stage, fraction: calls.append((stage, fraction)),
        )


def test_the_cells_and_their_traces_are_found(simulation: Simulation, result: EngineResult) -> None:
    found = read_results(result.results)
    good = np.flatnonzero(found.accepted)
    assert found.denoised is not None
    footprints = found.footprints[good].toarray()
    true = simulation.footprints.reshape(len(simulation.footprints), -1)
    cosine = true @ footprints.T / np.linalg.norm(true, axis=1)[:, None] / np.linalg.norm(footprints, axis=1)
    pairs = [(cell, int(cosine[cell].argmax())) for cell in range(len(true)) if cosine[cell].max() > 0.8]
    assert len(pairs) >= 7
    assert len(good) <= len(pairs) + 1
    agreement = [np.corrcoef(simulation.traces[i], found.denoised[good[j]])[0, 1] for i, j in pairs]
    assert np.median(agreement) > 0.97


def test_the_file_has_a_ring_where_others_have_a_background(result: EngineResult) -> None:
    assert is_one_photon(result.results)
    with h5py.File(result.results) as file:
        estimates = file["estimates"]
        assert estimates["b"][()] == estimates["f"][()] == b"NoneType"
        assert estimates["b0"].shape == (HEIGHT * WIDTH,)
        weights = sparse.csr_array(
            tuple(estimates[f"W/{part}"][:] for part in ("data", "indices", "indptr")), shape=estimates["W/shape"][:]
        )
        offset = estimates["b0"][:].reshape(WIDTH, HEIGHT).T
    n_small = HEIGHT * WIDTH // 4
    assert weights.shape == (n_small, n_small)
    # In Fortran order: the ring around a pixel, seen on the reduced field, lies around it.
    rows, columns = np.unravel_index(weights[[n_small // 2]].indices, (HEIGHT // 2, WIDTH // 2), order="F")
    y, x = np.unravel_index(n_small // 2, (HEIGHT // 2, WIDTH // 2), order="F")
    assert np.hypot(rows - y, columns - x).max() <= 10
    mean = result.summary_images["mean"]
    assert np.corrcoef(offset.ravel(), mean.ravel())[0, 1] > 0.99


def test_other_readers_open_it(result: EngineResult) -> None:
    extractor = CaimanSegmentationExtractor(result.results)
    assert extractor.get_roi_image_masks().shape[:2] == (HEIGHT, WIDTH)
    assert extractor.get_traces_dict()["denoised"].shape[0] == N_FRAMES
    found = read_results(result.results)
    assert found.background_footprints is None
    assert found.dff is not None
    # Nothing to divide by: dF/F is the raw trace without its drift.
    assert found.raw is not None
    assert np.median([np.corrcoef(a, b)[0, 1] for a, b in zip(found.dff, found.raw, strict=True)]) > 0.95


def test_progress_is_reported_and_only_rises(calls: list[tuple[str, float]], result: EngineResult) -> None:
    for stage in ("motion correction", "summary images", "initialisation", "refinement", "evaluation", "results"):
        done = [fraction for name, fraction in calls if name == stage]
        assert done, stage
        assert done == sorted(done), stage
        assert done[-1] == pytest.approx(1.0), stage


@pytest.mark.parametrize("stage", ["initialisation", "refinement"])
def test_a_cancelled_run_stops_at_once_and_leaves_nothing(stage: str, simulation: Simulation, tmp_path: Path) -> None:
    asked: list[float] = []

    def cancel(name: str, fraction: float) -> None:
        if name == stage and fraction > 0.3:
            asked.append(time.perf_counter())
            raise Cancelled

    with pytest.raises(Cancelled):
        BuiltinEngine().run(ArrayMovie(simulation.frames[:300]), ONE_PHOTON, tmp_path, cancel)
    assert len(asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_cells_can_be_given(simulation: Simulation, tmp_path: Path) -> None:
    np.save(tmp_path / "masks.npy", simulation.footprints > 0.3)
    work = tmp_path / "work"
    work.mkdir()
    params = ONE_PHOTON.updated({"Ain": str(tmp_path / "masks.npy"), "motion_correct": False})
    found = read_results(BuiltinEngine().run(ArrayMovie(simulation.frames[:300]), params, work, ignore).results)
    true = simulation.footprints.reshape(len(simulation.footprints), -1)
    assert found.n_rois == len(true)
    own = found.footprints.toarray()
    cosine = true @ own.T / np.linalg.norm(true, axis=1)[:, None] / np.linalg.norm(own, axis=1)
    assert (cosine.argmax(axis=1) == np.arange(len(true))).all()


def test_a_killed_run_goes_on_to_the_same_result(simulation: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(simulation.frames[:300])
    folders = [tmp_path / name for name in ("kept", "one", "two", "whole")]
    for folder in folders:
        folder.mkdir()

    def stop(name: str, fraction: float) -> None:
        if name == "refinement" and fraction > 0.5:
            raise Cancelled

    with pytest.raises(Cancelled):
        BuiltinEngine().run(movie, ONE_PHOTON, folders[1], stop, keep=folders[0])
    resumed = BuiltinEngine().run(movie, ONE_PHOTON, folders[2], ignore, keep=folders[0])
    whole = BuiltinEngine().run(movie, ONE_PHOTON, folders[3], ignore)
    with h5py.File(resumed.results) as one, h5py.File(whole.results) as two:
        for name in ("C", "A/data", "W/data", "b0"):
            np.testing.assert_array_equal(one[f"estimates/{name}"][:], two[f"estimates/{name}"][:])


def bad_movies() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    good = simulate_movie("1p", n_frames=200, height=56, width=72, n_cells=5, seed=1).frames
    dead, signed = good.copy(), good.astype(np.int32) - int(good.mean())
    dead[:, :, 30] = 1200
    at_border = simulate_movie("1p", n_frames=200, height=40, width=56, n_cells=1, seed=8, motion_px=0.0)
    moved = np.roll(at_border.frames, -int(at_border.footprints[0].max(axis=1).argmax()), axis=1)
    return {
        "no cells": rng.poisson(500, (200, 40, 56)).astype(np.uint16),
        "one cell": simulate_movie("1p", n_frames=200, height=40, width=56, n_cells=1, seed=1).frames,
        "a cell on the border": moved,
        "a dead column": dead,
        "saturated": np.minimum(good, int(np.quantile(good, 0.7))),
        "negative": signed,
        "8-bit": (good / good.max() * 255).astype(np.uint8),
        "constant": np.full((200, 40, 56), 100, np.uint16),
        "few frames": good[:110],
    }


@pytest.mark.parametrize("name", bad_movies())
def test_bad_input_ends_in_a_result(name: str, tmp_path: Path) -> None:
    found = BuiltinEngine().run(ArrayMovie(bad_movies()[name]), ONE_PHOTON.updated({"gSiz": 7}), tmp_path, ignore)
    segmentation = read_results(found.results)
    for traces in (segmentation.denoised, segmentation.raw, segmentation.dff, segmentation.footprints.data):
        assert traces is None or np.isfinite(traces).all()
    if name in ("no cells", "constant"):
        assert not segmentation.accepted.any()


def test_more_is_found_than_caiman_found(shared_data: Path, tmp_path: Path) -> None:
    frames = tifffile.imread(shared_data / "movies/onephoton.tif")
    found = BuiltinEngine().run(ArrayMovie(frames, rate_hz=20.0), ONE_PHOTON, tmp_path, ignore)
    sys.path.insert(0, str(shared_data))
    try:
        from score import score
    finally:
        sys.path.remove(str(shared_data))
    scores: dict[str, Any] = score(found.results, shared_data / "movies/onephoton_truth.npz")
    baseline = json.loads((shared_data / "caiman/baseline.json").read_text())["onephoton"]
    assert scores["f1"] > baseline["f1"] + 0.1
    assert scores["trace_corr_median"] > baseline["trace_corr_median"]
