from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nwb_schema.errors import MovieError
from pipeline.viewing.frames import MOST_AVERAGED, RunningSum, picture, view_contrast
from tests.pipeline.array_movie import ArrayMovie

N_FRAMES, HEIGHT, WIDTH, DEPTH = 9, 5, 7, 3


class Volumes(ArrayMovie):
    """A view: a movie with a path."""

    path = Path("volumes.h5")


def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 60_000, (N_FRAMES, HEIGHT, WIDTH)).astype(np.uint16)


@pytest.mark.parametrize(
    ("number", "mean", "window"), [(4, 3, (3, 6)), (4, 4, (3, 7)), (0, 5, (0, 3)), (8, 5, (6, 9)), (4, 61, (0, 9))]
)
def test_running_mean_is_of_the_frames_around(number: int, mean: int, window: tuple[int, int]) -> None:
    movie = frames()

    found = picture(Volumes(movie), number, mean=mean)

    np.testing.assert_allclose(found, movie[slice(*window)].mean(axis=0), rtol=1e-6)


def test_single_frame_is_what_is_stored() -> None:
    movie = frames()

    found = picture(Volumes(movie), 4)

    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, movie[4])


class Counted(Volumes):
    """Counts what is read."""

    n_read = 0

    def read(self, start: int, stop: int) -> np.ndarray:
        self.n_read += stop - start
        return super().read(start, stop)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32, np.uint32])
def test_playing_with_a_mean_gives_the_same_pictures_as_single_ones(dtype: type) -> None:
    movie = np.random.default_rng(0).integers(0, 32_000, (40, HEIGHT, WIDTH)).astype(dtype)
    view, kept = Counted(movie), RunningSum()

    # Nearly in order, as requests of a player arrive; then far away, and with another mean.
    for number, mean in [*((n, 9) for n in (0, 1, 3, 2, 4, 5, 7, 6, 8, 9, 10)), (35, 9), (36, 5), (38, 5), (39, 5)]:
        found = picture(view, number, mean=mean, kept=kept)
        start = max(0, number - (mean - 1) // 2)
        stop = number - (mean - 1) // 2 + mean
        np.testing.assert_allclose(found, movie[start:stop].mean(axis=0), rtol=1e-5)


def test_playing_with_a_mean_reads_two_frames_a_picture() -> None:
    view, kept = Counted(np.zeros((60, HEIGHT, WIDTH), np.uint16)), RunningSum()
    picture(view, 20, mean=15, kept=kept)
    view.n_read = 0

    for number in range(21, 41):
        picture(view, number, mean=15, kept=kept)

    assert view.n_read == 40


def test_unknown_pixels_do_not_count_in_a_mean() -> None:
    movie = frames().astype(np.float32)
    movie[3, :, 0] = np.nan
    movie[:, 0, :] = np.nan

    found = picture(Volumes(movie), 4, mean=3)

    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:, 0], movie[4:6, 1:, 0].mean(axis=0))
    np.testing.assert_allclose(found[1:, 1:], movie[3:6, 1:, 1:].mean(axis=0))


def test_volume_is_averaged_before_it_is_seen_from_above() -> None:
    movie = np.random.default_rng(0).random((N_FRAMES, HEIGHT, WIDTH, DEPTH)).astype(np.float32)

    np.testing.assert_allclose(picture(Volumes(movie), 4, mean=3), movie[3:6].mean(axis=0).max(axis=2))
    np.testing.assert_allclose(picture(Volumes(movie), 4, mean=3, plane=1), movie[3:6, ..., 1].mean(axis=0))


def test_levels_of_planes_come_from_all_of_them_without_whole_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    depth = 12
    volumes = np.empty((20, 30, 40, depth), np.uint16)
    volumes[:] = 10 * np.arange(depth) + np.random.default_rng(3).integers(0, 5, volumes.shape[1:])
    whole = view_contrast(Volumes(volumes), planes=True)

    monkeypatch.setattr("pipeline.viewing.frames._VALUES_OF_PLANES", 20_000)
    some = view_contrast(Volumes(volumes), planes=True)

    assert sum(some.counts) < 0.2 * sum(whole.counts)
    assert some.span == whole.span == (0, 114)
    assert some.auto == pytest.approx(whole.auto, abs=2)


@pytest.mark.parametrize(("number", "mean"), [(-1, 1), (N_FRAMES, 1), (0, 0), (0, MOST_AVERAGED + 1)])
def test_what_is_not_there_is_refused(number: int, mean: int) -> None:
    with pytest.raises(MovieError, match="frame"):
        picture(Volumes(frames()), number, mean=mean)


def test_means_have_less_noise_than_frames() -> None:
    movie = np.random.default_rng(0).normal(500, 30, (60, HEIGHT, WIDTH)).astype(np.float32)
    single, mean = view_contrast(Volumes(movie)), view_contrast(Volumes(movie), mean=15)

    assert mean.auto.high - mean.auto.low < 0.5 * (single.auto.high - single.auto.low)
