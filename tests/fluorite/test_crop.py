"""`fluorite process --crop --resize --param`: what is processed, and how its masks are traced back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.project import Project
from nwb_schema.reader import read_pixel_size_um, read_provenance, read_rois, read_summary
from pipeline.engines.builtin.engine import BuiltinEngine
from pipeline.jobs import Ledger
from pipeline.movies import open_movie
from pipeline.movies.cropped import KEY, prepared
from pipeline.parameters import Parameters
from pipeline.process import recipe_digest


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cropped") / "project"
    assert run("init", folder).exit_code == 0
    return folder


@pytest.fixture(scope="module")
def report(project: Path, movie: Path) -> dict[str, Any]:
    metadata = project.parent / "metadata.yaml"
    metadata.write_text("Ophys:\n  ImagingPlane:\n  - grid_spacing: [1.5, 1.5]\n    grid_spacing_unit: micrometers\n")
    done = run(
        "process", movie, "--project", project, "--subject", "m1", "--crop", "4:60,10:80", "--resize", "0.5",
        "--param", "gSig=2", "--param", "niter_rig=1", "--metadata", metadata, "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout)["samples"][0])


def test_a_cropped_and_resized_movie_becomes_a_sample_that_knows_where_it_lies(report: dict[str, Any]) -> None:
    path = Path(report["sample"])
    summary, provenance = read_summary(path), read_provenance(path)
    assert (summary.height, summary.width) == (28, 35)
    assert provenance["movie_metadata"][KEY]["crop_y"] == [4, 60]
    assert provenance["movie_metadata"][KEY]["crop_x"] == [10, 80]
    assert provenance["parameters"]["init"]["gSig"] == [2, 2]
    assert any("lies at (4.5, 10.5) of the raw movie" in note for note in summary.notes)
    assert any("pixel size that was given is the raw movie's" in note for note in summary.notes)
    np.testing.assert_allclose(read_pixel_size_um(path), (3.0, 3.0))
    rois = read_rois(path)
    assert len(rois)
    assert rois["centroid_y"].max() < 28


def test_other_work_has_another_digest(project: Path, movie: Path, report: dict[str, Any]) -> None:
    raw = open_movie(movie)
    parts = [prepared(raw, *how) for how in ((None, None), ("4:60,10:80", None), ("4:60,10:80", 0.5))]
    parameters = Parameters.preset("2p").updated({"gSig": 2, "niter_rig": 1, "fr": 12.5})
    digests = [recipe_digest("ab", parameters, BuiltinEngine(), part) for part in parts]
    assert len(set(digests)) == 3
    assert Ledger(Project.open(project)).job(report["job"]).digest not in digests  # the input's own is in it, too


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--crop", "everything"], "'everything' is no rectangle"),
        (["--crop", "0:70,0:80"], "is not inside frames of 60 x 80"),
        (["--resize", "2"], "--resize"),
        (["--param", "gSig"], "'gSig' has no value"),
        (["--param", "gSigg=3"], "Did you mean 'gSig'?"),
        (["--params-win"], "needs --params and --param"),
    ],
)
def test_what_cannot_be_done_is_refused(project: Path, movie: Path, options: list[str], said: str) -> None:
    done = run("process", movie, "--project", project, "--session", "refused", *options)
    assert done.exit_code != 0
    assert said in done.output


def test_a_file_wins_only_where_told_to(movie: Path, project: Path, tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text('{"gSig": 40}')  # far too large: it is refused where it counts
    wins = run(
        "process", movie, "--project", project, "--session", "w", "--params", file, "--param", "K=1", "--params-win"
    )
    assert "init.gSig: is (40, 40), too large" in wins.output
    loses = run("process", movie, "--project", project, "--session", "w", "--params", file, "--param", "gSig=39")
    assert "init.gSig: is (39, 39), too large" in loses.output
