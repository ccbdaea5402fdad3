"""Jobs as the page shows them: plain values, from the ledger."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any

from nwb_schema.project import Project
from pipeline.jobs import Job, Ledger, reconcile

SHOWN_JOBS = 12
_LOG_LINES = 200


def jobs_state(project: Project) -> list[dict[str, Any]]:
    """The newest jobs as JSON-able values; jobs whose process is gone are ended first."""
    reconcile(project)
    return [job_state(job) for job in Ledger(project).jobs(limit=SHOWN_JOBS)]


def job_state(job: Job) -> dict[str, Any]:
    """One job as JSON-able values."""
    return {
        "id": job.id,
        "title": job.title,
        "state": str(job.state),
        "active": not job.state.ended,
        "stopping": job.cancel_requested_at is not None and not job.state.ended,
        "stage": job.stage,
        "fraction": round(job.fraction, 3),
        "error": job.error,
        "actor": job.actor,
        "created_at": job.created_at,
        "seconds": None if job.started_at is None or job.ended_at is None else job.ended_at - job.started_at,
        "identifier": job.result.get("identifier"),
    }


def any_active(jobs: list[dict[str, Any]]) -> bool:
    """Whether some job is queued or running."""
    return any(job["active"] for job in jobs)


def log_tail(job: Job) -> str:
    """The end of a job's log."""
    try:
        with job.log_path.open(encoding="utf-8", errors="replace") as log:
            return "".join(deque(log, maxlen=_LOG_LINES)) or "The log is empty so far."
    except OSError as error:
        return f"{job.log_path} cannot be read: {error.strerror or error}"


def follow(
    read: Callable[[], list[dict[str, Any]]],
    report: Callable[[list[dict[str, Any]]], None],
    *,
    for_s: float,
    every_s: float,
    clock: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> bool:
    """Report the jobs whenever they change, until none is active or the time is up; returns whether some still are."""
    last: list[dict[str, Any]] | None = None
    end = clock() + for_s
    while True:
        jobs = read()
        if jobs != last:
            report(jobs)
            last = jobs
        if not any_active(jobs):
            return False
        if clock() >= end:
            return True
        pause(every_s)
