from __future__ import annotations

import base64
from pathlib import Path

import pandas as pd
import pytest

from app.components.stimulus_import_view import rules_of, sent_table
from app.stimuli.importing import ImportRules, SentTable, load_table, look_at_table, outcome, try_table, with_names
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.errors import StimulusError
from nwb_schema.project import Project
from nwb_schema.stimuli import read_stimuli
from pipeline.simulate import Simulation
from tests.app.small_project import RATE_HZ, MadeSample, add_sample, simulate

GRATINGS = "start,end,ori,sf\n15,30,0,0.02\n45,60,90,0.04\n135,165,0,0.02\n"
FRAMES = ImportRules({"start": "start", "stop": "end", "name": "ori"}, "frames", beyond="cut")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    project = Project.create(tmp_path / "project", "Import")
    add_column(project, ColumnDefinition("orientation", ColumnKind.STIMULUS))
    return Workspace.of(project)


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture
def sample(workspace: Workspace, simulation: Simulation) -> MadeSample:
    return add_sample(workspace.project, simulation, with_movie=False)


def uploaded(name: str, content: bytes) -> SentTable:
    return SentTable.of_upload(name, f"data:text/csv;base64,{base64.b64encode(content).decode()}")


def test_cells_pasted_without_names_are_taken_by_position() -> None:
    assert with_names("1\t2\tleft\r\n3\t4\tright\r\n", moments=False) == "start\tstop\tname\n1\t2\tleft\n3\t4\tright"
    assert with_names("1.5\tlick", moments=True).splitlines()[0] == "time\tname"
    assert with_names("onset\tend\n1\t2", moments=False) == "onset\tend\n1\t2"
    assert with_names("1,2,a,red,5", moments=False).splitlines()[0] == "start,stop,name,colour,column 5"
    assert with_names("1;2;a", moments=False).splitlines()[0] == "start;stop;name"
    assert with_names("", moments=False) == ""


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_pasted_text_of_a_csv_file_has_the_columns_of_the_file(separator: str) -> None:
    table = SentTable.of_paste(GRATINGS.replace(",", separator), moments=False).read()

    assert list(table.frame.columns) == ["start", "end", "ori", "sf"]


def test_table_is_looked_at_before_it_is_loaded() -> None:
    found = look_at_table(uploaded("gratings.csv", GRATINGS.encode()).read(), moments=False)

    assert found.columns == ("start", "end", "ori", "sf")
    assert found.mapping == {"start": "start", "stop": "end"}
    assert (found.unit, found.n_rows) == (None, 3)  # whole numbers: frames or seconds, who knows
    assert found.first_rows[1] == ("45", "60", "90", "0.04")
    seconds = look_at_table(uploaded("a.csv", b"start_time,stop_time\n1,2\n").read(), moments=False)
    assert seconds.unit == "seconds"
    assert look_at_table(uploaded("b.csv", b"a,b\n1,2\n").read(), moments=False).mapping == {}


def test_frames_are_loaded_as_seconds_with_what_is_odd_reported(workspace: Workspace, sample: MadeSample) -> None:
    sent = uploaded("gratings.csv", GRATINGS.encode())
    data = workspace.samples.get(sample.identifier)

    line, problems, _ = outcome(try_table(workspace, data, sent.read(), "orientation", False, FRAMES))
    assert "orientation" not in read_stimuli(sample.path)
    said = load_table(workspace, data, sent, "orientation", False, FRAMES, actor="Ada")

    assert line == "3 rows, 1 to 10 s, 2 names"
    assert problems == ["Row 4 (9 to 11 s) lies partly outside the recording (0 to 10 s): cut."]
    assert said == "Loaded 3 rows from gratings.csv."
    stored = read_stimuli(sample.path)["orientation"]
    assert stored["start_s"].tolist() == [15 / RATE_HZ, 45 / RATE_HZ, 135 / RATE_HZ]
    assert stored["stop_s"].tolist() == [2, 4, 10]
    assert list(stored["name"]) == ["0", "90", "0"]
    assert stored["sf"].tolist() == [0.02, 0.04, 0.02]


def test_pasted_rows_are_added_to_what_is_there_or_replace_it(workspace: Workspace, sample: MadeSample) -> None:
    paste = SentTable.of_paste("1\t2\tleft\n3\t4\tright", moments=False)
    by_position = {"start": "start", "stop": "stop", "name": "name"}
    for existing in ("add", "add", "replace"):
        data = workspace.samples.get(sample.identifier)
        rules = ImportRules(by_position, "seconds", existing=existing)
        load_table(workspace, data, paste, "orientation", False, rules, actor="Ada")
        stored = read_stimuli(sample.path)["orientation"]
        if existing == "add":
            assert set(stored["name"]) == {"left", "right"}
    assert len(stored) == 2

    load_table(
        workspace,
        workspace.samples.get(sample.identifier),
        paste,
        "orientation",
        False,
        ImportRules(by_position, "seconds", existing="add"),
        actor="Ada",
    )
    assert read_stimuli(sample.path)["orientation"]["start_s"].tolist() == [1, 1, 3, 3]


def test_rows_that_were_pasted_without_names_are_counted_from_one(workspace: Workspace, sample: MadeSample) -> None:
    rules = ImportRules({"start": "start", "stop": "stop"}, "seconds")
    data = workspace.samples.get(sample.identifier)

    with pytest.raises(StimulusError, match="row 2 stops at 3 s before it starts"):
        try_table(workspace, data, SentTable.of_paste("1\t2\n4\t3", moments=False).read(), "orientation", False, rules)


def test_excel_is_read_and_other_files_are_refused(tmp_path: Path) -> None:
    pd.DataFrame({"start": [1.5], "stop": [2.5], "name": ["007"]}).to_excel(tmp_path / "a.xlsx", index=False)

    table = uploaded("C:\\stimuli\\a.xlsx", (tmp_path / "a.xlsx").read_bytes()).read()

    assert (table.name, list(table.frame["name"])) == ("a.xlsx", ["007"])
    with pytest.raises(StimulusError, match="no table"):
        uploaded("../../etc/passwd", b"")
    with pytest.raises(StimulusError, match="whole"):
        SentTable.of_upload("a.csv", "data:,not base64!")
    with pytest.raises(StimulusError):
        uploaded("a.xlsx", b"not a zip").read()


def test_fields_of_the_dialogue_become_rules() -> None:
    rules = rules_of(["on", "off", "long", "", None], "frames", ["keep", "cut", "leave-out", "add"])

    assert rules.mapping == {"start": "on", "stop": "off"}  # a stop makes a duration superfluous
    assert (rules.unit, rules.beyond, rules.invalid, rules.existing) == ("frames", "cut", "leave-out", "add")
    assert rules_of(["on", "", "long", "", ""], "", ["keep", "keep", "refuse", "add"]).unit is None
    assert sent_table({"text": "1\t2"}, moments=True).name == "pasted.tsv"
