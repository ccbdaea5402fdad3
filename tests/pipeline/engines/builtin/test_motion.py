"""Motion correction, rigid and piecewise-rigid: right to a tenth of a pixel, and bounded by what was allowed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nwb_schema.movie_file import MovieFile
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.engines.builtin.motion import (
    Registration,
    correct_motion,
    registered_dtype,
    shift_frame,
    to_dtype,
    write_registered,
)
from pipeline.engines.builtin.shifts import ShiftEstimator, inside
from pipeline.engines.builtin.warp import Grid, sources, warp_frame
from pipeline.parameters import Parameters
from pipeline.parameters.groups import Motion
from pipeline.progress import Cancelled
from pipeline.simulate import Simulation, simulate_movie
from tests.pipeline.array_movie import ArrayMovie


def ignore(_: float) -> None:
    pass


def rms_after_offset(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    difference = found + truth  # the truth is where the content went, `found` is what brings it back
    return np.sqrt(((difference - difference.mean(axis=0)) ** 2).mean(axis=0))


@pytest.fixture(scope="module")
def two_photon() -> Simulation:
    return simulate_movie("2p", n_frames=300, height=72, width=96, n_cells=12, seed=1)


def test_two_photon_shifts_are_right_to_a_tenth_of_a_pixel(two_photon: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(two_photon.frames)
    shifts = correct_motion(movie, Motion(), tmp_path / "m.h5", ignore).shifts
    assert shifts.shape == (300, 2)
    assert (rms_after_offset(shifts, two_photon.shifts) < 0.1).all()
    assert two_photon.shifts.std() > 0.9
    with MovieFile(tmp_path / "m.h5") as registered:
        assert registered.shape == two_photon.frames.shape
        assert registered.dtype == np.uint16
        assert registered.rate_hz == 15.0
        still = registered.read(0, 300)
    # Registered, a pixel holds the same tissue all the time: the mean image has its edges.
    assert np.diff(still.mean(axis=0)).var() > 1.3 * np.diff(two_photon.frames.mean(axis=0)).var()


def test_one_photon_shifts_need_the_high_pass_filter(tmp_path: Path) -> None:
    simulation = simulate_movie("1p", n_frames=200, height=72, width=96, n_cells=12, seed=2)
    shifts = correct_motion(ArrayMovie(simulation.frames), Motion(gSig_filt=(3, 3)), tmp_path / "m.h5", ignore).shifts
    assert (rms_after_offset(shifts, simulation.shifts) < 0.15).all()


@pytest.mark.parametrize("shape", [(48, 65), (51, 40)])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (2.3, -3.7), (-4.1, 1.6)])
def test_a_shifted_image_is_brought_back(shape: tuple[int, int], shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(3)
    big = np.repeat(np.repeat(rng.random((20, 20)), 5, 0), 5, 1).astype(np.float32) * 100
    image = shift_frame(big, (0.5, 0.5), "copy")[20 : 20 + shape[0], 20 : 20 + shape[1]]
    moved = shift_frame(big, (0.5 + shift[0], 0.5 + shift[1]), "copy")[20 : 20 + shape[0], 20 : 20 + shape[1]]
    found = ShiftEstimator(image, (6, 6))(moved)
    np.testing.assert_allclose(found, (-shift[0], -shift[1]), atol=0.1001)


def test_no_shift_is_larger_than_allowed() -> None:
    rng = np.random.default_rng(4)
    template = rng.random((40, 56)).astype(np.float32)
    estimator = ShiftEstimator(template, (2, 3))
    found = np.array([estimator(rng.random((40, 56))) for _ in range(30)])
    assert (np.abs(found) <= (2, 3)).all()


def test_a_constant_movie_does_not_move(tmp_path: Path) -> None:
    movie = ArrayMovie(np.full((40, 20, 31), 9, np.int16))
    shifts = correct_motion(movie, Motion(), tmp_path / "m.h5", ignore).shifts
    assert not shifts.any()
    with MovieFile(tmp_path / "m.h5") as registered:
        assert (registered.read(0, 40) == 9).all()


def test_without_correction_the_movie_is_copied(two_photon: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(two_photon.frames[:60])
    shifts = correct_motion(movie, Motion(motion_correct=False), tmp_path / "m.h5", ignore).shifts
    assert not shifts.any()
    with MovieFile(tmp_path / "m.h5") as registered:
        np.testing.assert_array_equal(registered.read(0, 60), two_photon.frames[:60])


@pytest.mark.parametrize(
    ("border", "expected"),
    [("copy", 3.0), ("min", 0.0), (False, 0.0), (True, np.nan)],
    ids=["copy", "min", "no", "nan"],
)
def test_borders_are_filled_as_asked(border: bool | str, expected: float) -> None:
    image = np.tile(np.arange(10, dtype=np.float32), (8, 1)) + np.float32(3)
    image[4, 5] = 0  # the minimum
    moved = shift_frame(image, (0.0, 2.0), border)
    np.testing.assert_array_equal(moved[0, :2], [expected, expected])
    assert moved[0, 2] == 3
    assert inside(10, 2.0) == slice(2, 10)
    assert inside(10, -1.5) == slice(0, 8)


def test_nan_borders_are_stored_as_float(two_photon: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(two_photon.frames[:60])
    correct_motion(movie, Motion(border_nan=True), tmp_path / "m.h5", ignore)
    with MovieFile(tmp_path / "m.h5") as registered:
        assert registered.dtype == np.float32
        assert np.isnan(registered.read(0, 60)).any()


@pytest.mark.parametrize("border", ["copy", True], ids=["copy", "nan"])
def test_known_shifts_make_the_same_movie_again(two_photon: Simulation, tmp_path: Path, border: bool | str) -> None:
    movie = ArrayMovie(two_photon.frames[:60])
    params = Motion(border_nan=border)
    shifts = correct_motion(movie, params, tmp_path / "first.h5", ignore).shifts
    written = write_registered(movie, params, tmp_path / "again.h5", lambda number, _: shifts[number], ignore).shifts
    np.testing.assert_array_equal(written, shifts)
    with MovieFile(tmp_path / "first.h5") as first, MovieFile(tmp_path / "again.h5") as again:
        assert again.dtype == first.dtype
        np.testing.assert_array_equal(again.read(0, 60), first.read(0, 60))


def test_eight_bit_movies_do_not_wrap_round(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    base = (np.kron(rng.integers(0, 2, (8, 10)), np.ones((6, 6))) * 255).astype(np.uint8)
    frames = np.stack([np.roll(base, (k % 3, 0), (0, 1)) for k in range(45)])
    correct_motion(ArrayMovie(frames), Motion(), tmp_path / "m.h5", ignore)
    with MovieFile(tmp_path / "m.h5") as registered:
        inner = registered.read(0, 45)[:, 8:-8, 8:-8].astype(int)
    assert np.abs(inner - np.median(inner, axis=0)).max() < 60  # wrapped overshoot would be off by 255


@pytest.mark.parametrize(
    ("raw", "stored"), [("<u2", "uint16"), (">i2", "int16"), ("u4", "uint32"), ("i8", "float32"), ("f8", "float32")]
)
def test_integers_keep_their_type_where_it_fits(raw: str, stored: str) -> None:
    dtype = registered_dtype(np.dtype(raw), Motion())
    assert dtype == np.dtype(stored)
    assert dtype.isnative
    if dtype.kind in "iu":
        beyond = np.array([[-1e12, 1e12]], np.float32)
        assert to_dtype(beyond, dtype).tolist() == [[np.iinfo(dtype).min, np.iinfo(dtype).max]]


def test_cancelling_removes_the_file(two_photon: Simulation, tmp_path: Path) -> None:
    def stop(done: float) -> None:
        if done > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        correct_motion(ArrayMovie(two_photon.frames), Motion(), tmp_path / "m.h5", stop)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def bending() -> Simulation:
    return simulate_movie("2p", n_frames=240, height=144, width=176, n_cells=40, seed=7, warp_px=0.6)


def field_error(registration: Registration, simulation: Simulation) -> np.ndarray:
    """``(n, 2, height, width)``: found minus true shift of every pixel, in every fourth frame.

    The template's place, which is arbitrary for each pixel by itself, is taken out.
    """
    _, height, width = simulation.frames.shape
    errors = []
    for number in range(0, len(simulation.frames), 4):
        if registration.grid is None or registration.patch_shifts is None:
            found = registration.shifts[number][:, None, None]
        else:
            y, x = sources(registration.patch_shifts[number], registration.grid.on_axes(height, width))
            found = np.stack([np.arange(height)[:, None] - y, np.arange(width) - x])
        errors.append(found + simulation.displacement(number))
    return np.array(errors) - np.mean(errors, axis=0)


def likeness(path: Path, n_frames: int) -> tuple[float, float]:
    """Crispness of the mean image (norm of its gradients), and mean correlation of frames with it."""
    with MovieFile(path) as file:
        frames = file.read(0, n_frames).astype(np.float32)[:, 10:-10, 10:-10]
    mean = frames.mean(axis=0)
    crispness = float(np.linalg.norm(np.gradient(mean)))
    return crispness, float(np.mean([np.corrcoef(frame.ravel(), mean.ravel())[0, 1] for frame in frames]))


def test_patches_follow_tissue_that_bends(bending: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(bending.frames)
    rigid = correct_motion(movie, Motion(), tmp_path / "rigid.h5", ignore)
    patches = correct_motion(movie, Motion(pw_rigid=True), tmp_path / "patches.h5", ignore)
    assert patches.patch_shifts is not None
    assert patches.patch_shifts.shape == (240, 3, 4, 2)  # patches of 72, no more than 48 pixels apart
    error = field_error(patches, bending)
    assert np.sqrt((error**2).mean(axis=(0, 2, 3))).max() < 0.12
    assert np.sqrt((error[..., 12:-12, 12:-12] ** 2).mean(axis=(0, 2, 3))).max() < 0.1
    assert np.sqrt((field_error(rigid, bending) ** 2).mean()) > 0.4
    (blurred, alike), (crisp, more_alike) = (likeness(tmp_path / f"{name}.h5", 240) for name in ("rigid", "patches"))
    assert crisp > 1.03 * blurred
    assert more_alike > alike + 0.01


def test_patches_of_tissue_that_does_not_bend_stay_together(two_photon: Simulation, tmp_path: Path) -> None:
    found = correct_motion(
        ArrayMovie(two_photon.frames), Motion(pw_rigid=True, strides=32, overlaps=16), tmp_path / "m.h5", ignore
    )
    assert found.patch_shifts is not None
    assert found.patch_shifts.shape == (300, 2, 3, 2)
    for row in range(2):
        for column in range(3):
            assert (rms_after_offset(found.patch_shifts[:, row, column], two_photon.shifts) < 0.15).all()


def test_patches_of_one_photon_movies_are_found_in_filtered_frames(tmp_path: Path) -> None:
    simulation = simulate_movie("1p", n_frames=160, height=96, width=120, n_cells=24, seed=2, warp_px=0.5)
    movie = ArrayMovie(simulation.frames)
    errors = {}
    for name, params in (
        ("rigid", Motion(gSig_filt=(3, 3))),
        ("patches", Motion(gSig_filt=(3, 3), pw_rigid=True, strides=36, overlaps=24)),
    ):
        errors[name] = field_error(correct_motion(movie, params, tmp_path / f"{name}.h5", ignore), simulation)
    rms = {name: np.sqrt((error**2).mean()) for name, error in errors.items()}
    assert rms["patches"] < 0.2 < 0.4 < rms["rigid"]


def test_no_patch_goes_farther_than_allowed(bending: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(bending.frames[:60])
    for allowed in (0, 1):
        params = Motion(pw_rigid=True, max_deviation_rigid=allowed)
        found = correct_motion(movie, params, tmp_path / f"{allowed}.h5", ignore)
        assert found.patch_shifts is not None
        apart = np.abs(found.patch_shifts - found.shifts[:, None, None])
        assert apart.max() <= allowed + 1e-5
    assert apart.max() > 0.5


def test_a_field_that_is_one_patch_wide_is_cut_along_the_other_axis(bending: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(np.ascontiguousarray(bending.frames[:, :60]))
    found = correct_motion(movie, Motion(pw_rigid=True), tmp_path / "m.h5", ignore)
    assert found.grid is not None
    assert found.grid.rows.tolist() == [29.5]
    assert found.grid.columns.tolist() == [35.5, 70.5, 104.5, 139.5]


@pytest.mark.parametrize("params", [Motion(pw_rigid=True, strides=16, overlaps=8), Motion(pw_rigid=True)])
def test_a_constant_movie_has_no_patches_that_move(params: Motion, tmp_path: Path) -> None:
    frames = np.full((40, 50, 90), 9, np.int16)
    found = correct_motion(ArrayMovie(frames), params, tmp_path / "m.h5", ignore)
    assert found.patch_shifts is not None
    assert not found.patch_shifts.any()
    with MovieFile(tmp_path / "m.h5") as registered:
        np.testing.assert_array_equal(registered.read(0, 40), frames)


@pytest.mark.parametrize("border", ["copy", "min", False, True])
def test_borders_of_warped_frames_are_filled_as_asked(border: bool | str) -> None:
    grid = Grid(np.array([4, 12], np.float32), np.array([5, 15, 24], np.float32))
    image = np.random.default_rng(0).random((18, 31)).astype(np.float32) + 5
    shifts = np.zeros((2, 3, 2), np.float32)
    shifts[..., 0], shifts[..., 1] = 1.0, -2.0
    moved = warp_frame(image, shifts, grid, border)
    np.testing.assert_allclose(moved[1:, :-2], image[:-1, 2:], rtol=1e-5)
    if border == "copy":
        np.testing.assert_allclose(moved[0, :-2], image[0, 2:], rtol=1e-5)
        np.testing.assert_allclose(moved[1:, -1], image[:-1, -1], rtol=1e-5)
    else:
        fill = {"min": image.min(), False: 0.0, True: np.nan}[border]
        np.testing.assert_array_equal(moved[0], np.full(31, fill, np.float32))
        np.testing.assert_array_equal(moved[:, -2:], np.full((18, 2), fill, np.float32))


def test_one_shift_for_all_places_moves_the_frame_as_a_whole() -> None:
    grid = Grid(np.array([6, 20, 28], np.float32), np.array([9, 30], np.float32))
    image = np.random.default_rng(1).random((34, 41)).astype(np.float32)
    shifts = np.broadcast_to(np.array([1.3, -2.6], np.float32), (3, 2, 2))
    whole = shift_frame(image, (1.3, -2.6), "copy")
    np.testing.assert_allclose(warp_frame(image, shifts, grid, "copy")[4:-4, 4:-4], whole[4:-4, 4:-4], atol=1e-5)


def test_between_places_shifts_follow_straight_lines() -> None:
    grid = Grid(np.array([10, 30], np.float32), np.array([8, 16, 40], np.float32))
    shifts = np.zeros((2, 3, 2), np.float32)
    shifts[..., 0] = [[0, 1, 4], [2, 3, 6]]  # 0.1 px a row, 0.125 px a column
    y, x = sources(shifts, grid.on_axes(41, 51))
    np.testing.assert_array_equal(x, np.broadcast_to(np.arange(51), (41, 51)))
    np.testing.assert_allclose(np.arange(41) - y[:, 8], np.arange(41) * 0.1 - 1, atol=1e-5)
    np.testing.assert_allclose((np.arange(41)[:, None] - y)[10], (np.arange(51) - 8.0) / 8, atol=1e-5)


def test_results_stay_finite_with_nan_borders(bending: Simulation, tmp_path: Path) -> None:
    params = Parameters.preset("2p").updated({"border_nan": True, "pw_rigid": True})
    found = BuiltinEngine().run(ArrayMovie(bending.frames), params, tmp_path, lambda stage, fraction: None)
    with MovieFile(found.registered_movie) as registered:
        assert registered.dtype == np.float32
        assert np.isnan(registered.read(0, 240)).any()
    with h5py.File(found.results) as file:
        assert file["estimates/C"].shape[0] > 10
        for name in ("C", "S", "YrA", "A/data", "b", "f", "sn", "SNR_comp", "r_values"):
            assert np.isfinite(file["estimates"][name][:]).all(), name
        assert file["fluorite/patch_shifts"].shape == (240, 3, 4, 2)
        np.testing.assert_array_equal(file["fluorite/patch_columns"][:], [35.5, 70.5, 104.5, 139.5])
    assert any("3 x 4 patches" in note for note in found.notes)


def test_known_shifts_of_patches_make_the_same_movie_again(bending: Simulation, tmp_path: Path) -> None:
    movie = ArrayMovie(bending.frames[:60])
    params = Motion(pw_rigid=True, border_nan="min")
    first = correct_motion(movie, params, tmp_path / "first.h5", ignore)
    grid, patch_shifts = first.grid, first.patch_shifts
    assert grid is not None
    assert patch_shifts is not None
    again = write_registered(
        movie,
        params,
        tmp_path / "again.h5",
        lambda number, _: first.shifts[number],
        ignore,
        patches=(grid, lambda number, _, rigid: patch_shifts[number]),
    )
    np.testing.assert_array_equal(again.checksums, first.checksums)
