"""What is said of results before they are imported: the same for the page and `fluorite import --dry-run`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from roifile import ImagejRoi, roiwrite

from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import ResultsError
from nwb_schema.project import Project
from nwb_schema.reader import read_summary
from pipeline.import_plan import import_requests, plan_import
from pipeline.importing import import_job
from pipeline.jobs import Ledger
from pipeline.jobs.runner import run_job
from tests.pipeline.foreign.suite2p_folder import FRAMES, HEIGHT, RATE_HZ, WIDTH, write_plane


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def test_every_plane_says_what_it_holds_and_what_it_becomes(project: Project, tmp_path: Path) -> None:
    first = write_plane(tmp_path / "day1/suite2p/plane0")
    second = write_plane(tmp_path / "day1/suite2p/plane1", seed=1, n_cells=2)
    (second.folder / "data.bin").unlink()
    seen: list[tuple[int, int]] = []

    planned = plan_import(project, tmp_path / "day1", {"subject": "m1"}, lambda *step: seen.append(step))

    assert seen == [(0, 2), (1, 2), (2, 2)]
    assert [one.name for one in planned] == ["day1/suite2p/plane0", "day1/suite2p/plane1"]
    assert [one.sample for one in planned] == [f"sub-m1_ses-day1-plane{n}_ophys.nwb" for n in range(2)]
    facts = planned[0].facts
    assert facts is not None
    assert (facts.program, facts.n_rois, facts.n_accepted, facts.n_frames) == ("suite2p", 3, 2, FRAMES)
    assert (facts.shape, facts.rate_hz, facts.has_traces) == ((HEIGHT, WIDTH), RATE_HZ, True)
    assert (facts.movie, facts.raw_refused) == (str(first.folder / "data.bin"), "")
    assert planned[1].facts is not None
    assert (planned[1].facts.movie, planned[1].facts.n_accepted) == ("", 1)
    assert project.sample_paths() == []


def test_a_missing_rate_is_asked_for_and_everything_else_is_said(project: Project, tmp_path: Path) -> None:
    folder = write_plane(tmp_path / "day1/plane0", fs=0.0).folder

    (lacking,) = plan_import(project, folder, {})
    assert lacking.lacks_rate
    assert "--frame-rate" in lacking.problem
    assert lacking.facts is not None
    assert (lacking.facts.rate_hz, lacking.facts.n_rois) == (None, 3)
    (given,) = plan_import(project, folder, {"frame_rate_hz": 20.0})
    assert given.facts is not None
    assert (given.problem, given.facts.rate_hz) == ("", 20.0)


def test_rois_without_traces_ask_for_their_movie(project: Project, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "movie.tif", np.ones((60, 30, 44), np.uint16))
    corners = np.array([[4, 5], [10, 5], [10, 9], [4, 9]])
    roiwrite(tmp_path / "rois.zip", [ImagejRoi.frompoints(corners, name=name) for name in ("a", "b")], mode="w")

    (without,) = plan_import(project, tmp_path / "rois.zip", {})
    assert without.lacks_movie
    assert without.facts is not None
    assert (without.facts.program, without.facts.n_rois, without.facts.has_traces) == ("ImageJ", 2, False)

    values = {"movie": tmp_path / "movie.tif", "frame_rate_hz": 5.0}
    (whole,) = plan_import(project, tmp_path / "rois.zip", values)
    assert whole.facts is not None
    assert (whole.problem, whole.sample, whole.facts.shape) == ("", "sub-unknown_ses-movie_ophys.nwb", (30, 44))
    (raw,) = plan_import(project, tmp_path / "rois.zip", {**values, "raw_movie": True})
    assert "no shifts for the 60 frames" in raw.problem


def test_what_does_not_fit_is_refused_in_words_and_what_was_found_is_said_still(
    project: Project, tmp_path: Path
) -> None:
    folder = write_plane(tmp_path / "day1/plane0").folder
    tifffile.imwrite(tmp_path / "other.tif", np.ones((FRAMES, HEIGHT, WIDTH + 2), np.uint16))

    (other,) = plan_import(project, folder, {"movie": tmp_path / "other.tif"})

    assert "other.tif" in other.problem
    assert other.facts is not None
    (unknown,) = plan_import(project, folder, {"custom": {"drug": "x"}})
    assert "there is no custom column 'drug'" in unknown.problem
    with pytest.raises(ResultsError, match="traces already"):
        import_requests(folder, {"neuropil_factor": 0.7})
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ResultsError, match="no kind of results that is known"):
        import_requests(tmp_path / "notes.txt", {})


def test_two_results_cannot_become_one_sample(project: Project, tmp_path: Path) -> None:
    folder = write_plane(tmp_path / "day1/plane0").folder
    Ledger(project).add("import", {}, title="somebody's", actor="ada", sample="sub-m1_ses-day1_ophys.nwb")

    (taken,) = plan_import(project, folder, {"subject": "m1"})

    assert taken.problem.startswith("somebody's will be the sample sub-m1_ses-day1_ophys already")


def test_an_import_keeps_custom_columns(project: Project, tmp_path: Path) -> None:
    configure.add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM, vocabulary=("control", "ptz")))
    folder = write_plane(tmp_path / "day1/plane0").folder
    (request,) = import_requests(folder, {"subject": "m1", "custom": {"drug": "ptz"}})
    job = Ledger(project).add("import", request.model_dump(mode="json"), title=request.title, actor="ada")

    report = run_job(project, job, import_job)

    assert read_state(Path(report["sample"])).custom == {"drug": "ptz"}
    assert read_summary(Path(report["sample"])).n_frames == FRAMES
    (again,) = plan_import(project, folder, {"subject": "m1"})
    assert "in this project already" in again.problem
    assert again.sample == "sub-m1_ses-day1_ophys.nwb"
