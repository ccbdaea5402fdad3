"""The Miniscope software writes 60 fps into every video: the rate comes from its time stamps, or is asked for."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from nwb_schema.errors import MissingRateError
from pipeline.movies import open_movie


@pytest.fixture
def recording(tmp_path, make_frames):
    """``recording(name, rate)``: a folder as the Miniscope software writes it, with one video."""

    def write(name="0.avi", rate=60.0):
        writer = cv2.VideoWriter(str(tmp_path / name), cv2.VideoWriter_fourcc(*"FFV1"), rate, (64, 48), False)
        for frame in make_frames(5, 48, 64, dtype=np.uint8):
            writer.write(frame)
        writer.release()
        return tmp_path / name

    return write


def write_times(path, times_ms, header="Frame Number,Time Stamp (ms),Buffer Index"):
    rows = [f"{number},{time},0" for number, time in enumerate(times_ms)]
    path.with_name("timeStamps.csv").write_text("\n".join([header, *rows]) + "\n")


def test_the_placeholder_in_the_header_is_not_believed(recording, says):
    path = recording()
    with pytest.raises(MissingRateError) as raised:
        open_movie(path)
    says(raised, path, "60 Hz", "timeStamps.csv", "--frame-rate HZ")
    with open_movie(path, frame_rate_hz=60.0) as movie:
        assert movie.rate_hz == 60.0


def test_the_time_stamps_give_the_rate_of_every_video_of_the_folder(recording):
    paths = [recording("0.avi"), recording("1.avi")]
    write_times(paths[0], np.round(-13 + np.arange(300) * 1000 / 30.0).astype(int))
    with open_movie(paths) as movie:
        assert movie.rate_hz == pytest.approx(30.0, rel=1e-3)
        assert movie.shape == (10, 48, 64)
        assert movie.metadata.extra["rate_from"] == "timeStamps.csv beside it"


def test_time_stamps_belong_to_the_numbered_videos_only(recording):
    path = recording("behaviour.avi", rate=25.0)
    write_times(path, np.arange(300) * 1000 / 30.0)
    with open_movie(path) as movie:
        assert movie.rate_hz == 25.0


@pytest.mark.parametrize(
    ("times", "header", "words"),
    [
        ([*range(0, 990, 33), *range(5000, 5990, 33)], "Frame Number,Time Stamp (ms),Buffer Index", "irregular"),
        ([7], "Frame Number,Time Stamp (ms),Buffer Index", "holds 1 frames"),
        ([0, 33], "frame,time,buffer", "no column"),
        (["a", "b"], "Frame Number,Time Stamp (ms),Buffer Index", "no column of numbers"),
    ],
)
def test_time_stamps_that_give_no_rate_are_asked_about(recording, says, times, header, words):
    path = recording()
    write_times(path, times, header)
    with pytest.raises(MissingRateError) as raised:
        open_movie(path)
    says(raised, path, words, "--frame-rate HZ")
