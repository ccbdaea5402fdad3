"""Rules on the data themselves: what belongs together has to fit together."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.checks.finding import Severity
from nwb_schema.checks.rule import CheckedFile, Problem, rule
from nwb_schema.errors import SampleError
from nwb_schema.layout import FLUORITE
from nwb_schema.linked_movie import movie_link, movie_problem
from nwb_schema.reader import read_identifier
from nwb_schema.stored_masks import StoredMasks, find_segmentation

_MOVIES = ("TwoPhotonSeries", "OnePhotonSeries")


@rule("trace-length", Severity.ERROR)
def trace_length(checked: CheckedFile) -> Iterator[Problem]:
    """Every trace has one value a frame, and one timestamp a value where there are timestamps."""
    own_frames = local_hdf5.scalar(checked.file, f"{FLUORITE}/n_frames")
    for series in _series(checked.file, ("RoiResponseSeries",)):
        data = local_hdf5.local_dataset(series, "data")
        if data is None or data.ndim == 0:
            continue
        stamps = local_hdf5.local_dataset(series, "timestamps")
        if stamps is not None and stamps.shape != data.shape[:1]:
            yield Problem(
                f"{_name(series)} has {data.shape[0]} values a trace but {stamps.size} timestamps",
                "Write the file again from the results that it was made from.",
                str(series.name),
            )
        elif own_frames is not None and data.shape[0] != int(own_frames):
            yield Problem(
                f"{_name(series)} has {data.shape[0]} values a trace, but the recording has {int(own_frames)} frames",
                "Process the movie again.",
                str(series.name),
            )


@rule("trace-rois", Severity.ERROR)
def trace_rois(checked: CheckedFile) -> Iterator[Problem]:
    """Every series of traces says which ROI each trace belongs to."""
    table = find_segmentation(checked.file)
    n_rois = checked.summary.n_rois
    for series in _series(checked.file, ("RoiResponseSeries",)):
        data, region = local_hdf5.local_dataset(series, "data"), local_hdf5.local_dataset(series, "rois")
        if data is None or region is None or data.ndim == 0:
            continue
        n_traces = data.shape[1] if data.ndim > 1 else 1
        if region.size != n_traces:
            yield Problem(
                f"{_name(series)} has {n_traces} traces but names {region.size} ROIs",
                "Write the file again from the results that it was made from.",
                f"{series.name}/rois",
            )
        elif table is not None and _refers_to(region, table) and region.size and int(np.max(region[()])) >= n_rois:
            yield Problem(
                f"{_name(series)} names ROI {int(np.max(region[()]))}, but there are {n_rois}",
                "Write the file again from the results that it was made from.",
                f"{series.name}/rois",
            )


@rule("rates-agree", Severity.ERROR)
def rates_agree(checked: CheckedFile) -> Iterator[Problem]:
    """Traces and movie have the imaging rate that the plane has."""
    rate = checked.summary.rate_hz
    if rate is None:
        return
    for series in _series(checked.file, ("RoiResponseSeries", *_MOVIES)):
        start = local_hdf5.local_dataset(series, "starting_time")
        own = None if start is None else start.attrs.get("rate")
        if own is not None and not np.isclose(float(own), rate, rtol=1e-3):
            yield Problem(
                f"{_name(series)} has a rate of {float(own):g} Hz, but the recording {rate:g} Hz",
                "Find out which is true and write the file again: times of events depend on it.",
                f"{series.name}/starting_time",
            )


@rule("movie", Severity.ERROR)
def movie(checked: CheckedFile) -> Iterator[Problem]:
    """The movie is where the sample says, with the frames that the sample records."""
    summary = checked.summary
    shape = (summary.n_frames, summary.height, summary.width, *([summary.depth] if summary.depth else []))
    link = movie_link(checked.file)
    if link is not None:
        problem = movie_problem(checked.path, link, shape)
        if problem is not None:
            yield Problem(problem, "Restore the movie from a backup.", "/acquisition")
        return
    for series in _series(checked.file, _MOVIES):
        data = local_hdf5.local_dataset(series, "data")
        if not summary.is_ours or data is None or data.ndim not in (3, 4) or not data.size:
            continue
        n_frames, width, height, *planes = data.shape
        if (n_frames, height, width, *planes) != shape:
            yield Problem(
                f"the movie has {n_frames} frames of {' x '.join(map(str, (height, width, *planes)))}, "
                f"but the sample records {shape[0]} of {' x '.join(map(str, shape[1:]))}",
                "Export the sample again.",
                str(series.name),
            )


@rule("movie-elsewhere", Severity.WARNING)
def movie_elsewhere(checked: CheckedFile) -> Iterator[Problem]:
    """The movie lies in NWB, not in other files that get lost."""
    for series in _series(checked.file, (*_MOVIES, "ImageSeries")):
        names = local_hdf5.texts(series, "external_file")
        if names:
            yield Problem(
                f"the frames of {_name(series)} lie in another file ({names[0]})",
                "Process that file, or write the frames into the NWB file.",
                f"{series.name}/external_file",
            )


@rule("links", Severity.ERROR)
def links(checked: CheckedFile) -> Iterator[Problem]:
    """Nothing but the movie is read from another file."""
    own = movie_link(checked.file)
    for name, target in local_hdf5.outside_links(checked.file):
        if own is not None and target == own.filename and name.startswith("/acquisition/"):
            continue  # the rule on movies looks at this one
        yield Problem(
            f"{name} is read from another file ({target})",
            "Ask whoever gave you the file for a self-contained one.",
            name,
        )


@rule("identifier", Severity.ERROR)
def identifier(checked: CheckedFile) -> Iterator[Problem]:
    """No other file beside this one has its identifier."""
    own = checked.summary.identifier
    if not own:
        yield Problem("the identifier is missing", "Write the file again with an identifier.", "/identifier")
        return
    for other in sorted(checked.path.parent.glob("*.nwb")) if checked.beside else ():
        if other.name == checked.path.name or other.name.startswith("."):
            continue
        try:
            status = other.stat()
            same = _identifier_of(other, (status.st_ino, status.st_size, status.st_mtime_ns)) == own
        except (SampleError, OSError):
            continue  # whatever is wrong with another file is no fault of this one
        if same:
            yield Problem(f"{other.name} has the same identifier ({own})", "Keep only one of the two.", "/identifier")


@lru_cache(maxsize=16_384)
def _identifier_of(path: Path, _state: tuple[int, int, int]) -> str:
    """The identifier of a file in that state: of a thousand samples, each one is opened once, and not by each other."""
    return read_identifier(path)


@rule("parameters", Severity.ERROR)
def parameters(checked: CheckedFile) -> Iterator[Problem]:
    """The recorded SHA-256 is that of the parameters."""
    text = local_hdf5.text(checked.file, f"{FLUORITE}/parameters")
    recorded = local_hdf5.text(checked.file, f"{FLUORITE}/parameters_sha256")
    if text is None or not recorded:
        return
    actual = hashlib.sha256(text.encode()).hexdigest()
    if actual != recorded:
        yield Problem(
            f"the parameters have SHA-256 {actual[:12]}..., but the sample records {recorded[:12]}...",
            "Somebody changed the parameters after the fact: restore the file from a backup.",
            f"/{FLUORITE}/parameters",
        )


@rule("roi-uuid", Severity.ERROR)
def roi_uuid(checked: CheckedFile) -> Iterator[Problem]:
    """Every ROI of a sample has an identity of its own."""
    table = find_segmentation(checked.file)
    if table is None or not checked.summary.is_ours:
        return
    where = f"{table.name}/roi_uuid"
    uuids = local_hdf5.texts(table, "roi_uuid")
    n_rois = checked.summary.n_rois
    remedy = "Restore the file from a backup."
    if len(uuids) != n_rois:
        yield Problem(f"{len(uuids)} of {n_rois} ROIs have a roi_uuid", remedy, where)
    wrong = [text for text in uuids if not _is_uuid(text)]
    if wrong:
        yield Problem(f"{len(wrong)} roi_uuid are no UUID (the first is {wrong[0]!r})", remedy, where)
    twice = [text for text, count in Counter(uuids).items() if count > 1]
    if twice:
        yield Problem(f"{len(twice)} roi_uuid belong to several ROIs (the first is {twice[0]!r})", remedy, where)


@rule("masks", Severity.ERROR)
def masks(checked: CheckedFile) -> Iterator[Problem]:
    """Every mask lies within the frame."""
    table = find_segmentation(checked.file)
    summary = checked.summary
    if table is None or summary.height is None or summary.width is None:
        return
    try:
        stored = StoredMasks.of(table)
    except ValueError as error:
        yield Problem(str(error), "Write the file again from the results that it was made from.", str(table.name))
        return
    outside = (stored.y < 0) | (stored.y >= summary.height) | (stored.x < 0) | (stored.x >= summary.width)
    size = f"{summary.height} x {summary.width} (height x width)"
    if summary.depth is not None:
        outside |= (stored.z < 0) | (stored.z >= summary.depth) if stored.z is not None else False
        size = f"{summary.height} x {summary.width} x {summary.depth} (height x width x depth)"
    if outside.any():
        rows = np.unique(stored.row[outside])
        yield Problem(
            f"{rows.size} masks reach beyond the frame of {size}, the first is ROI {rows[0]}",
            "x and y may be swapped: write the file again from the results that it was made from.",
            str(table.name),
        )


DATA_RULES = (
    trace_length,
    trace_rois,
    rates_agree,
    movie,
    movie_elsewhere,
    links,
    identifier,
    parameters,
    roi_uuid,
    masks,
)


def _series(file: h5py.File, types: tuple[str, ...]) -> Iterator[h5py.Group]:
    """Every series of these types in ``acquisition`` and ``processing``."""
    for place in ("acquisition", "processing"):
        top = local_hdf5.local_group(file, place)
        level = [] if top is None else [top]
        for _ in range(4):
            level = [
                child
                for group in level
                for _, child in local_hdf5.local_children(group)
                if isinstance(child, h5py.Group)
            ]
            yield from (group for group in level if local_hdf5.type_of(group) in types)


def _refers_to(region: h5py.Dataset, table: h5py.Group) -> bool:
    """Whether `region` counts rows of `table`."""
    reference = region.attrs.get("table")
    return isinstance(reference, h5py.Reference) and bool(reference) and region.file[reference] == table


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _name(series: h5py.Group) -> str:
    return str(series.name).rsplit("/", 1)[-1]
