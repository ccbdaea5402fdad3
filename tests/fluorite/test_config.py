"""Configuration and stimuli through the real command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance
from nwb_schema.stimuli import read_stimuli
from tests.fluorite.command import Processed, fluorite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Project.create(tmp_path / "project").folder


def run(*arguments: str | Path, code: int = 0) -> Result:
    """The command in this process, without the second that starting one takes."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def shown(folder: Path) -> dict[str, Any]:
    return json.loads(run("config", folder, "show", "--json").stdout)


def test_columns_are_configured_step_by_step(folder: Path) -> None:
    run("config", folder, "add-column", "drug state", "--kind", "custom", "--word", "control", "--word", "ptz")
    run("config", folder, "add-column", "stage", "--kind", "custom", "--type", "integer", "--replacement", "48")
    run("config", folder, "add-column", "odour", "--kind", "stimulus", "--hidden", "--description", "From the valve")
    run("config", folder, "rename", "drug state", "bath")
    run("config", folder, "hide", "bath")
    run("config", folder, "show-column", "odour", "--kind", "stimulus")
    run("config", folder, "vocabulary", "bath", "--clear")
    run("config", folder, "set-type", "stage", "decimal")
    run("config", folder, "replacement", "stage", "50")
    run("config", folder, "describe", "stage", "Days")
    run("config", folder, "reorder", "stage", "bath")

    answer = shown(folder)
    assert answer["version"] == 11
    assert [column["name"] for column in answer["columns"]] == ["stage", "bath", "odour"]
    stage, bath, odour = answer["columns"]
    assert (stage["type"], stage["replacement"], stage["description"]) == ("decimal", 50.0, "Days")
    assert (bath["key"], bath["hidden"], bath["vocabulary"]) == ("drug state", True, [])
    assert (odour["hidden"], odour["description"]) == (False, "From the valve")
    text = run("config", folder, "show").stdout
    assert "bath: custom | text | replacement: untagged | key: drug state | hidden" in text


def test_mistakes_are_one_line_and_change_nothing(folder: Path) -> None:
    run("config", folder, "add-column", "region", "--kind", "roi_tag")
    for arguments in (
        ["add-column", "region", "--kind", "custom"],
        ["rename", "regoin", "area"],
        ["set-type", "region", "integer", "--replacement", "none"],
        ["defaults", "indicatr=x"],
    ):
        result = run("config", folder, *arguments, code=1)
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
    for arguments in (["vocabulary", "region"], ["defaults", "lab"], ["add-column", "x"]):
        run("config", folder, *arguments, code=2)
    assert shown(folder)["version"] == 1


def test_defaults_and_subjects(folder: Path, tmp_path: Path) -> None:
    run("config", folder, "defaults", "experimenter=Doe, Jane; Roe, R", "imaging_rate_hz=15.5", "lab=Lab")
    answer = json.loads(run("config", folder, "defaults", "lab=", "--json").stdout)
    assert answer["defaults"] == {"experimenter": ["Doe, Jane", "Roe, R"], "imaging_rate_hz": 15.5}
    assert "experimenter = Doe, Jane; Roe, R" in run("config", folder, "defaults").stdout

    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("subject_id,sex\nm1,F\n")
    answer = json.loads(run("config", folder, "subjects", "--import", source, "--export", target, "--json").stdout)
    assert answer == {"subjects": [{"subject_id": "m1", "sex": "F"}]}
    assert "m1,F" in target.read_text()
    run("config", folder, "subjects", "--export", target, code=2)


def test_processing_uses_defaults_and_subjects(processed: Processed, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project").folder
    movie = shutil.copy(processed.movie, tmp_path / "no-rate.tif")  # without its side-car it has no rate
    run("config", project, "defaults", "imaging_rate_hz=12.5", "indicator=GCaMP6f", "location=V1")
    (project / "subjects.csv").write_text("subject_id,sex,species\nm1,F,rat\n")
    report = json.loads(fluorite("process", movie, "--project", project, "--subject", "m1", "--json").stdout)
    (sample,) = report["samples"]

    notes = "\n".join(sample["notes"])
    assert "lab default of 12.5 Hz" in notes
    assert "lab defaults: indicator, location" in notes
    assert "table of subjects: sex, species" in notes
    assert read_provenance(Path(sample["sample"]))["rate_hz"] == 12.5


def test_stimuli_get_into_a_sample(processed: Processed, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(processed.project, project)
    sample = Path(processed.report["sample"]).name
    table = tmp_path / "gratings.csv"
    table.write_text("start,end,ori\n25,50,90\n40,75,0\n220,300,45\n")
    arguments = ("stimuli", project, sample, table, "--type", "ori", "--map", "name=ori")

    assert "add-column" in run(*arguments, "--frames", code=1).stderr
    run("config", project, "add-column", "ori", "--kind", "stimulus")
    assert "--frames or --seconds" in run(*arguments, code=1).stderr
    run(*arguments, "--frames", "--overlaps", "refuse", code=1)
    run(*arguments, "--frames", "--beyond", "refuse", code=1)
    run(*arguments, "--frames", "--map", "name", code=2)
    answer = json.loads(run(*arguments, "--frames", "--beyond", "cut", "--json").stdout)

    assert (answer["n_periods"], answer["names"], answer["type"]) == (3, ["0", "45", "90"], "ori")
    assert [(p["row"], p["kind"], p["outcome"]) for p in answer["problems"]] == [
        (3, "overlap", "kept"),
        (4, "beyond", "cut"),
    ]
    periods = read_stimuli(project / "samples" / sample)["ori"]
    assert periods["start_s"].tolist() == [25 / 12.5, 40 / 12.5, 220 / 12.5]
    assert periods["stop_s"].tolist() == [50 / 12.5, 75 / 12.5, 240 / 12.5]

    again = run(*arguments, "--frames", code=1)
    assert "--replace" in again.stderr
    done = run(*arguments, "--frames", "--replace", "--invalid", "leave-out")
    assert "3 periods of ori" in done.stdout
    assert "row 4 (17.6 to 24 s) lies partly outside" in done.stderr
