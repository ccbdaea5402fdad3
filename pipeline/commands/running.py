"""Running a job in the foreground, for the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nwb_schema.project import Project
from pipeline.commands.console import ProgressLine
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.runner import run_job
from pipeline.jobs.submission import current_actor, reconcile


def recovered(project: Project, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The report of the very same work, when its run was killed after its sample was out but before it could say so.

    Doing it again would only find the name taken. Each such report is handed out once.
    """
    project.require_writable()
    for job in reconcile(project):
        if job.kind == kind and job.spec == spec and job.result:
            return job.result
    return None


def run_in_foreground(
    project: Project, kind: str, spec: Mapping[str, Any], *, title: str, sample: str = ""
) -> Mapping[str, Any]:
    """Add a job to the ledger and do its work in this process; `sample` is the file name of what it will make."""
    project.require_writable()
    job = Ledger(project).add(kind, spec, title=title, actor=current_actor(), sample=sample)
    line = ProgressLine(title)
    try:
        return run_job(project, job, listener=line)
    finally:
        line.close()
