from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import fluorite
from fluorite.cli import main
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import Tag, commit
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from tests.app.small_project import MadeSample, add_sample, simulate

AREA = ColumnDefinition("area", ColumnKind.ROI_TAG)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, MadeSample]:
    project = Project.create(tmp_path_factory.mktemp("figures") / "project")
    add_column(project, AREA)
    return project, add_sample(project, simulate())


def command(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["figure", *map(str, arguments)])


def test_figure_of_the_command_and_of_a_notebook_is_the_same_file(
    made: tuple[Project, MadeSample], tmp_path: Path
) -> None:
    project, sample = made
    roi = str(read_rois(sample.path)["roi_uuid"][2])
    options = ["--roi", roi[:8], "--kind", "dff", "--from", "1", "--until", "6.5", "--width", "1.5", "--font", "6"]

    done = command(project.folder, sample.identifier, "traces", "--to", tmp_path / "a.svg", *options, "--json")

    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["width_mm"], report["roi_uuids"]) == (120.0, [roi])
    record = fluorite.figure(
        project,
        sample.identifier,
        tmp_path / "b.svg",
        rois=(roi,),
        kinds=("dff",),
        window_s=(1.0, 6.5),
        width="1.5",
        font_pt=6.0,
    )
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert fluorite.read_figure(tmp_path / "a.svg") == record


def test_rows_of_a_heat_map_by_a_tag(made: tuple[Project, MadeSample], tmp_path: Path) -> None:
    project, sample = made
    rois = list(read_rois(sample.path)["roi_uuid"])
    commit(project, sample.path, Tag((rois[1],), AREA, "V1"), actor="Ada")

    done = command(
        project.folder, sample.identifier, "heatmap", "--to", tmp_path / "h.svg", "--tag", "area", "--width", "100"
    )

    assert done.exit_code == 0, done.output
    assert "100 x" in done.stdout
    text = (tmp_path / "h.svg").read_text()
    assert "V1 (1)" in text
    assert "untagged (7)" in text


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["traces", "--to", "x.bmp"], 2, "ends with"),
        (["traces", "--to", "x.svg", "--width", "wide"], 2, "millimetres"),
        (["traces", "--to", "x.svg", "--from", "1"], 2, "go together"),
        (["traces", "--to", "x.svg", "--font", "20"], 1, "Choose from 5 to 8 pt"),
        (["heatmap", "--to", "x.svg", "--tag", "aera"], 1, "Did you mean area?"),
        (["image", "--to", "no/folder/x.svg"], 1, "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_remedy(
    made: tuple[Project, MadeSample],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = command(made[0].folder, made[1].identifier, *options)

    assert (done.exit_code, list(tmp_path.iterdir())) == (code, [])
    assert message in done.output


def test_figure_that_is_there_is_kept(made: tuple[Project, MadeSample], tmp_path: Path) -> None:
    target = tmp_path / "there.png"
    target.write_bytes(b"mine")

    refused = command(made[0].folder, made[1].identifier, "image", "--to", target)
    kept = target.read_bytes()
    done = command(made[0].folder, made[1].identifier, "image", "--to", target, "--overwrite")

    assert (refused.exit_code, kept) == (1, b"mine")
    assert done.exit_code == 0
    assert target.read_bytes().startswith(b"\x89PNG")
