"""Exporting as a job: progress, log, cancel, one end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from nwb_schema.export import ExportOptions, export_samples
from nwb_schema.project import Project
from pipeline.jobs.job import Job
from pipeline.progress import Progress


class ExportRequest(BaseModel):
    """What to export, and where to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    samples: tuple[str, ...] = ()
    keep_movie: bool = True
    allow_blockers: bool = False


def export_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """Export samples; the result is `nwb_schema.export.ExportReport` as a dictionary.

    Raises
    ------
    FluoriteError
        When something blocks, or a file cannot be read or written.
    """
    request = ExportRequest.model_validate(job.spec)
    options = ExportOptions(request.samples, request.keep_movie, request.allow_blockers)
    return export_samples(project, request.out, options, progress).as_dict()
