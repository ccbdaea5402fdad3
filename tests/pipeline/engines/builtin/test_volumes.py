"""The built-in engine on volumes that are no cubes: what it finds, what moves, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.optimize import linear_sum_assignment

from nwb_schema.errors import MovieError, ParameterError
from nwb_schema.movie_file import MovieFile
from pipeline.engines.builtin.checks import warnings_of
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.smoothing import MOST_CHANNELS, blurred, noise_gain
from pipeline.engines.builtin.volume_shifts import VolumeShiftEstimator, shift_volume
from pipeline.engines.engine import EngineResult
from pipeline.parameters import Parameters, parameter_table
from pipeline.progress import Cancelled
from pipeline.results import read_results, read_shifts
from pipeline.simulate import Simulation
from pipeline.simulate_volumes import simulate_volumes
from tests.pipeline.array_movie import ArrayMovie

HEIGHT, WIDTH, DEPTH, N_FRAMES = 30, 40, 8, 240
VOLUMES = Parameters.preset("3d")


def ignore(*_: Any) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate_volumes(
        n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, depth=DEPTH, n_cells=7, radius_px=4.0, motion_px=0.8, seed=3
    )


@pytest.fixture(scope="module")
def result(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    folder = tmp_path_factory.mktemp("volumes")
    return BuiltinEngine().run(ArrayMovie(simulation.frames), VOLUMES, folder, ignore)


def test_cells_of_a_volume_are_found_with_their_traces(simulation: Simulation, result: EngineResult) -> None:
    found = read_results(result.results)
    assert found.shape == (HEIGHT, WIDTH, DEPTH)
    kept = found.footprints.toarray()[found.accepted]
    truth = simulation.footprints.reshape(len(simulation.footprints), -1)
    a, b = ((images >= 0.2 * images.max(axis=1, keepdims=True)).astype(float) for images in (truth, kept))
    both = a @ b.T
    distance = 1 - both / (a.sum(1)[:, None] + b.sum(1) - both)
    rows, columns = linear_sum_assignment(distance)
    good = distance[rows, columns] < 0.5
    assert good.sum() >= len(truth) - 1
    assert len(kept) <= len(truth) + 1
    traces = found.denoised[found.accepted]
    for row, column in zip(rows[good], columns[good], strict=True):
        assert np.corrcoef(simulation.traces[row], traces[column])[0, 1] > 0.95


def test_motion_along_all_three_axes_is_found(simulation: Simulation, result: EngineResult) -> None:
    error = result.shifts + simulation.shifts
    rms = np.sqrt(((error - error.mean(axis=0)) ** 2).mean(axis=0))
    assert (rms < 0.15).all()
    assert (rms < 0.4 * simulation.shifts.std(axis=0)).all()


def test_the_registered_movie_and_the_images_are_volumes(simulation: Simulation, result: EngineResult) -> None:
    with MovieFile(result.registered_movie) as movie:
        assert movie.shape == simulation.frames.shape
        registered = movie.read(0, N_FRAMES).astype(float)
    np.testing.assert_allclose(result.summary_images["mean"], registered.mean(axis=0), rtol=1e-4)
    found = read_results(result.results)
    assert np.array_equal(read_shifts(result.results), result.shifts)
    assert {name: image.shape for name, image in found.images.items()} == dict.fromkeys(
        ("mean", "max", "std", "correlation", "pnr"), (HEIGHT, WIDTH)
    )
    assert np.array_equal(found.images["mean"], result.summary_images["mean"].max(axis=2))
    assert np.array_equal(found.plane_images["mean"], result.summary_images["mean"])
    assert sorted(found.plane_images) == ["correlation", "mean"]


def test_the_results_file_numbers_voxels_as_caiman_does(result: EngineResult) -> None:
    found = read_results(result.results)
    with h5py.File(result.results) as file:
        assert tuple(file["dims"][:]) == tuple(file["params/data/dims"][:]) == (HEIGHT, WIDTH, DEPTH)
        parts = tuple(file[f"estimates/A/{name}"][:] for name in ("data", "indices", "indptr"))
        columns = sparse.csc_array(parts, shape=tuple(file["estimates/A/shape"][:])).toarray()
        centres = file["estimates/center"][:]
        assert file["estimates/Cn"].shape == (HEIGHT, WIDTH, DEPTH)
        background = file["estimates/b"][:]
    for column, row, centre in zip(columns.T, found.footprints.toarray(), centres, strict=True):
        volume = row.reshape(HEIGHT, WIDTH, DEPTH)
        np.testing.assert_allclose(column, volume.ravel(order="F"), rtol=1e-6)
        np.testing.assert_allclose(centre, ndimage.center_of_mass(volume), rtol=1e-4)
    expected = found.background_footprints[0].reshape(HEIGHT, WIDTH, DEPTH).ravel(order="F")
    np.testing.assert_allclose(background[:, 0], expected, rtol=1e-6)


def smooth_volume(shape: tuple[int, int, int] = (36, 44, 14)) -> np.ndarray:
    noise = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal(shape), (2, 2, 1.2), mode="wrap")
    return (100 + 40 * noise / noise.std()).astype(np.float32)


@pytest.mark.parametrize("shift", [(1.3, -2.4, 0.6), (-3.0, 0.0, -1.5), (0.0, 0.2, 0.0)])
def test_a_known_shift_is_found_and_undone(shift: tuple[float, float, float]) -> None:
    volume = smooth_volume()
    displaced = ndimage.shift(volume, shift, order=5, mode="grid-wrap")
    found = VolumeShiftEstimator(volume, (4, 4, 2))(displaced)
    np.testing.assert_allclose(found, -np.array(shift), atol=0.1)
    inner = (slice(5, -5), slice(5, -5), slice(3, -3))
    back = shift_volume(displaced, tuple(-part for part in shift), "copy")
    assert np.abs(back - volume)[inner].mean() < 2


def test_shifts_keep_their_limits_and_an_even_volume_does_not_move() -> None:
    volume = smooth_volume()
    far = ndimage.shift(volume, (5, -5, 3), order=1, mode="grid-wrap")
    assert (np.abs(VolumeShiftEstimator(volume, (2, 3, 1))(far)) <= (2, 3, 1)).all()
    even = np.full((20, 24, 6), 7, np.float32)
    assert VolumeShiftEstimator(even, (4, 4, 2))(even) == (0, 0, 0)


@pytest.mark.parametrize(("border", "fill"), [("min", 11.0), (False, 0.0), (True, np.nan)])
def test_what_a_shift_uncovers_is_filled(border: bool | str, fill: float) -> None:
    volume = np.random.default_rng(1).uniform(11, 99, (9, 12, 6)).astype(np.float32)
    volume[4, 4, 3] = 11
    moved = shift_volume(volume, (2.0, -1.0, 1.0), border)
    expected = np.full_like(volume, fill)
    expected[2:, :-1, 1:] = volume[:-2, 1:, :-1]
    np.testing.assert_allclose(moved, expected, rtol=1e-5)
    assert np.array_equal(shift_volume(volume, (0.0, 0.0, 0.0), border), volume)


def test_the_blur_equals_scipys_and_keeps_white_noise_white_in_every_plane() -> None:
    rng = np.random.default_rng(2)
    sigma = (1.5, 2.0, 0.8)
    volume = rng.standard_normal((24, 31, 7)).astype(np.float32)
    expected = ndimage.gaussian_filter(volume, sigma, mode="reflect")
    np.testing.assert_allclose(blurred(volume, sigma)[8:-8, 8:-8], expected[8:-8, 8:-8], atol=5e-3)
    noise = rng.standard_normal((160, 200, 7)).astype(np.float32)
    spread = (blurred(noise, sigma) * noise_gain(sigma, noise.shape)).std(axis=(0, 1))
    np.testing.assert_allclose(spread, 1, atol=0.1)
    deep = rng.standard_normal((10, 12, MOST_CHANNELS + 3)).astype(np.float32)
    np.testing.assert_allclose(blurred(deep, sigma)[..., -1].shape, (10, 12))


def test_a_cell_cut_by_the_top_plane_is_one_and_a_dendrite_is_none() -> None:
    y, x, z = np.indices((30, 40, 6))
    ball = ((y - 14) / 4) ** 2 + ((x - 20) / 4) ** 2 + (z / 2) ** 2 <= 1
    dendrite = (abs(y - 14) <= 1) & (abs(x - 20) <= 12) & (z == 3)
    footprints = sparse.csr_array(np.stack([ball, dendrite]).reshape(2, -1).astype(float))
    assert cell_sized(footprints, (30, 40, 6), (4, 4, 2)).tolist() == [True, False]


def movie_like(*shape: int) -> ArrayMovie:
    return ArrayMovie(np.zeros(shape, np.uint16))


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ({"pw_rigid": True}, "motion.pw_rigid"),
        ({"gSig_filt": 3}, "motion.gSig_filt"),
        ({"method_init": "corr_pnr"}, "init.method_init"),
        ({"rf": 20}, "patch.rf"),
        ({"use_cnn": True}, "quality.use_cnn"),
        ({"gSig": [4, 4, 9]}, "init.gSig"),
        ({"gSig": [20, 4, 2]}, "init.gSig"),
        ({"border_pix": 20}, "patch.border_pix"),
    ],
)
def test_what_is_not_done_with_volumes_is_refused_before_any_work(overrides: dict[str, Any], name: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        BuiltinEngine().check(VOLUMES.updated(overrides), movie_like(120, HEIGHT, WIDTH, DEPTH))
    assert refusal.value.file == name
    assert refusal.value.remedy


def test_the_preset_is_taken_without_complaint() -> None:
    BuiltinEngine().check(VOLUMES, movie_like(120, HEIGHT, WIDTH, DEPTH))
    assert warnings_of(VOLUMES) == ()
    assert any("data.dxy" in note for note in warnings_of(VOLUMES.updated({"dxy": [1.0, 1.0, 5.0]})))


def test_a_number_for_every_axis_is_asked_for() -> None:
    for base, values, such in (
        (VOLUMES, [5, 5], "three numbers (y, x, z), such as [5, 5, 2]"),
        (Parameters.preset("2p"), [5, 5, 2], "two numbers (y, x), such as [5, 5]"),
    ):
        for name in ("gSig", "max_shifts"):
            with pytest.raises(ParameterError) as refusal:
                base.updated({name: values})
            assert such in refusal.value.cause
    with pytest.raises(ParameterError, match="expected two numbers"):
        VOLUMES.updated({"gSig": [4, 4, 2, 1]})


@pytest.mark.parametrize(
    ("preset", "shape", "says"),
    [
        ("3d", (120, 30, 40), "Use --preset 2p"),
        ("2p", (120, 30, 40, 8), "Use --preset 3d"),
        ("3d", (20, 30, 40, 8), "has 20 volumes; at least 100"),
        ("3d", (120, 30, 40, 2), "has 2 planes; at least 3"),
        ("3d", (120, 5, 40, 8), "is 5 x 40 pixels"),
    ],
)
def test_movies_that_do_not_fit_are_refused(preset: str, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises((MovieError, ParameterError)) as refusal:
        BuiltinEngine().check(Parameters.preset(preset), movie_like(*shape))
    assert says in str(refusal.value)


def test_a_volume_without_cells_ends_in_a_result(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).poisson(40, (120, 20, 26, 5)).astype(np.uint8)
    found = read_results(BuiltinEngine().run(ArrayMovie(noise), VOLUMES, tmp_path, ignore).results)
    assert found.n_rois == 0
    assert found.shape == (20, 26, 5)


@pytest.mark.parametrize("stage", ["motion correction", "summary images", "initialisation", "refinement"])
def test_a_cancel_leaves_nothing(simulation: Simulation, tmp_path: Path, stage: str) -> None:
    def cancel(now: str, fraction: float) -> None:
        if now == stage and fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        BuiltinEngine().run(ArrayMovie(simulation.frames), VOLUMES, tmp_path, cancel)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def small() -> Simulation:
    """Volumes in which every decision is a close one, so that every parameter matters."""
    return simulate_volumes(
        n_frames=150, height=26, width=32, depth=6, n_cells=5, radius_px=4.0, brightness=0.6, motion_px=0.7, seed=8
    )


@pytest.fixture(scope="module")
def usual(small: Simulation, tmp_path_factory: pytest.TempPathFactory) -> EngineResult:
    return BuiltinEngine().run(ArrayMovie(small.frames), VOLUMES, tmp_path_factory.mktemp("small"), ignore)


CHANGES: dict[str, Any] = {
    "motion_correct": False,
    "max_shifts": [1, 4, 2],
    "border_nan": "min",
    "niter_rig": 1,
    "K": 1,
    "gSig": [4, 4, 1],
    "gSiz": [4, 4, 2],
    "nb": 2,
    "rolling_sum": False,
    "rolling_length": 20,
    "tsub": 5,
    "normalize_init": False,
    "nrgthr": 0.9,
    "update_background_components": False,
    "refit": False,
    "only_init": True,
    "border_pix": 8,
}
# Traces and their judgement do not know how many axes a footprint has.
OF_TRACES = {
    "decay_time", "p", "bas_nonneg", "fudge_factor", "lags", "ITER", "do_merge", "merge_thr",
    "min_SNR", "SNR_lowest", "rval_thr", "rval_lowest",
}  # fmt: skip
# What is done with planes only (`check_parameters` refuses it), and what only means something together with that.
OF_PLANES = {
    "pw_rigid", "strides", "overlaps", "max_deviation_rigid", "gSig_filt", "method_init", "method_deconvolution",
    "min_corr", "min_pnr", "ssub_B", "ring_size_factor", "center_psf", "ssub", "rf", "stride", "nb_patch",
    "low_rank_background", "del_duplicates", "use_cnn", "min_cnn_thr", "cnn_lowest", "gSig_range",
}  # fmt: skip
# Where the recording is short, a parameter shows only together with another one.
TOGETHER_WITH: dict[str, dict[str, Any]] = {"rolling_sum": {"rolling_length": 10}, "only_init": {"refit": False}}


def test_every_honoured_parameter_is_tested_with_volumes_or_has_nothing_to_do_with_them() -> None:
    honoured = {row.name for row in parameter_table("3d") if "builtin" in row.honoured_by}
    assert honoured <= set(CHANGES) | OF_TRACES | OF_PLANES | {"is3D", "fr", "Ain"}  # Ain: test_start.py


@pytest.mark.parametrize("name", CHANGES)
def test_an_honoured_parameter_changes_the_result(
    name: str, small: Simulation, usual: EngineResult, tmp_path: Path
) -> None:
    movie, base = ArrayMovie(small.frames), VOLUMES.updated(TOGETHER_WITH.get(name, {}))
    changed = BuiltinEngine().run(movie, base.updated({name: CHANGES[name]}), tmp_path, ignore)
    if name in TOGETHER_WITH:
        (tmp_path / "usual").mkdir()
        usual = BuiltinEngine().run(movie, base, tmp_path / "usual", ignore)

    def content(result: EngineResult) -> list[np.ndarray]:
        with h5py.File(result.results) as file:
            return [file["estimates"][key][:] for key in ("C", "A/data", "SNR_comp", "Cn")]

    same = [np.array_equal(one, two) for one, two in zip(content(usual), content(changed), strict=True)]
    assert not all(same)
