"""`fluorite process --pattern` and `--into`: many movies at once, and a sample's cells found anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.edits import edits_of
from nwb_schema.edits.state_reading import read_state
from nwb_schema.project import Project
from nwb_schema.pynwb_check import schema_problems
from nwb_schema.reader import read_provenance, read_rois, read_summary
from tests.fluorite.command import Processed


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "project").exit_code == 0
    for name, kind in (("drug", "text"), ("dose", "decimal")):
        assert (
            run("config", tmp_path / "project", "add-column", name, "--kind", "custom", "--type", kind).exit_code == 0
        )
    return tmp_path / "project"


@pytest.fixture
def folder(tmp_path: Path, movie: Path) -> Path:
    folder = tmp_path / "movies"
    folder.mkdir()
    shutil.copyfile(movie, folder / "m1_20260301_2.5mg.tif")
    shutil.copyfile(movie, folder / "m1_left_20260301_x_2mg.tif")
    return folder


def test_folder_is_looked_at_first_then_processed_and_nothing_is_done_twice(project: Path, folder: Path) -> None:
    command = ("process", folder, "--project", project, "--pattern", "{subject}_{date}_{dose}mg", "--set", "drug=ptz")
    command = (*command, "--frame-rate", "12.5", "--json")

    tried = run(*command, "--dry-run")
    assert tried.exit_code == 1  # one of the two is refused
    good, bad = json.loads(tried.stdout)["planned"]
    assert (good["state"], good["sample"]) == ("ready", "sub-m1_ses-m1-20260301-2_ophys.nwb")
    assert (bad["state"], "dose cannot be 'x_2'" in bad["problem"]) == ("refused", True)
    assert Project.open(project).sample_paths() == []

    done = run(*command)
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert [Path(one["sample"]).name for one in answer["samples"]] == [good["sample"]]
    assert ["x_2mg.tif" in one for one in answer["errors"]] == [True]
    path = Path(answer["samples"][0]["sample"])
    assert read_state(path).custom == {"drug": "ptz", "dose": 2.5}
    assert schema_problems(path) == []
    assert (read_summary(path).session_start_time or "").startswith("2026-03-01T00:00")

    (folder / "m1_left_20260301_x_2mg.tif").unlink()
    again = run(*command)
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == {"samples": [], "there": ["m1_20260301_2.5mg.tif"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--pattern", "{subject}", "--session", "s1"),
        ("--pattern", "{subject}", "--series"),
        ("--dry-run",),
        ("--set", "dose"),
        ("--into", "sample", "--variant-of", "sample"),
        ("--into", "sample", "--subject", "m1"),
        ("--reason", "why"),
    ],
)
def test_options_that_exclude_each_other_are_wrong_usage(
    project: Path, movie: Path, arguments: tuple[str, ...]
) -> None:
    assert run("process", movie, "--project", project, *arguments).exit_code == 2


def test_movie_or_sample_has_to_be_named(project: Path) -> None:
    assert run("process", "--project", project).exit_code == 2
    done = run("process", "--project", project, "--into", "gone")
    assert done.exit_code == 1
    assert "no such sample" in done.output


def test_cells_of_a_sample_are_found_anew(processed: Processed, tmp_path: Path) -> None:
    project = tmp_path / "copy"
    shutil.copytree(processed.project, project)
    sample = Path(processed.report["sample"]).name
    before = read_rois(project / "samples" / sample)
    decided = list(before["roi_uuid"][:3])
    assert run("accept", project, sample, *decided).exit_code == 0
    (tmp_path / "my.json").write_text('{"K": 5, "min_SNR": 1.0}')

    done = run("process", "--into", sample, "--project", project, "--params", tmp_path / "my.json", "--reason", "why")

    assert done.exit_code == 0, done.output
    now = read_rois(project / "samples" / sample)
    kept = now[now["roi_uuid"].isin(decided)]
    assert len(kept) == len(decided)
    assert kept["curated"].all()
    last = edits_of(Project.open(project), project / "samples" / sample)[-1]
    assert last.reason == "why"
    assert "replaced the segmentation by K 5, min_SNR 1 (job" in last.what
    provenance = read_provenance(project / "samples" / sample)
    assert provenance["parameters"]["init"]["K"] == 5
    assert not provenance["parameters"]["motion"]["motion_correct"]
    assert str(processed.movie) in provenance["input_files"]
    assert run("undo", project, sample).exit_code == 0
    assert list(read_rois(project / "samples" / sample)["roi_uuid"]) == list(before["roi_uuid"])
