"""From an existing results file (CaImAn's HDF5 layout) to a sample."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from nwb_schema.errors import MovieError, ResultsError
from nwb_schema.metadata import build_metadata
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.segmentation import Segmentation
from nwb_schema.subjects import read_subjects
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.motion import PatchShiftsOf, ShiftOf, write_registered
from pipeline.engines.builtin.survey import survey
from pipeline.engines.builtin.warp import Grid
from pipeline.jobs.job import Job
from pipeline.movies import open_movie
from pipeline.movies.digest import files_sha256
from pipeline.movies.movie import Movie, MovieMetadata
from pipeline.parameters.groups import Motion
from pipeline.progress import Progress
from pipeline.publish import publish_sample, refuse_taken_name
from pipeline.request import default_session
from pipeline.results import (
    check_fits_movie,
    is_one_photon,
    read_engine,
    read_parameters,
    read_patch_shifts,
    read_results,
    read_results_notes,
    read_shifts,
)
from pipeline.results_file import seen_from_above
from pipeline.variants.keeping import keep_variant
from pipeline.variants.target import find_target
from pipeline.version import __version__


class ImportRequest(BaseModel):
    """A results file to import.

    Attributes
    ----------
    results
        The HDF5 file that CaImAn's ``CNMF.save`` (or our engine) wrote.
    movie
        Its registered (motion-corrected) movie, or with `raw_movie` the movie before registration, or None.
    raw_movie
        Whether `movie` still has to be registered with the shifts that the results hold.
    variant_of
        Identifier of a sample for whose movie the results are: they are kept beside it, and no sample is made
        (`pipeline.variants`).
    frame_rate_hz, axes, dataset, channel, plane
        How to read the movie where its file does not say. The results' own rate counts as given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: Path
    movie: Path | None = None
    raw_movie: bool = False
    subject: str | None = None
    session: str | None = None
    metadata: Mapping[str, Any] = {}
    metadata_file: str = "metadata"
    variant_of: str | None = None
    frame_rate_hz: float | None = None
    axes: str | None = None
    dataset: str | None = None
    channel: int | None = None
    plane: int | None = None


def import_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """The work of a job of kind ``import``."""
    return import_results(project, ImportRequest.model_validate(job.spec), job, progress)


def import_results(project: Project, request: ImportRequest, job: Job, progress: Progress) -> dict[str, Any]:
    """Make a sample of a results file, with its movie or without one.

    Returns
    -------
    dict
        What ``fluorite import --json`` prints.

    Raises
    ------
    ResultsError
        When the file cannot be read, does not fit the movie, or lacks the shifts that a raw movie needs.
    """
    began = time.perf_counter()
    scratch = job.attempt_folder / "scratch"
    scratch.mkdir(parents=True)
    progress("reading the results", 0.0)
    if request.variant_of is not None:
        return _import_variant(project, request, request.variant_of, job, scratch)
    segmentation = read_results(request.results, rate_hz=request.frame_rate_hz)
    movie = _open(request, segmentation)
    try:
        movie_metadata = movie.metadata if movie is not None else MovieMetadata()
        metadata = build_metadata(
            subject=request.subject,
            session=request.session,
            overrides=request.metadata,
            one_photon=is_one_photon(request.results),
            movie_session_start=movie_metadata.session_start,
            movie_subject=movie_metadata.subject,
            movie_source=movie_metadata.source,
            movie_pixel_size_um=movie_metadata.pixel_size_um,
            movie_extra=movie_metadata.extra,
            file_date=datetime.fromtimestamp((request.movie or request.results).stat().st_mtime, tz=UTC),
            default_session=default_session(request.movie or request.results),
            source=request.metadata_file,
            subjects=read_subjects(project.subjects_path),
            lab_defaults=project.configuration().defaults,
        )
        refuse_taken_name(project, metadata)
        shifts = read_shifts(request.results)
        parameters, parameters_sha256 = read_parameters(request.results)
        registered = None
        if movie is not None:
            registered = _registered_copy(movie, request, shifts, parameters, scratch, progress)
            with Frames(registered, lambda done: progress("summary images", 0.0)) as frames:
                seen = survey(frames, tsub=1, progress=lambda done: progress("summary images", done))
            # CaImAn keeps no mean image; where it kept an image, its own stays.
            flat, planes = seen_from_above(seen.images)
            segmentation = replace(
                segmentation,
                images={**flat, **segmentation.images},
                plane_images={**planes, **segmentation.plane_images},
            )
        results = scratch / "results.hdf5"
        shutil.copyfile(request.results, results)
        engine, engine_version = read_engine(request.results)
        provenance = Provenance(
            engine=engine,
            engine_version=engine_version,
            parameters=parameters,
            parameters_sha256=parameters_sha256,
            input_files=tuple(str(path.resolve()) for path in (request.results, request.movie) if path is not None),
            input_sha256=files_sha256((request.results,) if movie is None else (request.results, *movie.paths)),
            fluorite_version=__version__,
            job_id=job.id,
            notes=_notes(request, segmentation),
            seconds={},
        )
        progress("writing the sample", 0.0)
        report = publish_sample(
            project,
            job,
            results=results,
            registered_movie=registered,
            shifts=shifts
            if shifts is not None and shifts.shape == (segmentation.n_frames, len(segmentation.shape))
            else None,
            segmentation=segmentation,
            metadata=metadata,
            provenance=provenance,
            seconds={"total": round(time.perf_counter() - began, 3)},
            peak_rss_mb=psutil.Process().memory_info().rss / 1e6,
        )
    finally:
        if movie is not None:
            movie.close()
    return report


def _import_variant(project: Project, request: ImportRequest, sample: str, job: Job, scratch: Path) -> dict[str, Any]:
    """Keep the results as another one for the movie of a sample that is there."""
    target = find_target(project, sample)
    rate_hz = request.frame_rate_hz if request.frame_rate_hz is not None else target.rate_hz
    segmentation = read_results(request.results, rate_hz=rate_hz)
    check_fits_movie(segmentation, target.shape, results=request.results, movie=target.path)
    results = scratch / "results.hdf5"
    shutil.copyfile(request.results, results)
    engine, engine_version = read_engine(request.results)
    parameters, parameters_sha256 = read_parameters(request.results)
    provenance = Provenance(
        engine=engine,
        engine_version=engine_version,
        parameters=parameters,
        parameters_sha256=parameters_sha256,
        notes=_notes(request, segmentation),
    )
    return keep_variant(
        project,
        job,
        target,
        results=results,
        segmentation=segmentation,
        provenance=provenance,
        seconds={},
        peak_rss_mb=None,
    )


def _open(request: ImportRequest, segmentation: Segmentation) -> Movie | None:
    if request.movie is None:
        if request.raw_movie:
            raise MovieError("--raw-movie", "says something of a movie, but none was given", "Add --movie MOVIE.")
        return None
    options = request.model_dump(include={"axes", "dataset", "channel", "plane"})
    volume = len(segmentation.shape) == 3
    movie = open_movie(request.movie, frame_rate_hz=segmentation.rate_hz, volume=volume, **options)
    try:
        check_fits_movie(segmentation, movie.shape, results=request.results, movie=request.movie)
    except ResultsError:
        movie.close()
        raise
    return movie


def _registered_copy(
    movie: Movie,
    request: ImportRequest,
    shifts: NDArray[np.float32] | None,
    parameters: Mapping[str, Any],
    scratch: Path,
    progress: Progress,
) -> Path:
    """The registered movie as a file of ours; a raw movie is registered with the shifts on the way."""
    n_frames, axes = movie.shape[0], len(movie.shape) - 1
    if request.raw_movie and (shifts is None or shifts.shape != (n_frames, axes)):
        raise ResultsError(
            request.results,
            f"holds no shifts for the {n_frames} frames of the raw movie {request.movie}",
            "Give the registered (motion-corrected) movie with --movie and leave --raw-movie out.",
        )
    path = scratch / "registered.h5"
    known = shifts if request.raw_movie else None
    params = Motion(motion_correct=False) if known is None else _registration(request, parameters)
    shift_of: ShiftOf | None = None if known is None else lambda number, _: known[number]
    places = read_patch_shifts(request.results) if known is not None and len(movie.shape) == 3 else None
    patches: tuple[Grid, PatchShiftsOf] | None = None
    if places is not None and len(places[0]) == n_frames:
        by_patch, rows, columns = places
        patches = Grid(rows, columns), lambda number, _, rigid: by_patch[number]
    write_registered(movie, params, path, shift_of, lambda done: progress("copying the movie", done), patches=patches)
    return path


def _registration(request: ImportRequest, parameters: Mapping[str, Any]) -> Motion:
    """What of the results' group ``motion`` says how shifts are applied."""
    border = parameters.get("motion", {}).get("border_nan", "copy")
    try:
        return Motion(border_nan=border)
    except ValidationError as error:
        raise ResultsError(
            request.results,
            f"its parameter border_nan is {border!r}, not copy, min, true or false",
            "Give the registered (motion-corrected) movie with --movie and leave --raw-movie out.",
        ) from error


def _notes(request: ImportRequest, segmentation: Segmentation) -> tuple[str, ...]:
    notes = [f"Imported from {request.results.name}."]
    if not segmentation.evaluated:
        notes.append("The components were never evaluated: all of them count as accepted.")
    return (*notes, *read_results_notes(request.results))
