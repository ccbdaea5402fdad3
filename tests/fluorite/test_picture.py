"""``fluorite picture``, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import tifffile
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.project import Project
from tests.nwb_schema.made_samples import HEIGHT, WIDTH, made_sample


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = Project.create(tmp_path_factory.mktemp("picture") / "project")
    made_sample(project)
    return project.folder


def test_picture_clip_and_values(folder: Path, tmp_path: Path) -> None:
    look = ("--colours", "viridis", "--outlines", "all", "--scale-bar", "--enlarge", "3", "--levels", "100:3000")

    done = run("picture", folder, "sub-m1_ses-s1_ophys", "--to", tmp_path / "a.png", "--frame", "4", *look, "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["what"] == f"frame 4, {3 * HEIGHT} x {3 * WIDTH} px"
    picture = cv2.imread(str(tmp_path / "a.png"))
    assert picture is not None
    assert picture.shape == (3 * HEIGHT, 3 * WIDTH, 3)

    done = run(
        "picture", folder, "sub-m1_ses-s1_ophys", "--to", tmp_path / "b.gif", "--frames", "10:20", "--speed", "2"
    )
    assert done.exit_code == 0, done.output
    assert "10 pictures" in done.stdout

    done = run("picture", folder, "sub-m1_ses-s1_ophys", "--to", tmp_path / "c.tif", "--image", "mean")
    assert done.exit_code == 0, done.output
    assert tifffile.imread(tmp_path / "c.tif").shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--to", "x.bmp"), 1, "Let it end in one of"),
        (("--to", "x.png", "--image", "median"), 1, "median"),
        (("--to", "x.png", "--levels", "5"), 2, "two numbers"),
        (("--to", "x.png", "--levels", "5:"), 2, "both values"),
        (("--to", "x.png", "--levels", "5:1"), 1, "in order"),
        (("--to", "x.png", "--colours", "jet"), 1, "viridis"),
    ],
)
def test_what_cannot_be_made_is_refused(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = run("picture", folder, "sub-m1_ses-s1_ophys", *arguments)

    assert done.exit_code == code
    assert said in done.output
    assert "Traceback" not in done.output
