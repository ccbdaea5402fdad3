"""Samples that somebody took out of the project: kept whole in ``trash/``, and put back on request.

Each lies in a folder of its own, ``trash/<identifier>_<n>``, under the file name that it had, with its registered movie
beside it and a line on who did it and when. Its edits stay in the journal, so that it comes back with its history.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError, SampleError
from nwb_schema.file_lock import file_lock
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.publishing import fsync_folder, publish
from nwb_schema.reader import read_identifier

_RECORD = "trashed.json"
_MOVIE = "movie.h5"


@dataclass(frozen=True)
class TrashedSample:
    """One sample in the trash.

    Attributes
    ----------
    name
        The file name that it had, and gets again.
    identifier
        Of the NWB file; empty in a file that could not be read.
    at
        When it was put there, ISO 8601 in UTC; empty when that is not known.
    actor
        Who did it; empty when that is not known.
    folder
        Where it lies.
    """

    name: str
    identifier: str
    at: str
    actor: str
    folder: Path


def trash_sample(project: Project, path: Path, *, actor: str) -> TrashedSample:
    """Take a sample and its registered movie out of the project; both are kept.

    A movie that another file of the same identifier uses stays where it is. Killed in between, the movie is left in
    ``movies/``, and restoring the sample finds it there.

    Raises
    ------
    SampleError
        When there is no such file, it is being edited, or it cannot be moved.
    ProjectError
        When nothing can be written here.
    """
    project.require_writable()
    if path.parent.resolve() != project.samples_dir.resolve() or not path.is_file():
        raise SampleError(path, "is no sample of this project", "List them with: fluorite samples DIR")
    catalogue = Catalogue(project)
    # Whoever edits it has this lock: an edit is never lost halfway.
    with file_lock(path, SampleError):
        try:
            identifier = read_identifier(path)
        except FluoriteError:  # a damaged file may be put away, too
            identifier = ""
        movie = project.movie_path(identifier) if identifier else None
        shared = bool(identifier) and bool(catalogue.twins(path.name, identifier))
        try:
            folder = _new_folder(project, identifier or path.stem)
            record = {
                "name": path.name,
                "identifier": identifier,
                "at": datetime.now(UTC).isoformat(),
                "actor": clean_text(actor),
            }
            (folder / _RECORD).write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
            os.rename(path, folder / path.name)
            fsync_folder(project.samples_dir)
            if movie is not None and movie.is_file() and not shared:
                os.rename(movie, folder / _MOVIE)
                fsync_folder(movie.parent)
            fsync_folder(folder)
        except OSError as error:
            raise SampleError(
                path, f"cannot be put into the trash ({error.strerror or error})", "Check permissions and free space."
            ) from error
    catalogue.refresh()
    return _read(folder)


def trashed_samples(project: Project) -> list[TrashedSample]:
    """What is in the trash, the latest first."""
    found = [_read(folder) for folder in _folders(project)]
    return sorted((one for one in found if one.name), key=lambda one: (one.at, one.name), reverse=True)


def restore_sample(project: Project, name: str) -> Path:
    """Put a sample back under the name that it had, with its movie; returns its path.

    Parameters
    ----------
    name
        File name or identifier; of several, the latest one.

    Raises
    ------
    SampleError
        When it is not in the trash, or its name is taken by now: nothing is changed then.
    """
    project.require_writable()
    found = next((one for one in trashed_samples(project) if name in (one.name, one.identifier)), None)
    if found is None:
        raise SampleError(name, "is not in the trash", "List what is with: fluorite trash DIR")
    path = project.samples_dir / found.name
    kept_movie = found.folder / _MOVIE
    try:
        if found.identifier and kept_movie.is_file():
            movie = project.movie_path(found.identifier)
            # First the movie: a sample is never listed without it.
            if movie.exists():
                raise SampleError(movie, "is there already", "Move it away, then restore the sample.")
            os.rename(kept_movie, movie)
            fsync_folder(movie.parent)
        publish(found.folder / found.name, path)
        fsync_folder(found.folder)
    except FileExistsError as error:
        raise SampleError(path, "another sample has its name by now", "Put that one away first.") from error
    except OSError as error:
        raise SampleError(
            path, f"cannot be restored ({error.strerror or error})", "Check permissions and free space."
        ) from error
    for leftover in (_RECORD,):
        (found.folder / leftover).unlink(missing_ok=True)
    with suppress(OSError):  # somebody put something else there
        found.folder.rmdir()
    Catalogue(project).refresh()
    return path


def _new_folder(project: Project, stem: str) -> Path:
    for number in range(1, 10_000):
        folder = project.folder / "trash" / f"{stem}_{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise SampleError(project.folder / "trash", "holds this sample too often", "Empty it.")


def _folders(project: Project) -> Iterator[Path]:
    place = project.folder / "trash"
    if place.is_dir():
        yield from (folder for folder in place.iterdir() if folder.is_dir() and not folder.is_symlink())


def _read(folder: Path) -> TrashedSample:
    """What lies in a folder; without a name when there is no sample in it, as a kill or a restoring leaves it."""
    files = sorted(path.name for path in folder.glob("*.nwb") if path.is_file())
    try:
        record: Any = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        record = {}
    given = record if isinstance(record, dict) else {}

    def text(name: str) -> str:
        value = given.get(name)
        return clean_text(value) if isinstance(value, str) else ""

    return TrashedSample(files[0] if files else "", text("identifier"), text("at"), text("actor"), folder)
