"""A kill of `fluorite process --into` near its end: the sample has the new cells, or the job says where they are."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.job_view import job_state
from nwb_schema.errors import EditError, JobError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_rois
from pipeline.jobs import Job, JobState, Ledger, reconcile
from pipeline.jobs.publication import RESULTS_NAME
from pipeline.jobs.runner import run_job
from pipeline.progress import Cancelled
from pipeline.request import ProcessRequest
from pipeline.variants.choosing import choose_variant
from tests.fluorite.command import Processed

# The command, which kills itself where it would call the named function.
_KILLED_AT = """
import os, signal, sys
from importlib import import_module
from fluorite.cli import main
module, name = sys.argv[1].rsplit(".", 1)
setattr(import_module(module), name, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
main(sys.argv[2:])
"""


@pytest.fixture
def project(processed: Processed, tmp_path: Path) -> Project:
    shutil.copytree(processed.project, tmp_path / "project")
    return Project.open(tmp_path / "project")


def sample_of(project: Project) -> Path:
    (path,) = project.sample_paths()
    return path


def killed_at(project: Project, where: str) -> Job:
    """The job of a `process --into` that was killed where it would call `where`, as whoever looks next finds it."""
    sample = sample_of(project)
    command = ["process", "--into", sample.stem, "--project", str(project.folder)]
    done = subprocess.run([sys.executable, "-c", _KILLED_AT, where, *command], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    (job,) = reconcile(project)
    return job


def test_killed_before_the_edit_a_job_is_lost_and_says_where_its_cells_are(project: Project) -> None:
    sample = sample_of(project)
    before = sample.read_bytes()

    job = killed_at(project, "pipeline.process.import_into")

    assert sample.read_bytes() == before
    assert job.state is JobState.LOST
    assert job.error is not None
    assert f"{sample.name} has its former cells still; the new ones are kept" in job.error
    assert f"fluorite variants {project.folder} {sample.stem} --choose {job.id[:8]}" in job.error
    shown = job_state(job)
    assert (shown["identifier"], shown["is_variant"]) == (job.spec["variant_of"], True)
    # What the job says to do does it.
    choose_variant(project, sample, job.id[:8], actor="ada")
    assert read_provenance(sample)["job_id"] == job.id


def test_killed_within_the_edit_it_is_made_up_for_and_the_job_is_ok(project: Project) -> None:
    job = killed_at(project, "nwb_schema.edits.replacing.replace")

    assert (job.state, job.error) == (JobState.OK, None)
    assert read_provenance(sample_of(project))["job_id"] == job.id
    assert len(read_rois(sample_of(project))) > 0


def again(project: Project, processed: Processed) -> Job:
    """A job that finds the cells of the sample anew."""
    request = ProcessRequest(
        movies=(processed.movie,), variant_of=processed.report["identifier"], into=True, parameters={"init": {"K": 3}}
    )
    return Ledger(project).add("process", request.model_dump(mode="json"), title="again", actor="ada")


def test_an_edit_that_cannot_be_made_is_a_failure_with_its_reason(
    project: Project, processed: Processed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_project: Project, sample: Path, *_: object, **__: object) -> None:
        raise EditError(sample, "others edited it meanwhile", "Look at it again.")

    monkeypatch.setattr("pipeline.process.import_into", refuse)
    job = again(project, processed)

    with pytest.raises(JobError, match="others edited it meanwhile") as failed:
        run_job(project, job)

    ended = Ledger(project).job(job.id)
    assert (ended.state, ended.error) == (JobState.FAILED, str(failed.value))
    assert f"--choose {job.id[:8]}" in failed.value.remedy
    assert (job.folder / RESULTS_NAME).is_file()


def test_one_that_is_cancelled_before_the_edit_leaves_nothing(
    project: Project, processed: Processed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise Cancelled

    monkeypatch.setattr("pipeline.process.import_into", stop)
    job = again(project, processed)

    with pytest.raises(Cancelled):
        run_job(project, job)

    assert Ledger(project).job(job.id).state is JobState.CANCELLED
    assert not (job.folder / RESULTS_NAME).exists()
    assert not job_state(Ledger(project).job(job.id))["is_variant"]
