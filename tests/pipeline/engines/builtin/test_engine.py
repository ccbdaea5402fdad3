"""The built-in engine from movie to results file: what it finds, what it refuses, what it leaves behind."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from roiextractors import CaimanSegmentationExtractor

from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters
from pipeline.progress import Cancelled
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

TWO_PHOTON = Parameters.preset("2p")
N_FRAMES, HEIGHT, WIDTH = 500, 72, 96


def ignore(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, n_cells=10, seed=3)


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
            TWO_PHOTON,
            tmp_path_factory.mktemp("work"),
            lambda stage, fraction: calls.append((stage, fraction)),
        )


def matches(truth: np.ndarray, found: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of cells (true, found) whose footprints' cosine is above 0.7; the field may be offset by a pixel."""
    a = truth.reshape(len(truth), -1)
    best: list[tuple[int, int]] = []
    for dy in (-2, -1, 0, 1, 2):
        for dx in (-2, -1, 0, 1, 2):
            b = np.roll(found, (dy, dx), (1, 2)).reshape(len(found), -1)
            cosine = a @ b.T / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
            pairs = [(i, int(cosine[i].argmax())) for i in range(len(a)) if cosine[i].max() > 0.7]
            best = max(best, pairs, key=len)
    return best


def test_the_cells_and_their_traces_are_found(simulation: Simulation, result: EngineResult) -> None:
    extractor = CaimanSegmentationExtractor(result.results)
    masks = np.moveaxis(extractor.get_roi_image_masks(), -1, 0)
    assert masks.shape[1:] == (HEIGHT, WIDTH)
    pairs = matches(simulation.footprints, masks)
    assert len(pairs) >= 9
    assert len(masks) <= 12
    denoised = extractor.get_traces_dict()["denoised"].T
    agreement = [np.corrcoef(simulation.traces[i], denoised[j])[0, 1] for i, j in pairs]
    assert np.median(agreement) > 0.97
    deconvolved = extractor.get_traces_dict()["deconvolved"].T
    assert np.median([np.corrcoef(simulation.spikes[i], deconvolved[j])[0, 1] for i, j in pairs]) > 0.9


def test_the_file_holds_every_part_in_the_same_length(result: EngineResult) -> None:
    with h5py.File(result.results) as file:
        estimates = file["estimates"]
        n = estimates["C"].shape[0]
        for name in ("C", "S", "YrA", "F_dff"):
            assert estimates[name].shape == (n, N_FRAMES)
            assert np.isfinite(estimates[name][:]).all()
        for name in ("SNR_comp", "r_values", "bl", "c1", "neurons_sn", "lam"):
            assert estimates[name].shape == (n,)
        assert estimates["g"].shape == (n, 1)
        assert estimates["b"].shape == (HEIGHT * WIDTH, 2)
        assert estimates["f"].shape == (2, N_FRAMES)
        assert sorted([*estimates["idx_components"], *estimates["idx_components_bad"]]) == list(range(n))
        columns = np.split(estimates["A/data"][:], estimates["A/indptr"][1:-1])
        np.testing.assert_allclose([np.linalg.norm(column) for column in columns], 1, rtol=1e-5)
        assert file["params/motion/max_shifts"][:].tolist() == [6, 6]


def test_dff_is_a_fraction_of_the_resting_brightness(simulation: Simulation, result: EngineResult) -> None:
    with h5py.File(result.results) as file:
        dff, raw = file["estimates/F_dff"][:], file["estimates/C"][:] + file["estimates/YrA"][:]
    for change, trace in zip(dff, raw, strict=True):
        assert np.corrcoef(change, trace)[0, 1] > 0.95
        assert abs(np.median(change)) < 0.5
        assert 0.2 < change.max() < 20


def test_registered_movie_images_and_shifts_come_back(simulation: Simulation, result: EngineResult) -> None:
    with MovieFile(result.registered_movie) as registered:
        assert registered.shape == simulation.frames.shape
        mean = registered.read(0, N_FRAMES).mean(axis=0)
    np.testing.assert_allclose(result.summary_images["mean"], mean, rtol=1e-4)
    assert set(result.summary_images) == {"mean", "max", "std", "correlation", "pnr"}
    assert all(image.shape == (HEIGHT, WIDTH) for image in result.summary_images.values())
    difference = result.shifts + simulation.shifts
    assert (difference - difference.mean(axis=0)).std() < 0.15
    assert (result.engine, result.version) == (BuiltinEngine().name, BuiltinEngine().version)
    assert {"motion correction", "extraction", "evaluation"} <= set(result.seconds)
    assert result.peak_rss_mb > 10
    assert sorted(item.name for item in result.results.parent.iterdir()) == ["registered.h5", "results.hdf5"]


def test_progress_runs_through_the_stages(result: EngineResult, calls: list[tuple[str, float]]) -> None:
    stages = list(dict.fromkeys(stage for stage, _ in calls))
    assert stages == ["motion correction", "summary images", "initialisation", "refinement", "evaluation", "results"]
    for stage in stages:
        fractions = [fraction for name, fraction in calls if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[-1] == pytest.approx(1)
        assert min(fractions) >= 0


def test_two_runs_give_the_same_result_to_the_last_bit(
    simulation: Simulation, result: EngineResult, tmp_path: Path
) -> None:
    again = BuiltinEngine().run(ArrayMovie(simulation.frames), TWO_PHOTON, tmp_path, ignore)
    with h5py.File(result.results) as one, h5py.File(again.results) as two:
        for name in ("C", "A/data", "A/indices", "SNR_comp"):
            np.testing.assert_array_equal(one["estimates"][name][:], two["estimates"][name][:])


@pytest.mark.parametrize("stage", ["motion correction", "initialisation", "refinement", "evaluation", "results"])
def test_a_cancelled_run_leaves_nothing(stage: str, simulation: Simulation, tmp_path: Path) -> None:
    def stop(now: str, fraction: float) -> None:
        if now == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        BuiltinEngine().run(ArrayMovie(simulation.frames), TWO_PHOTON, tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "frames",
    [
        np.full((120, 30, 44), 7, np.uint16),
        np.zeros((120, 30, 44), np.int16),
    ],
    ids=["constant", "black"],
)
def test_no_cells_is_a_valid_result(frames: np.ndarray, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = BuiltinEngine().run(ArrayMovie(frames), TWO_PHOTON, tmp_path, ignore)
    with h5py.File(found.results) as file:
        assert file["estimates/C"].shape == (0, len(frames))
        assert file["estimates/idx_components"].shape == (0,)


def test_in_noise_nothing_is_accepted(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).poisson(40, (200, 48, 64)).astype(np.uint8)
    found = BuiltinEngine().run(ArrayMovie(frames), TWO_PHOTON, tmp_path, ignore)
    with h5py.File(found.results) as file:
        assert file["estimates/idx_components"].shape == (0,)


def test_awkward_pixels_end_in_a_result(simulation: Simulation, tmp_path: Path) -> None:
    frames = simulation.frames.astype(np.int16) - 100  # negative values
    frames[:, :, 40] = 5  # a dead column
    frames[:, 10:14, 10:14] = 32767  # saturated
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = BuiltinEngine().run(ArrayMovie(frames), TWO_PHOTON, tmp_path, ignore)
    with h5py.File(found.results) as file:
        assert file["estimates/C"].shape[0] >= 5
        assert np.isfinite(file["estimates/C"][:]).all()


def test_few_frames_are_refused_with_the_minimum(tmp_path: Path) -> None:
    with pytest.raises(MovieError, match="has 12 frames; at least 100 are needed"):
        BuiltinEngine().run(ArrayMovie(np.ones((12, 30, 40), np.uint16)), TWO_PHOTON, tmp_path, ignore)
    assert list(tmp_path.iterdir()) == []


def score(shared_data: Path, results: Path, truth: Path) -> dict[str, Any]:
    sys.path.insert(0, str(shared_data))
    try:
        from score import score as score_of  # the shared data's own scoring
    finally:
        sys.path.remove(str(shared_data))
    found: dict[str, Any] = json.loads(json.dumps(score_of(results, truth)))
    return found


@pytest.mark.parametrize(
    ("name", "truth", "rate_hz", "caiman"),
    [("twophoton", "twophoton_truth", 15.0, "twophoton"), ("cortex_2p", "cortex_2p_labels", 7.0, "cortex_2p")],
)
def test_real_and_simulated_recordings_score_above_caiman(
    name: str, truth: str, rate_hz: float, caiman: str, shared_data: Path, tmp_path: Path
) -> None:
    frames = tifffile.imread(shared_data / "movies" / f"{name}.tif")
    found = BuiltinEngine().run(ArrayMovie(frames, rate_hz), TWO_PHOTON, tmp_path, ignore)
    scores = score(shared_data, found.results, shared_data / "movies" / f"{truth}.npz")
    baseline = json.loads((shared_data / "caiman" / "baseline.json").read_text())[caiman]
    assert scores["f1"] > baseline["f1"]
    assert scores["recall_active"] > baseline["recall_active"]
    # Over the matched cells, and there are more and dimmer ones than CaImAn's.
    assert scores["trace_corr_median"] > baseline["trace_corr_median"] - 0.02
    assert scores["matched"] > 1.1 * baseline["f1"] * (baseline["n_found"] + scores["n_true"]) / 2
