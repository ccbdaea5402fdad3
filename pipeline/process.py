"""From a movie to a sample: open, check, run the engine, publish."""

from __future__ import annotations

import hashlib
import logging
import math
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from nwb_schema.columns import ColumnKind
from nwb_schema.custom_columns import checked_custom
from nwb_schema.errors import MissingRateError, ProjectError
from nwb_schema.metadata import SampleMetadata, build_metadata
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance, canonical_json
from nwb_schema.subjects import read_subjects
from pipeline.curation.replacing import import_into
from pipeline.engines import choose_engine
from pipeline.engines.engine import Engine
from pipeline.jobs.job import Job
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.submission import current_actor, submit
from pipeline.jobs.unfinished import reclaimable_bytes, unfinished_work
from pipeline.movies.acquisition import Acquisition, read_acquisition
from pipeline.movies.check import check_movie
from pipeline.movies.cropped import field_of_raw
from pipeline.movies.digest import movie_sha256
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.publish import publish_sample, refuse_taken_name
from pipeline.request import ProcessRequest, default_session, parse_request
from pipeline.results import read_results
from pipeline.seeds import seeds_sha256
from pipeline.variants.keeping import keep_variant
from pipeline.variants.run_record import RunRecord, write_run
from pipeline.variants.target import Target, check_movie_of, check_shape, find_target
from pipeline.version import __version__

logger = logging.getLogger("fluorite.process")

# Results file, sample and temporary copies of a recording with many cells.
_ROOM_FOR_RESULTS_BYTES = 100 * 10**6
# What finished stages leave for a killed run beside the registered movie: the short copy and a few models.
_ROOM_FOR_STAGES_BYTES = 600 * 10**6


def process_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """The work of a job of kind ``process``: one recording becomes one sample."""
    return process_recording(project, parse_request(job.spec), job, progress)


def submit_recording(project: Project, request: ProcessRequest, *, sample: str = "", actor: str | None = None) -> Job:
    """Start processing a recording in a process of its own.

    Pass it through `check_request` first: what can be refused at once should be refused before a job exists.

    Parameters
    ----------
    sample
        File name of the sample that it will be, as `check_request` gives it; no two jobs may make the same.
    """
    return submit(
        project,
        "process",
        request.model_dump(mode="json"),
        title=request.title,
        actor=actor or current_actor(),
        sample="" if request.variant_of else sample,
    )


def check_request(project: Project, request: ProcessRequest) -> Path:
    """Open the movie and look at names, parameters, custom columns and engine without doing any work.

    Returns
    -------
    Path
        The sample that it will be, or that it is another result of.

    Raises
    ------
    FluoriteError
        Anything that would stop the job right at its start.
    """
    movie, parameters, _ = _open_movie(project, request)
    try:
        choose_engine(request.engine, project, online=request.online).check(parameters, movie)
        if request.variant_of is not None:
            target = find_target(project, request.variant_of)
            check_shape(target, movie)
            return target.path
        custom_values(project, request)
        return refuse_taken_name(project, sample_metadata(project, request, movie))
    finally:
        movie.close()


def custom_values(project: Project, request: ProcessRequest) -> dict[str, Any]:
    """The values of custom columns that the sample will store, by key.

    Raises
    ------
    MetadataError
        When there is no such column, or a value does not fit it.
    """
    return checked_custom(project.columns(ColumnKind.CUSTOM), request.custom)


def _open_movie(project: Project, request: ProcessRequest) -> tuple[Movie, Parameters, tuple[str, ...]]:
    """The movie, the parameters completed with its rate, and a note where the movie itself did not say that."""
    try:
        return *request.open_movie(), ()
    except MissingRateError:
        recorded = read_acquisition(request.movies[0])
        rate_hz = None if recorded is None else recorded.rate_hz
        if recorded is not None and rate_hz is not None:
            note = f"The imaging rate of {rate_hz:g} Hz is from what {recorded.program} wrote beside the movie."
        else:
            rate_hz = project.configuration().defaults.get("imaging_rate_hz")
            if rate_hz is None:
                raise
            note = f"The movie does not say its imaging rate; the project's lab default of {rate_hz:g} Hz is taken."
    options = request.movie.model_copy(update={"frame_rate_hz": rate_hz})
    return *request.model_copy(update={"movie": options}).open_movie(), (note,)


def sample_metadata(
    project: Project, request: ProcessRequest, movie: Movie, recorded: Acquisition | None = None
) -> SampleMetadata:
    """The sample's metadata from the request, its metadata file, the project and the movie.

    Parameters
    ----------
    recorded
        What the microscope wrote besides. The sample's name does not depend on it.
    """
    first = movie.paths[0]
    metadata = build_metadata(
        subject=request.subject,
        session=request.session,
        overrides=request.metadata,
        one_photon=request.preset == "1p",
        movie_session_start=movie.metadata.session_start,
        movie_subject=movie.metadata.subject,
        movie_source=movie.metadata.source,
        movie_pixel_size_um=movie.metadata.pixel_size_um,
        movie_extra=movie.metadata.extra,
        recorded=movie.metadata.recorded if recorded is None else recorded.metadata,
        recorded_by=movie.metadata.source or "the microscope" if recorded is None else recorded.program,
        file_date=datetime.fromtimestamp(first.stat().st_mtime, tz=UTC),
        default_session=default_session(first),
        source=request.metadata_file,
        subjects=read_subjects(project.subjects_path),
        lab_defaults=project.configuration().defaults,
    )
    return with_processed_pixels(metadata, movie)


def with_processed_pixels(metadata: SampleMetadata, movie: Movie) -> SampleMetadata:
    """The pixel size that a person gave is the raw movie's: it grows with resized frames, as the movie's own has."""
    field, given = field_of_raw(movie), metadata.grid_spacing_um
    if field is None or given is None or field.scale == (1, 1) or given == movie.metadata.pixel_size_um:
        return metadata
    larger = (given[0] * field.scale[0], given[1] * field.scale[1], *given[2:])
    note = "The pixel size that was given is the raw movie's; the sample's is that of its reduced frames."
    return replace(metadata, grid_spacing_um=larger, notes=(*metadata.notes, note))


def process_recording(project: Project, request: ProcessRequest, job: Job, progress: Progress) -> dict[str, Any]:
    """Process one recording into a sample of the project, or into another result for the movie of one that is there.

    Parameters
    ----------
    job
        Whose scratch is used and whose id becomes the sample's identifier.

    Returns
    -------
    dict
        What ``fluorite process --json`` prints for a sample.
    """
    began = time.perf_counter()
    scratch = job.attempt_folder / "scratch"
    scratch.mkdir(parents=True)
    movie, parameters, rate_notes = _open_movie(project, request)
    with ExitStack() as stack:
        stack.callback(movie.close)
        engine = choose_engine(request.engine, project, online=request.online)
        engine.check(parameters, movie)
        target = find_target(project, request.variant_of) if request.variant_of is not None else None
        custom = custom_values(project, request)
        metadata = None
        if target is None:
            metadata = sample_metadata(project, request, movie, read_acquisition(movie.paths[0]))
            refuse_taken_name(project, metadata)
        if target is not None:
            check_shape(target, movie)
        refuse_full_disk(project, movie)
        size = " x ".join(map(str, movie.shape[1:]))
        logger.info("%s: %d frames of %s at %g Hz", request.title, movie.shape[0], size, movie.rate_hz)
        look = partial(progress, "checking the movie")
        look(0.0)
        keep: Path | None = None
        if not request.follow:
            # How many frames it needs, the engine has said.
            check_movie(movie, minimum_frames=1, progress=lambda done: look(0.5 * done))
            input_sha256 = movie_sha256(movie, progress=lambda done: look(0.5 + 0.5 * done))
            if target is not None:
                check_movie_of(target, movie, input_sha256)
            digest = recipe_digest(input_sha256, parameters, engine, movie)
            Ledger(project).set_digest(job.id, digest)
        if not request.online:
            keep = stack.enter_context(unfinished_work(project, digest, bytes_needed(movie)))
        checked = time.perf_counter()
        result = engine.run(movie, parameters, scratch, progress, keep=keep)
        if request.follow:
            # Only now the file is what it will stay.
            look(0.0)
            input_sha256 = movie_sha256(movie, progress=look)
            Ledger(project).set_digest(job.id, recipe_digest(input_sha256, parameters, engine, movie))
        progress("writing the sample", 0.0)
        written_from = time.perf_counter()
        segmentation = read_results(result.results)
        provenance = Provenance(
            engine=result.engine,
            engine_version=result.version,
            parameters=parameters.to_dict(),
            parameters_sha256=parameters.sha256(),
            input_files=tuple(str(path) for path in movie.paths),
            input_sha256=input_sha256,
            fluorite_version=__version__,
            job_id=job.id,
            boundaries=movie.boundaries,
            notes=(
                *rate_notes,
                *result.notes,
                *field_notes(movie),
                *missing_frames(movie),
                *one_photon_doubt(movie, request.preset),
            ),
            seconds=result.seconds,
        )
        seconds = {"check": checked - began, **result.seconds}
        so_far = rounded({**seconds, "total": time.perf_counter() - began})
        if target is not None:
            kept = keep_variant(
                project,
                job,
                target,
                results=result.results,
                segmentation=segmentation,
                provenance=provenance,
                seconds=so_far,
                peak_rss_mb=result.peak_rss_mb,
                into=request.into,
            )
            return _replaced(project, target, request, kept, job) if request.into else kept
        assert metadata is not None
        record = RunRecord.of(job, provenance, sample=job.id, seconds=so_far, peak_rss_mb=result.peak_rss_mb)
        write_run(result.results, record)
        report = publish_sample(
            project,
            job,
            results=result.results,
            registered_movie=result.registered_movie,
            shifts=result.shifts,
            segmentation=segmentation,
            metadata=metadata,
            provenance=provenance,
            seconds=so_far,
            peak_rss_mb=result.peak_rss_mb,
            custom=custom,
        )
    # What the job keeps for a kill during publication cannot know how long that will take; what it returns does.
    ended = time.perf_counter()
    report["seconds"] = rounded({**seconds, "write": ended - written_from, "total": ended - began})
    return report


def _replaced(
    project: Project, target: Target, request: ProcessRequest, kept: dict[str, Any], job: Job
) -> dict[str, Any]:
    """Let a result that was just kept replace the segmentation of its sample, and report that, too."""
    source = f"{request.title} (job {job.id[:8]})"
    done = import_into(
        project, target.path, Path(kept["results"]), actor=job.actor, reason=request.reason, source=source
    )
    counts = {"n_matched": done.n_matched, "n_new": done.n_new, "n_kept": done.n_kept, "n_left": done.n_left}
    note = (
        f"{done.n_matched} ROIs are the same as before, {done.n_new} are new, {done.n_kept} old ones stay because "
        f"people worked on them, {done.n_left} are in the former segmentation alone."
    )
    return {**kept, **counts, "notes": [note, *kept["notes"]]}


def recipe_digest(input_sha256: str, parameters: Parameters, engine: Engine, movie: Movie) -> str:
    """`work_digest` of a movie, with the part of it that is processed and the seeds that the parameters name."""
    field = field_of_raw(movie)
    part = () if field is None else (canonical_json(field.to_json()),)
    inputs = ".".join((input_sha256, *part, *seeds_of(parameters)))
    return work_digest(inputs, parameters.sha256(), engine.name, engine.version)


def field_notes(movie: Movie) -> tuple[str, ...]:
    """A sentence that says where the masks of a cropped or resized movie lie in the raw one."""
    field = field_of_raw(movie)
    return () if field is None else (field.note(),)


def seeds_of(parameters: Parameters) -> tuple[str, ...]:
    """SHA-256 of the masks that the cells start from, where there are any: the parameters only have their path."""
    return (seeds_sha256(Path(parameters.init.Ain)),) if parameters.init.Ain else ()


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Seconds by stage, to the millisecond."""
    return {stage: round(value, 3) for stage, value in seconds.items()}


def refuse_full_disk(project: Project, movie: Movie) -> None:
    """Refuse, before hours of work, what the registered movie would not fit on the disk for.

    Raises
    ------
    ProjectError
        Naming what is free and what is needed.
    """
    needed = bytes_needed(movie)
    # What killed jobs have left is used again, or makes room.
    free = shutil.disk_usage(project.batch_dir).free + reclaimable_bytes(project)
    if free < needed:
        raise ProjectError(
            project.folder,
            f"has {free / 1e6:.0f} MB of free disk space, and about {needed / 1e6:.0f} MB are needed for "
            f"{movie.paths[0].name}",
            "Free some space, or make the project on another disk.",
        )


def bytes_needed(movie: Movie) -> int:
    """What processing `movie` takes on the disk at most: registered movie, checkpoints and results."""
    n_values = math.prod(movie.shape)
    raw, registered = n_values * movie.dtype.itemsize, n_values * max(movie.dtype.itemsize, 2)
    return registered + min(raw, _ROOM_FOR_STAGES_BYTES) + _ROOM_FOR_RESULTS_BYTES


def one_photon_doubt(movie: Movie, preset: str) -> tuple[str, ...]:
    """A sentence when a movie of a one-photon microscope was processed as a two-photon one."""
    source = movie.metadata.source or ""
    if preset != "2p" or not source.startswith(("Inscopix", "Miniscope")):
        return ()
    return (
        f"This movie comes from a one-photon microscope ({source}), but was processed with the 2p preset, whose "
        "background model does not suit it: expect missed cells and false ones.",
    )


def missing_frames(movie: Movie) -> tuple[str, ...]:
    """A sentence for each kind of frames that the microscope lost (Inscopix); the movie holds zeros in their place."""
    # A side-car may hold anything under these names; only lists are Inscopix's.
    listed = {name: value for name, value in movie.metadata.extra.items() if isinstance(value, list)}
    counts = {
        "dropped": len(listed.get("dropped_frames", [])),
        "cropped": sum(last - first + 1 for first, last in listed.get("cropped_frames", [])),
        "blank": len(listed.get("blank_frames", [])),
    }
    return tuple(
        f"The microscope reports {count} {kind} frames, which are zeros in the movie."
        for kind, count in counts.items()
        if count
    )


def work_digest(input_sha256: str, parameters_sha256: str, engine: str, engine_version: str) -> str:
    """SHA-256 over inputs, parameters and code version: equal for work that would give the same result."""
    parts = {
        "input": input_sha256,
        "parameters": parameters_sha256,
        "engine": engine,
        "engine_version": engine_version,
        "fluorite": __version__,
    }
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
