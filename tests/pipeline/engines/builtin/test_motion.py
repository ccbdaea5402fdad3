"""Rigid motion correction: shifts to a tenth of a pixel, borders as asked for, bounded by what was allowed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nwb_schema.movie_file import MovieFile
from pipeline.engines.builtin.motion import (
    correct_motion,
    inside,
    registered_dtype,
    shift_frame,
    to_dtype,
    write_registered,
)
from pipeline.engines.builtin.shifts import ShiftEstimator
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
