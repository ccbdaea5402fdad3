"""Crop and resize before processing: the right pixels, and the way back to the raw ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nwb_schema.errors import MovieError, ParameterError
from pipeline.movies.cropped import KEY, Crop, PreparedMovie, automatic_crop, field_of_raw, parse_crop, prepared
from pipeline.movies.movie import Movie
from tests.pipeline.array_movie import ArrayMovie


def noise(n_frames: int = 30, height: int = 44, width: int = 60, dtype: type = np.uint16) -> np.ndarray:
    return np.random.default_rng(4).integers(200, 900, (n_frames, height, width)).astype(dtype)


def test_a_crop_reads_its_rows_and_columns() -> None:
    frames = noise()
    movie = prepared(ArrayMovie(frames), "4:40, 10:50", None)
    assert isinstance(movie, Movie)
    assert (movie.shape, movie.dtype) == ((30, 36, 40), np.uint16)
    np.testing.assert_array_equal(movie.read(3, 7), frames[3:7, 4:40, 10:50])


def test_edges_may_be_left_out() -> None:
    assert parse_crop(":30,5:", 44, 60) == Crop(0, 30, 5, 60)


def test_resized_pixels_are_means_of_raw_ones_and_lie_where_the_field_says() -> None:
    frames = noise()
    movie = prepared(ArrayMovie(frames), "4:44,0:60", 0.5)
    assert movie.shape == (30, 20, 30)
    means = frames[:, 4:44].reshape(30, 20, 2, 30, 2).mean(axis=(2, 4))
    assert np.abs(movie.read(0, 30) - means).max() <= 0.5  # rounded to whole numbers
    field = field_of_raw(movie)
    assert field is not None
    # The middle of the first pixel is the middle of raw rows 4, 5 and columns 0, 1.
    assert field.to_raw(0, 0) == (4.5, 0.5)
    assert field.to_raw(19, 29) == (42.5, 58.5)
    assert field.to_json()["crop_y"] == [4, 44]
    assert "Rows 4 to 43" in field.note()
    assert "(4.5, 0.5) of the raw movie" in field.note()


def test_the_size_of_a_pixel_grows_with_it_and_the_metadata_say_what_was_done() -> None:
    raw = ArrayMovie(noise())
    raw.metadata = replace(raw.metadata, pixel_size_um=(1.5, 2.0), extra={"laser": "on"})
    movie = prepared(raw, None, 0.5)
    assert movie.metadata.pixel_size_um == (3.0, 4.0)
    assert movie.metadata.extra["laser"] == "on"
    assert movie.metadata.extra[KEY]["raw_pixels_per_pixel"] == [2.0, 2.0]


def test_planes_of_a_volume_are_treated_alike() -> None:
    frames = np.stack([noise(), noise() + 1000, noise() + 3000], axis=-1)
    movie = prepared(ArrayMovie(frames), "0:40,0:60", 0.5)
    assert movie.shape == (30, 20, 30, 3)
    values = movie.read(0, 2).astype(int)
    np.testing.assert_array_equal(values[..., 1] - values[..., 0], 1000)


def test_floats_stay_floats() -> None:
    movie = prepared(ArrayMovie(noise(dtype=np.float32)), None, 0.5)
    assert movie.read(0, 1).dtype == np.float32
    assert not np.array_equal(movie.read(0, 1), np.rint(movie.read(0, 1)))


def test_without_crop_and_resize_it_is_the_same_movie() -> None:
    raw = ArrayMovie(noise())
    assert prepared(raw, None, None) is raw
    assert prepared(raw, "0:44,0:60", 1.0) is raw
    assert prepared(raw, "auto", None) is raw
    assert field_of_raw(raw) is None


@pytest.mark.parametrize(
    ("crop", "resize", "cause"),
    [
        ("middle", None, "'middle' is no rectangle"),
        ("0:50,0:60", None, "is not inside frames of 44 x 60 pixels"),
        ("30:20,0:60", None, "is not inside"),
        ("0:10,0:60", None, "leaves 10 x 60 pixels, too few"),
        (None, 0.3, "leaves 13 x 18 pixels, too few"),
        (None, 1.5, "is not a factor"),
    ],
)
def test_what_leaves_nothing_is_refused(crop: str | None, resize: float | None, cause: str) -> None:
    with pytest.raises(ParameterError, match=cause):
        prepared(ArrayMovie(noise()), crop, resize)


def test_a_border_of_nan_is_left_out() -> None:
    frames = noise(dtype=np.float32)
    frames[7, :3] = np.nan  # in one frame that is looked at, at the top alone
    frames[:, :, 57:] = np.nan
    frames[:, 20, 30] = 500  # a pixel that never changes is no border
    assert automatic_crop(ArrayMovie(frames)) == Crop(3, 44, 0, 57)
    movie = PreparedMovie(ArrayMovie(frames), automatic_crop(ArrayMovie(frames)))
    assert np.isfinite(movie.read(0, 30)).all()


def test_a_border_that_never_changes_is_left_out() -> None:
    frames = noise()
    frames[:, :, :5] = np.arange(5)[None, None] + np.arange(44)[None, :, None]
    frames[:, 40:] = 0
    assert automatic_crop(ArrayMovie(frames)) == Crop(0, 40, 5, 60)


def test_a_border_that_an_earlier_motion_correction_filled_in_is_left_out() -> None:
    frames = noise()
    frames[::3, :4] = frames[::3, 4:5]  # copies of the nearest line, in every third frame
    frames[1::3, :, 58:] = 0
    assert automatic_crop(ArrayMovie(frames)) == Crop(4, 44, 0, 58)


def test_frames_that_the_microscope_dropped_say_nothing() -> None:
    frames = noise()
    frames[[3, 8, 9, 10]] = 0
    assert automatic_crop(ArrayMovie(frames)) == Crop(0, 44, 0, 60)


def test_a_movie_that_never_changes_is_refused() -> None:
    with pytest.raises(MovieError, match="next to nothing"):
        automatic_crop(ArrayMovie(np.full((30, 44, 60), 7, np.uint16)))
