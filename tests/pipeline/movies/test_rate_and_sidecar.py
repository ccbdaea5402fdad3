"""Who is believed about rate, date and source: the option, then Mesmerize's side-car, then the file."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime

import click
import pytest
import tifffile

from nwb_schema.errors import MetadataError
from pipeline.commands.console import FrameRate
from pipeline.movies import open_movie, rate
from pipeline.movies.rate import is_rate


@pytest.fixture
def movie_path(tmp_path, frames):
    path = tmp_path / "xyz.tiff"
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX", "fps": 7.0})
    return path


def beside(path, content):
    side = path.with_suffix(".json")
    side.write_text(content if isinstance(content, str) else json.dumps(content))
    return side


def test_the_option_beats_the_side_car_and_that_beats_the_file(movie_path):
    with open_movie(movie_path) as movie:
        assert movie.rate_hz == 7.0
    beside(movie_path, {"source": "our_recording_program", "fps": 20.0, "date": "20190425_114405"})
    with open_movie(movie_path) as movie:
        assert movie.rate_hz == 20.0
    with open_movie(movie_path, frame_rate_hz=31) as movie:
        assert movie.rate_hz == 31.0


def test_who_said_the_rate_is_kept(movie_path):
    with open_movie(movie_path) as movie:
        assert movie.metadata.extra["rate_from"] == '"fps" in the TIFF description'
    beside(movie_path, {"fps": 20.0, "rate_from": "nobody"})
    with open_movie(movie_path) as movie:
        assert movie.metadata.extra["rate_from"] == "side-car xyz.json"
    with open_movie(movie_path, frame_rate_hz=31) as movie:
        assert movie.metadata.extra["rate_from"] == "--frame-rate"


def test_the_option_overrules_a_wrong_rate_in_the_side_car_but_the_rest_still_counts(movie_path, says):
    side = beside(movie_path, {"fps": "twenty", "source": "prog", "date": "20190425_114405"})
    with open_movie(movie_path, frame_rate_hz=20.0) as movie:
        assert movie.rate_hz == 20.0
        assert movie.metadata.source == "prog"
    beside(movie_path, {"fps": "twenty", "date": "yesterday"})
    with pytest.raises(MetadataError) as raised:
        open_movie(movie_path, frame_rate_hz=20.0)
    says(raised, side, "yesterday")


def test_a_side_car_without_fps_leaves_the_rate_to_the_file(movie_path):
    beside(movie_path, {"source": "prog"})
    with open_movie(movie_path) as movie:
        assert movie.rate_hz == 7.0


def test_the_side_car_says_date_source_and_what_else_there_is(movie_path):
    extra = {"orig_meta": {"scanner_info": [1, 2, 3]}, "version": "0.1.2"}
    beside(movie_path, {"source": "prog", "fps": 20, "date": "20190425_114405", **extra})
    with open_movie(movie_path) as movie:
        assert movie.metadata.session_start == datetime(2019, 4, 25, 11, 44, 5)
        assert movie.metadata.source == "prog"
        assert movie.metadata.extra["orig_meta"] == {"scanner_info": [1, 2, 3]}
        assert movie.metadata.extra["version"] == "0.1.2"


def test_a_side_car_of_another_name_can_be_given(movie_path, tmp_path, says):
    beside(movie_path, {"fps": 20.0})
    other = tmp_path / "other.json"
    other.write_text('{"fps": 5.0}')
    with open_movie(movie_path, sidecar=other) as movie:
        assert movie.rate_hz == 5.0
    with pytest.raises(MetadataError) as raised:
        open_movie(movie_path, sidecar=tmp_path / "none.json")
    says(raised, tmp_path / "none.json", "no such side-car")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{not json", ["not valid JSON"]),
        ('{"fps": 20.0, "date": 20190425_114405}', ["not valid JSON", "double quotes"]),
        ([1, 2], ["not a JSON object"]),
        ({"fps": "20.0"}, ['"fps"', "'20.0'"]),
        ({"fps": 0}, ['"fps"']),
        ({"fps": -1.0}, ['"fps"']),
        ({"fps": True}, ['"fps"']),
        ({"fps": 10**400}, ['"fps"']),
        ('{"fps": NaN}', ['"fps"', "nan"]),
        ({"fps": 1, "date": "2019-04-25"}, ['"date"', "YYYYMMDD_HHMMSS"]),
        ({"fps": 1, "date": "20191325_114405"}, ['"date"']),
        ({"fps": 1, "date": 20190425}, ['"date"']),
        ({"fps": 1, "source": 3}, ['"source"']),
    ],
)
def test_a_bad_side_car_is_an_error_that_names_it(movie_path, says, content, words):
    side = beside(movie_path, content)
    with pytest.raises(MetadataError) as raised:
        open_movie(movie_path)
    says(raised, side, *words)


@pytest.mark.parametrize("rate", [0, -5.0, float("nan"), float("inf"), "fast", "30", True])
def test_a_rate_that_is_none_is_refused_by_name(movie_path, says, rate):
    with pytest.raises(MetadataError) as raised:
        open_movie(movie_path, frame_rate_hz=rate)
    says(raised, "--frame-rate", repr(rate))


@pytest.mark.parametrize("typed", ["0", "-0.0", "-3", "nan", "inf", "1e999", "1e-3", "15.5", "1e308"])
def test_the_command_line_and_the_library_mean_the_same_by_a_rate(typed, monkeypatch):
    asked = []
    monkeypatch.setattr(rate, "is_rate", lambda value: asked.append(value) or is_rate(value))
    possible = is_rate(float(typed))
    with nullcontext() if possible else pytest.raises(click.BadParameter, match="possible imaging rate"):
        assert FrameRate().convert(typed, None, None) == float(typed)
    with nullcontext() if possible else pytest.raises(MetadataError, match="not a frame rate"):
        assert rate.checked_option_rate(float(typed)) == float(typed)
    assert len(asked) == 2, "both ask the one definition"
