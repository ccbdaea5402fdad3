"""Jobs as the page shows them: plain values, from the ledger."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nwb_schema.project import Project
from pipeline.jobs import Job, JobState, Ledger, cancel, reconcile
from pipeline.jobs.publication import RESULTS_NAME

SHOWN_JOBS = 12
SHOWN_WAITING = 4
_MOST_ACTIVE = 10_000
_LOG_LINES = 200

# The stages of a job in their order, and what share of its time each takes, as measured on recordings of some minutes.
_STAGES: Mapping[str, Mapping[str, float]] = {
    "process": {
        "checking the movie": 0.02,
        "motion correction": 0.35,
        "summary images": 0.05,
        "initialisation": 0.20,
        "refinement": 0.25,
        "evaluation": 0.05,
        "results": 0.03,
        "writing the sample": 0.05,
    },
    "import": {
        "reading the results": 0.10,
        "copying the movie": 0.60,
        "summary images": 0.20,
        "writing the sample": 0.10,
    },
}


def jobs_state(project: Project) -> list[dict[str, Any]]:
    """What runs, what comes next and what ended last, as JSON-able values; jobs whose process is gone are ended first.

    Of many that wait, the last one listed says in ``also_waiting`` how many more there are.
    """
    reconcile(project)
    ledger = Ledger(project)
    active = ledger.jobs(limit=_MOST_ACTIVE, states=[JobState.RUNNING, JobState.QUEUED])
    running = [job for job in active if job.state is JobState.RUNNING]
    waiting = [job for job in reversed(active) if job.state is JobState.QUEUED]
    first = [*running, *waiting[:SHOWN_WAITING]]
    ended = ledger.jobs(limit=max(SHOWN_JOBS - len(first), 1), states=[state for state in JobState if state.ended])
    listed = [job_state(job) for job in (*first, *ended)]
    if len(waiting) > SHOWN_WAITING:
        listed[len(first) - 1]["also_waiting"] = len(waiting) - SHOWN_WAITING
    return listed


def cancel_waiting(project: Project) -> int:
    """Cancel every job that waits, and say how many; what runs goes on."""
    waiting = Ledger(project).jobs(limit=_MOST_ACTIVE, states=[JobState.QUEUED])
    for job in waiting:
        cancel(project, job.id)
    return len(waiting)


def job_state(job: Job) -> dict[str, Any]:
    """One job as JSON-able values."""
    # One that found the cells of a sample anew and could not put them there: they can be looked at, and chosen.
    kept = job.state in (JobState.FAILED, JobState.LOST) and job.spec.get("into")
    unused = job.spec.get("variant_of") if kept and (job.folder / RESULTS_NAME).is_file() else None
    return {
        "id": job.id,
        "title": job.title,
        "state": str(job.state),
        "active": not job.state.ended,
        "stopping": job.cancel_requested_at is not None and not job.state.ended,
        "stage": job.stage,
        "fraction": round(job.fraction, 3),
        "overall": overall_fraction(job.kind, job.stage, job.fraction),
        "recording": recording_name(job.spec),
        "error": job.error,
        "actor": job.actor,
        "created_at": job.created_at,
        "seconds": None if job.started_at is None or job.ended_at is None else job.ended_at - job.started_at,
        "identifier": job.result.get("identifier", unused),
        "also_waiting": 0,
        "is_variant": "variant" in job.result or unused is not None,
    }


def overall_fraction(kind: str, stage: str, fraction: float) -> float | None:
    """How far the whole job is, 0 to 1, from how far its present stage is; None for a stage that is not known.

    It never falls while a job goes through its stages in order. A job without a stage has not begun.
    """
    if not stage:
        return 0.0
    weights = _STAGES.get(kind, {})
    if stage not in weights:
        return None
    names = list(weights)
    before = sum(weights[name] for name in names[: names.index(stage)])
    return round(min(1.0, before + weights[stage] * min(max(fraction, 0.0), 1.0)), 3)


def recording_name(spec: Mapping[str, Any]) -> str:
    """What tells jobs with movies of one name apart: subject and session, or the folder of the movie."""
    if spec.get("variant_of"):
        # Jobs of earlier versions know the identifier alone.
        name = str(spec.get("variant_of_name") or "") or f"the sample {str(spec['variant_of'])[:8]}"
        return f"another result for {name.removesuffix('_ophys')}"
    known = [f"{name} {spec[name]}" for name in ("subject", "session") if spec.get(name)]
    if known:
        return " · ".join(known)
    movies = spec.get("movies") or [path for path in (spec.get("results"),) if path]
    return str(Path(str(movies[0])).parent) if movies else ""


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
