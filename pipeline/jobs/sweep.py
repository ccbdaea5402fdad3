"""Removing what a job that did not end ok has left behind."""

from __future__ import annotations

import shutil
from contextlib import suppress

from nwb_schema.project import Project
from nwb_schema.publishing import sweep_partials
from pipeline.jobs.job import Job
from pipeline.jobs.publication import RESULTS_NAME, Publication


def sweep_job(project: Project, job: Job, *, keep_results: bool = False) -> None:
    """Remove the job's scratch, what belongs to a sample that never came to be, and temporary samples of dead writers.

    The log stays: it says what happened.

    Parameters
    ----------
    keep_results
        Whether the results file stays although no sample has it (`Publication.what_is_kept`).
    """
    publication = Publication.read(job)
    if publication is None or publication.is_published(project) is False:
        if not keep_results:
            (job.folder / RESULTS_NAME).unlink(missing_ok=True)
        movie = publication.movie_path(project) if publication is not None else None
        if movie is not None and movie.exists():
            movie.chmod(0o644)  # Windows does not remove what is read-only
            movie.unlink()
    sweep_scratch(job)
    sweep_partials(project.samples_dir)


def sweep_scratch(job: Job) -> None:
    """Remove everything in the job's attempt folder but its log, the engine's own, and the record of publication."""
    if not job.attempt_folder.is_dir():
        return
    for log in job.attempt_folder.glob("*/*.txt"):
        with suppress(OSError):  # a log is not worth failing for
            log.replace(job.attempt_folder / log.name)
    for path in job.attempt_folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix not in {".txt", ".json"}:
            path.unlink(missing_ok=True)
