"""Running one job in this process: its turn in the queue, its progress, its heartbeat and its one end."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nwb_schema.errors import FluoriteError, JobError
from nwb_schema.project import Project
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.kinds import Work, work_of
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.process_identity import this_process
from pipeline.jobs.publication import Publication
from pipeline.jobs.submission import reconcile
from pipeline.jobs.sweep import sweep_job
from pipeline.progress import Cancelled, Progress

logger = logging.getLogger("fluorite.job")

_REPORT_EVERY_S = 0.25
_BEAT_EVERY_S = 5.0
_QUEUE_POLL_S = 0.5


def run_job(
    project: Project, job: Job, work: Work | None = None, *, listener: Progress | None = None
) -> Mapping[str, Any]:
    """Wait for the job's turn, do its work here and end it in the ledger.

    Parameters
    ----------
    work
        What does the work; by default what belongs to the kind of the job, looked up when the job's turn has come,
        so that a job that waits in the queue holds no scientific library in memory.
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
    try:
        with _cancel_on_sigterm():
            _wait_for_turn(project, ledger, job)
            with _heartbeat(ledger, job.id):
                do_work = work_of(job.kind) if work is None else work
                result = do_work(project, ledger.job(job.id), _progress(ledger, job.id, listener))
    except (Cancelled, KeyboardInterrupt) as error:
        publication = Publication.read(job)
        if publication is not None and publication.is_published(project):
            # The sample was out before the wish to stop arrived: it is whole, and saying "cancelled" would be untrue.
            ledger.end(job.id, JobState.OK, result=publication.report)
            return publication.report
        sweep_job(project, job)
        ledger.end(job.id, JobState.CANCELLED)
        logger.info("cancelled")
        raise Cancelled from error
    except FluoriteError as error:
        sweep_job(project, job)
        ledger.end(job.id, JobState.FAILED, error=str(error))
        logger.error("%s", error)
        raise
    except BaseException as error:
        # Not ours: a bug, or memory that ran out. The ledger must still end, and the log keeps the traceback.
        logger.exception("unexpected error")
        sweep_job(project, job)
        failure = JobError(
            job.title,
            f"stopped with an unexpected error ({type(error).__name__}: {error})",
            f"The traceback is in {job.log_path}; please report it.",
        )
        ledger.end(job.id, JobState.FAILED, error=str(failure))
        if isinstance(error, Exception):
            raise failure from error
        raise
    ledger.end(job.id, JobState.OK, result=result)
    logger.info("done")
    return result


def _wait_for_turn(project: Project, ledger: Ledger, job: Job) -> None:
    host, pid, started_at = this_process()
    ledger.waiting(job.id, host=host, pid=pid, process_started_at=started_at)
    told = False
    while not ledger.claim(job.id, host=host, pid=pid, process_started_at=started_at):
        if ledger.cancel_requested(job.id):
            raise Cancelled
        present = ledger.job(job.id)
        if present.state.ended:
            raise JobError(job.title, f"was ended as {present.state} while it waited", "Start it again.")
        blocker = next((ledger.job(i) for i in job.depends_on if ledger.job(i).state.ended), None)
        if blocker is not None and blocker.state is not JobState.OK:
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
        if ledger.cancel_requested(job_id):
            raise Cancelled
        ledger.report(job_id, stage, fraction)
        if listener is not None:
            listener(stage, fraction)

    return progress


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
            ledger.beat(job_id)

    thread = threading.Thread(target=beat, name=f"heartbeat-{job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
