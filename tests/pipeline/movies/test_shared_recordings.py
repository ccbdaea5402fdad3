"""Real files as microscopes write them: the right movie, or a question."""

from __future__ import annotations

import cv2
import h5py
import numpy as np
import pytest
import tifffile

from nwb_schema.errors import AmbiguousAxesError, MissingRateError, MovieError
from pipeline.movies import open_movie


@pytest.mark.parametrize(
    ("file", "shape", "rate_hz"),
    [
        ("movies/cortex_2p.tif", (600, 320, 160), 7.0),
        ("movies/twophoton.tif", (1200, 112, 144), 15.0),
        ("movies/onephoton.tif", (1000, 112, 144), 20.0),
        ("formats/scanimage_v3_8.tiff", (10, 256, 256), 3.90625),
    ],
)
def test_tiffs_that_say_everything(shared_data, file, shape, rate_hz):
    with open_movie(shared_data / file) as movie:
        assert movie.shape == shape
        assert movie.rate_hz == rate_hz
        np.testing.assert_array_equal(movie.read(3, 9), tifffile.imread(shared_data / file, key=range(3, 9)))


@pytest.mark.parametrize(
    ("file", "shape", "rate_hz", "dtype"),
    [
        ("formats/inscopix_movie.isxd", (1248, 33, 29), 5.5563890139, "uint16"),
        ("formats/miniscope_200px.avi", (94, 200, 200), 20.0, "uint8"),
    ],
)
def test_miniscopes(shared_data, file, shape, rate_hz, dtype):
    with open_movie(shared_data / file) as movie:
        assert movie.shape == shape
        assert movie.rate_hz == pytest.approx(rate_hz)
        assert movie.dtype == dtype
        assert movie.read(shape[0] - 1, shape[0]).std() > 0


def test_a_miniscope_video_is_asked_for_its_rate_and_comes_out_as_decoded(shared_data):
    path = shared_data / "formats/miniscope_v4.avi"
    with pytest.raises(MissingRateError, match="Miniscope software"):
        open_movie(path)
    video = cv2.VideoCapture(str(path))
    with open_movie(path, frame_rate_hz=20.0) as movie:
        assert movie.shape == (5, 480, 752)
        np.testing.assert_array_equal(movie.read(0, 5), [video.read()[1][..., 1] for _ in range(5)])


def test_an_inscopix_movie_comes_out_as_isx_reads_it(shared_data):
    import isx

    path = shared_data / "formats/inscopix_movie.isxd"
    original = isx.Movie.read(str(path))
    with open_movie(path) as movie:
        assert movie.metadata.session_start is not None
        np.testing.assert_array_equal(
            movie.read(600, 620), [original.get_frame_data(number) for number in range(600, 620)]
        )


def test_a_foreign_nwb_movie_comes_out_transposed(shared_data):
    path = shared_data / "foreign-nwb/test_TwoPhotonSeries.nwb"
    with open_movie(path, frame_rate_hz=10.0) as movie, h5py.File(path) as file:
        stored = file[f"{movie.metadata.source.removeprefix('NWB ')}/data"][()]
        assert movie.shape == (1, 4, 2)
        np.testing.assert_array_equal(movie.read(0, 1), stored.transpose(0, 2, 1))


def test_a_stack_of_slices_is_a_movie_once_said_so(shared_data):
    path = shared_data / "formats/astrocyte_100x100x100.tiff"
    with open_movie(path, axes="TYX", frame_rate_hz=10.0) as movie:
        np.testing.assert_array_equal(movie.read(0, 100), tifffile.imread(path))


def test_an_uncompressed_video_comes_out_byte_for_byte(shared_data):
    content = (shared_data / "formats/miniscope_200px.avi").read_bytes()
    start = content.index(b"movi") + 12
    with open_movie(shared_data / "formats/miniscope_200px.avi") as movie:
        stored = np.frombuffer(content[start : start + 40000], np.uint8).reshape(200, 200)
        np.testing.assert_array_equal(movie.read(0, 1)[0], stored)


def test_time_last_hdf5_is_asked_about_and_equals_its_imagej_twin(shared_data):
    path = shared_data / "formats/time_last_128x256x20.h5"
    with pytest.raises(AmbiguousAxesError):
        open_movie(path)
    with (
        open_movie(path, axes="YXT", frame_rate_hz=5.0) as movie,
        open_movie(shared_data / "formats/imagej_20x128x256.tif", frame_rate_hz=5.0) as twin,
        h5py.File(path) as file,
    ):
        assert movie.shape == twin.shape == (20, 128, 256)
        np.testing.assert_array_equal(movie.read(0, 20), np.moveaxis(file["imaging"][()], 2, 0))
        np.testing.assert_array_equal(movie.read(0, 20), twin.read(0, 20))


def test_a_volumetric_scanimage_recording_needs_a_plane(shared_data):
    path = shared_data / "formats/vol_no_flyback_00001_00001.tif"
    with pytest.raises(AmbiguousAxesError, match="9 planes"):
        open_movie(path)
    with open_movie(path, plane=4) as movie:
        assert movie.shape == (10, 20, 20)
        assert movie.rate_hz == pytest.approx(8.86703)
        np.testing.assert_array_equal(movie.read(0, 10), tifffile.imread(path)[4::9])


def test_one_series_a_page(shared_data):
    path = shared_data / "caiman/cnmfe_stub_movie.tiff"
    with open_movie(path, frame_rate_hz=10.0) as movie, tifffile.TiffFile(path) as tiff:
        assert movie.shape == (5, 231, 242)
        np.testing.assert_array_equal(movie.read(0, 5), [page.asarray() for page in tiff.pages])


@pytest.mark.parametrize(
    ("file", "kind", "words"),
    [
        ("formats/astrocyte_100x100x100.tiff", AmbiguousAxesError, "100 slices"),
        ("formats/imagej_20x128x256.tif", MissingRateError, "--frame-rate"),
        ("formats/inscopix_cellset.isxd", MovieError, "cell set"),
        ("foreign-nwb/test_TwoPhotonSeries.nwb", MissingRateError, "10 timestamps for 1 frames"),
        ("foreign-nwb/optinist_caiman.nwb", MovieError, "another file"),
        ("caiman/twophoton_caiman.hdf5", MovieError, "results file"),
    ],
)
def test_what_is_refused_says_why(shared_data, file, kind, words):
    with pytest.raises(kind, match=words) as raised:
        open_movie(shared_data / file)
    assert raised.value.file == str(shared_data / file)
    assert raised.value.remedy
