"""HDF5 says nothing about axes by itself: labels are honoured, silence is asked about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from nwb_schema.errors import AmbiguousAxesError, MissingRateError, MovieError
from pipeline.movies import open_movie


@pytest.fixture
def save(tmp_path):
    """``save({"name": array}, **attributes of the first)`` writes ``movie.h5``."""

    def write(datasets, **attributes):
        path = tmp_path / "movie.h5"
        with h5py.File(path, "w") as file:
            for name, array in datasets.items():
                file.create_dataset(name, data=array)
            file[next(iter(datasets))].attrs.update(attributes)
        return path

    return write


def test_unlabelled_axes_are_asked_about_with_every_reading(save, frames, says):
    path = save({"imaging": frames.transpose(1, 2, 0)}, fr=10.0)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "24 x 36 x 12", "--axes YXT (12 frames of 24 high x 36 wide)", "--axes TYX (24 frames")
    with open_movie(path, axes="YXT") as movie:
        assert movie.shape == (12, 24, 36)
        assert movie.axes == "YXT"
        np.testing.assert_array_equal(movie.read(3, 8), frames[3:8])


@pytest.mark.parametrize("order", ["TYX", "TXY", "YXT", "XYT"])
@pytest.mark.parametrize("how", ["letters", "words", "labels"])
def test_labelled_axes_are_honoured(save, frames, order, how):
    words = {"T": "time", "Y": "height", "X": "width"}
    stored = frames.transpose(["TYX".index(axis) for axis in order])
    path = save({"imaging": stored}, fps=10.0)
    with h5py.File(path, "r+") as file:
        if how == "letters":
            file["imaging"].attrs["axes"] = order.lower()
        elif how == "words":
            file["imaging"].attrs["axes"] = [words[axis] for axis in order]
        else:
            for number, axis in enumerate(order):
                file["imaging"].dims[number].label = axis
    with open_movie(path) as movie:
        assert movie.axes == order
        np.testing.assert_array_equal(movie.read(0, 12), frames)


@pytest.mark.parametrize("name", ["fr", "fps", "rate", "frame_rate", "Frame_Rate", "rate_hz"])
@pytest.mark.parametrize("where", ["dataset", "group", "file"])
def test_the_rate_comes_from_the_nearest_attribute(save, frames, name, where):
    path = save({"scan/imaging": frames}, axes="TYX")
    with h5py.File(path, "r+") as file:
        holder = {"dataset": file["scan/imaging"], "group": file["scan"], "file": file}[where]
        holder.attrs[name] = np.float32(12.5)
        if where == "dataset":
            file.attrs["fr"] = 99.0
    with open_movie(path) as movie:
        assert movie.rate_hz == 12.5


@pytest.mark.parametrize("bad", [0.0, -3.0, np.nan, np.inf, "fast"])
def test_a_rate_in_the_file_that_is_none_is_refused_unless_told_better(save, frames, says, bad):
    path = save({"imaging": frames}, axes="TYX", fr=bad)
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, '"fr"', "--frame-rate HZ")
    with open_movie(path, frame_rate_hz=4.0) as movie:
        assert movie.rate_hz == 4.0


def test_no_rate_is_an_error(save, frames):
    with pytest.raises(MissingRateError):
        open_movie(save({"imaging": frames}, axes="TYX"))


def test_several_datasets_are_asked_about(save, frames, says):
    path = save({"raw": frames, "corrected": frames + 1, "mean": frames[0]}, axes="TYX", fr=1.0)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "--dataset", "raw", "corrected")
    with open_movie(path, dataset="raw") as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)
    with pytest.raises(MovieError) as raised:
        open_movie(path, dataset="missing")
    says(raised, path, "'missing'", "raw")
    with pytest.raises(MovieError) as raised:
        open_movie(path, dataset="mean")
    says(raised, path, "(24, 36)")


def test_the_only_movie_is_found_among_images(save, frames):
    path = save({"raw": frames, "mean": frames[0], "trace": np.arange(5)}, axes="TYX", fr=1.0)
    with open_movie(path) as movie:
        assert movie.shape == frames.shape


def test_four_axes_need_a_plane(save, make_frames):
    stack = make_frames(12).reshape(4, 3, 24, 36)
    path = save({"imaging": stack}, axes="TZYX", fr=1.0)
    with pytest.raises(AmbiguousAxesError, match="3 planes"):
        open_movie(path)
    with open_movie(path, plane=1) as movie:
        np.testing.assert_array_equal(movie.read(0, 4), stack[:, 1])


def test_an_axis_of_length_one_needs_no_name(save, frames):
    path = save({"imaging": frames[:, np.newaxis]}, fr=1.0)
    with open_movie(path, axes="TYX") as movie:
        np.testing.assert_array_equal(movie.read(2, 4), frames[2:4])


def test_axes_that_contradict_the_labels_are_refused(save, frames, says):
    path = save({"imaging": frames}, axes="TYX", fr=1.0)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, axes="TXY")
    says(raised, path, "declares TYX")


def test_big_endian_numbers_come_out_native(save, frames):
    path = save({"imaging": frames.astype(">u2")}, axes="TYX", fr=1.0)
    with open_movie(path) as movie:
        assert movie.read(0, 2).dtype == movie.dtype == np.dtype("uint16")
        np.testing.assert_array_equal(movie.read(0, 12), frames)


def test_complex_pixels_are_refused(save, frames, says):
    path = save({"imaging": frames.astype(complex)}, axes="TYX", fr=1.0)
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "complex128")


def test_a_results_file_is_not_a_movie(tmp_path, frames, says):
    path = tmp_path / "results.hdf5"
    with h5py.File(path, "w") as file:
        file["estimates/C"] = frames[0]
        file["params/data/fr"] = 10.0
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "CaImAn results file", "fluorite import")


def test_a_file_that_is_cut_off_or_no_hdf5_is_refused(save, frames, says):
    path = save({"imaging": frames}, axes="TYX", fr=1.0)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"text"):
        path.write_bytes(damaged)
        with pytest.raises(MovieError) as raised:
            open_movie(path)
        says(raised, path, "not a readable HDF5")


def test_threads_read_the_right_frames(save, frames):
    with open_movie(save({"imaging": frames}, axes="TYX", fr=1.0)) as movie, ThreadPoolExecutor(8) as pool:
        starts = list(range(10)) * 20
        for start, block in zip(starts, pool.map(lambda start: movie.read(start, start + 2), starts), strict=True):
            np.testing.assert_array_equal(block, frames[start : start + 2])


@pytest.mark.parametrize("name", ["m.h5", "m.nwb"])
def test_a_refused_file_is_closed_again(tmp_path, name):
    path = tmp_path / name
    with h5py.File(path, "w"):
        pass
    with pytest.raises(MovieError) as raised:
        open_movie(path, frame_rate_hz=10)
    with h5py.File(path, "r+") as file:  # HDF5 refuses this while the file is open for reading
        file["free"] = 1
    assert raised.value.file == str(path)
