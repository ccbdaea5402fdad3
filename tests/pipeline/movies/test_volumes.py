"""Whole volumes out of every format that holds some: ``(n, height, width, depth)``, whatever order is stored."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies import open_movie
from pipeline.movies.check import check_movie
from tests.pipeline.movies.test_scanimage import write_modern

N, HEIGHT, WIDTH, DEPTH = 7, 20, 26, 5


@pytest.fixture
def volumes():
    """``(n, height, width, depth)``, every voxel another."""
    return (
        np.random.default_rng(1)
        .permutation(N * HEIGHT * WIDTH * DEPTH)
        .astype(np.uint16)
        .reshape(N, HEIGHT, WIDTH, DEPTH)
    )


def stored(volumes, axes):
    return np.ascontiguousarray(volumes.transpose(["TYXZ".index(axis) for axis in axes]))


def assert_reads(path, volumes, **options):
    with open_movie(path, volume=True, **options) as movie:
        assert movie.shape == volumes.shape
        np.testing.assert_array_equal(movie.read(0, len(volumes)), volumes)
        np.testing.assert_array_equal(movie.read(2, 4), volumes[2:4])
        np.testing.assert_array_equal(movie.read(6, 7), volumes[6:7])
        assert movie.read(3, 3).shape == (0, *volumes.shape[1:])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_imagej_hyperstack(tmp_path, volumes, compression):
    path = tmp_path / "hyper.tif"
    metadata = {"axes": "TZYX", "finterval": 0.25, "tunit": "s", "unit": "um", "spacing": 4.0}
    tifffile.imwrite(
        path, stored(volumes, "TZYX"), imagej=True, metadata=metadata, resolution=(2, 4), compression=compression
    )
    assert_reads(path, volumes)
    with open_movie(path, volume=True) as movie:
        assert movie.rate_hz == 4.0
        assert movie.metadata.pixel_size_um == pytest.approx((0.25, 0.5, 4.0))


def test_ome(tmp_path, volumes):
    path = tmp_path / "movie.ome.tif"
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeY": 0.25, "PhysicalSizeZ": 3.0}
    tifffile.imwrite(path, stored(volumes, "TZYX"), metadata={"axes": "TZYX", "TimeIncrement": 0.5, **sizes})
    assert_reads(path, volumes)
    with open_movie(path, volume=True) as movie:
        assert movie.metadata.pixel_size_um == pytest.approx((0.25, 0.5, 3.0))


def test_planes_stored_one_after_the_other_over_all_time(tmp_path, volumes):
    path = tmp_path / "planes_first.ome.tif"
    tifffile.imwrite(path, stored(volumes, "ZTYX"), metadata={"axes": "ZTYX"})
    assert_reads(path, volumes, frame_rate_hz=5)


def test_a_channel_of_a_volume(tmp_path, volumes):
    path = tmp_path / "channels.tif"
    both = np.stack([stored(volumes, "TZYX"), stored(volumes[::-1], "TZYX")], axis=2)
    tifffile.imwrite(path, both, imagej=True, metadata={"axes": "TZCYX", "fps": 5})
    assert_reads(path, volumes, channel=0)
    assert_reads(path, volumes[::-1], channel=1)
    with pytest.raises(AmbiguousAxesError, match="2 channels"):
        open_movie(path, volume=True)


@pytest.mark.parametrize("axes", ["TZYX", "TYXZ", "ZYXT", "XYZT"])
def test_hdf5_in_any_order(tmp_path, volumes, axes):
    path = tmp_path / "movie.h5"
    with h5py.File(path, "w") as file:
        file["data"] = stored(volumes, axes)
        file["data"].attrs["fr"] = 5.0
    assert_reads(path, volumes, axes=axes)


def test_nwb_holds_x_y_z(tmp_path, volumes):
    path = tmp_path / "movie.nwb"
    with h5py.File(path, "w") as file:
        series = file.create_group("acquisition/Movie")
        series.attrs["neurodata_type"] = "TwoPhotonSeries"
        series["data"] = stored(volumes, "TXYZ")
        series.create_dataset("starting_time", data=0.0).attrs["rate"] = 5.0
        series.create_dataset("imaging_plane/grid_spacing", data=[1e-6, 2e-6, 5e-6]).attrs["unit"] = "meters"
    assert_reads(path, volumes)
    with open_movie(path, volume=True) as movie:
        assert movie.metadata.pixel_size_um == pytest.approx((2.0, 1.0, 5.0))


def test_scanimage_leaves_out_the_frames_of_the_flyback(tmp_path, says):
    path = tmp_path / "scan.tif"
    pages = np.random.default_rng(2).integers(0, 99, (6 * 4 + 3, 24, 36)).astype(np.int16)  # the last volume is cut off
    write_modern(path, pages, planes=4, flyback=2, extra=["SI.hStackManager.actualStackZStepSize = -12.5"])
    expected = pages[:24].reshape(4, 6, 24, 36)[:, :4].transpose(0, 2, 3, 1)
    with open_movie(path, volume=True) as movie:
        assert movie.shape == (4, 24, 36, 4)
        assert movie.rate_hz == 5.0
        assert movie.metadata.pixel_size_um == pytest.approx((0.5, 0.5, 12.5))
        np.testing.assert_array_equal(movie.read(0, 4), expected)
        np.testing.assert_array_equal(movie.read(1, 3), expected[1:3])
    with open_movie(path, plane=1) as movie:
        np.testing.assert_array_equal(movie.read(0, 4), expected[..., 1])


def test_scanimage_channels_and_series_of_whole_volumes(tmp_path):
    pages = np.random.default_rng(3).integers(0, 99, (2 * 3 * 4, 24, 36)).astype(np.int16)
    first, second = tmp_path / "a.tif", tmp_path / "b.tif"
    write_modern(first, pages[:12], channels="[1;2]", planes=3, n_channels=2)
    write_modern(second, pages[12:], channels="[1;2]", planes=3, n_channels=2, first_frame=7)
    expected = pages.reshape(4, 3, 2, 24, 36)[:, :, 1].transpose(0, 2, 3, 1)
    with open_movie([first, second], volume=True, channel=1) as movie:
        assert movie.boundaries == (2,)
        np.testing.assert_array_equal(movie.read(0, 4), expected)


def test_a_file_that_begins_within_a_volume_is_refused(tmp_path, says):
    path = tmp_path / "scan.tif"
    write_modern(path, np.zeros((9, 24, 36), np.int16), planes=3, first_frame=8)
    with pytest.raises(MovieError) as raised:
        open_movie(path, volume=True)
    says(raised, path, "begins within a volume", "--plane")


def test_a_movie_of_one_plane_is_no_volume(tmp_path, says):
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, np.zeros((9, 24, 36), np.uint16), metadata={"axes": "TYX", "fps": 5})
    with pytest.raises(MovieError) as raised:
        open_movie(path, volume=True)
    says(raised, path, "it holds one plane (TYX)", "--preset 2p", "--axes TZYX")


def test_one_plane_of_a_volume_is_no_volume_either(tmp_path, volumes, says):
    path = tmp_path / "hyper.tif"
    tifffile.imwrite(path, stored(volumes, "TZYX"), imagej=True, metadata={"axes": "TZYX", "fps": 5})
    with pytest.raises(MovieError) as raised:
        open_movie(path, volume=True, plane=2)
    says(raised, path, "--plane 2 picks one plane", "--preset 2p")
    with pytest.raises(AmbiguousAxesError, match="--preset 3d"):
        open_movie(path)
    with open_movie(path, plane=2) as movie:
        np.testing.assert_array_equal(movie.read(0, N), volumes[..., 2])


def test_files_of_one_recording_have_the_same_planes(tmp_path, volumes, says):
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path, part in zip(paths, (volumes, volumes[..., :4]), strict=True):
        tifffile.imwrite(path, stored(part, "TZYX"), imagej=True, metadata={"axes": "TZYX", "fps": 5})
    with pytest.raises(MovieError) as raised:
        open_movie(paths, volume=True)
    says(raised, paths[1], "20 high x 26 wide x 4 planes", "20 x 26 x 5 planes")


def test_a_voxel_that_is_no_number_is_found(tmp_path, volumes, says):
    path = tmp_path / "movie.h5"
    with h5py.File(path, "w") as file:
        file["data"] = volumes.astype(np.float32)
        file["data"][3, 1, 2, 4] = np.nan
    with open_movie(path, volume=True, axes="TYXZ", frame_rate_hz=5) as movie, pytest.raises(MovieError) as raised:
        check_movie(movie, 1)
    says(raised, path, "1 pixels in 1 frames", "frame 3")
