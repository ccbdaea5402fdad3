"""Starting, stopping and watching over jobs: what the page and the command line call."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from nwb_schema.errors import FluoriteError
from nwb_schema.process_identity import is_alive
from nwb_schema.project import Project
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import Publication
from pipeline.jobs.sweep import sweep_job
from pipeline.jobs.unfinished import forget_unfinished

# A job looks at its cancel mark at least twice a second; one that has not stopped by then hangs in foreign code.
_CANCEL_GRACE_S = 10.0
# From submission to the child's first sign of life: importing Python on a slow network disk.
_START_GRACE_S = 60.0
_FOREIGN_HOST_GRACE_S = 120.0

ENDED = "The process ended without a word (killed, out of memory, or the computer was restarted)."
LOST = f"{ENDED} Start it again."


def current_actor() -> str:
    """The user of the operating system, who starts a job from the command line."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user id has no name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def submit(project: Project, kind: str, spec: Mapping[str, Any], *, title: str, actor: str, sample: str = "") -> Job:
    """Add a job to the ledger and start its own process, which outlives this one.

    Jobs of a project run one after the other, oldest first.

    Parameters
    ----------
    sample
        File name of the sample that it will make; empty where it makes none.

    Raises
    ------
    SampleExistsError
        When another job that has not ended makes a sample of the same name.
    """
    project.require_writable()
    if sample:
        reconcile(project)  # a dead job takes no name
    job = Ledger(project).add(kind, spec, title=title, actor=actor, sample=sample)
    _reap(start_child(project, job), job.id)
    return job


def submit_all(
    project: Project, kind: str, wanted: Sequence[tuple[Mapping[str, Any], str, str]], *, actor: str
) -> list[Job]:
    """Add many jobs to the ledger, all of them or none, and start the process that runs them one after another.

    Parameters
    ----------
    wanted
        ``(spec, title, sample)`` of each; see `submit`.

    Raises
    ------
    SampleExistsError
        When another job that has not ended makes a sample of the same name.
    """
    project.require_writable()
    if not wanted:
        return []
    reconcile(project)
    ledger = Ledger(project)
    jobs: list[Job] = []
    try:
        for spec, title, sample in wanted:
            jobs.append(ledger.add(kind, spec, title=title, actor=actor, sample=sample))
    except FluoriteError:
        for job in jobs:
            ledger.end(job.id, JobState.CANCELLED)
        raise
    queue = subprocess.Popen(
        [sys.executable, "-m", "pipeline.jobs.queue", str(project.folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=_import_root(),
        start_new_session=True,
        text=True,
    )
    assert queue.stdin is not None
    with suppress(BrokenPipeError), queue.stdin as ids:  # a queue that died at once is found by `reconcile`
        ids.write("\n".join(job.id for job in jobs))
    _reap(queue, jobs[0].id)
    return jobs


def start_child(project: Project, job: Job) -> subprocess.Popen[bytes]:
    """Start the process of a job; what it prints goes into the job's log."""
    job.attempt_folder.mkdir(parents=True, exist_ok=True)
    with job.log_path.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline.jobs.child", str(project.folder), job.id],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=_import_root(),
            start_new_session=True,  # a process group of its own: cancelling kills the group, and only it
        )


def _reap(child: subprocess.Popen[Any], name: str) -> None:
    """Take note of a child's end, so that it does not stay as a zombie as long as this process lives."""
    threading.Thread(target=child.wait, name=f"reap-{name}", daemon=True).start()


def cancel(project: Project, job_id: str) -> Job:
    """Ask a job to stop. It removes what it was writing and ends as cancelled; `reconcile` ends one that hangs."""
    ledger = Ledger(project)
    asked = ledger.request_cancel(job_id)
    job = ledger.job(job_id)
    alive = is_alive(job.host, job.pid, job.process_started_at)
    running = asked and alive and job.state is JobState.RUNNING
    # On Windows this would kill it on the spot; there the mark alone has to do. A waiting job's process may be that of
    # a whole queue.
    if running and job.pid is not None and os.name != "nt":
        with suppress(ProcessLookupError, PermissionError):
            os.kill(job.pid, signal.SIGTERM)
    return ledger.job(job_id)


def reconcile(project: Project, clock: float | None = None) -> list[Job]:
    """End the jobs whose process is gone, and kill those that do not obey a cancel; returns the jobs it ended.

    Called whenever somebody looks at the jobs, so nothing stays "running" that does not run.
    """
    now = time.time() if clock is None else clock
    ended = []
    for job in Ledger(project).jobs(limit=10_000, states=[JobState.QUEUED, JobState.RUNNING]):
        alive = is_alive(job.host, job.pid, job.process_started_at)
        cancelled = job.cancel_requested_at is not None
        if cancelled and job.state is JobState.QUEUED:
            alive = False  # it cannot start any more (`Ledger.claim`); its process may be that of a whole queue
        if alive and cancelled and now - (job.cancel_requested_at or now) > _CANCEL_GRACE_S:
            _kill(job)
            alive = False
        if alive is None and job.host is not None:
            alive = now - (job.heartbeat_at or job.created_at) < _FOREIGN_HOST_GRACE_S
        if job.pid is None and not cancelled:
            alive = now - job.created_at < _START_GRACE_S
        if alive:
            continue
        settled = settle(project, job)
        if settled is not None:
            ended.append(settled)
    return ended


def settle(project: Project, job: Job) -> Job | None:
    """End a job whose process does not work on it any more, by what it left; None when that cannot be told yet."""
    ledger = Ledger(project)
    publication = Publication.read(job)
    published = publication.is_published(project) if publication is not None else False
    if published is None:
        return None
    kept = publication.what_is_kept(project) if publication is not None and not published else None
    if published and publication is not None:
        # Killed between publishing the sample and saying so: the work is done, and its report was kept.
        changed = ledger.end(job.id, JobState.OK, result=publication.report)
    elif job.cancel_requested_at is not None:
        kept = None
        changed = ledger.end(job.id, JobState.CANCELLED)
    else:
        changed = ledger.end(job.id, JobState.LOST, error=f"{job.title}: {LOST if kept is None else f'{ENDED} {kept}'}")
    if not changed:
        return None
    sweep_job(project, job, keep_results=kept is not None)
    ended = ledger.job(job.id)
    if ended.state is not JobState.LOST:
        forget_unfinished(project, job.digest)
    return ended


def _kill(job: Job) -> None:
    """Kill the job's process and its children, by group where it has a group of its own."""
    assert job.pid is not None
    with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired, ProcessLookupError, PermissionError):
        if hasattr(os, "getpgid") and os.getpgid(job.pid) == job.pid:
            os.killpg(job.pid, signal.SIGKILL)
        else:
            psutil.Process(job.pid).kill()
        psutil.Process(job.pid).wait(timeout=5)


def _import_root() -> Path:
    """The folder that this checkout's packages are imported from, so that the child imports the same ones."""
    return Path(__file__).resolve().parents[2]
