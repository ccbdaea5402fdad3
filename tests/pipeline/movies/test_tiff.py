"""TIFF of every flavour comes in with its own axes, rate and values, and nothing is guessed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import AmbiguousAxesError, MissingRateError, MovieError
from pipeline.movies import Movie, open_movie

RATE = {"frame_rate_hz": 10.0}


def test_a_plain_multi_page_tiff_is_a_sequence_in_time(tmp_path, frames):
    path = tmp_path / "plain.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(frame, photometric="minisblack", contiguous=False, metadata=None)
    with open_movie(path, **RATE) as movie:
        assert isinstance(movie, Movie)
        assert movie.paths == (path,)
        assert movie.shape == frames.shape
        assert movie.axes == "TYX"
        assert movie.rate_hz == 10.0
        assert movie.boundaries == ()
        np.testing.assert_array_equal(movie.read(3, 7), frames[3:7])


def test_one_series_per_page_is_a_sequence_in_time(tmp_path, frames):
    path = tmp_path / "appended.tif"
    for frame in frames:
        tifffile.imwrite(path, frame, append=path.exists())
    with tifffile.TiffFile(path) as tiff:
        assert len(tiff.series) == len(frames)
    with open_movie(path, **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, len(frames)), frames)


@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_compressed_and_bigtiff_read_like_plain(tmp_path, frames, compression, bigtiff):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames, bigtiff=bigtiff, compression=compression, metadata={"axes": "TYX", "fps": 7.5})
    with open_movie(path) as movie:
        assert movie.rate_hz == 7.5
        np.testing.assert_array_equal(movie.read(0, 4), frames[:4])
        np.testing.assert_array_equal(movie.read(10, 99), frames[10:])


@pytest.mark.parametrize(("software", "source"), [(None, None), ("Scope 3", "Scope 3")])
def test_the_library_that_wrote_a_file_is_not_taken_for_a_microscope(tmp_path, frames, software, source):
    tifffile.imwrite(tmp_path / "movie.tif", frames, software=software, metadata={"axes": "TYX", "fps": 7.5})
    with open_movie(tmp_path / "movie.tif") as movie:
        assert movie.metadata.source == source


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_values_keep_their_dtype_and_come_in_native_byte_order(tmp_path, make_frames, dtype):
    frames = make_frames(dtype=dtype)
    path = tmp_path / "big_endian.tif"
    tifffile.imwrite(path, frames, byteorder=">", photometric="minisblack", metadata={"axes": "TYX", "fps": 5})
    with open_movie(path) as movie:
        assert movie.dtype == np.dtype(dtype)
        assert movie.dtype.isnative
        block = movie.read(0, 5)
        assert block.dtype == movie.dtype
        assert block.dtype.isnative
        np.testing.assert_array_equal(block, frames[:5])


def test_an_imagej_movie_says_rate_and_pixel_size(tmp_path, frames):
    path = tmp_path / "imagej.tif"
    metadata = {"axes": "TYX", "finterval": 0.05, "fps": 3.0, "unit": "um"}
    tifffile.imwrite(path, frames, imagej=True, resolution=(2.0, 4.0), metadata=metadata)
    with open_movie(path) as movie:
        assert movie.rate_hz == pytest.approx(20.0), "finterval is the acquisition's, fps the speed of playing"
        assert movie.metadata.pixel_size_um == pytest.approx((0.25, 0.5))
        assert movie.metadata.source.startswith("ImageJ")
        np.testing.assert_array_equal(movie.read(0, 12), frames)


def test_an_imagej_movie_with_fps_alone_uses_it(tmp_path, frames):
    path = tmp_path / "imagej.tif"
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "TYX", "fps": 9.0})
    with open_movie(path) as movie:
        assert movie.rate_hz == 9.0
        assert movie.metadata.pixel_size_um is None


def test_an_imagej_stack_of_slices_is_asked_about(tmp_path, frames, says):
    path = tmp_path / "slices.tif"
    tifffile.imwrite(path, frames, imagej=True, metadata={"axes": "ZYX", "fps": 9.0})
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "12 slices", "--axes TYX")
    with open_movie(path, axes="TYX") as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)


def test_an_imagej_hyperstack_reads_the_chosen_channel_and_plane_only(tmp_path, make_frames, says):
    n, planes, channels = 5, 3, 2
    stack = make_frames(n * planes * channels).reshape(n, planes, channels, 24, 36)
    path = tmp_path / "hyper.tif"
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "TZCYX", "fps": 2.0})
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "3 planes", "--plane N")
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, plane=1)
    says(raised, path, "2 channels", "--channel N")
    with open_movie(path, plane=2, channel=1) as movie:
        assert movie.shape == (n, 24, 36)
        assert movie.axes == "TZCYX"
        np.testing.assert_array_equal(movie.read(1, 4), stack[1:4, 2, 1])
    with pytest.raises(MovieError) as raised:
        open_movie(path, plane=3, channel=0)
    says(raised, path, "--plane 3", "numbered 0 to 2")


def test_an_ome_tiff_says_rate_pixel_size_and_axes(tmp_path, make_frames):
    stack = make_frames(10).reshape(5, 2, 24, 36)
    path = tmp_path / "movie.ome.tif"
    metadata = {
        "axes": "TCYX",
        "TimeIncrement": 100.0,
        "TimeIncrementUnit": "ms",
        "PhysicalSizeX": 0.5,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": 800.0,
        "PhysicalSizeYUnit": "nm",
    }
    tifffile.imwrite(path, stack, photometric="minisblack", metadata=metadata)
    with open_movie(path, channel=1) as movie:
        assert movie.rate_hz == pytest.approx(10.0)
        assert movie.metadata.pixel_size_um == pytest.approx((0.8, 0.5))
        np.testing.assert_array_equal(movie.read(0, 5), stack[:, 1])


def test_an_ome_z_stack_is_asked_about(tmp_path, frames, says):
    path = tmp_path / "stack.ome.tif"
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "ZYX"})
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "--axes TYX")


def test_several_ome_images_are_asked_about(tmp_path, frames, says):
    path = tmp_path / "positions.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        writer.write(frames, photometric="minisblack", metadata={"axes": "TYX"})
        writer.write(frames[::-1], photometric="minisblack", metadata={"axes": "TYX"})
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "2 series", "--load-method asarray-multi")
    with open_movie(path, load_method="asarray", **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)
    with open_movie(path, load_method="asarray-multi", **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 24), np.concatenate([frames, frames[::-1]]))


def write_ome_of_two_files(folder, frames):
    """`frames` ``(12, 24, 36)`` in a_0.ome.tif and a_1.ome.tif, each of which names both, as Bio-Formats does."""
    names, half = ["a_0.ome.tif", "a_1.ome.tif"], len(frames) // 2
    ids = [f"urn:uuid:00000000-0000-0000-0000-00000000000{number}" for number in (1, 2)]
    planes = "".join(
        f'<TiffData FirstT="{t}" FirstC="0" FirstZ="0" IFD="{t % half}" PlaneCount="1">'
        f'<UUID FileName="{names[t // half]}">{ids[t // half]}</UUID></TiffData>'
        for t in range(len(frames))
    )
    for number, name in enumerate(names):
        xml = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            f'<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" UUID="{ids[number]}"><Image ID="Image:0">'
            "<AcquisitionDate>2024-05-06T07:08:09</AcquisitionDate>"
            '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="uint16" SizeX="36" SizeY="24" SizeZ="1" SizeC="1" '
            'SizeT="12" TimeIncrement="0.1"><Channel ID="Channel:0:0" SamplesPerPixel="1"/>'
            f"{planes}</Pixels></Image></OME>"
        )
        with tifffile.TiffWriter(folder / name) as writer:
            for row in range(half):
                writer.write(
                    frames[number * half + row],
                    photometric="minisblack",
                    contiguous=False,
                    metadata=None,
                    description=None if row else xml,
                )
    return [folder / name for name in names]


@pytest.mark.filterwarnings("error")
def test_an_ome_tiff_of_several_files_opens_from_one_of_them(tmp_path, frames):
    paths = write_ome_of_two_files(tmp_path, frames)
    with open_movie(paths[0]) as movie, ThreadPoolExecutor(4) as pool:
        assert movie.shape == frames.shape
        assert movie.paths == tuple(paths), "both are part of the digest"
        assert movie.rate_hz == pytest.approx(10.0)
        assert movie.metadata.session_start == datetime(2024, 5, 6, 7, 8, 9)
        starts = list(range(9)) * 4
        for start, block in zip(starts, pool.map(lambda start: movie.read(start, start + 4), starts), strict=True):
            np.testing.assert_array_equal(block, frames[start : start + 4])


def test_an_ome_tiff_whose_other_file_is_gone_is_refused_and_both_in_a_series_too(tmp_path, frames, says):
    paths = write_ome_of_two_files(tmp_path, frames)
    with pytest.raises(MovieError) as raised:
        open_movie(paths)
    says(raised, paths[1], "twice")
    paths[1].unlink()
    with pytest.raises(MovieError) as raised:
        open_movie(paths[0])
    says(raised, paths[0], "missing", "a_1.ome.tif")


@pytest.mark.parametrize("method", ["asarray", "imread"])
def test_load_methods_read_what_tifffile_reads(tmp_path, frames, method):
    path = tmp_path / "appended.tif"
    tifffile.imwrite(path, frames)
    tifffile.imwrite(path, frames[:5], append=True)
    with open_movie(path, load_method=method, **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 99), tifffile.imread(path))
    with open_movie(path, load_method="asarray-multi", **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 99), np.concatenate([frames, frames[:5]]))
        np.testing.assert_array_equal(movie.read(11, 14), np.concatenate([frames[11:], frames[:2]]))


def test_an_unknown_load_method_is_refused(tmp_path, frames, says):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    with pytest.raises(MovieError) as raised:
        open_movie(path, load_method="fast", **RATE)
    says(raised, path, "fast", "asarray, asarray-multi, imread")


def test_a_tiff_whose_pages_hold_time_opens_when_its_axes_are_named(tmp_path, frames):
    path = tmp_path / "time_last.tif"
    tifffile.imwrite(path, np.ascontiguousarray(frames.transpose(1, 2, 0)), photometric="minisblack")
    with open_movie(path, axes="YXT", **RATE) as movie:
        assert movie.axes == "YXT"
        assert movie.shape == frames.shape
        np.testing.assert_array_equal(movie.read(2, 9), frames[2:9])


def test_transposed_pages_open_when_their_axes_are_named(tmp_path, frames):
    path = tmp_path / "transposed.tif"
    tifffile.imwrite(path, np.ascontiguousarray(frames.transpose(0, 2, 1)), compression="zlib")
    with open_movie(path, axes="TXY", **RATE) as movie:
        np.testing.assert_array_equal(movie.read(2, 9), frames[2:9])


def test_four_unnamed_axes_are_asked_about(tmp_path, make_frames, says):
    stack = make_frames(12).reshape(3, 4, 24, 36)
    path = tmp_path / "four.tif"
    tifffile.imwrite(path, stack, photometric="minisblack")
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "--axes TZYX", "--axes TCYX")
    with open_movie(path, axes="ZTYX", plane=2, **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 4), stack[2])


@pytest.mark.parametrize("axes", ["YXT", "TXY", "CYX"])
def test_axes_that_contradict_the_file_are_refused(tmp_path, frames, says, axes):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames, metadata={"axes": "TYX", "fps": 5})
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, axes=axes)
    says(raised, path, f"--axes {axes}", "T=12, Y=24, X=36")


@pytest.mark.parametrize("axes", ["TY", "TTYX", "PQRS", "", "TZCYX"])
def test_axes_that_do_not_fit_are_refused(tmp_path, frames, says, axes):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, axes=axes, **RATE)
    says(raised, path, "--axes")


def test_a_colour_tiff_needs_a_channel(tmp_path, make_frames, says):
    colour = make_frames(12 * 3, dtype=np.uint8).reshape(12, 3, 24, 36).transpose(0, 2, 3, 1)
    path = tmp_path / "rgb.tif"
    tifffile.imwrite(path, colour, photometric="rgb")
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, **RATE)
    says(raised, path, "3 channels", "--channel N")
    with open_movie(path, channel=1, **RATE) as movie:
        np.testing.assert_array_equal(movie.read(0, 12), colour[..., 1])


@pytest.mark.parametrize("dtype", ["complex64", "bool"])
def test_pixels_that_are_no_brightness_are_refused(tmp_path, frames, says, dtype):
    path = tmp_path / "odd.tif"
    tifffile.imwrite(path, frames.astype(dtype), photometric="minisblack")
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE)
    says(raised, path, dtype)


def test_one_image_opens_as_a_movie_of_one_frame(tmp_path, frames):
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, frames[0])
    with open_movie(path, **RATE) as movie:
        assert movie.shape == (1, 24, 36)
        np.testing.assert_array_equal(movie.read(0, 1), frames[:1])


@pytest.mark.parametrize(
    ("option", "value"), [("dataset", "data"), ("channel", 1), ("plane", 2)], ids=["dataset", "channel", "plane"]
)
def test_options_that_do_not_apply_are_refused_not_ignored(tmp_path, frames, says, option, value):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    with pytest.raises(MovieError) as raised:
        open_movie(path, **RATE, **{option: value})
    says(raised, path, f"--{option} {value}")


def test_a_tiff_without_a_rate_says_how_to_give_it(tmp_path, frames, says):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    with pytest.raises(MissingRateError) as raised:
        open_movie(path)
    says(raised, path, "--frame-rate HZ", "movie.json", '"fps"')


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_many_threads_read_the_right_frames(tmp_path, make_frames, compression):
    frames = make_frames(200, 120, 180)
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames, compression=compression, metadata={"axes": "TYX", "fps": 5})
    with open_movie(path) as movie, ThreadPoolExecutor(8) as pool:
        starts = [start for start in range(190)] * 3
        for start, block in zip(starts, pool.map(lambda start: movie.read(start, start + 7), starts), strict=True):
            np.testing.assert_array_equal(block, frames[start : start + 7])


def test_reading_a_closed_movie_or_before_its_start_is_an_error(tmp_path, frames):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    movie = open_movie(path, **RATE)
    assert movie.read(5, 5).shape == (0, 24, 36)
    with pytest.raises(IndexError):
        movie.read(-1, 3)
    with pytest.raises(IndexError):
        movie.read(13, 14)
    movie.close()
    movie.close()
    with pytest.raises(ValueError, match="closed"):
        movie.read(0, 1)


def test_the_path_may_be_given_alone_or_in_a_list(tmp_path, frames):
    path = tmp_path / "movie.tif"
    tifffile.imwrite(path, frames)
    with open_movie([Path(path)], **RATE) as movie:
        assert movie.shape == frames.shape
        assert movie.boundaries == ()
