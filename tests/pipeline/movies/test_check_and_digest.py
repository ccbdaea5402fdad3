"""The checks before processing, and the fingerprint of the files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MovieError
from pipeline.movies import check, open_movie
from pipeline.movies.check import check_movie
from pipeline.movies.digest import movie_sha256
from tests.pipeline.array_movie import ArrayMovie


@pytest.fixture
def save(tmp_path):
    def write(frames, name="movie.tif"):
        tifffile.imwrite(tmp_path / name, frames, photometric="minisblack", metadata={"axes": "TYX", "fps": 10})
        return tmp_path / name

    return write


def test_a_movie_that_is_too_short_is_refused(save, frames, says):
    path = save(frames[:1])
    with open_movie(path) as movie, pytest.raises(MovieError) as raised:
        check_movie(movie, minimum_frames=2)
    says(raised, path, "1 frame,", "at least 2")


@pytest.mark.parametrize("block_bytes", [1, 64 << 20])
def test_nan_and_infinity_are_counted_and_the_first_frame_named(save, make_frames, says, monkeypatch, block_bytes):
    monkeypatch.setattr(check, "_BLOCK_BYTES", block_bytes)
    frames = make_frames(dtype=np.float32)
    frames[4, 3, 5] = np.nan
    frames[9, 0, :2] = [np.inf, -np.inf]
    path = save(frames)
    with open_movie(path) as movie:
        with pytest.raises(MovieError) as raised:
            check_movie(movie, minimum_frames=2)
        says(raised, path, "3 pixels in 2 frames", "first in frame 4")
        check_movie(movie, minimum_frames=2, allow_non_finite=True)


@pytest.mark.parametrize(
    ("dtype", "beyond"),
    [("f8", 1.7e308), ("f8", -1e39), ("f4", 2e19), ("u8", 2**64 - 1), ("i8", -(2**63))],
)
@pytest.mark.parametrize("block_bytes", [1, 64 << 20])
def test_pixels_too_large_for_float32_are_counted_and_the_first_frame_named(
    make_frames, says, monkeypatch, block_bytes, dtype, beyond
):
    monkeypatch.setattr(check, "_BLOCK_BYTES", block_bytes)
    frames = make_frames(dtype=dtype)
    frames[5, 3, 7] = beyond
    frames[8, :2, 0] = beyond
    movie = ArrayMovie(frames)
    for allowed in (False, True):
        with pytest.raises(MovieError) as raised:
            check_movie(movie, minimum_frames=2, allow_non_finite=allowed)
        says(raised, movie.paths[0], "3 pixels in 2 frames are beyond 1e+15", "first in frame 5")


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8", "u8"])
def test_the_largest_brightness_that_can_be_computed_with_passes(make_frames, dtype):
    frames = make_frames(dtype=dtype)
    frames[3, 2, 1] = 65000 if dtype == "f2" else 10**14
    check_movie(ArrayMovie(frames), minimum_frames=2)


def test_a_good_movie_passes_and_integers_are_not_even_read(save, frames, make_frames, monkeypatch):
    with open_movie(save(make_frames(dtype=np.float32))) as movie:
        check_movie(movie, minimum_frames=12)
    with open_movie(save(frames, "whole.tif")) as movie:
        monkeypatch.setattr(movie, "read", None)
        check_movie(movie, minimum_frames=12)


def test_the_digest_is_over_the_bytes_of_all_files_in_order(save, frames):
    one, two = save(frames, "one.tif"), save(frames[::-1], "two.tif")
    expected = hashlib.sha256(one.read_bytes() + two.read_bytes()).hexdigest()
    with open_movie([one, two]) as movie:
        assert movie_sha256(movie) == expected
    with open_movie([two, one]) as movie:
        assert movie_sha256(movie) != expected
        one.unlink()
        with pytest.raises(MovieError, match=r"one\.tif"):
            movie_sha256(movie)
