from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.checks import check_in_turn, checks_of
from app.components.export_samples import findings_list
from app.components.export_view import result_card
from app.export_request import (
    NOT_CHECKED,
    default_folder,
    last_export,
    listed_rows,
    merged,
    sample_row,
    start_export,
    summary,
)
from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import SetField, commit
from nwb_schema.errors import ExportError, FilterError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier
from nwb_schema.saved_filters import SavedFilter, save_filter
from pipeline.exporting import export_job
from pipeline.jobs import Ledger, submission
from pipeline.jobs.runner import run_job
from tests.app.small_project import MadeSample

GIVEN = {
    "subject.age": "P90D",
    "subject.sex": "F",
    "subject.species": "Mus musculus",
    "imaging.indicator": "GCaMP6f",
    "imaging.location": "VISp",
    "imaging.excitation_lambda_nm": "920",
    "imaging.emission_lambda_nm": "510",
}


@pytest.fixture
def own(tmp_path: Path, sample_without_movie: MadeSample, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of its own with one sample and a file that is none; jobs that are submitted stay in the queue."""
    project = Project.create(tmp_path / "export")
    shutil.copyfile(sample_without_movie.path, project.samples_dir / sample_without_movie.path.name)
    (project.samples_dir / "sub-broken_ses-1_ophys.nwb").write_bytes(b"broken")
    monkeypatch.setattr(submission, "start_child", lambda *_: Ended())
    return project


class Ended:
    """Stands for the process of a job."""

    def wait(self) -> int:
        return 0


def sample(project: Project) -> Path:
    return project.samples_dir / "sub-m1_ses-nomovie_ophys.nwb"


def start(project: Project, **options: Any) -> Any:
    given = {"keep_movie": True, "allow_blockers": False, "actor": "Ada", **options}
    return start_export(project, [sample(project).name], str(default_folder(project)), **given)


def test_what_blocks_leads_to_where_it_is_corrected(own: Project) -> None:
    row = sample_row(sample(own))

    assert (row["ready"], row["movie"]) == (False, "no")
    assert row["errors"] == len(GIVEN)
    places = {one["message"]: one["href"] for one in row["findings"] if one["severity"] == "error"}
    assert set(places.values()) == {f"/details/{read_identifier(sample(own))}"}
    assert "Details →" in str(findings_list(row))

    commit(own, sample(own), [SetField(name, value) for name, value in GIVEN.items()], actor="Ada")
    row = sample_row(sample(own))
    assert (row["ready"], row["errors"]) == (True, 0)


def test_file_that_is_no_sample_is_listed_and_cannot_be_chosen(own: Project) -> None:
    row = sample_row(own.samples_dir / "sub-broken_ses-1_ophys.nwb")

    assert (row["ours"], row["ready"], row["identifier"]) == (False, False, None)
    assert row["errors"] == 1


def test_the_table_says_what_is_known_and_fills_as_the_rest_is_looked_at(own: Project) -> None:
    catalogue = Catalogue(own)
    catalogue.refresh()
    broken, first = listed_rows(catalogue)

    assert (first["checked"], first["errors"], first["first"], first["ready"]) == (False, None, NOT_CHECKED, False)
    assert (broken["checked"], broken["ours"], broken["errors"]) == (True, False, 1)
    assert summary([broken, first]) == "0 of 2 samples ready, 1 blocked; 1 of 2 checked"

    seen: list[tuple[int, int]] = []
    check_in_turn(checks_of(own), [sample(own)], "me", lambda *step: seen.append(step))
    assert (seen[0], seen[-1]) == ((0, 1), (1, 1))
    rows = listed_rows(catalogue)
    assert (rows[1]["checked"], rows[1]["errors"], rows[1]["ready"]) == (True, len(GIVEN), False)
    assert summary(rows) == "0 of 2 samples ready, 2 blocked"
    worse = {"severity": "error", "message": "even worse"}
    assert merged(rows, {rows[1]["path"]: [worse]})[1]["first"] == "even worse"

    commit(own, sample(own), [SetField(name, value) for name, value in GIVEN.items()], actor="Ada")
    catalogue.refresh()
    assert listed_rows(catalogue)[1]["checked"] is False
    checks_of(own).check(sample(own))
    assert listed_rows(catalogue)[1]["ready"]


def test_a_tab_or_a_name_narrows_the_table(own: Project) -> None:
    catalogue = Catalogue(own)
    catalogue.refresh()
    save_filter(own, SavedFilter("mine", "samples", (("subject_id", "m1"),)))

    assert [row["name"] for row in listed_rows(catalogue, "mine")] == [sample(own).name]
    assert [row["name"] for row in listed_rows(catalogue, name=" nomovie ")] == [sample(own).name]
    assert listed_rows(catalogue, "mine", "x_ses") == []
    with pytest.raises(FilterError):
        listed_rows(catalogue, "gone")


def test_blocked_sample_is_not_exported_unless_one_insists(own: Project, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"which blocks its upload.*Export all the same"):
        start(own)
    with pytest.raises(ExportError, match="none is chosen"):
        start_export(own, [], str(tmp_path), keep_movie=True, allow_blockers=False, actor="Ada")
    with pytest.raises(SampleError, match="no such sample"):
        start_export(own, ["gone"], str(tmp_path), keep_movie=True, allow_blockers=False, actor="Ada")
    assert last_export(own) is None

    job = start(own, allow_blockers=True)
    assert (job.kind, job.actor, job.title) == ("export", "Ada", "export to dandi")


def test_export_ends_in_files_with_findings_and_commands_to_copy(own: Project) -> None:
    commit(own, sample(own), [SetField(name, value) for name, value in GIVEN.items()], actor="Ada")
    job = start(own)
    assert result_card(last_export(own)) is None  # it has not ended

    run_job(own, Ledger(own).job(job.id), export_job)

    done = last_export(own)
    assert done is not None
    assert done.result["ok"], done.result["files"]
    card = str(result_card(done))
    assert "nothing stands in the way of an upload" in card
    assert "dandi upload ." in card
    assert "sub-m1_ses-nomovie_ophys.nwb" in card
    assert (default_folder(own) / "sub-m1" / "sub-m1_ses-nomovie_ophys.nwb").is_file()
