"""Miniscope videos store grey as three colours; grey comes out, and colour is asked about."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies import open_movie


def write_video(path, frames, *, rate=20.0, color=True, codec="FFV1"):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, (width, height), color)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()


@pytest.fixture
def grey(make_frames):
    return make_frames(50, 48, 64, dtype=np.uint8)


def test_grey_stored_as_three_colours_comes_out_grey(tmp_path, grey):
    path = tmp_path / "scope.avi"
    write_video(path, np.repeat(grey[..., np.newaxis], 3, axis=3))
    with open_movie(path) as movie:
        assert movie.shape == (50, 48, 64)
        assert movie.axes == "TYX"
        assert movie.dtype == np.uint8
        assert movie.rate_hz == 20.0
        np.testing.assert_array_equal(movie.read(0, 50), grey)


def test_frames_are_found_in_any_order_and_from_many_threads(tmp_path, grey):
    path = tmp_path / "scope.avi"
    write_video(path, grey, color=False)
    with open_movie(path) as movie, ThreadPoolExecutor(4) as pool:
        starts = [45, 3, 40, 0, 49, 20, 21, 1] * 3
        for start, block in zip(starts, pool.map(lambda s: movie.read(s, s + 3), starts), strict=True):
            np.testing.assert_array_equal(block, grey[start : start + 3])


def test_colour_needs_a_channel_red_first(tmp_path, grey, says):
    colour = np.stack([grey, grey // 2, grey // 3], axis=3)  # blue, green, red as OpenCV writes them
    path = tmp_path / "colour.avi"
    write_video(path, colour)
    with pytest.raises(AmbiguousAxesError) as raised:
        open_movie(path)
    says(raised, path, "in colour", "--channel 0 (red)")
    with open_movie(path, channel=0) as movie:
        np.testing.assert_allclose(movie.read(0, 50).astype(int), grey // 3, atol=1)
    with pytest.raises(MovieError, match="a video has three"):
        open_movie(path, channel=3)


def test_colour_that_begins_later_is_not_taken_for_grey(tmp_path, grey, says):
    colour = np.repeat(grey[..., np.newaxis], 3, axis=3)
    colour[30, ..., 0] = 255 - colour[30, ..., 0]
    path = tmp_path / "later.avi"
    write_video(path, colour)
    with open_movie(path) as movie:
        np.testing.assert_array_equal(movie.read(0, 30), grey[:30])
        with pytest.raises(AmbiguousAxesError) as raised:
            movie.read(28, 32)
        says(raised, path, "frame 30")


@pytest.mark.parametrize("codec", ["MJPG", "XVID"])
def test_grey_in_a_lossy_codec_is_grey_and_found_in_any_order(tmp_path, make_frames, codec):
    # Their colours come out a few levels apart where all three were equal.
    noise = make_frames(60, 48, 64, dtype=np.uint8)
    path = tmp_path / "scope.avi"
    write_video(path, np.repeat(noise[..., np.newaxis], 3, axis=3), codec=codec)
    video, decoded = cv2.VideoCapture(str(path)), []
    for _ in noise:
        decoded.append(video.read()[1])
    assert max(np.ptp(frame.astype(int), axis=2).max() for frame in decoded) > 0
    expected = np.array([cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in decoded])
    with open_movie(path) as movie:
        for start in (55, 3, 59, 0, 40):
            np.testing.assert_array_equal(movie.read(start, start + 1)[0], expected[start])
        np.testing.assert_array_equal(movie.read(0, 60), expected)


def test_colour_in_a_lossy_codec_is_still_asked_about(tmp_path, grey):
    path = tmp_path / "colour.avi"
    write_video(path, np.stack([grey // 4, grey, grey // 4], axis=3), codec="MJPG")
    with pytest.raises(AmbiguousAxesError, match="in colour"):
        open_movie(path)


def test_a_video_of_more_than_8_bits_is_refused(tmp_path, make_frames, says):
    frames = make_frames(5, 48, 64) * 200
    path = tmp_path / "deep.avi"
    deep = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"FFV1"), 10.0, (64, 48), deep)
    if not writer.isOpened():
        pytest.skip("this OpenCV writes no 16-bit video")
    for frame in frames:
        writer.write(frame)
    writer.release()
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "more than 8 bits")


def test_a_truncated_video_is_refused_with_both_numbers_or_as_undecodable(tmp_path, grey, says):
    path = tmp_path / "cut.avi"
    write_video(path, grey, color=False)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "declares 50 frames")


def test_a_file_that_is_no_video_is_refused(tmp_path, says):
    path = tmp_path / "text.avi"
    path.write_text("not a video")
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "not a video")


def test_options_for_other_formats_are_refused(tmp_path, grey, says):
    path = tmp_path / "scope.avi"
    write_video(path, grey, color=False)
    for option, value in (("dataset", "x"), ("load_method", "asarray"), ("plane", 1), ("axes", "XYT")):
        with pytest.raises(MovieError) as raised:
            open_movie(path, **{option: value})
        says(raised, path, str(value))
