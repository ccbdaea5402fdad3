"""The process that starts the jobs of a batch one after another: ``python -m pipeline.jobs.queue PROJECT``.

A waiting job would need a process of its own otherwise, and a hundred of them a hundred. It reads the ids of the jobs
from its standard input. Killed, it takes only the waiting jobs along, which are then found lost; the one that runs goes
on.
"""

from __future__ import annotations

import sys
from pathlib import Path

from nwb_schema.process_identity import this_process
from nwb_schema.project import Project
from pipeline.jobs.job import JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.submission import start_child


def run_queue(project: Project, job_ids: list[str]) -> None:
    """Run these jobs, each in a process of its own, in this order; those that were cancelled meanwhile are left out."""
    ledger = Ledger(project)
    host, pid, started = this_process()
    for job_id in job_ids:
        # Says whose death means that they will never start.
        ledger.waiting(job_id, host=host, pid=pid, process_started_at=started)
    for job_id in job_ids:
        if ledger.must_stop(job_id):
            ledger.end(job_id, JobState.CANCELLED)
            continue
        start_child(project, ledger.job(job_id)).wait()


if __name__ == "__main__":
    run_queue(Project.open(Path(sys.argv[1])), sys.stdin.read().split())
