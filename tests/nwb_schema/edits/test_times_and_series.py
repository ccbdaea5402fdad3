"""Stimuli, events and behaviour are edits like any other: one by one, undone, done again, never lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pynwb
import pytest

from nwb_schema.behaviour import load_behaviour, read_behaviour, remove_behaviour
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import EditConflict, EditKind, Reject, commit, edits_of, redo, undo, version_of
from nwb_schema.errors import EditError, StimulusError
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.stimuli import change_periods, load_stimuli, read_events, read_stimuli, remove_stimuli

ODOURS = pd.DataFrame({"start": [0.0, 2.0, 4.0], "stop": [1.0, 3.0, 5.0], "name": ["a", "b", "a"], "ppm": [1, 2, 3]})


@pytest.fixture
def prepared(filled: Project) -> Project:
    add_column(filled, ColumnDefinition("odour", ColumnKind.STIMULUS, vocabulary=("a", "b")))
    return filled


def load(project: Project, sample: Path, frame: pd.DataFrame = ODOURS, **options: Any) -> None:
    load_stimuli(project, sample.name, frame, "odour", unit="seconds", actor="Ada", **options)


def periods(sample: Path) -> dict[int, tuple[Any, ...]]:
    frame = read_stimuli(sample)["odour"]
    return {number: tuple(frame.loc[number, ["start_s", "stop_s", "name", "ppm"]]) for number in frame.index}


def test_loading_is_undone_and_done_again(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    loaded = read_stimuli(sample)["odour"]
    undo(prepared, sample, actor="Bob")
    assert read_stimuli(sample) == {}
    redo(prepared, sample, actor="Bob")
    pd.testing.assert_frame_equal(read_stimuli(sample)["odour"], loaded)
    assert [edit.kind for edit in edits_of(prepared, sample)] == [EditKind.STIMULI, EditKind.UNDO, EditKind.REDO]
    assert schema_problems(sample) == []


def test_replacing_by_a_table_of_other_columns_and_back(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    before = read_stimuli(sample)["odour"]
    other = pd.DataFrame({"start": [1.0], "stop": [1.5], "name": ["b"], "comment": ["caf\u00e9\x00"], "x": [np.inf]})
    load(prepared, sample, other, existing="replace")
    assert read_stimuli(sample)["odour"]["comment"].tolist() == ["caf\u00e9"]
    assert read_stimuli(sample)["odour"]["x"].tolist() == [np.inf]
    undo(prepared, sample, actor="Ada")
    pd.testing.assert_frame_equal(read_stimuli(sample)["odour"], before)
    redo(prepared, sample, actor="Ada")
    assert list(read_stimuli(sample)["odour"].columns[2:]) == ["name", "colour", "comment", "x"]
    assert schema_problems(sample) == []


def test_loading_the_same_again_is_no_edit(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    load(prepared, sample, existing="replace")
    assert len(edits_of(prepared, sample)) == 1
    with pytest.raises(StimulusError, match="already"):
        load(prepared, sample)


def test_single_periods_are_moved_added_and_removed(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    done = change_periods(
        prepared,
        sample,
        "odour",
        changed={1: {"start_s": 2.5, "name": "a"}},
        removed=[0],
        added=[{"start_s": 0.5, "stop_s": 0.75, "name": "b", "ppm": 9}],
        actor="Ada",
    )
    assert done.records[0].what == "added 1, changed 1, removed 1 period of odour"
    assert periods(sample) == {3: (0.5, 0.75, "b", 9), 1: (2.5, 3.0, "a", 2), 2: (4.0, 5.0, "a", 3)}
    assert read_stimuli(sample)["odour"]["start_s"].is_monotonic_increasing, "as NWB wants it"
    assert len(done.records[0].changes) == 3, "the others are not in the history"
    undo(prepared, sample, actor="Ada")
    assert periods(sample) == {0: (0.0, 1.0, "a", 1), 1: (2.0, 3.0, "b", 2), 2: (4.0, 5.0, "a", 3)}
    redo(prepared, sample, actor="Ada")
    assert sorted(periods(sample)) == [1, 2, 3]
    assert schema_problems(sample) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"changed": {7: {"start_s": 1.0}}}, "no row 7"),
        ({"changed": {0: {"smell": 1.0}}}, "no column 'smell'"),
        ({"changed": {0: {"start_s": "soon"}}}, "cannot be used"),
        ({"changed": {0: {"start_s": float("nan")}}}, "number of seconds"),
        ({"changed": {0: {"stop_s": -1.0}}}, "before it starts"),
        ({"changed": {0: {"name": "c"}}}, "not in the vocabulary"),
        ({"changed": {0: {"ppm": 1.5}}}, "whole number"),
        ({"added": [{"start_s": 1.0}]}, "needs its times"),
    ],
)
def test_what_is_no_period_is_refused(prepared: Project, sample: Path, what: dict[str, Any], said: str) -> None:
    load(prepared, sample)
    content = sample.read_bytes()
    with pytest.raises(EditError, match=said):
        change_periods(prepared, sample, "odour", **what, actor="Ada")
    assert sample.read_bytes() == content


def test_the_first_period_can_be_set_by_hand(prepared: Project, sample: Path) -> None:
    new = [{"start_s": 1.0, "stop_s": 2.0, "name": "a"}]
    change_periods(prepared, sample, "odour", added=new, actor="Ada")
    change_periods(prepared, sample, "odour", added=[{"time_s": 1.5, "name": "b"}], moments=True, actor="Ada")
    assert read_stimuli(sample)["odour"]["start_s"].tolist() == [1.0]
    assert read_events(sample)["odour"]["time_s"].tolist() == [1.5]
    assert schema_problems(sample) == []
    with pynwb.NWBHDF5IO(sample, "r") as io:
        nwbfile = io.read()
        assert nwbfile.intervals["odour"]["label"].data[:].tolist() == ["a"]
        assert nwbfile.events["odour"]["timestamp"].data[:].tolist() == [1.5]
    remove_stimuli(prepared, sample, "odour", actor="Ada")
    assert read_stimuli(sample) == {}
    undo(prepared, sample, actor="Ada")
    assert read_stimuli(sample)["odour"]["name"].tolist() == ["a"]


def test_the_second_person_is_told_which_periods_both_change(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    seen = version_of(prepared, sample)
    change_periods(prepared, sample, "odour", changed={0: {"stop_s": 1.5}}, actor="Ada", based_on=seen)
    with pytest.raises(EditConflict) as caught:
        change_periods(
            prepared, sample, "odour", changed={0: {"stop_s": 1.2}, 2: {"stop_s": 6}}, actor="Bob", based_on=seen
        )
    assert [(target.name, target.roi) for target in caught.value.overlapping] == [("intervals/odour", "0")]
    change_periods(prepared, sample, "odour", removed=[2], actor="Bob", based_on=caught.value.version)
    assert periods(sample) == {0: (0.0, 1.5, "a", 1), 1: (2.0, 3.0, "b", 2)}


def test_a_period_changed_from_outside_is_noticed_and_left_alone(prepared: Project, sample: Path) -> None:
    load(prepared, sample)
    change_periods(prepared, sample, "odour", changed={0: {"stop_s": 1.5}, 1: {"stop_s": 3.5}}, actor="Ada")
    with h5py.File(sample, "r+") as file:
        file["intervals/odour/stop_time"][0] = 1.75
    done = undo(prepared, sample, actor="Ada")
    assert done.outside is not None
    assert done.outside.parts == ("table intervals/odour",)
    assert [stop for _, stop, *_ in periods(sample).values()] == [1.75, 3.0, 5.0]


def test_an_older_copy_gets_stimuli_and_behaviour_again(prepared: Project, sample: Path, before: Path) -> None:
    load(prepared, sample)
    change_periods(prepared, sample, "odour", removed=[1], actor="Ada")
    speed = pd.DataFrame({"time": np.arange(20) / 10, "speed": np.arange(20.0)})
    load_behaviour(prepared, sample.name, speed, actor="Ada")
    shutil.copyfile(before, sample)

    edits_of(prepared, sample)
    assert sorted(periods(sample)) == [0, 2]
    assert read_behaviour(sample)["speed"].values.tolist() == list(range(20))


def test_a_series_that_another_program_changed_comes_back_as_it_left_it(prepared: Project, sample: Path) -> None:
    speed = pd.DataFrame({"time": np.arange(20) / 10, "speed": np.arange(20.0)})
    load_behaviour(prepared, sample.name, speed, actor="Ada")
    with h5py.File(sample, "r+") as file:
        file["processing/behavior/speed/data"][0] = 7
    remove_behaviour(prepared, sample, "speed", actor="Ada")
    undo(prepared, sample, actor="Ada")
    assert read_behaviour(sample)["speed"].values[0] == 7


def test_a_replaced_series_comes_back(prepared: Project, sample: Path, rois: list[str]) -> None:
    def speed(factor: float, rows: int = 20) -> pd.DataFrame:
        return pd.DataFrame({"time": np.arange(rows) / 10, "speed": factor * np.arange(rows)})

    load_behaviour(prepared, sample.name, speed(1), actor="Ada", reason="wheel")
    commit(prepared, sample, Reject(rois[:1]), actor="Ada")
    load_behaviour(prepared, sample.name, speed(2, 30), actor="Bob", existing="replace")
    assert read_behaviour(sample)["speed"].values[-1] == 58
    undo(prepared, sample, actor="Bob")
    assert read_behaviour(sample)["speed"].values[-1] == 19
    redo(prepared, sample, actor="Bob")
    assert read_behaviour(sample)["speed"].values[-1] == 58
    remove_behaviour(prepared, sample, "speed", actor="Bob")
    assert read_behaviour(sample) == {}
    assert schema_problems(sample) == []
    for _ in range(4):
        undo(prepared, sample, actor="Bob")
    assert read_behaviour(sample) == {}
    redo(prepared, sample, actor="Bob")
    assert read_behaviour(sample)["speed"].values[-1] == 19
    assert schema_problems(sample) == []
    with pytest.raises(StimulusError, match="already"):
        load_behaviour(prepared, sample.name, speed(3), actor="Ada")
    with pytest.raises(EditError, match="no such series"):
        remove_behaviour(prepared, sample, "pupil", actor="Ada")
