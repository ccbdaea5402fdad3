"""Lists, filters and what can be kept of them: saved filters, their history, and code that does the same."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import fluorite
from fluorite.cli import main
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configure import add_column, rename_column
from nwb_schema.edits import SetCustom, Tag, commit
from nwb_schema.errors import FilterError
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from nwb_schema.saved_filters import SavedFilter, filters_path, save_filter, saved_filters
from nwb_schema.stimuli import load_stimuli
from tests.nwb_schema.made_samples import made_sample, made_segmentation

HOSTILE = ["=cmd()", "+1", "@x", "-2", "../../up", "😀 ß", "a'b\"c\\n'''", "x" * 10_000, "__import__('os')"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Two samples; the ROIs of the first are tagged with everything that anybody could type."""
    project = Project.create(tmp_path_factory.mktemp("listing") / "my 'project'")
    first = made_sample(project, subject="m1", movie=False, segmentation=made_segmentation(len(HOSTILE)))
    made_sample(project, subject="m2", movie=False, segmentation=made_segmentation(3, snr=None, evaluated=False))
    note, dose = (
        ColumnDefinition("note", ColumnKind.ROI_TAG),
        ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL),
    )
    for column in (note, dose, ColumnDefinition("odour", ColumnKind.STIMULUS)):
        add_column(project, column)
    rois = list(read_rois(first)["roi_uuid"])
    tags = [Tag((roi,), note, text) for roi, text in zip(rois, HOSTILE, strict=True)]
    commit(project, first, [*tags, SetCustom(dose, 2.5)], actor="Jane")
    load_stimuli(project, "sub-m1_ses-s1_ophys", pd.DataFrame({"start": [0.5], "stop": [1.0]}), "odour", unit="seconds")
    return project


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def printed(*arguments: str | Path) -> dict[str, object]:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


FILTERS = [
    {"note": "ß"},
    {"note": "😀 ß|=cmd"},
    {"note": "$NOT:x|untagged"},
    {"note": "$STR=:../../up"},
    {"note": "$STR!=:a'b\"c\\n'''"},
    {"note": "__import__('os')"},
    {"snr": "$>:4", "is_accepted": "yes"},
    {"snr": "$NOT:4"},
    {"snr": "$<=:8", "dose": "2.5|3"},
    {"snr": "$STR:2", "index": "$>=:1"},
    {"evaluated": "$NOT:yes"},
    {"subject_id": "M1", "stimulus:odour": "$>:0"},
    {"movie_problem": "registered", "cnn_preds": "$NOT:1"},
]


def test_the_code_of_every_filter_leaves_the_same_rows(project: Project) -> None:
    """The programs are run in another process, as a person would run them."""
    programs = [fluorite.api.Catalogue(project).code("rois", steps) for steps in FILTERS]
    runner = """
import json, sys
for code in json.load(sys.stdin):
    names = {}
    exec(code, names)
    print(json.dumps(names["rois"]["roi_uuid"].tolist()))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", runner],
        input=json.dumps(programs),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    expected = [fluorite.rois(project, steps)["roi_uuid"].tolist() for steps in FILTERS]
    assert found == expected
    assert len({len(rois) for rois in expected}) > 4
    assert all(rois for rois in expected)
    assert all(program.isascii() for program in programs)


def test_filters_are_saved_in_the_project_and_used_again(project: Project) -> None:
    chosen = ("--filter", "subject_id=m1", "--filter", "note=$NOT:x")
    assert run("rois", project.folder, *chosen, "--save", "my cells").exit_code == 0
    rois = printed("rois", project.folder, *chosen)
    assert printed("rois", project.folder, "--saved", "my cells") == rois
    fewer = printed("rois", project.folder, "--saved", "my cells", "--filter", "index=$<:3")
    assert fewer["total"] == 2
    assert fluorite.rois(project, {"index": "$<:3"}, saved="my cells")["index"].tolist() == [0, 1]
    (listed,) = printed("filters", project.folder)["filters"]  # type: ignore[misc]
    assert (listed["name"], listed["level"], listed["count"]) == ("my cells", "rois", rois["total"])
    assert filters_path(project).parent == project.folder, "not among what may be deleted"

    again = run("rois", project.folder, "--save", "my cells")
    assert (again.exit_code, "--replace" in again.stderr) == (1, True)
    assert run("rois", project.folder, "--filter", "snr=$>:2", "--save", "my cells", "--replace").exit_code == 0
    assert saved_filters(project) == [SavedFilter("my cells", "rois", (("snr", "$>:2"),))]
    assert "of rois" in run("samples", project.folder, "--saved", "my cells").stderr
    assert run("filters", project.folder, "--remove", "my cells").exit_code == 0
    assert saved_filters(project) == []
    assert "no filter was saved" in run("rois", project.folder, "--saved", "my cells").stderr


def test_what_is_no_filter_is_not_saved(project: Project) -> None:
    assert run("rois", project.folder, "--filter", "nope=1", "--save", "bad").exit_code == 1
    with pytest.raises(FilterError, match="cannot be the name"):
        save_filter(project, SavedFilter("a\0b", "rois", ()))
    assert saved_filters(project) == []


def test_hostile_texts_survive_saving(project: Project) -> None:
    steps = tuple(("note", text) for text in HOSTILE)
    save_filter(project, SavedFilter("=1+1 😀", "rois", steps, description="x\0y"))
    assert saved_filters(project) == [SavedFilter("=1+1 😀", "rois", steps, description="xy")]
    filters_path(project).write_text("filters = 3")
    with pytest.raises(FilterError, match="no list of filters"):
        saved_filters(project)
    filters_path(project).unlink()


def test_a_saved_filter_whose_column_is_gone_says_so(project: Project) -> None:
    save_filter(project, SavedFilter("tagged", "rois", (("note", "x"),)))
    save_filter(project, SavedFilter("all", "samples", ()))
    rename_column(project, "note", "remark")
    try:
        rows = printed("filters", project.folder)["filters"]
        assert [row["count"] for row in rows] == [None, 2]  # type: ignore[attr-defined]
        assert "no such column" in run("filters", project.folder).stderr
    finally:
        rename_column(project, "remark", "note")
        filters_path(project).unlink()


def test_the_history_says_what_each_filter_left(project: Project) -> None:
    done = run("rois", project.folder, "--filter", "subject_id=m1", "--filter", "index=$>=:4", "--history")
    assert done.stdout == "all ROIs: 12\nsubject_id: m1 -> 9\nindex: $>=:4 -> 5\n"
    assert "fluorite.open_project(" in run("samples", project.folder, "--code").stdout


def test_lists_are_sorted_paged_and_counted(project: Project) -> None:
    page = printed("rois", project.folder, "--sort", "subject_id", "--sort", "-index", "--limit", "2", "--offset", "8")
    assert page["total"] == 12
    assert [row["index"] for row in page["rois"]] == [0, 2]  # type: ignore[attr-defined]
    counted = printed("rois", project.folder, "--values", "dose")["values"]
    assert counted == [{"value": 0.0, "count": 3}, {"value": 2.5, "count": 9}]
    assert fluorite.values(project, "subject_id", level="rois")["count"].tolist() == [9, 3]
    table = run("rois", project.folder).stdout
    assert "note" in table.splitlines()[0]
    assert len(table.splitlines()) == 13
    assert max(map(len, table.splitlines())) < 300


def test_a_table_for_spreadsheets_has_no_formula(project: Project, tmp_path: Path) -> None:
    assert run("rois", project.folder, "--csv", tmp_path / "rois.csv").exit_code == 0
    with (tmp_path / "rois.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12
    assert [row["note"] for row in rows[:4]] == ["'=cmd()", "'+1", "'@x", "'-2"]
    assert rows[7]["note"] == HOSTILE[7]
    assert "cannot be written" in run("rois", project.folder, "--csv", tmp_path / "no" / "x.csv").stderr


def test_notebooks_get_stimuli_by_the_name_of_their_type(project: Project) -> None:
    rename_column(project, "odour", "smell", ColumnKind.STIMULUS)
    try:
        assert fluorite.stimuli(project, "sub-m1_ses-s1_ophys")["smell"]["stop_s"].tolist() == [1.0]
        assert fluorite.events(project, "sub-m1_ses-s1_ophys") == {}
    finally:
        rename_column(project, "smell", "odour", ColumnKind.STIMULUS)
