"""The ring background: its weights, and what follows from it without building it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, sparse

from pipeline.engines.builtin.cnmfe.ring import (
    RingBackground,
    enlarged,
    fit_weights,
    reduced,
    ring_offsets,
    strong_courses,
)

FIELD = (21, 26)


def some_ring(ssub: int) -> RingBackground:
    rng = np.random.default_rng(1)
    n_small = -(-FIELD[0] // ssub) * -(-FIELD[1] // ssub)
    weights = sparse.random_array((n_small, n_small), density=0.05, format="csr", rng=rng, dtype=np.float32)
    return RingBackground(FIELD, ssub, sparse.csr_array(weights), rng.random(FIELD[0] * FIELD[1], np.float32))


@pytest.mark.parametrize("ssub", [1, 2, 3])
def test_matrices_and_frames_are_reduced_and_enlarged_in_the_same_way(ssub: int) -> None:
    ring = some_ring(ssub)
    frames = np.random.default_rng(0).random((3, *FIELD), np.float32)
    small = reduced(frames, ssub)
    assert small.shape[1:] == ring.small_shape
    np.testing.assert_allclose(ring.down @ frames.reshape(3, -1).T, small.reshape(3, -1).T, atol=1e-5)
    np.testing.assert_allclose(
        ring.up @ small.reshape(3, -1).T, enlarged(small, ssub, FIELD).reshape(3, -1).T, atol=1e-5
    )


@pytest.mark.parametrize("ssub", [1, 2, 3])
def test_footprints_see_frames_without_background_as_if_it_had_been_subtracted(ssub: int) -> None:
    ring = some_ring(ssub)
    rng = np.random.default_rng(0)
    frames = rng.random((3, *FIELD), np.float32)
    footprints = sparse.csr_array(sparse.random_array((4, FIELD[0] * FIELD[1]), density=0.1, rng=rng, dtype=np.float32))
    subtracted = footprints @ ring.subtract(frames).reshape(3, -1).T
    seen = ring.seen_through(footprints) @ (frames.reshape(3, -1) - ring.offset).T
    np.testing.assert_allclose(seen, subtracted, rtol=1e-4, atol=1e-4)


def test_a_ring_is_round_and_has_no_pixel_near_its_middle() -> None:
    steps = ring_offsets(4)
    distance = np.hypot(*steps.T)
    assert distance.min() > 4
    assert distance.max() <= 5
    assert {(-y, x) for y, x in steps.tolist()} == set(map(tuple, steps.tolist()))


def smooth_background(rng: np.random.Generator, n_frames: int) -> np.ndarray:
    images = ndimage.gaussian_filter(rng.standard_normal((3, *FIELD)), (0, 6, 6)) * 600
    courses = ndimage.gaussian_filter1d(rng.standard_normal((n_frames, 3)), 5, axis=0)
    return (courses @ images.reshape(3, -1)).reshape(n_frames, *FIELD).astype(np.float32)


def test_rings_predict_the_background_and_not_the_cell_in_their_middle() -> None:
    rng = np.random.default_rng(0)
    background = smooth_background(rng, 400)
    noise = rng.standard_normal(background.shape).astype(np.float32)
    cell = np.zeros(FIELD, np.float32)
    cell[8:13, 11:16] = 1
    active = (rng.random(400) < 0.05).astype(np.float32) * 8
    movie = background + noise + active[:, None, None] * cell
    courses = strong_courses(movie - movie.mean(axis=0), np.ones(FIELD, np.float32), 6)
    ring = RingBackground(
        FIELD,
        1,
        fit_weights(courses, 6, np.full(FIELD, 0.05 * 400, np.float32)),
        movie.mean(axis=0).astype(np.float32).ravel(),
    )
    left = ring.subtract(movie)[:, 8:13, 11:16].mean(axis=(1, 2))
    before = np.corrcoef(movie[:, 8:13, 11:16].mean(axis=(1, 2)), active)[0, 1]
    assert np.corrcoef(left, active)[0, 1] > 0.98 > 0.9 > before


def test_noise_alone_has_no_strong_courses() -> None:
    noise = np.random.default_rng(0).standard_normal((200, *FIELD)).astype(np.float32)
    assert len(strong_courses(noise, np.ones(FIELD, np.float32), 6)) == 0


def test_dead_pixels_and_an_empty_movie_get_weights_of_zero() -> None:
    courses = smooth_background(np.random.default_rng(0), 30)
    courses[:, :, 7] = 0
    weights = fit_weights(courses, 4, np.zeros(FIELD, np.float32))
    assert np.isfinite(weights.data).all()
    dead = np.arange(7, FIELD[0] * FIELD[1], FIELD[1])
    assert abs(weights[:, dead]).max() == 0
    assert abs(weights[dead]).max() == 0
    assert abs(fit_weights(np.zeros((0, *FIELD), np.float32), 4, np.ones(FIELD, np.float32))).max() == 0
