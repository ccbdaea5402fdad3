"""The page for results of other programs, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.adding.folder_listing import FolderListing
from app.adding.import_request import (
    ImportForm,
    cells_words,
    check_chosen,
    here_words,
    look,
    movie_words,
    program_words,
    recording_words,
    session_words,
    start_checked,
)
from app.components.import_view import found_view, plan_rows
from nwb_schema.errors import ParameterError, ResultsError
from nwb_schema.project import Project
from pipeline.jobs import Ledger, cancel
from tests.pipeline.foreign.suite2p_folder import FRAMES, write_plane


def quiet(_done: int, _total: int) -> None:
    """Nobody listens."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


def test_what_was_typed_becomes_a_request_and_empty_fields_are_left_out(project: Project, tmp_path: Path) -> None:
    plane = write_plane(tmp_path / "day1/suite2p/plane0")
    form = ImportForm(
        f' "{plane.folder}" ',
        movie=str(plane.folder / "data.bin"),
        raw=True,
        neuropil="0.7",  # was typed for other results
        session=" ",
        common={"subject": "m1", "frame_rate": "7,5", "plane": "", "details": {"indicator": "GCaMP8m"}},
    )

    values = form.values()

    assert values["movie"] == plane.folder / "data.bin"
    assert (values["raw_movie"], values["neuropil_factor"], values["session"]) == (True, None, None)
    assert (values["subject"], values["frame_rate_hz"]) == ("m1", 7.5)
    assert values["metadata"] == {"Ophys": {"ImagingPlane": {"indicator": "GCaMP8m"}}}
    (one,) = look(project, form, quiet)
    assert (one["problem"], one["sample"]) == ("", "sub-m1_ses-data_ophys.nwb")


def test_what_was_found_is_said_in_words(project: Project, tmp_path: Path) -> None:
    plane = write_plane(tmp_path / "day1/suite2p/plane0", suite2p_version="0.14.3")
    (one,) = look(project, ImportForm(str(plane.folder)), quiet)
    facts = one["facts"]

    assert program_words(facts) == "Suite2p 0.14.3"
    assert cells_words(facts) == "2 accepted of 3 ROIs"
    assert recording_words(facts) == f"{FRAMES} frames \u00b7 24 \u00d7 40 px \u00b7 7.5 Hz \u00b7 16 s"
    assert movie_words(one, "") == "data.bin, found beside the results"
    assert movie_words(one, "/elsewhere/a.tif") == "a.tif, which you chose"
    assert (session_words(one, ""), session_words(one, "/elsewhere/a.b.tif")) == ("day1", "a")
    shown = str(found_view({"problem": "", "rows": [one], "movie": ""}))
    assert "sub-unknown_ses-day1" in shown
    assert "neuropil" in shown, "the notes are there"


def test_problems_are_in_the_words_of_the_page(project: Project, tmp_path: Path) -> None:
    plane = write_plane(tmp_path / "day1/plane0", fs=0.0)
    (one,) = look(project, ImportForm(str(plane.folder)), quiet)

    assert one["problem"].endswith("Type it into the field Frame rate.")
    assert "Type it into the field Frame rate" in str(found_view({"problem": "", "rows": [one], "movie": ""}))
    with pytest.raises(ResultsError, match="nothing was chosen"):
        look(project, ImportForm("  "), quiet)
    (tmp_path / "a.roi").write_bytes(b"")
    with pytest.raises(ParameterError, match="no share"):
        ImportForm(str(tmp_path / "a.roi"), neuropil="much").values()


def test_only_the_chosen_results_are_started_and_a_bad_one_is_named(project: Project, tmp_path: Path) -> None:
    good = write_plane(tmp_path / "day1/suite2p/plane0")
    bad = write_plane(tmp_path / "day1/suite2p/plane1")
    (bad.folder / "stat.npy").write_bytes(b"")
    form = ImportForm(str(tmp_path / "day1"), common={"subject": "m1"})

    rows = plan_rows(look(project, form, quiet))
    assert [row["state"] for row in rows] == ["ready", "refused"]
    assert rows[0]["fate"] == "sub-m1_ses-day1-plane0"
    assert "stat.npy" in rows[1]["fate"]
    checked, problem = check_chosen(project, form, [str(bad.folder)], quiet)
    assert (checked, "stat.npy" in problem) == ([], True)
    with pytest.raises(ResultsError, match="none is chosen"):
        check_chosen(project, form, [], quiet)

    checked, problem = check_chosen(project, form, [str(good.folder)], quiet)
    (job,) = start_checked(project, checked, "ada")
    cancel(project, job.id)

    assert problem == ""
    assert (job.kind, job.title, job.actor) == ("import", "day1/suite2p/plane0", "ada")
    assert Path(Ledger(project).job(job.id).spec["results"]) == good.folder


def test_a_folder_says_whether_it_is_a_result_itself(tmp_path: Path) -> None:
    for number in range(2):
        write_plane(tmp_path / "day1/suite2p" / f"plane{number}")

    def words(folder: Path, *files: str) -> str:
        return here_words(FolderListing(folder, None, files=tuple(folder / name for name in files)))

    assert words(tmp_path / "day1") == "There are 2 results of Suite2p: press Use this folder."
    assert words(tmp_path / "day1/suite2p/plane0").startswith("This is a result of Suite2p")
    assert words(tmp_path) == "Choose a folder of Suite2p or mesmerize-core."
    assert words(tmp_path, "a.hdf5").startswith("Choose one of 1 file, or a folder")
