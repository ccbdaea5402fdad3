"""Running a job: whatever its work does, the ledger says how it ended and nothing half-written stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nwb_schema.errors import JobError, MovieError, SampleError
from nwb_schema.process_identity import is_alive, start_of, this_process
from nwb_schema.project import Project
from nwb_schema.writer import write_sample
from pipeline.jobs import Job, JobState, Ledger, cancel, reconcile, submit
from pipeline.jobs.publication import RESULTS_NAME, Publication
from pipeline.jobs.runner import run_job
from pipeline.progress import Cancelled, Progress
from tests.nwb_schema.made_samples import made_metadata, made_provenance, made_segmentation


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def job(project: Project) -> Job:
    return Ledger(project).add("process", {"movies": ["a.tif"]}, title="a.tif", actor="ada")


def test_a_job_that_works_ends_ok_with_its_result(project: Project, job: Job) -> None:
    seen = []

    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        assert job.state is JobState.RUNNING
        progress("counting", 0.5)
        return {"n_rois": 3}

    assert run_job(project, job, work, listener=lambda *step: seen.append(step)) == {"n_rois": 3}
    after = Ledger(project).job(job.id)
    assert (after.state, after.result, after.fraction, after.pid) == (JobState.OK, {"n_rois": 3}, 1.0, os.getpid())
    assert seen == [("counting", 0.5)]


def test_an_error_of_the_user_is_in_the_ledger_word_for_word(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        raise MovieError("a.tif", "has one frame", "Give a longer movie.")

    with pytest.raises(MovieError):
        run_job(project, job, work)
    after = Ledger(project).job(job.id)
    assert (after.state, after.error) == (JobState.FAILED, "a.tif: has one frame. Give a longer movie.")


def test_a_bug_ends_the_job_and_names_the_log(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        (job.attempt_folder / "scratch").mkdir()
        raise ZeroDivisionError("division by zero")

    with pytest.raises(JobError, match=r"ZeroDivisionError: division by zero.*log\.txt"):
        run_job(project, job, work)
    assert Ledger(project).job(job.id).state is JobState.FAILED
    assert not (job.attempt_folder / "scratch").exists()


def test_a_cancel_is_noticed_at_the_next_stage_and_the_scratch_goes(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        scratch = job.attempt_folder / "scratch"
        scratch.mkdir()
        (scratch / "half.h5").write_bytes(b"half")
        (job.attempt_folder / "log.txt").write_text("what happened")
        Ledger(project).request_cancel(job.id)
        progress("next stage", 0.0)
        raise AssertionError("went on after a cancel")

    with pytest.raises(Cancelled):
        run_job(project, job, work)
    assert Ledger(project).job(job.id).state is JobState.CANCELLED
    assert [path.name for path in job.attempt_folder.iterdir()] == ["log.txt"]


def test_sigterm_cancels(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("survived SIGTERM")

    with pytest.raises(Cancelled):
        run_job(project, job, work)
    assert Ledger(project).job(job.id).state is JobState.CANCELLED
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_job_whose_process_died_is_lost_and_its_movie_removed(project: Project, job: Job) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host, _, _ = this_process()
    Ledger(project).claim(job.id, host=host, pid=dead.pid, process_started_at=0.0)
    job.attempt_folder.mkdir(parents=True)
    movie = project.movies_dir / f"{job.id}.h5"
    movie.write_bytes(b"a movie whose sample never came")
    Publication(job.id, "sub-a_ses-b_ophys.nwb", movie.name, {}).write(job)

    (lost,) = reconcile(project)
    assert (lost.id, lost.state) == (job.id, JobState.LOST)
    assert lost.error is not None
    assert lost.error.startswith("a.tif: The process ended without a word")
    assert not movie.exists()
    assert reconcile(project) == []


def test_a_variant_that_is_in_place_when_its_process_dies_is_done(project: Project, job: Job) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    host, _, _ = this_process()
    Ledger(project).claim(job.id, host=host, pid=dead.pid, process_started_at=0.0)
    job.attempt_folder.mkdir(parents=True)
    Publication(job.id, None, None, {"variant": job.id}).write(job)
    results = job.folder / RESULTS_NAME
    results.write_bytes(b"whole")

    (ended,) = reconcile(project)
    assert (ended.state, ended.result) == (JobState.OK, {"variant": job.id})
    assert results.exists()


def test_a_living_job_is_left_alone(project: Project, job: Job) -> None:
    host, pid, started_at = this_process()
    Ledger(project).claim(job.id, host=host, pid=pid, process_started_at=started_at)

    assert reconcile(project) == []
    assert Ledger(project).job(job.id).state is JobState.RUNNING


def test_a_process_number_that_was_used_again_is_not_taken_for_the_job() -> None:
    host, pid, started_at = this_process()

    assert is_alive(host, pid, started_at) is True
    assert is_alive(host, pid, started_at - 3600) is False
    assert is_alive("another computer", pid, started_at) is None


def test_a_job_that_does_not_obey_is_killed_after_a_grace(project: Project, job: Job) -> None:
    deaf = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True)\nwhile True: signal.pause()",
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert deaf.stdout is not None
    deaf.stdout.read(1)
    host, _, _ = this_process()
    started_at = start_of(deaf.pid)
    Ledger(project).claim(job.id, host=host, pid=deaf.pid, process_started_at=started_at)

    cancel(project, job.id)
    requested_at = Ledger(project).job(job.id).cancel_requested_at
    assert requested_at is not None
    assert reconcile(project, clock=requested_at + 1) == [], "it still has time to stop by itself"
    (ended,) = reconcile(project, clock=requested_at + 60)
    assert ended.state is JobState.CANCELLED
    assert is_alive(host, deaf.pid, started_at) is False


def test_a_submitted_job_runs_in_its_own_process_and_fails_with_its_reason(project: Project) -> None:
    job = submit(project, "process", {"movies": ["/nowhere/a.tif"]}, title="a.tif", actor="ada")

    while not Ledger(project).job(job.id).state.ended:
        reconcile(project)
    after = Ledger(project).job(job.id)
    assert after.state is JobState.FAILED, after.log_path.read_text()
    assert after.pid != os.getpid()
    assert after.error is not None
    assert after.error.startswith("/nowhere/a.tif: ")
    assert after.error in after.log_path.read_text()


def test_setting_the_clock_does_not_make_a_living_job_look_dead(
    project: Project, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, pid, started = this_process()
    Ledger(project).claim(job.id, host=host, pid=pid, process_started_at=started)
    # What psutil does when the clock is set: the time of boot, and with it that of every process, moves.
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: 1.0, raising=False)

    assert reconcile(project) == []


def published(project: Project, job: Job) -> Path:
    """A sample and a movie of this job, as it is just before it says so."""
    job.attempt_folder.mkdir(parents=True, exist_ok=True)
    sample = project.samples_dir / "sub-a_ses-b_ophys.nwb"
    write_sample(
        sample,
        identifier=job.id,
        metadata=made_metadata(subject="a", session="b"),
        segmentation=made_segmentation(),
        provenance=made_provenance(),
        registered_movie=None,
        shifts=None,
    )
    movie = project.movies_dir / f"{job.id}.h5"
    movie.write_bytes(b"a movie")
    Publication(job.id, sample.name, movie.name, {"sample": str(sample)}).write(job)
    return movie


def test_a_job_that_died_after_its_sample_was_out_is_ok(project: Project, job: Job) -> None:
    Ledger(project).claim(job.id, host=this_process()[0], pid=2**22 + 1, process_started_at=0.0)
    movie = published(project, job)

    (ended,) = reconcile(project)
    assert (ended.state, ended.result["sample"][-3:]) == (JobState.OK, "nwb")
    assert movie.exists()


def test_a_sample_that_cannot_be_read_just_now_keeps_its_movie(
    project: Project, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger(project).claim(job.id, host=this_process()[0], pid=2**22 + 1, process_started_at=0.0)
    movie = published(project, job)

    def busy(path: Path) -> None:
        raise SampleError(path, "somebody is writing it", "Try again.")

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.jobs.publication.read_summary", busy)
        assert reconcile(project) == [], "decided next time"
    assert movie.exists()
    (ended,) = reconcile(project)
    assert ended.state is JobState.OK


def test_a_mishap_after_the_sample_is_out_is_no_failure(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        published(project, job)
        raise RuntimeError("while tidying up")

    assert run_job(project, job, work)["sample"].endswith("sub-a_ses-b_ophys.nwb")
    assert Ledger(project).job(job.id).state is JobState.OK


def test_a_job_that_was_given_up_stops_at_its_next_step(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        Ledger(project).end(job.id, JobState.LOST)
        progress("next stage", 0.0)
        raise AssertionError("went on after it was given up")

    with pytest.raises(Cancelled):
        run_job(project, job, work)
    assert Ledger(project).job(job.id).state is JobState.LOST


def test_a_library_that_catches_everything_does_not_swallow_a_cancel(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception:  # noqa: BLE001  (that is what libraries do)
            raise AssertionError("swallowed") from None
        return {}

    with pytest.raises(Cancelled):
        run_job(project, job, work)


def test_a_job_that_this_process_could_not_end_does_not_block_its_next_one(project: Project, job: Job) -> None:
    host, pid, started = this_process()
    Ledger(project).claim(job.id, host=host, pid=pid, process_started_at=started)
    second = Ledger(project).add("process", {}, title="second", actor="ada")

    assert run_job(project, second, lambda project, job, progress: {"done": True}) == {"done": True}
    assert Ledger(project).job(job.id).state is JobState.LOST


def test_the_log_is_kept_whoever_runs_the_job(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        progress("motion correction", 0.1)
        raise MovieError("a.tif", "has one frame", "Give a longer movie.")

    with pytest.raises(MovieError):
        run_job(project, job, work)
    log = job.log_path.read_text()
    assert "motion correction" in log
    assert "a.tif: has one frame" in log


def test_results_of_a_sample_that_never_came_are_removed(project: Project, job: Job) -> None:
    def work(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
        (job.folder / "results.hdf5").write_bytes(b"results")
        raise Cancelled

    with pytest.raises(Cancelled):
        run_job(project, job, work)
    assert not (job.folder / "results.hdf5").exists()
