"""Adopt a foreign NWB file: a copy with what Fluorite needs added, under a sample's name, whole or not at all.

What the file says stays as it is. Where a person gives metadata, theirs count, and what stood there before is kept in
the sample's notes. The file itself is only read.
"""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.adoption.additions import add_own_group, add_roi_columns, set_text
from nwb_schema.adoption.given_metadata import apply_given, read_given
from nwb_schema.adoption.movie import copy_movie, movable_series
from nwb_schema.comparison import first_difference, same_data
from nwb_schema.errors import SampleError, SampleExistsError
from nwb_schema.layout import FLUORITE
from nwb_schema.movie_file import DATASET
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.publishing import fsync_folder, partial_path, publish, sweep_partials
from nwb_schema.pynwb_check import pynwb_refusal, schema_problems
from nwb_schema.reader import open_sample, read_identifier
from nwb_schema.repacking import repack
from nwb_schema.sample_summary import SampleSummary, summarise
from nwb_schema.stored_masks import find_segmentation

_REMEDY = "Nothing was kept. Please report it, with the file if you can."
_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Adopted:
    """What became of a foreign file.

    Attributes
    ----------
    sample, identifier
        The new sample.
    movie
        Name of its movie in ``movies/``, or None where the file had none, or one that stays inside.
    n_rois, n_accepted
        Its ROIs.
    notes
        What was added, changed or not at hand, one sentence each.
    """

    sample: Path
    identifier: str
    movie: str | None
    n_rois: int
    n_accepted: int
    notes: tuple[str, ...]


def adopt_file(
    project: Project,
    source: Path,
    *,
    subject: str | None = None,
    session: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    overrides_source: str = "metadata",
    fluorite_version: str = "",
    scratch: Path,
    announce: Callable[[Adopted], None] = lambda _: None,
    report: Callable[[str, float], None] = lambda *_: None,
) -> Adopted:
    """Make a sample of the NWB file `source`.

    Parameters
    ----------
    subject, session
        Ids; they win over `overrides` (a metadata file in neuroconv's layout), which wins over the file.
    scratch
        A folder on the project's disk for what is being made; the caller removes it.
    announce
        Told what is about to appear, before anything does.
    report
        Told the stage and how far it is; may raise to stop.

    Raises
    ------
    SampleError
        When pynwb refuses the file, it leads to other files, or what was made does not read back as it should.
    SampleExistsError
        When the project has a sample of that subject and session.
    """
    summary = _check_source(source)
    given, notes = read_given(overrides or {}, overrides_source)
    given |= {name: value for name, value in (("subject_id", subject), ("session_id", session)) if value is not None}
    given.setdefault("subject_id", summary.subject_id or "unknown")
    given.setdefault("session_id", summary.session_id or source.stem)
    path = project.sample_path(given["subject_id"], given["session_id"])
    if path.exists():
        raise SampleExistsError(
            path, "a sample of this subject and session is already there", "Give another session: --session NAME."
        )
    identifier = _identifier(project, summary.identifier)
    notes = [f"Adopted from {clean_text(source.name)}.", *notes]
    if identifier != summary.identifier:
        notes.append(f"Its identifier was {clean_text(summary.identifier)!r} before the file was adopted.")
    made, movie = scratch / "adopted.nwb", scratch / "movie.h5"
    try:
        edited = scratch / "edited.nwb"
        report("copying", 0.0)
        shutil.copyfile(source, edited)
        with h5py.File(edited, "r+") as file:
            series = movable_series(file, summary)
            if series is not None and summary.rate_hz:
                copy_movie(file, series, summary.rate_hz, movie, lambda part: report("copying the movie", part))
                del file[f"{series}/data"]
                file[f"{series}/data"] = h5py.ExternalLink(f"../movies/{identifier}.h5", f"/{DATASET}")
                notes.append(
                    "Its movie was moved to the project's movies; nobody knows whether it is motion-corrected."
                )
            changed, replaced = apply_given(file, given, overrides_source)
            set_text(file, "identifier", identifier)
            table = find_segmentation(file)
            if table is not None and summary.n_rois:
                add_roi_columns(table)
                changed |= {str(table.name).strip("/")}
            notes += replaced
            if FLUORITE not in file:
                version = np.int64(project.configuration().version)
                own = _own_fields(summary, source, given, notes, fluorite_version)
                add_own_group(file, {**own, "configuration_version": version}, scratch)
        repack(edited, made)
        report("verifying", 0.0)
        _verify(source, made, changed | {"identifier", "/"}, series, movie)
        adopted = Adopted(path, identifier, f"{identifier}.h5" if series else None, *_counts(made), tuple(notes))
        announce(adopted)
        _publish(project, made, movie if series else None, adopted)
    except FileExistsError:
        raise SampleExistsError(
            path, "a sample of this subject and session is already there", "Give another session: --session NAME."
        ) from None
    except (OSError, RuntimeError) as error:
        raise SampleError(path, f"cannot be written ({error})", "Check permissions and free space.") from error
    return adopted


def _check_source(source: Path) -> SampleSummary:
    """Its summary, or why it cannot be adopted."""
    with open_sample(source) as file:
        outside = local_hdf5.outside_links(file)
        summary = summarise(source, file)
    if outside:
        raise SampleError(
            source,
            f"{outside[0][0]} leads to another file ({outside[0][1]})",
            "Ask whoever gave it to you for a self-contained one.",
        )
    refusal = pynwb_refusal(source)
    if refusal is not None:
        raise SampleError(source, refusal, "Write it again with a current version of the program that made it.")
    return summary


def _identifier(project: Project, found: str) -> str:
    """The file's own identifier if it can be a sample's: a UUID that no other sample has."""
    try:
        own = str(uuid.UUID(found)) == found
    except ValueError:
        own = False
    if own:
        for path in project.sample_paths():
            try:
                own = own and read_identifier(path) != found
            except SampleError:
                continue  # a damaged sample has no identifier that could be taken
    return found if own else str(uuid.uuid4())


def _own_fields(
    summary: SampleSummary, source: Path, given: Mapping[str, Any], notes: list[str], version: str
) -> dict[str, Any]:
    shape = [summary.height, summary.width] if summary.height and summary.width else None
    return {
        "fluorite_version": version or None,
        "input_files": [source.name],
        "input_sha256": _sha256(source),
        "notes": [clean_text(note) for note in notes],
        "subject_spelling": clean_text(str(given["subject_id"])),
        "session_spelling": clean_text(str(given["session_id"])),
        "frame_shape": None if shape is None else np.asarray(shape, dtype=np.int64),
        "n_frames": None if summary.n_frames is None else np.int64(summary.n_frames),
        "rate_hz": summary.rate_hz,
        "one_photon": summary.one_photon,
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _verify(source: Path, made: Path, changed: set[str], series: str | None, movie: Path) -> None:
    """Everything of `source` is in `made`, its movie in `movie`, and it is no less valid than it was."""
    with h5py.File(source, "r") as old, h5py.File(made, "r") as new:
        ignore = () if series is None else (f"{series.strip('/')}/data",)
        difference = first_difference(old, new, ignore=ignore, changed=changed, additions=True)
        if difference is None and series is not None:
            with h5py.File(movie, "r") as moved:
                if not same_data(old[f"{series}/data"], moved[DATASET]):
                    difference = "the frames of its movie changed"
    if difference is not None:
        raise SampleError(source, f"its copy does not read back as it should: {difference}", _REMEDY)
    before = set(schema_problems(source))
    # The link to the movie leads nowhere yet from where the file is being made.
    added = [] if series else [problem for problem in schema_problems(made) if problem not in before]
    if added:
        raise SampleError(source, f"its copy is less valid than it was ({added[0]})", _REMEDY)


def _counts(path: Path) -> tuple[int, int]:
    with open_sample(path) as file:
        summary = summarise(path, file)
    return summary.n_rois, summary.n_accepted


def _publish(project: Project, made: Path, movie: Path | None, adopted: Adopted) -> None:
    """The movie first, then the sample: only with it does anything become visible."""
    sweep_partials(project.samples_dir)
    if movie is not None and adopted.movie is not None:
        movie.chmod(0o444)
        publish(movie, project.movies_dir / adopted.movie)
    temporary = partial_path(project.samples_dir)
    try:
        shutil.move(made, temporary)
        if movie is not None:
            problem = pynwb_refusal(temporary)
            if problem is not None:
                raise SampleError(adopted.sample, problem, _REMEDY)
        publish(temporary, adopted.sample)
        fsync_folder(project.samples_dir)
    except BaseException:
        if movie is not None and adopted.movie is not None:
            (project.movies_dir / adopted.movie).unlink(missing_ok=True)
        raise
    finally:
        temporary.unlink(missing_ok=True)
