"""The last step of processing and of import: results and registered movie become a sample of the project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import ProjectError, SampleExistsError
from nwb_schema.metadata import SampleMetadata
from nwb_schema.nwb_container import NO_MOVIE
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import fsync_folder
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import RESULTS_NAME, Publication
from pipeline.progress import Cancelled


def refuse_taken_name(project: Project, metadata: SampleMetadata) -> Path:
    """Where the sample will be; checked before hours of work, and again, without a gap, when it is written.

    Raises
    ------
    SampleExistsError
        When the project has a sample of that subject and session.
    """
    path = project.sample_path(metadata.subject_id, metadata.session_id)
    if path.exists():
        raise SampleExistsError(
            path,
            f"subject '{metadata.subject_id}' has a session '{metadata.session_id}' in this project already",
            "Give this recording another name with --session.",
        )
    return path


def publish_sample(
    project: Project,
    job: Job,
    *,
    results: Path,
    registered_movie: Path | None,
    shifts: NDArray[np.float32] | None,
    segmentation: Segmentation,
    metadata: SampleMetadata,
    provenance: Provenance,
    seconds: Mapping[str, float],
    peak_rss_mb: float,
    custom: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Move the results and the movie to their places, write the sample, and report.

    The sample comes last: only then does anything become visible, and it comes whole (`nwb_schema.writer`).

    Parameters
    ----------
    results, registered_movie
        Files in the job's scratch; they are moved.
    shifts
        ``(n_frames, 2)`` pixels as ``(y, x)``, of volumes ``(n_frames, 3)`` as ``(y, x, z)``, or None.
    custom
        Values of custom columns by their keys.

    Returns
    -------
    dict
        What ``fluorite process --json`` prints for a sample.
    """
    sample = refuse_taken_name(project, metadata)
    # One job makes one sample: with the job's own UUID, whatever it leaves behind can be told from other files.
    identifier = job.id
    movie = project.movies_dir / f"{identifier}.h5" if registered_movie is not None else None
    kept_results = job.folder / RESULTS_NAME
    report: dict[str, Any] = {
        "sample": str(sample),
        "identifier": identifier,
        "results": str(kept_results),
        "job": job.id,
        "engine": provenance.engine,
        "engine_version": provenance.engine_version,
        "n_rois": segmentation.n_rois,
        "n_accepted": int(segmentation.accepted.sum()),
        "seconds": dict(seconds),
        "peak_rss_mb": round(peak_rss_mb, 1),
        "recording": {
            "imaging_rate_hz": {
                "value": segmentation.rate_hz,
                "from": str(metadata.extra.get("rate_from", "results")),
            },
            **metadata.recording(),
        },
        "notes": [*provenance.notes, *metadata.notes, *([] if movie else [NO_MOVIE])],
    }
    if Ledger(project).job(job.id).state is not JobState.RUNNING:
        raise Cancelled  # somebody took this process for dead and has removed its files, or will
    Publication(identifier, sample.name, movie.name if movie else None, report).write(job)
    try:
        os.replace(results, kept_results)
        if registered_movie is not None and movie is not None:
            registered_movie.chmod(0o444)  # it never changes; the sample is what gets edited
            os.replace(registered_movie, movie)
            fsync_folder(project.movies_dir)
    except OSError as error:
        raise ProjectError(
            project.folder, f"results cannot be moved into place ({error})", "Check permissions and free space."
        ) from error
    write_sample(
        sample,
        identifier=identifier,
        metadata=metadata,
        segmentation=segmentation,
        provenance=replace(provenance, configuration_version=project.configuration().version),
        registered_movie=movie,
        shifts=shifts,
        custom=custom,
    )
    return report
