"""NWB stores frames as (time, x, y); they come out (time, height, width), with the rate and what is known."""

from __future__ import annotations

from datetime import UTC, datetime

import h5py
import numpy as np
import pytest

from nwb_schema.errors import AmbiguousAxesError, MissingRateError, MovieError
from nwb_schema.movie_file import MovieFileWriter
from pipeline.movies import open_movie


@pytest.fixture
def nwb(tmp_path):
    """``nwb({"acquisition/Name": (kind, array)}, rate=..., timestamps=...)``."""

    def write(series, *, rate=None, timestamps=None):
        path = tmp_path / "session.nwb"
        with h5py.File(path, "w") as file:
            file["session_start_time"] = "2024-05-06T07:08:09+00:00"
            file["identifier"] = "abc"
            file["general/subject/subject_id"] = "m1"
            file["general/subject/sex"] = "F"
            for name, (kind, array) in series.items():
                group = file.create_group(name)
                group.attrs["neurodata_type"] = kind
                if array is not None:
                    group["data"] = array
                if rate is not None:
                    group["starting_time"] = 0.0
                    group["starting_time"].attrs["rate"] = rate
                if timestamps is not None:
                    group["timestamps"] = timestamps
                group["imaging_plane/grid_spacing"] = np.array([2e-6, 1e-6])
                group["imaging_plane/grid_spacing"].attrs["unit"] = "meters"
        return path

    return write


@pytest.mark.parametrize("kind", ["TwoPhotonSeries", "OnePhotonSeries", "ImageSeries"])
def test_a_series_comes_out_height_before_width(nwb, frames, kind):
    path = nwb({"acquisition/Movie": (kind, frames.transpose(0, 2, 1))}, rate=15.0)
    with open_movie(path) as movie:
        assert movie.axes == "TXY"
        assert movie.shape == frames.shape
        assert movie.rate_hz == 15.0
        assert movie.metadata.session_start == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        assert movie.metadata.subject == {"subject_id": "m1", "sex": "F"}
        assert movie.metadata.pixel_size_um == pytest.approx((1.0, 2.0))
        np.testing.assert_array_equal(movie.read(3, 8), frames[3:8])


def test_a_file_that_breaks_the_order_opens_when_its_axes_are_named(nwb, frames):
    path = nwb({"acquisition/Movie": ("TwoPhotonSeries", frames)}, rate=15.0)
    with open_movie(path, axes="TYX") as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)


def test_regular_timestamps_give_the_rate_and_irregular_ones_ask(nwb, frames, says):
    data = {"acquisition/Movie": ("TwoPhotonSeries", frames.transpose(0, 2, 1))}
    stamps = 100.0 + np.arange(12) / 8.0
    with open_movie(nwb(data, timestamps=stamps)) as movie:
        assert movie.rate_hz == pytest.approx(8.0)
    path = nwb(data, timestamps=np.delete(100.0 + np.arange(13) / 8.0, 5))
    with pytest.raises(MissingRateError) as raised:
        open_movie(path)
    says(raised, path, "irregular", "--frame-rate")


def test_several_series_are_asked_about_and_what_was_acquired_goes_first(nwb, frames, says):
    stored = frames.transpose(0, 2, 1)
    path = nwb({"acquisition/a": ("TwoPhotonSeries", stored), "acquisition/b": ("OnePhotonSeries", stored)}, rate=5.0)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "acquisition/a", "acquisition/b", "--dataset")
    with open_movie(path, dataset="b") as movie:
        assert movie.shape == frames.shape
    with pytest.raises(MovieError, match="--dataset c is not one"):
        open_movie(path, dataset="c")
    path = nwb({"acquisition/a": ("TwoPhotonSeries", stored), "processing/x": ("ImageSeries", stored)}, rate=5.0)
    with open_movie(path) as movie:
        assert movie.metadata.source == "NWB acquisition/a"


def test_frames_in_another_file_and_no_frames_are_refused(nwb, says):
    path = nwb({"acquisition/Movie": ("TwoPhotonSeries", np.zeros((0, 0, 0)))}, rate=5.0)
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "no frames")
    with h5py.File(path, "r+") as file:
        file["acquisition/Movie/external_file"] = np.array([b"raw.tif"])
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "raw.tif", "Open that file")


def test_a_broken_link_to_the_movie_is_refused(nwb, says):
    path = nwb({"acquisition/Movie": ("TwoPhotonSeries", None)}, rate=5.0)
    with h5py.File(path, "r+") as file:
        file["acquisition/Movie/data"] = h5py.ExternalLink("gone.h5", "/data")
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "links to is missing")


def test_the_movie_of_our_own_sample_opens_through_its_link(nwb, tmp_path, frames):
    (tmp_path / "movies").mkdir()
    sizes = {"n_frames": 12, "height": 24, "width": 36}
    with MovieFileWriter(tmp_path / "movies" / "abc.h5", **sizes, dtype=np.uint16, rate_hz=15.0) as writer:
        writer.write(0, frames)
    path = nwb({"acquisition/TwoPhotonSeries": ("TwoPhotonSeries", None)}, rate=15.0)
    with h5py.File(path, "r+") as file:
        file["acquisition/TwoPhotonSeries/data"] = h5py.ExternalLink("movies/abc.h5", "/data")
    with open_movie(path) as movie:
        assert movie.shape == frames.shape
        np.testing.assert_array_equal(movie.read(0, 12), frames)
        np.testing.assert_array_equal(movie.read(7, 8), frames[7:8])


def test_a_file_without_image_series_is_refused(nwb, says):
    path = nwb({"acquisition/x": ("TimeSeries", np.arange(4))}, rate=5.0)
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "no image series")
