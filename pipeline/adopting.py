"""Adopting a foreign NWB file as a job."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from nwb_schema.adoption import Adopted, adopt_file
from nwb_schema.project import Project
from pipeline.jobs.job import Job
from pipeline.jobs.publication import Publication
from pipeline.jobs.sweep import sweep_scratch
from pipeline.progress import Progress
from pipeline.version import __version__


class AdoptRequest(BaseModel):
    """Which file to adopt, and what a person says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path
    subject: str | None = None
    session: str | None = None
    metadata: dict[str, Any] = {}
    metadata_file: str = "metadata"


def adopt_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """Adopt the file; the result is what ``fluorite adopt --json`` prints for the sample.

    Raises
    ------
    FluoriteError
        When the file cannot be a sample.
    """
    request = AdoptRequest.model_validate(job.spec)
    scratch = job.attempt_folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    adopted = adopt_file(
        project,
        request.file,
        subject=request.subject,
        session=request.session,
        overrides=request.metadata,
        overrides_source=request.metadata_file,
        fluorite_version=__version__,
        scratch=scratch,
        announce=lambda made: Publication(made.identifier, made.sample.name, made.movie, _report(made, job)).write(job),
        report=progress,
    )
    sweep_scratch(job)
    return _report(adopted, job)


def _report(adopted: Adopted, job: Job) -> dict[str, Any]:
    return {
        "sample": str(adopted.sample),
        "identifier": adopted.identifier,
        "job": job.id,
        "n_rois": adopted.n_rois,
        "n_accepted": adopted.n_accepted,
        "has_movie": adopted.movie is not None,
        "notes": list(adopted.notes),
    }
