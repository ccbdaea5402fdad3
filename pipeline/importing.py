"""From results that another program made (`pipeline.foreign`) to a sample."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from nwb_schema.columns import ColumnKind
from nwb_schema.custom_columns import checked_custom
from nwb_schema.errors import MovieError, ResultsError
from nwb_schema.metadata import SampleMetadata, build_metadata
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.subjects import read_subjects
from pipeline.curation.neuropil import Neuropil
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.motion import PatchShiftsOf, ShiftOf, write_registered
from pipeline.engines.builtin.survey import survey
from pipeline.engines.builtin.warp import Grid
from pipeline.foreign.caiman import is_batch_item
from pipeline.foreign.drawn import is_drawn, read_drawn
from pipeline.foreign.finding import read_found, read_traced
from pipeline.foreign.found import Found
from pipeline.jobs.job import Job
from pipeline.movies import open_movie
from pipeline.movies.acquisition import Acquisition, read_acquisition
from pipeline.movies.digest import files_sha256
from pipeline.movies.movie import Movie, MovieMetadata
from pipeline.parameters.groups import Motion
from pipeline.progress import Progress
from pipeline.publish import publish_sample, refuse_taken_name
from pipeline.request import default_session
from pipeline.results import check_fits_movie
from pipeline.results_file import seen_from_above
from pipeline.variants.keeping import keep_variant
from pipeline.variants.target import find_target
from pipeline.version import __version__


class ImportRequest(BaseModel):
    """Results to import.

    Attributes
    ----------
    results
        One of the paths of `pipeline.foreign.finding.results_at`: CaImAn's HDF5 file, the folder of a plane of Suite2p
        or its Fall.mat, or a file of ROIs.
    movie
        Their registered (motion-corrected) movie, or with `raw_movie` the movie before registration. None: the one that
        lies beside the results, if there is one.
    raw_movie
        Whether `movie` still has to be registered with the shifts that the results hold.
    custom
        Custom columns of the project, by name.
    neuropil_factor
        Of ROIs without traces: the share of what surrounds them that is taken off; None: nothing is.
    variant_of
        Identifier of a sample for whose movie the results are: they are kept beside it, and no sample is made
        (`pipeline.variants`).
    variant_of_name
        What people call that sample.
    frame_rate_hz, axes, dataset, channel, plane
        How to read the movie where its file does not say. The results' own rate counts as given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: Path
    movie: Path | None = None
    raw_movie: bool = False
    neuropil_factor: float | None = None
    variant_of: str | None = None
    variant_of_name: str = ""
    subject: str | None = None
    session: str | None = None
    metadata: Mapping[str, Any] = {}
    metadata_file: str = "metadata"
    custom: Mapping[str, Any] = {}
    frame_rate_hz: float | None = None
    axes: str | None = None
    dataset: str | None = None
    channel: int | None = None
    plane: int | None = None

    @property
    def title(self) -> str:
        """One line for people: the file's name; of a folder (``plane0``) or an item of a batch also what is above."""
        parts = self.results.parts
        if is_batch_item(self.results):
            return f"{parts[-3]}/{self.results.stem[:8]}"
        return "/".join(parts[-3:]) if self.results.is_dir() else self.results.name


def import_job(project: Project, job: Job, progress: Progress) -> Mapping[str, Any]:
    """The work of a job of kind ``import``."""
    return import_results(project, ImportRequest.model_validate(job.spec), job, progress)


def import_results(project: Project, request: ImportRequest, job: Job, progress: Progress) -> dict[str, Any]:
    """Make a sample of results, with their movie or without one.

    Returns
    -------
    dict
        What ``fluorite import --json`` prints.

    Raises
    ------
    ResultsError
        When they cannot be read, do not fit the movie, or lack the shifts that a raw movie needs.
    """
    began = time.perf_counter()
    scratch = job.attempt_folder / "scratch"
    scratch.mkdir(parents=True)
    progress("reading the results", 0.0)
    if request.variant_of is not None:
        return _import_variant(project, request, request.variant_of, job, scratch)
    found, movie = read_request(request)
    try:
        movie = movie or open_movie_of(request, found)
        custom = checked_custom(project.columns(ColumnKind.CUSTOM), request.custom)
        written = None if movie is None else read_acquisition(movie.paths[0])
        metadata = import_metadata(project, request, found, movie, written)
        refuse_taken_name(project, metadata)
        registered = None
        if movie is not None:
            registered = _registered_copy(movie, request, found, scratch, progress)
            found = _with_movie(found, registered, progress)
        segmentation = found.segmentation
        results = scratch / "results.hdf5"
        found.keep(results, found)
        files = (*found.files, *(() if movie is None else movie.paths))
        provenance = Provenance(
            engine=found.engine,
            engine_version=found.engine_version,
            parameters=found.parameters,
            parameters_sha256=found.parameters_sha256,
            input_files=tuple(str(path.resolve()) for path in files),
            input_sha256=files_sha256(files),
            fluorite_version=__version__,
            job_id=job.id,
            notes=_notes(request, found),
            seconds={},
        )
        progress("writing the sample", 0.0)
        shifts = found.shifts
        fit = shifts is not None and shifts.shape == (segmentation.n_frames, len(segmentation.shape))
        report = publish_sample(
            project,
            job,
            results=results,
            registered_movie=registered,
            shifts=shifts if fit else None,
            segmentation=segmentation,
            metadata=metadata,
            provenance=provenance,
            seconds={"total": round(time.perf_counter() - began, 3)},
            peak_rss_mb=psutil.Process().memory_info().rss / 1e6,
            custom=custom,
        )
    finally:
        if movie is not None:
            movie.close()
    return report


def check_import(project: Project, request: ImportRequest, noticed: Callable[[Found], None] = lambda _: None) -> Path:
    """Read the results, open their movie and look at names and custom columns, without making anything.

    Parameters
    ----------
    noticed
        Called with what was found as soon as it was read, also where something else is wrong then.

    Returns
    -------
    Path
        The sample that it will be.

    Raises
    ------
    FluoriteError
        Anything that would stop the job right at its start.
    """
    found, movie = read_request(request)
    try:
        noticed(found)
        movie = movie or open_movie_of(request, found)
        checked_custom(project.columns(ColumnKind.CUSTOM), request.custom)
        # What the microscope wrote besides has no part in the name.
        return refuse_taken_name(project, import_metadata(project, request, found, movie, None))
    finally:
        if movie is not None:
            movie.close()


def import_metadata(
    project: Project, request: ImportRequest, found: Found, movie: Movie | None, written: Acquisition | None
) -> SampleMetadata:
    """The sample's metadata from the request, the project, the movie and the results.

    Parameters
    ----------
    written
        What the microscope wrote besides, or None.

    Raises
    ------
    MetadataError
        When something that was given cannot go into NWB.
    """
    recorded = _recorded(found, movie)
    return build_metadata(
        subject=request.subject,
        session=request.session,
        overrides=request.metadata,
        one_photon=found.one_photon,
        movie_session_start=recorded.session_start,
        movie_subject=recorded.subject,
        movie_source=recorded.source,
        movie_pixel_size_um=recorded.pixel_size_um,
        movie_extra=recorded.extra,
        recorded=recorded.recorded if written is None else written.metadata,
        recorded_by=recorded.source or "the microscope" if written is None else written.program,
        file_date=datetime.fromtimestamp((request.movie or found.files[0]).stat().st_mtime, tz=UTC),
        default_session=default_session(request.movie) if request.movie else found.session,
        source=request.metadata_file,
        subjects=read_subjects(project.subjects_path),
        lab_defaults=project.configuration().defaults,
    )


def _import_variant(project: Project, request: ImportRequest, sample: str, job: Job, scratch: Path) -> dict[str, Any]:
    """Keep the results as another one for the movie of a sample that is there."""
    target = find_target(project, sample)
    rate_hz = request.frame_rate_hz if request.frame_rate_hz is not None else target.rate_hz
    found = read_traced(request.results, rate_hz=rate_hz)
    check_fits_movie(found.segmentation, target.shape, results=request.results, movie=target.path)
    results = scratch / "results.hdf5"
    found.keep(results, found)
    provenance = Provenance(
        engine=found.engine,
        engine_version=found.engine_version,
        parameters=found.parameters,
        parameters_sha256=found.parameters_sha256,
        notes=_notes(request, found),
    )
    return keep_variant(
        project,
        job,
        target,
        results=results,
        segmentation=found.segmentation,
        provenance=provenance,
        seconds={},
        peak_rss_mb=None,
    )


def _notes(request: ImportRequest, found: Found) -> tuple[str, ...]:
    taken = request.movie is None and request.variant_of is None and found.movie_note is not None
    return (f"Imported from {request.results.name}.", *found.notes, *((str(found.movie_note),) if taken else ()))


def read_request(request: ImportRequest) -> tuple[Found, Movie | None]:
    """The results, and their movie where it had to be opened for that: ROIs without traces need theirs.

    Raises
    ------
    FluoriteError
        When the results cannot be read.
    """
    if is_drawn(request.results):
        if request.movie is None:
            raise ResultsError(
                request.results,
                "holds ROIs without traces, and no movie was given to read them from",
                "Add their registered movie: --movie MOVIE. To add them to a sample: fluorite add-rois.",
            )
        movie = open_movie(request.movie, **request.model_dump(include=_HOW_TO_READ))
        try:
            factor = request.neuropil_factor
            found = read_drawn(request.results, movie, neuropil=None if factor is None else Neuropil(factor))
            if request.raw_movie:
                _require_shifts(request, found, (movie.shape[0], len(movie.shape) - 1))
            return found, movie
        except ResultsError:
            movie.close()
            raise
    return read_found(request.results, rate_hz=request.frame_rate_hz), None


_HOW_TO_READ = {"frame_rate_hz", "axes", "dataset", "channel", "plane"}


def open_movie_of(request: ImportRequest, found: Found) -> Movie | None:
    """The movie that is given, or lies beside the results; None where there is none.

    Raises
    ------
    FluoriteError
        When it cannot be opened, is of other results, or cannot be registered as it was asked for.
    """
    path = request.movie or found.movie
    if request.movie is None and request.raw_movie:
        raise MovieError("--raw-movie", "says something of a movie, but none was given", "Add --movie MOVIE.")
    if path is None:
        return None
    options = {**request.model_dump(include=_HOW_TO_READ), "frame_rate_hz": found.segmentation.rate_hz}
    movie = open_movie(path, volume=len(found.segmentation.shape) == 3, **options)
    try:
        check_fits_movie(found.segmentation, movie.shape, results=request.results, movie=path)
        if request.raw_movie:
            _require_shifts(request, found, (movie.shape[0], len(movie.shape) - 1))
    except ResultsError:
        movie.close()
        raise
    return movie


def _recorded(found: Found, movie: Movie | None) -> MovieMetadata:
    """What was written down of the recording: by the movie, else by the results."""
    if movie is None:
        return found.metadata
    of_movie, other = movie.metadata, found.metadata
    return replace(
        of_movie,
        session_start=of_movie.session_start or other.session_start,
        source=of_movie.source or other.source,
        pixel_size_um=of_movie.pixel_size_um or other.pixel_size_um,
    )


def _with_movie(found: Found, registered: Path, progress: Progress) -> Found:
    """The same with traces, where there were none, and with the summary images that the results have not."""
    segmentation = found.segmentation
    if found.extract is not None:
        segmentation = found.extract(segmentation, registered, lambda done: progress("reading traces", done))
    with Frames(registered, lambda done: progress("summary images", 0.0)) as frames:
        seen = survey(frames, tsub=1, progress=lambda done: progress("summary images", done))
    # CaImAn keeps no mean image; where a program kept an image, its own stays.
    flat, planes = seen_from_above(seen.images)
    return replace(
        found,
        segmentation=replace(
            segmentation,
            images={**flat, **segmentation.images},
            plane_images={**planes, **segmentation.plane_images},
        ),
    )


def _registered_copy(movie: Movie, request: ImportRequest, found: Found, scratch: Path, progress: Progress) -> Path:
    """The registered movie as a file of ours; a raw movie is registered with the shifts on the way."""
    n_frames, shifts = movie.shape[0], found.shifts
    path = scratch / "registered.h5"
    known = shifts if request.raw_movie else None
    params = Motion(motion_correct=False) if known is None else _registration(request, found.parameters)
    shift_of: ShiftOf | None = None if known is None else lambda number, _: known[number]
    places = found.patch_shifts if known is not None and len(movie.shape) == 3 else None
    patches: tuple[Grid, PatchShiftsOf] | None = None
    if places is not None and len(places[0]) == n_frames:
        by_patch, rows, columns = places
        patches = Grid(rows, columns), lambda number, _, rigid: by_patch[number]
    write_registered(movie, params, path, shift_of, lambda done: progress("copying the movie", done), patches=patches)
    return path


def _require_shifts(request: ImportRequest, found: Found, shape: tuple[int, int]) -> None:
    remedy = "Give the registered (motion-corrected) movie with --movie and leave --raw-movie out."
    if found.unknown_shifts is not None:
        raise ResultsError(request.results, f"cannot register a raw movie: {found.unknown_shifts}", remedy)
    if found.shifts is None or found.shifts.shape != shape:
        raise ResultsError(
            request.results, f"holds no shifts for the {shape[0]} frames of the raw movie {request.movie}", remedy
        )


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
