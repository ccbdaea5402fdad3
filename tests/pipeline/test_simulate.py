"""The simulator: deterministic, and true to what it says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from pipeline.movies import open_movie
from pipeline.simulate import simulate_movie, write_simulation, write_truth
from pipeline.simulate_volumes import simulate_volumes

SMALL = {"n_frames": 120, "height": 56, "width": 72, "n_cells": 5}


@pytest.mark.parametrize("kind", ["2p", "1p"])
def test_equal_seeds_give_equal_movies(kind: str) -> None:
    one, two = (simulate_movie(kind, seed=3, **SMALL) for _ in range(2))  # type: ignore[arg-type]
    other = simulate_movie(kind, seed=4, **SMALL)  # type: ignore[arg-type]
    np.testing.assert_array_equal(one.frames, two.frames)
    assert (one.frames != other.frames).any()


def test_shapes_and_types() -> None:
    simulation = simulate_movie("2p", seed=0, **SMALL)  # type: ignore[arg-type]
    assert simulation.frames.shape == (120, 56, 72)
    assert simulation.frames.dtype == np.uint16
    assert simulation.footprints.shape == (5, 56, 72)
    assert simulation.traces.shape == simulation.spikes.shape == (5, 120)
    assert simulation.shifts.shape == (120, 2)


def test_a_cell_that_does_not_move_shows_its_own_trace() -> None:
    simulation = simulate_movie("2p", seed=1, motion_px=0, n_frames=900, height=56, width=72, n_cells=4)
    assert not simulation.shifts.any()
    for own, footprint in enumerate(simulation.footprints):
        seen = simulation.frames[:, footprint > 0.6].mean(axis=1)
        agreement = [np.corrcoef(seen, trace)[0, 1] for trace in simulation.traces]
        assert agreement[own] > 0.5  # the rest is neuropil
        assert all(other < agreement[own] - 0.3 for number, other in enumerate(agreement) if number != own)


def test_shifts_say_where_the_content_went() -> None:
    simulation = simulate_movie("2p", seed=2, motion_px=2.0, **SMALL)  # type: ignore[arg-type]
    down, up = simulation.shifts[:, 0].argmax(), simulation.shifts[:, 0].argmin()
    step = round(float(simulation.shifts[down, 0] - simulation.shifts[up, 0]))
    side = round(float(simulation.shifts[down, 1] - simulation.shifts[up, 1]))
    assert step >= 3
    still = np.roll(simulation.frames[up].astype(float), (step, side), (0, 1))
    inner = (slice(16, -16), slice(16, -16))
    moved = simulation.frames[down].astype(float)
    with_shift = np.corrcoef(moved[inner].ravel(), still[inner].ravel())[0, 1]
    without = np.corrcoef(moved[inner].ravel(), simulation.frames[up][inner].ravel())[0, 1]
    assert with_shift > without + 0.1


def test_no_cells_and_no_room() -> None:
    assert simulate_movie("2p", n_frames=10, height=40, width=50, n_cells=0).footprints.shape == (0, 40, 50)
    with pytest.raises(ValueError, match="no room"):
        simulate_movie("2p", n_frames=10, height=9, width=50)


def test_written_movie_reads_back_with_its_side_car(tmp_path: Path) -> None:
    simulation = simulate_movie("1p", seed=5, **SMALL)  # type: ignore[arg-type]
    path = write_simulation(simulation, tmp_path / "movie.tif")
    with tifffile.TiffFile(path) as tiff:
        assert tiff.series[0].axes == "TYX"
        np.testing.assert_array_equal(tiff.asarray(), simulation.frames)
    assert json.loads(path.with_suffix(".json").read_text())["fps"] == 15.0
    with np.load(write_truth(simulation, tmp_path / "truth.npz")) as truth:
        np.testing.assert_array_equal(truth["A"], simulation.footprints)


def test_tissue_that_bends_is_where_the_simulation_says() -> None:
    simulation = simulate_movie("2p", seed=6, motion_px=1.0, warp_px=0.8, n_frames=200, height=80, width=104, n_cells=6)
    still = simulate_movie("2p", seed=6, motion_px=1.0, n_frames=2, height=80, width=104, n_cells=6)
    assert len(still.warp_modes) == 0
    np.testing.assert_array_equal(still.displacement(1)[0], np.full((80, 104), still.shifts[1, 0]))
    fields = np.array([simulation.displacement(t) for t in range(0, 200, 5)])
    apart = fields - simulation.shifts[::5, :, None, None]
    assert 0.5 < apart.std() < 1.1
    np.testing.assert_allclose(apart.mean(axis=(2, 3)), 0, atol=1e-3)
    # Brought back by what it says, the frames are alike; by the rigid part alone they are less so.
    rows, columns = np.mgrid[:80, :104].astype(np.float32)

    def alike(moves: np.ndarray) -> float:
        frames = simulation.frames[::5].astype(np.float32)
        back = [
            cv2.remap(frame, columns + move[1], rows + move[0], cv2.INTER_CUBIC)[8:-8, 8:-8]
            for frame, move in zip(frames, moves.astype(np.float32), strict=True)
        ]
        mean = np.mean(back, axis=0)
        return float(np.mean([np.corrcoef(one.ravel(), mean.ravel())[0, 1] for one in back]))

    whole = np.broadcast_to(simulation.shifts[::5, :, None, None], fields.shape)
    assert alike(fields) > alike(whole) + 0.01


def test_volumes_hold_what_they_say() -> None:
    simulation = simulate_volumes(n_frames=120, height=26, width=34, depth=9, n_cells=4, motion_px=0, seed=1)
    assert simulation.frames.shape == (120, 26, 34, 9)
    assert simulation.footprints.shape == (4, 26, 34, 9)
    assert np.array_equal(simulation.shifts, np.zeros((120, 3), np.float32))
    again = simulate_volumes(n_frames=120, height=26, width=34, depth=9, n_cells=4, motion_px=0, seed=1)
    assert np.array_equal(again.frames, simulation.frames)
    for footprint, trace in zip(simulation.footprints, simulation.traces, strict=True):
        inside = simulation.frames[:, footprint > 0.7].mean(axis=1)
        assert np.corrcoef(inside, trace)[0, 1] > 0.8
        y, x, z = np.nonzero(footprint > 0.5)
        assert np.ptp(z) < max(np.ptp(y), np.ptp(x))  # planes lie farther apart than pixels


def test_volumes_move_by_their_shifts() -> None:
    moving, still = (simulate_volumes(n_frames=40, depth=10, motion_px=motion, seed=2) for motion in (1.5, 0.0))
    assert moving.shifts.std(axis=0).argmin() == 2
    far = int(np.abs(moving.shifts[:, 0]).argmax())
    y, x, z = np.round(moving.shifts[far]).astype(int)
    expected = np.roll(still.frames.mean(axis=0), (y, x, z), (0, 1, 2))[6:-6, 6:-6, 3:-3]
    seen = moving.frames[far, 6:-6, 6:-6, 3:-3]
    unmoved = still.frames.mean(axis=0)[6:-6, 6:-6, 3:-3]
    assert np.corrcoef(seen.ravel(), expected.ravel())[0, 1] > np.corrcoef(seen.ravel(), unmoved.ravel())[0, 1] + 0.05


def test_volumes_go_through_a_tiff(tmp_path: Path) -> None:
    simulation = simulate_volumes(n_frames=5, height=22, width=30, depth=8, n_cells=2)
    with open_movie(write_simulation(simulation, tmp_path / "volumes.tif"), volume=True) as movie:
        assert movie.rate_hz == simulation.rate_hz
        assert np.array_equal(movie.read(0, 5), simulation.frames)


def test_a_volume_without_room_for_a_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        simulate_volumes(n_frames=10, depth=3)
