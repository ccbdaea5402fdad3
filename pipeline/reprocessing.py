"""Find the cells of a sample anew, with other parameters: its registered movie is processed, its segmentation replaced.

What people did stays: stimuli and metadata are not touched, tags and decisions go over to the ROIs that are the same
(`nwb_schema.resegmentation`), and one undo brings the former segmentation back.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from nwb_schema.errors import ProjectError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_summary, registered_movie_path
from pipeline.curation.replacing import import_into
from pipeline.engines import choose_engine
from pipeline.jobs.job import Job, JobState
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.publication import RESULTS_NAME
from pipeline.jobs.submission import current_actor, submit
from pipeline.jobs.unfinished import unfinished_work
from pipeline.movies.check import check_movie
from pipeline.movies.digest import movie_sha256
from pipeline.movies.registered import RegisteredMovie
from pipeline.parameters import Parameters, PresetName
from pipeline.process import bytes_needed, recipe_digest, refuse_full_disk, rounded
from pipeline.progress import Cancelled, Progress

logger = logging.getLogger("fluorite.reprocess")


class ReprocessRequest(BaseModel):
    """A sample to find the cells of anew.

    Attributes
    ----------
    sample
        Its identifier.
    preset, parameters, parameters_file, engine
        As in `pipeline.request.ProcessRequest`; motion is not corrected again.
    reason
        Why; kept with the edit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: str
    preset: PresetName = "2p"
    parameters: Mapping[str, Any] = {}
    parameters_file: str = "parameters"
    engine: Literal["auto", "builtin", "caiman"] = "auto"
    reason: str = ""


def reprocess_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """The work of a job of kind ``reprocess``."""
    return reprocess(project, ReprocessRequest.model_validate(job.spec), job, progress)


def check_reprocess(project: Project, request: ReprocessRequest) -> Path:
    """Look at sample, movie, parameters and engine without doing any work; returns the sample's file.

    Raises
    ------
    FluoriteError
        Anything that would stop the job right at its start.
    """
    path = project.find_sample(request.sample)
    movie, parameters = _open(path, request)
    try:
        choose_engine(request.engine, project).check(parameters, movie)
    finally:
        movie.close()
    return path


def submit_reprocess(project: Project, request: ReprocessRequest, *, actor: str | None = None) -> Job:
    """Start to process the movie of a sample again; everything that can be refused at once is.

    Raises
    ------
    FluoriteError
        Anything that would stop the job right at its start; no job was started.
    """
    path = check_reprocess(project, request)
    title = f"{path.stem.removesuffix('_ophys')} again"
    return submit(project, "reprocess", request.model_dump(mode="json"), title=title, actor=actor or current_actor())


def reprocess(project: Project, request: ReprocessRequest, job: Job, progress: Progress) -> dict[str, Any]:
    """Process the registered movie of a sample again, and let what is found take the place of its segmentation.

    Returns
    -------
    dict
        What ``fluorite process --into --json`` prints for a sample.
    """
    began = time.perf_counter()
    scratch = job.attempt_folder / "scratch"
    scratch.mkdir(parents=True)
    path = project.find_sample(request.sample)
    movie, parameters = _open(path, request)
    with ExitStack() as stack:
        stack.callback(movie.close)
        engine = choose_engine(request.engine, project)
        engine.check(parameters, movie)
        refuse_full_disk(project, movie)
        look = partial(progress, "checking the movie")
        check_movie(movie, minimum_frames=1, progress=lambda done: look(0.5 * done))
        digest = recipe_digest(movie_sha256(movie, progress=lambda done: look(0.5 + 0.5 * done)), parameters, engine)
        Ledger(project).set_digest(job.id, digest)
        keep = stack.enter_context(unfinished_work(project, digest, bytes_needed(movie)))
        result = engine.run(movie, parameters, scratch, progress, keep=keep)
        progress("writing the sample", 0.0)
        if Ledger(project).job(job.id).state is not JobState.RUNNING:
            raise Cancelled  # somebody took this process for dead and has removed its files, or will
        kept_results = job.folder / RESULTS_NAME
        try:
            os.replace(result.results, kept_results)
        except OSError as error:
            raise ProjectError(
                project.folder, f"results cannot be moved into place ({error})", "Check permissions and free space."
            ) from error
        replaced = import_into(
            project,
            project.find_sample(request.sample),
            kept_results,
            actor=job.actor,
            reason=request.reason,
            source=f"processing its movie again (job {job.id[:8]})",
        )
    summary = read_summary(replaced.committed.path)
    return {
        "sample": str(replaced.committed.path),
        "identifier": summary.identifier,
        "results": str(kept_results),
        "job": job.id,
        "engine": result.engine,
        "engine_version": result.version,
        "n_rois": summary.n_rois,
        "n_accepted": summary.n_accepted,
        "n_matched": replaced.n_matched,
        "n_new": replaced.n_new,
        "n_kept": replaced.n_kept,
        "n_left": replaced.n_left,
        "seconds": rounded({**result.seconds, "total": time.perf_counter() - began}),
        "peak_rss_mb": round(result.peak_rss_mb, 1),
        "notes": [
            f"{replaced.n_matched} ROIs are the same as before, {replaced.n_new} are new, {replaced.n_kept} old ones "
            f"stay because people worked on them, {replaced.n_left} are in the former segmentation alone.",
            *result.notes,
        ],
    }


def _open(path: Path, request: ReprocessRequest) -> tuple[RegisteredMovie, Parameters]:
    """The sample's registered movie, and the parameters with its rate and without motion correction."""
    summary = read_summary(path)
    if not summary.is_ours:
        raise SampleError(path, "was not written by Fluorite, so it is only browsed", "Adopt it into the project.")
    if not summary.has_movie:
        raise SampleError(
            path, "has no movie that could be processed again", "Process the raw movie with `fluorite process`."
        )
    parameters = Parameters.preset(request.preset).updated(request.parameters, source=request.parameters_file)
    boundaries = tuple(int(frame) for frame in read_provenance(path).get("boundaries") or ())
    movie = RegisteredMovie(registered_movie_path(path), boundaries)
    try:
        return movie, parameters.updated({"data.fr": movie.rate_hz, "motion.motion_correct": False})
    except BaseException:
        movie.close()
        raise
