"""Running one job in this process: its turn in the queue, its progress, its heartbeat and its one end."""

from __future__ import annotations

import errno
import logging
import shutil
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError, JobError, ProjectError
from nwb_schema.process_identity import this_process
from nwb_schema.project import Project
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.kinds import Work, work_of
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import Publication
from pipeline.jobs.submission import reconcile, settle
from pipeline.jobs.sweep import sweep_job, sweep_scratch
from pipeline.progress import Cancelled, Progress

logger = logging.getLogger("fluorite.job")

_REPORT_EVERY_S = 0.25
_BEAT_EVERY_S = 5.0
_QUEUE_POLL_S = 0.5
# With less free space than this, an error that HDF5 or SQLite words in its own way is about the disk.
_FULL_BYTES = 2**20


def run_job(
    project: Project, job: Job, work: Work | None = None, *, listener: Progress | None = None
) -> Mapping[str, Any]:
    """Wait for the job's turn, do its work here and end it in the ledger.

    Parameters
    ----------
    work
        What does the work; by default what belongs to the kind of the job, looked up when the job's turn has come, so
        that a job that waits in the queue holds no scientific library in memory.
    listener
        Also told of the progress, such as a terminal's progress line.

    Raises
    ------
    FluoriteError
        The job failed; the ledger says the same.
    Cancelled
        Somebody cancelled it (the page, Ctrl-C or SIGTERM); nothing of it is left.
    """
    ledger = Ledger(project)
    job.attempt_folder.mkdir(parents=True, exist_ok=True)
    with _log_file(job):
        try:
            with _cancel_on_sigterm():
                _wait_for_turn(project, ledger, job)
                with _heartbeat(ledger, job.id):
                    do_work = work_of(job.kind) if work is None else work
                    result = do_work(project, ledger.job(job.id), _progress(ledger, job.id, listener))
        except BaseException as error:
            publication = Publication.read(job)
            if publication is None or publication.is_published(project) is not True:
                raise _end_badly(project, ledger, job, error) from error
            # The sample was out before the wish to stop, or the mishap, came: it is whole, and the work is done.
            logger.warning("the sample was published before this: %s: %s", type(error).__name__, error)
            result = publication.report
        _finish(project, ledger, job, result)
    return result


def _finish(project: Project, ledger: Ledger, job: Job, result: Mapping[str, Any]) -> None:
    """Clear the scratch, tell the catalogue and the ledger. The work is done: nothing here may make it a failure."""
    try:
        sweep_scratch(job)
        Catalogue(project).refresh()
        ledger.end(job.id, JobState.OK, result=result)
        logger.info("done")
    except Exception:
        # Whoever reconciles later finds the record of publication and ends the job as ok.
        logger.exception("the work is done, but not all of the books are kept")


def _end_badly(project: Project, ledger: Ledger, job: Job, error: BaseException) -> BaseException:
    """End a job that did not succeed, removing what it wrote; returns what the caller has to raise."""
    publication = Publication.read(job)
    kept = publication.what_is_kept(project) if publication is not None else None
    stopped = isinstance(error, Cancelled | KeyboardInterrupt)
    sweep_job(project, job, keep_results=kept is not None and not stopped)
    if stopped:
        ledger.end(job.id, JobState.CANCELLED)
        logger.info("cancelled")
        return Cancelled()
    if isinstance(error, FluoriteError):
        failure: FluoriteError = error
        logger.error("%s", error)
    elif _is_disk_full(project, error):
        failure = ProjectError(project.folder, "the disk is full", "Free some space and start it again.")
        logger.error("%s", failure, exc_info=error)
    else:
        # Not ours: a bug, or memory that ran out. The log keeps the traceback.
        logger.error("unexpected error", exc_info=error)
        failure = JobError(
            job.title,
            f"stopped with an unexpected error ({type(error).__name__}: {error})",
            f"The traceback is in {job.log_path}; please report it.",
        )
    if kept is not None:
        failure = JobError(job.title, f"its cells were found, but they are not in the sample: {failure}", kept)
    ledger.end(job.id, JobState.FAILED, error=str(failure))
    return failure if isinstance(error, Exception) else error


def _is_disk_full(project: Project, error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return True
    return shutil.disk_usage(project.folder).free < _FULL_BYTES


def _wait_for_turn(project: Project, ledger: Ledger, job: Job) -> None:
    host, pid, started = this_process()
    for other in ledger.jobs(states=[JobState.RUNNING]):
        if (other.host, other.pid, other.process_started_at) == (host, pid, started):
            # This process runs one job at a time: it has finished that one, but could not write it down.
            settle(project, other)
    ledger.waiting(job.id, host=host, pid=pid, process_started_at=started)
    told = False
    while not ledger.claim(job.id, host=host, pid=pid, process_started_at=started):
        if ledger.must_stop(job.id):
            raise Cancelled
        needed = [ledger.job(other) for other in job.depends_on]
        blocker = next((other for other in needed if other.state.ended and other.state is not JobState.OK), None)
        if blocker is not None:
            raise JobError(job.title, f"needs {blocker.title}, which ended as {blocker.state}", "Run that one first.")
        if not told:
            logger.info("waiting: another job of this project is running")
            told = True
        reconcile(project)
        time.sleep(_QUEUE_POLL_S)


def _progress(ledger: Ledger, job_id: str, listener: Progress | None) -> Progress:
    """A progress function that writes to the ledger now and then, logs each new stage and notices a cancel."""
    last_stage = ""
    last_time = 0.0

    def progress(stage: str, fraction: float) -> None:
        nonlocal last_stage, last_time
        now = time.monotonic()
        if stage != last_stage:
            logger.info("%s", stage)
        elif now - last_time < _REPORT_EVERY_S:
            return
        last_stage, last_time = stage, now
        if ledger.must_stop(job_id):
            raise Cancelled
        ledger.report(job_id, stage, fraction)
        if listener is not None:
            listener(stage, fraction)

    return progress


@contextmanager
def _log_file(job: Job) -> Iterator[None]:
    """Keep what this process logs in the job's own log, whoever started the job."""
    handler = logging.FileHandler(job.log_path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    root = logging.getLogger()
    fluorite = logging.getLogger("fluorite")
    before = fluorite.level
    fluorite.setLevel(logging.INFO)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        fluorite.setLevel(before)
        handler.close()


@contextmanager
def _cancel_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into `Cancelled` in the main thread, so that what is being written gets removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: object) -> None:
        raise Cancelled

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _heartbeat(ledger: Ledger, job_id: str) -> Iterator[None]:
    stopped = threading.Event()

    def beat() -> None:
        while not stopped.wait(_BEAT_EVERY_S):
            try:
                ledger.beat(job_id)
            except ProjectError as error:
                logger.warning("no sign of life could be written this time: %s", error)

    thread = threading.Thread(target=beat, name=f"heartbeat-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
