"""The kinds of job that there are, and what does their work."""

from __future__ import annotations

from nwb_schema.errors import JobError
from pipeline.jobs.runner import Work


def work_of(kind: str) -> Work:
    """The function that does the work of a kind of job.

    Imported only when asked for: a job that waits in the queue holds no scientific library in memory.
    """
    if kind == "process":
        from pipeline.process import process_job

        return process_job
    if kind == "import":
        from pipeline.importing import import_job

        return import_job
    raise JobError(kind, "is not a kind of job that this version knows", "Update Fluorite.")
