"""The ledger: a job moves only forward, ends once, and waits its turn."""

from __future__ import annotations

from pathlib import Path

import pytest

from nwb_schema.errors import JobError, ProjectError
from nwb_schema.project import Project
from pipeline.jobs import JobState, Ledger

HERE = {"host": "here", "pid": 1, "process_started_at": 0.0}


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Ledger:
    return Ledger(Project.create(tmp_path / "project"), clock)


def test_a_new_job_is_queued_and_keeps_what_was_asked(ledger: Ledger) -> None:
    job = ledger.add("process", {"movies": ["a.tif"], "series": False}, title="a.tif", actor="ada")

    assert job.state is JobState.QUEUED
    assert job.spec == {"movies": ["a.tif"], "series": False}
    assert (job.title, job.actor, job.attempt, job.created_at) == ("a.tif", "ada", 1, 1000.0)
    assert job.log_path == ledger.project.batch_dir / job.id / "1" / "log.txt"
    assert ledger.job(job.id) == job


def test_jobs_are_listed_newest_first_and_by_state(ledger: Ledger, clock: Clock) -> None:
    first = ledger.add("process", {}, title="first", actor="ada")
    clock.now += 1
    second = ledger.add("process", {}, title="second", actor="ada")
    ledger.end(first.id, JobState.CANCELLED)

    assert [job.title for job in ledger.jobs()] == ["second", "first"]
    assert [job.id for job in ledger.jobs(states=[JobState.QUEUED])] == [second.id]


def test_an_unknown_job_is_an_error_that_names_the_ledger(ledger: Ledger) -> None:
    with pytest.raises(JobError, match=r"jobs\.sqlite: there is no job nope"):
        ledger.job("nope")


def test_one_job_runs_at_a_time_and_the_oldest_goes_first(ledger: Ledger, clock: Clock) -> None:
    first = ledger.add("process", {}, title="first", actor="ada")
    clock.now += 1
    second = ledger.add("process", {}, title="second", actor="ada")
    for job in (first, second):
        ledger.waiting(job.id, **HERE)

    assert not ledger.claim(second.id, **HERE), "an older job waits"
    assert ledger.claim(first.id, **HERE)
    assert not ledger.claim(second.id, **HERE), "another job runs"
    ledger.end(first.id, JobState.OK, result={"sample": "s"})
    assert ledger.claim(second.id, **HERE)


def test_a_job_whose_process_never_came_does_not_block_the_queue(ledger: Ledger, clock: Clock) -> None:
    ledger.add("process", {}, title="never started", actor="ada")
    clock.now += 1
    second = ledger.add("process", {}, title="second", actor="ada")

    assert ledger.claim(second.id, **HERE)


def test_a_job_waits_for_what_it_depends_on(ledger: Ledger) -> None:
    first = ledger.add("process", {}, title="first", actor="ada")
    second = ledger.add("process", {}, title="second", actor="ada", depends_on=[first.id])

    assert second.depends_on == (first.id,)
    assert not ledger.claim(second.id, **HERE)
    ledger.end(first.id, JobState.OK)
    assert ledger.claim(second.id, **HERE)


@pytest.mark.parametrize("end", [JobState.OK, JobState.FAILED, JobState.CANCELLED, JobState.LOST])
def test_a_job_ends_exactly_once(ledger: Ledger, end: JobState) -> None:
    job = ledger.add("process", {}, title="a", actor="ada")
    assert ledger.claim(job.id, **HERE)

    assert ledger.end(job.id, end, error="x", result={"n": 1})
    assert not any(ledger.end(job.id, other) for other in JobState if other.ended)
    ledger.report(job.id, "later", 0.5)
    after = ledger.job(job.id)
    assert (after.state, after.stage, after.result, after.ended_at) == (end, "", {"n": 1}, 1000.0)


def test_progress_and_heartbeat_are_kept(ledger: Ledger, clock: Clock) -> None:
    job = ledger.add("process", {}, title="a", actor="ada")
    ledger.claim(job.id, **HERE)
    clock.now = 1010.0
    ledger.report(job.id, "motion correction", 1.7)

    after = ledger.job(job.id)
    assert (after.stage, after.fraction, after.heartbeat_at) == ("motion correction", 1.0, 1010.0)


def test_a_cancelled_job_is_not_started(ledger: Ledger) -> None:
    job = ledger.add("process", {}, title="a", actor="ada")

    assert ledger.request_cancel(job.id)
    assert ledger.must_stop(job.id)
    assert not ledger.claim(job.id, **HERE)
    ledger.end(job.id, JobState.CANCELLED)
    assert not ledger.request_cancel(job.id), "nothing to cancel any more"


def test_a_ledger_that_is_no_database_says_what_to_do(ledger: Ledger) -> None:
    ledger.project.jobs_path.write_bytes(b"this is not SQLite" * 100)

    with pytest.raises(ProjectError, match=r"jobs\.sqlite: the database cannot be used .* Check"):
        ledger.jobs()
