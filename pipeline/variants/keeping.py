"""The last step of a variant: its results file goes to its place, and no sample changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nwb_schema.errors import ProjectError
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import fsync_folder
from nwb_schema.segmentation import Segmentation
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import RESULTS_NAME, Publication
from pipeline.progress import Cancelled
from pipeline.variants.run_record import RunRecord, write_run
from pipeline.variants.target import Target


def keep_variant(
    project: Project,
    job: Job,
    target: Target,
    *,
    results: Path,
    segmentation: Segmentation,
    provenance: Provenance,
    seconds: Mapping[str, float],
    peak_rss_mb: float | None,
    into: bool = False,
) -> dict[str, Any]:
    """Leave the results in ``batch/<job>/results.hdf5`` with a record of how they were made, and report.

    Parameters
    ----------
    results
        A file in the job's scratch; it is moved.
    into
        Whether the job will let them replace the sample's cells: then it has not done its work before that.

    Returns
    -------
    dict
        What ``fluorite process --variant-of --json`` prints.
    """
    kept = job.folder / RESULTS_NAME
    report: dict[str, Any] = {
        "sample": str(target.path),
        "identifier": target.identifier,
        "variant": job.id,
        "results": str(kept),
        "job": job.id,
        "engine": provenance.engine,
        "engine_version": provenance.engine_version,
        "n_rois": segmentation.n_rois,
        "n_accepted": int(segmentation.accepted.sum()),
        "seconds": dict(seconds),
        "peak_rss_mb": None if peak_rss_mb is None else round(peak_rss_mb, 1),
        "notes": list(provenance.notes),
    }
    record = RunRecord.of(
        job,
        provenance,
        sample=target.identifier,
        seconds=seconds,
        peak_rss_mb=peak_rss_mb,
        input_sha256=target.input_sha256,
    )
    write_run(results, record)
    if Ledger(project).job(job.id).state is not JobState.RUNNING:
        raise Cancelled  # somebody took this process for dead and has removed its files, or will
    Publication(job.id, None, None, report, target.path.name if into else None).write(job)
    try:
        os.replace(results, kept)
        fsync_folder(job.folder)
    except OSError as error:
        raise ProjectError(
            project.folder, f"results cannot be moved into place ({error})", "Check permissions and free space."
        ) from error
    return report
