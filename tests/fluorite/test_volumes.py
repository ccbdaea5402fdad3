"""Volumes from the movie to the sample, and from a results file to another sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from fluorite.cli import main
from nwb_schema.movie_file import MovieFile
from nwb_schema.reader import (
    read_footprints,
    read_images,
    read_plane_images,
    read_shifts,
    read_summary,
    read_traces,
    registered_movie_path,
)
from pipeline.simulate import write_simulation
from pipeline.simulate_volumes import simulate_volumes

HEIGHT, WIDTH, DEPTH, N_FRAMES = 26, 34, 7, 110


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a movie of volumes and a project, in which it was processed."""
    folder = tmp_path_factory.mktemp("volumes")
    simulation = simulate_volumes(
        n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, depth=DEPTH, n_cells=4, radius_px=4.0, motion_px=0.5, seed=2
    )
    write_simulation(simulation, folder / "vol.tif")
    assert run("init", folder / "project").exit_code == 0
    done = run("process", folder / "vol.tif", "--project", folder / "project", "--preset", "3d", "--json")
    assert done.exit_code == 0, done.output
    (folder / "report.json").write_text(done.stdout)
    return folder


def report_of(folder: Path) -> dict[str, str]:
    (report,) = json.loads((folder / "report.json").read_text())["samples"]
    return report


def test_process_with_the_preset_makes_a_sample_of_volumes(folder: Path) -> None:
    sample = Path(report_of(folder)["sample"])
    summary = read_summary(sample)
    assert (summary.n_frames, summary.height, summary.width, summary.depth) == (N_FRAMES, HEIGHT, WIDTH, DEPTH)
    assert summary.n_rois >= 2
    assert summary.has_movie
    assert read_shifts(sample).shape == (N_FRAMES, 3)
    assert read_images(sample)["mean"].shape == (HEIGHT, WIDTH)
    planes = read_plane_images(sample)["mean"]
    with MovieFile(registered_movie_path(sample)) as movie:
        np.testing.assert_allclose(planes, movie.read(0, N_FRAMES).mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("raw", [False, True])
def test_results_of_volumes_are_imported_with_their_movie(folder: Path, tmp_path: Path, raw: bool) -> None:
    report = report_of(folder)
    made = Path(report["sample"])
    assert run("init", tmp_path / "other").exit_code == 0
    options = ["--movie", folder / "vol.tif", "--raw-movie"] if raw else ["--movie", made]
    done = run("import", report["results"], *options, "--project", tmp_path / "other", "--session", "b", "--json")
    assert done.exit_code == 0, done.output
    sample = Path(json.loads(done.stdout)["samples"][0]["sample"])
    assert np.array_equal(read_footprints(sample).toarray(), read_footprints(made).toarray())
    assert np.array_equal(read_traces(sample, "dff"), read_traces(made, "dff"))
    assert np.array_equal(read_shifts(sample), read_shifts(made))
    assert sorted(read_plane_images(sample)) == ["correlation", "mean"]
    with MovieFile(registered_movie_path(sample)) as one, MovieFile(registered_movie_path(made)) as two:
        assert np.array_equal(one.read(0, N_FRAMES), two.read(0, N_FRAMES))


def test_a_movie_of_one_plane_is_refused_with_the_remedy(folder: Path, tmp_path: Path) -> None:
    report = report_of(folder)
    done = run(
        "import", report["results"], "--movie", folder / "vol.tif", "--plane", "2", "--project", folder / "project"
    )
    assert done.exit_code == 1
    assert "--plane 2 picks one plane" in done.output
    done = run("process", folder / "vol.tif", "--project", folder / "project")
    assert done.exit_code == 1
    assert "--preset 3d" in done.output
