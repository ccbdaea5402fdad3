"""The kinds of job that there are, and what does their work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from nwb_schema.errors import JobError
from nwb_schema.project import Project
from pipeline.jobs.job import Job
from pipeline.progress import Progress

Work = Callable[[Project, Job, Progress], Mapping[str, Any]]
"""``work(project, job, progress)`` does the job and returns its result, JSON-able."""


def work_of(kind: str) -> Work:
    """The function that does the work of a kind of job, imported only when asked for.

    Raises
    ------
    JobError
        When this version knows no such kind.
    """
    if kind == "process":
        from pipeline.process import process_job

        return process_job
    if kind == "import":
        from pipeline.importing import import_job

        return import_job
    if kind == "adopt":
        from pipeline.adopting import adopt_job

        return adopt_job
    if kind == "export":
        from pipeline.exporting import export_job

        return export_job
    raise JobError(kind, "is not a kind of job that this version knows", "Update Fluorite.")
