"""Measurements beside the movie keep their own times."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pynapple
import pynwb
import pytest
from nwbinspector import inspect_nwbfile

from nwb_schema.behaviour import load_behaviour, read_behaviour
from nwb_schema.errors import StimulusError
from nwb_schema.project import Project

RATE_HZ = 29.97


def table(n: int = 120) -> pd.DataFrame:
    speed = np.random.default_rng(4).normal(size=n)
    speed[3] = np.nan
    return pd.DataFrame({"time": np.arange(n) / RATE_HZ, "speed": speed, "lick": np.arange(n) % 7, "note": "x"})


def test_regular_times_become_a_rate_of_their_own(filled: Project, sample: Path) -> None:
    loaded = load_behaviour(filled, sample.name, table(), units={"speed": "cm/s"})
    series = read_behaviour(sample)

    assert sorted(series) == ["lick", "speed"]
    assert series["speed"].rate_hz == pytest.approx(RATE_HZ, rel=1e-9)
    assert (series["speed"].unit, series["lick"].unit) == ("cm/s", "a.u.")
    np.testing.assert_array_equal(series["speed"].values, table()["speed"])
    np.testing.assert_allclose(series["speed"].time_s, table()["time"], atol=1e-9)
    assert any("hold no numbers: note" in note for note in loaded.notes)


def test_irregular_times_are_kept(filled: Project, sample: Path) -> None:
    source = pd.DataFrame({"t": [0.1, 0.25, 3.0], "pupil": [1.0, 2.0, 3.0]})
    load_behaviour(filled, sample.name, source, time_column="t")
    series = read_behaviour(sample)["pupil"]
    assert series.rate_hz is None
    assert series.time_s.tolist() == [0.1, 0.25, 3.0]


def test_a_table_without_times_needs_a_rate(filled: Project, sample: Path) -> None:
    source = pd.DataFrame({"pupil": [1, 2, 3]})
    with pytest.raises(StimulusError, match="--rate HZ or --time COLUMN"):
        load_behaviour(filled, sample.name, source)
    load_behaviour(filled, sample.name, source, columns={"size": "pupil"}, rate_hz=2.5, start_s=1.0)
    series = read_behaviour(sample)["size"]
    assert (series.rate_hz, series.time_s.tolist()) == (2.5, [1.0, 1.4, 1.8])


def test_others_read_it(filled: Project, sample: Path) -> None:
    load_behaviour(filled, sample.name, table(), units={"speed": "cm/s"})
    with pynwb.NWBHDF5IO(str(sample), "r") as io:
        speed = io.read().processing["behavior"]["speed"]
        assert (speed.unit, speed.starting_time) == ("cm/s", 0.0)
        assert speed.rate == pytest.approx(RATE_HZ)
    np.testing.assert_array_equal(pynapple.load_file(str(sample))["speed"].values, table()["speed"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        messages = [m for m in inspect_nwbfile(nwbfile_path=str(sample)) if "behavior" in (m.location or "")]
    assert messages == []


def test_times_that_cannot_be_are_refused_with_their_rows(filled: Project, sample: Path) -> None:
    before = sample.read_bytes()
    for times, rows in (([0.0, np.nan, 1.0], "rows 2 "), ([0.0, 1.0, 1.0], "rows 3 "), ([1.0, 0.5, 2.0], "rows 2 ")):
        with pytest.raises(StimulusError, match=rows):
            load_behaviour(filled, sample.name, pd.DataFrame({"time": times, "speed": [1, 2, 3]}))
    assert sample.read_bytes() == before


def test_times_outside_the_recording_are_said_and_kept(filled: Project, sample: Path) -> None:
    source = pd.DataFrame({"time": [-1.0, 1.0, 100.0], "speed": [1, 2, 3]})
    loaded = load_behaviour(filled, sample.name, source)
    assert any("2 of 3 times lie outside" in note for note in loaded.notes)
    assert len(read_behaviour(sample)["speed"].values) == 3


def test_a_series_is_replaced_only_when_told(filled: Project, sample: Path) -> None:
    load_behaviour(filled, sample.name, table())
    with pytest.raises(StimulusError, match="--replace"):
        load_behaviour(filled, sample.name, table(50))
    load_behaviour(filled, sample.name, table(50), columns={"speed": "speed"}, existing="replace")
    assert {name: len(one.values) for name, one in read_behaviour(sample).items()} == {"lick": 120, "speed": 50}


def test_columns_that_cannot_be_are_named(filled: Project, sample: Path) -> None:
    for columns, cause in (({"a": "none"}, "no column 'none'"), ({"a": "note"}, "no numbers")):
        with pytest.raises(StimulusError, match=cause):
            load_behaviour(filled, sample.name, table(), columns=columns)
    with pytest.raises(StimulusError, match="no series"):
        load_behaviour(filled, sample.name, table(), units={"spede": "cm/s"})
