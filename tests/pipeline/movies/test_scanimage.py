"""ScanImage interleaves channels and planes page by page; only the one that was asked for may come out."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
import tifffile

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies import open_movie

LEGACY = "\r".join(
    [
        "state.configName='x'",
        "state.software.version=3.8",
        "state.acq.numberOfZSlices={planes}",
        "state.acq.numAvgFramesSave={averaged}",
        "state.acq.frameRate=8.0",
        "state.acq.numberOfChannelsSave={channels}",
        "state.internal.triggerTimeFirstString='10/9/2017 16:57:07.967'",
    ]
)


def write_modern(path, pages, *, channels="1", planes=1, flyback=0, first_frame=1, n_channels=1, extra=()):
    """A TIFF as ScanImage 2021 writes it, `pages` in file order."""
    header = [
        "SI.VERSION_MAJOR = 2021",
        f"SI.hChannels.channelSave = {channels}",
        "SI.hRoiManager.scanFrameRate = 30.0",
        "SI.hRoiManager.imagingFovUm = [-9 -6;9 -6;9 6;-9 6]",
        "SI.hRoiManager.linesPerFrame = 24",
        "SI.hRoiManager.pixelsPerLine = 36",
        f"SI.hStackManager.enable = {'true' if planes > 1 else 'false'}",
        f"SI.hStackManager.numSlices = {planes}",
        f"SI.hStackManager.numFramesPerVolumeWithFlyback = {planes + flyback}",
        "SI.hStackManager.stackMode = 'fast'",
        f"SI.hRoiManager.scanVolumeRate = {30.0 / (planes + flyback)}",
        *extra,
    ]
    with tifffile.TiffWriter(path) as writer:
        for number, page in enumerate(pages):
            frame = first_frame + number // n_channels
            text = f"frameNumbers = {frame}\nepoch = [2025  4 30 14 51 53.601]"
            software = "\n".join(header)
            writer.write(
                page, photometric="minisblack", contiguous=False, metadata=None, description=text, software=software
            )


def test_one_plane_and_one_channel_needs_no_options(tmp_path, frames):
    path = tmp_path / "scan.tif"
    write_modern(path, frames)
    with open_movie(path) as movie:
        assert movie.rate_hz == 30.0
        assert movie.axes == "TYX"
        assert movie.metadata.session_start == datetime(2025, 4, 30, 14, 51, 53, 601000)
        assert movie.metadata.pixel_size_um == pytest.approx((0.5, 0.5))
        assert movie.metadata.source == "ScanImage 2021"
        np.testing.assert_array_equal(movie.read(0, 12), frames)


def test_frames_averaged_while_saving_lower_the_rate(tmp_path, frames):
    path = tmp_path / "scan.tif"
    write_modern(path, frames, extra=["SI.hScan2D.logAverageFactor = 4"])
    with open_movie(path) as movie:
        assert movie.rate_hz == 7.5


def test_a_volume_needs_a_plane_and_reads_that_plane_only(tmp_path, make_frames, says):
    pages = make_frames(4 * 6)
    path = tmp_path / "volume.tif"
    write_modern(path, pages, planes=4, flyback=2)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "4 planes", "volumes of 6 frames", "--plane N, from 0 to 3")
    with open_movie(path, plane=2) as movie:
        assert movie.shape == (4, 24, 36)
        assert movie.rate_hz == 5.0, "the rate of volumes"
        np.testing.assert_array_equal(movie.read(0, 4), pages[2::6])
    with pytest.raises(MovieError, match="4 planes, numbered 0 to 3"):
        open_movie(path, plane=4)


def test_channels_need_a_choice_and_never_mix(tmp_path, make_frames, says):
    pages = make_frames(3 * 2 * 2)
    path = tmp_path / "channels.tif"
    write_modern(path, pages, channels="[1;2]", planes=2, n_channels=2)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, plane=0)
    says(raised, path, "2 channels", "--channel N")
    for plane in range(2):
        for channel in range(2):
            with open_movie(path, plane=plane, channel=channel) as movie:
                assert movie.axes == "TZCYX"
                np.testing.assert_array_equal(movie.read(0, 3), pages[plane * 2 + channel :: 4])


def test_a_file_that_starts_within_a_volume_keeps_planes_apart(tmp_path, make_frames):
    recording = make_frames(4 * 3)
    first, second = tmp_path / "scan_00001.tif", tmp_path / "scan_00002.tif"
    write_modern(first, recording[:7], planes=3)
    write_modern(second, recording[7:], planes=3, first_frame=8)
    for plane in range(3):
        with open_movie([first, second], plane=plane) as movie:
            np.testing.assert_array_equal(movie.read(0, 4), recording[plane::3])


def test_axes_that_contradict_the_header_are_refused(tmp_path, make_frames, says):
    path = tmp_path / "volume.tif"
    write_modern(path, make_frames(6), planes=3)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, axes="TYX")
    says(raised, path, "--plane")


def test_a_slow_stack_with_several_frames_a_slice_is_refused(tmp_path, make_frames, says):
    path = tmp_path / "slow.tif"
    slow = ["SI.hStackManager.stackMode = 'slow'", "SI.hStackManager.framesPerSlice = 5"]
    write_modern(path, make_frames(12), planes=2, extra=slow)
    with pytest.raises(MovieError) as raised:
        open_movie(path, plane=0)
    says(raised, path, "5 frames at each of 2 planes")


@pytest.mark.parametrize(("planes", "channels", "averaged"), [(1, 1, 1), (1, 2, 2), (3, 2, 1)])
def test_scanimage_3_headers_are_honoured(tmp_path, make_frames, planes, channels, averaged):
    pages = make_frames(4 * planes * channels)
    path = tmp_path / "legacy.tif"
    text = LEGACY.format(planes=planes, channels=channels, averaged=averaged)
    with tifffile.TiffWriter(path) as writer:
        for page in pages:
            writer.write(page, photometric="minisblack", contiguous=False, metadata=None, description=text)
    if channels > 1:
        with pytest.raises(AmbiguousAxesError, match="2 channels"):
            open_movie(path, plane=0)
    with open_movie(path, channel=channels - 1, plane=planes - 1) as movie:
        assert movie.rate_hz == pytest.approx(8.0 / averaged / planes)
        assert movie.metadata.session_start == datetime(2017, 10, 9, 16, 57, 7, 967000)
        assert movie.metadata.source == "ScanImage 3.8"
        np.testing.assert_array_equal(movie.read(0, 4), pages[planes * channels - 1 :: planes * channels])


def test_a_header_without_channels_is_asked_about(tmp_path, frames, says):
    path = tmp_path / "old.tif"
    with tifffile.TiffWriter(path) as writer:
        for frame in frames:
            writer.write(
                frame, photometric="minisblack", contiguous=False, metadata=None, description="scanimage.SI4.x = 1"
            )
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path, frame_rate_hz=10.0)
    says(raised, path, "how many channels", "--axes TYX")
    with open_movie(path, frame_rate_hz=10.0, axes="TYX") as movie:
        np.testing.assert_array_equal(movie.read(0, 12), frames)
