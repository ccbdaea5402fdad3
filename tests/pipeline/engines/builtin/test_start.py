"""Where cells come from: masks that are given, patches, sparse factorisation, averaged pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import sparse

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.checks import check_parameters, warnings_of
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.initialisation import Candidates
from pipeline.engines.builtin.nmf import hals
from pipeline.engines.builtin.search_patches import centres, in_field, in_patches, patch_windows
from pipeline.parameters import Parameters
from pipeline.results import read_results
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie

TWO_PHOTON = Parameters.preset("2p")
HEIGHT, WIDTH = 72, 96


def ignore(stage: str, fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_movie("2p", n_frames=400, height=HEIGHT, width=WIDTH, n_cells=9, seed=3, motion_px=0)


def run(simulation: Simulation, folder: Path, **overrides: Any) -> Any:
    params = TWO_PHOTON.updated({"motion_correct": False, **overrides})
    found = BuiltinEngine().run(ArrayMovie(simulation.frames), params, folder, ignore)
    return found, read_results(found.results)


def seeds_of(simulation: Simulation, folder: Path, extra: int = 0) -> tuple[Path, np.ndarray]:
    """The true masks in an order of our own, and `extra` masks where there is no cell."""
    masks = (simulation.footprints > 0.2)[::-1]
    nothing = np.zeros((extra, HEIGHT, WIDTH), bool)
    nothing[:, :3, :3] = True
    path = folder / "seeds.npy"
    np.save(path, np.concatenate([masks, nothing]))
    return path, masks


def test_component_i_is_mask_i(simulation: Simulation, tmp_path: Path) -> None:
    path, masks = seeds_of(simulation, tmp_path, extra=1)
    found, results = run(simulation, tmp_path, Ain=str(path), merge_thr=-1.0)
    assert results.n_rois == len(masks) + 1
    truth = simulation.traces[::-1]
    agreement = [np.corrcoef(truth[k], results.denoised[k])[0, 1] for k in range(len(masks))]
    assert np.median(agreement) > 0.97
    assert min(agreement) > 0.8
    footprints = results.footprints.toarray().reshape(-1, HEIGHT, WIDTH)
    for mask, footprint in zip(masks, footprints, strict=False):
        assert footprint[mask].sum() > 0.8 * footprint.sum()
    assert not results.accepted[-1]
    assert any("10 masks of seeds.npy" in note for note in found.notes)


def test_masks_stay_as_they_were_given_without_refit(simulation: Simulation, tmp_path: Path) -> None:
    path, masks = seeds_of(simulation, tmp_path)
    _, results = run(simulation, tmp_path, Ain=str(path), refit=False)
    np.testing.assert_array_equal(results.footprints.toarray().reshape(-1, HEIGHT, WIDTH) > 0, masks)
    (tmp_path / "refined").mkdir()
    refined = run(simulation, tmp_path / "refined", Ain=str(path), refit=False, only_init=False)[1]
    assert (refined.footprints != results.footprints).nnz > 0


def test_masks_of_another_field_are_refused_before_any_work(simulation: Simulation, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.ones((2, 9, 9)))
    with pytest.raises(ParameterError, match="has the shape"):
        BuiltinEngine().check(TWO_PHOTON.updated({"Ain": str(tmp_path / "small.npy")}), ArrayMovie(simulation.frames))


@pytest.mark.parametrize("del_duplicates", [False, True])
def test_patches_find_what_the_whole_field_does_once(
    del_duplicates: bool, simulation: Simulation, tmp_path: Path
) -> None:
    _, results = run(simulation, tmp_path, rf=20, stride=12, del_duplicates=del_duplicates)
    found = results.footprints[np.flatnonzero(results.accepted)].toarray()
    truth = simulation.footprints.reshape(len(simulation.footprints), -1)
    cosine = truth @ found.T / np.linalg.norm(truth, axis=1)[:, None] / np.linalg.norm(found, axis=1)
    assert (cosine.max(axis=1) > 0.7).sum() >= len(truth) - 1
    assert len(found) <= len(truth) + 1


def test_patches_cover_the_field_and_overlap() -> None:
    windows = patch_windows((50, 83), rf=12, stride=6)
    seen = np.zeros((50, 83), int)
    for window in windows:
        assert all(part.stop - part.start == 25 for part in window)
        seen[window] += 1
    assert seen.min() >= 1
    assert sorted({window[1].start for window in windows}) == [0, 18, 36, 54, 58]
    assert patch_windows((20, 90, 5), rf=12, stride=0)[0] == (slice(0, 20), slice(0, 25), slice(0, 5))


def test_a_cell_on_the_seam_is_counted_once() -> None:
    field, windows = (20, 40), [(slice(0, 20), slice(0, 25)), (slice(0, 20), slice(15, 40))]
    cell = np.zeros(field, np.float32)
    cell[8:12, 16:22] = 1
    trace = np.abs(np.random.default_rng(0).standard_normal((1, 50))).astype(np.float32)

    def find(window: tuple[slice, ...]) -> Candidates:
        return Candidates(sparse.csr_array(cell[window].reshape(1, -1)), trace)

    for del_duplicates in (False, True):
        found = in_patches(
            find, windows, field, del_duplicates=del_duplicates, merge_thr=0.8, progress=lambda done: None
        )
        assert found.footprints.shape == (1, 800)
        np.testing.assert_allclose(found.footprints.toarray().reshape(field), cell, atol=1e-6)
        np.testing.assert_allclose(
            found.traces * found.footprints.max(), trace * (1 if del_duplicates else 2), rtol=1e-4
        )
    placed = in_field(find(windows[1]).footprints, windows[1], field)
    np.testing.assert_allclose(centres(placed, field), [[9.5, 18.5]])


def dendrites(n_frames: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """A movie with four lines, two pixels wide, each with a course of its own; the lines."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    lines = np.stack(
        [np.abs(rows - slope * columns - y) < 1.2 for slope, y in ((0, 12), (0.2, 25), (-0.3, 60), (0, 66))]
    )
    spikes = (rng.random((4, n_frames)) < 0.03) * 60.0
    courses = np.zeros_like(spikes)
    for t in range(n_frames):
        courses[:, t] = spikes[:, t] + (0.8 * courses[:, t - 1] if t else 0)
    movie = 100 + np.einsum("kt,kyx->tyx", courses, lines.astype(float))
    return rng.poisson(movie).astype(np.uint16), lines


def test_dendrites_are_found_by_sparse_factorisation(tmp_path: Path) -> None:
    frames, lines = dendrites()
    params = TWO_PHOTON.updated({"motion_correct": False, "method_init": "sparse_nmf", "K": 6})
    results = read_results(BuiltinEngine().run(ArrayMovie(frames), params, tmp_path, ignore).results)
    found, truth = results.footprints.toarray(), lines.reshape(4, -1).astype(float)
    cosine = truth @ found.T / np.linalg.norm(truth, axis=1)[:, None] / np.linalg.norm(found, axis=1)
    assert cosine.max(axis=1).min() > 0.8
    (tmp_path / "greedy").mkdir()
    greedy = TWO_PHOTON.updated({"motion_correct": False})
    with h5py.File(BuiltinEngine().run(ArrayMovie(frames), greedy, tmp_path / "greedy", ignore).results) as file:
        assert file["estimates/C"].shape[0] <= 1  # greedy_roi looks for bodies


def test_sparse_factorisation_needs_to_know_how_many() -> None:
    with pytest.raises(ParameterError, match="sparse_nmf needs to know how many"):
        check_parameters(TWO_PHOTON.updated({"method_init": "sparse_nmf"}))


def test_a_round_of_hals_never_makes_it_worse() -> None:
    rng = np.random.default_rng(2)
    movie, shapes = rng.random((30, 50)), rng.random((4, 50))
    traces = rng.random((30, 4))

    def cost(traces: np.ndarray) -> float:
        return float(((movie - traces @ shapes) ** 2).sum() / 2 + 0.3 * traces.sum())

    for _ in range(5):
        new = hals(traces, movie @ shapes.T, shapes @ shapes.T, 0.3)
        assert cost(new) <= cost(traces) + 1e-9
        assert new.min() >= 0
        traces = new


def test_averaged_pixels_find_the_same_cells(simulation: Simulation, tmp_path: Path) -> None:
    _, results = run(simulation, tmp_path, ssub=2)
    truth, found = simulation.footprints.reshape(len(simulation.footprints), -1), results.footprints.toarray()
    cosine = truth @ found.T / np.linalg.norm(truth, axis=1)[:, None] / np.linalg.norm(found, axis=1)
    assert (cosine.max(axis=1) > 0.7).sum() >= len(truth) - 2


@pytest.mark.parametrize(
    ("overrides", "noted"),
    [
        ({"stride": 10}, "patch.stride"),
        ({"del_duplicates": True}, "patch.del_duplicates"),
        ({"rolling_sum": False, "rolling_length": 30}, "init.rolling_length"),
        ({"do_merge": False, "merge_thr": 0.5}, "merging.merge_thr"),
        ({"p": 0, "lags": 7}, "temporal.lags"),
        ({"Ain": "masks.npy", "rf": 30}, "patch.rf"),
        ({"Ain": "masks.npy", "K": 3}, "init.K"),
    ],
)
def test_a_parameter_without_effect_is_noted(overrides: dict[str, Any], noted: str) -> None:
    assert any(note.startswith(noted) for note in warnings_of(TWO_PHOTON.updated(overrides)))
