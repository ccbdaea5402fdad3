"""A folder of movies becomes many samples: what each file would be, before anything is started."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError, MovieError, SampleExistsError
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance
from pipeline.jobs.job import Job
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.submission import current_actor, reconcile, submit_all
from pipeline.movies import SUPPORTED_EXTENSIONS
from pipeline.naming_pattern import NamingPattern
from pipeline.request import ProcessRequest, parse_request

_RENAME = "Rename it, or write more of its name into the pattern."
MOST_FILES = 2_000
"""A folder with more movies than this is more likely a mistake."""


@dataclass(frozen=True)
class PlannedRecording:
    """One file and what becomes of it.

    Attributes
    ----------
    file
        The movie.
    name
        As it is listed: relative to the folder.
    fields
        What the pattern read from the name.
    request
        What would be processed, or None.
    sample
        File name of the sample that it becomes; empty where that is not known.
    problem
        Why nothing becomes of it, or empty.
    is_there
        Whether the project has a sample of this very file already, so that there is nothing to do.
    """

    file: Path
    name: str
    fields: Mapping[str, str]
    request: ProcessRequest | None = None
    sample: str = ""
    problem: str = ""
    is_there: bool = False

    @property
    def is_ready(self) -> bool:
        """Whether it can be started."""
        return self.request is not None and not self.problem and not self.is_there

    def as_dict(self) -> dict[str, Any]:
        """JSON-able, for people and pages."""
        state = "there" if self.is_there else "ready" if self.is_ready else "refused"
        return {
            "file": str(self.file),
            "name": self.name,
            "state": state,
            "sample": self.sample,
            "problem": self.problem,
            "fields": dict(self.fields),
        }


def movies_of(folder: Path, pattern: NamingPattern) -> list[Path]:
    """The movies in a folder, as many folders further down as the pattern names; hidden ones are left out.

    Raises
    ------
    MovieError
        When it is no folder, cannot be listed, or has too many movies.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise MovieError(folder, "there is no such folder", "Give the folder that the movies are in.")
    level = [folder]
    try:
        for _ in range(pattern.depth):
            level = sorted(entry for one in level for entry in one.iterdir() if entry.is_dir() and entry.name[0] != ".")
        found = [
            entry
            for one in level
            for entry in sorted(one.iterdir())
            if entry.suffix.lower() in SUPPORTED_EXTENSIONS and entry.name[0] != "." and entry.is_file()
        ]
    except OSError as error:
        raise MovieError(
            folder, f"cannot be listed ({error.strerror or error})", "Check that you may read it."
        ) from error
    if len(found) > MOST_FILES:
        raise MovieError(folder, f"holds {len(found)} movies", f"Take them {MOST_FILES} at a time.")
    return found


def plan_batch(
    project: Project,
    files: Sequence[Path],
    pattern: NamingPattern,
    common: Mapping[str, Any],
    *,
    folder: Path | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> list[PlannedRecording]:
    """What becomes of each file: read its name, look whether that sample is free, open the movie.

    Parameters
    ----------
    common
        What holds for all of them: values of `pipeline.request.ProcessRequest`. What the pattern reads from a name
        counts more.
    folder
        What names are relative to; each file's own folder when not given.
    progress
        Called with how many files are done, and of how many.
    """
    reconcile(project)
    taken = Ledger(project).samples_in_work()
    columns = {column.name for column in project.columns(ColumnKind.CUSTOM)}
    planned: list[PlannedRecording] = []
    for number, file in enumerate(files):
        progress(number, len(files))
        name = _listed_name(file, folder, pattern)
        one = _plan(project, file, name, pattern, common, columns)
        if one.is_ready and one.sample.lower() in {sample.lower() for sample in taken}:
            other = next(title for sample, title in taken.items() if sample.lower() == one.sample.lower())
            one = replace(one, problem=f"{other} will be the sample {Path(one.sample).stem}. {_RENAME}")
        if one.is_ready:
            taken[one.sample] = one.name
        planned.append(one)
    progress(len(files), len(files))
    return planned


def submit_batch(project: Project, planned: Sequence[PlannedRecording], *, actor: str | None = None) -> list[Job]:
    """Start what is ready; one job waits for the other.

    Raises
    ------
    FluoriteError
        When a sample of the same name was started meanwhile; then nothing is started.
    """
    wanted = [
        (one.request.model_dump(mode="json"), one.name, one.sample)
        for one in planned
        if one.is_ready and one.request is not None
    ]
    return submit_all(project, "process", wanted, actor=actor or current_actor())


def _listed_name(file: Path, folder: Path | None, pattern: NamingPattern) -> str:
    """The part of the path that the pattern is about."""
    if folder is not None and file.is_relative_to(folder):
        return file.relative_to(folder).as_posix()
    return "/".join(file.parts[-pattern.depth - 1 :])


def _plan(
    project: Project,
    file: Path,
    name: str,
    pattern: NamingPattern,
    common: Mapping[str, Any],
    columns: set[str],
) -> PlannedRecording:
    # Imported only here: the engine's libraries are not needed to read a name.
    from pipeline.process import check_request

    try:
        reading = pattern.read(name)
    except MovieError as error:
        return PlannedRecording(file, name, {}, problem=_said(error, file, name))
    fields = reading.texts
    values: dict[str, Any] = {**common, "movies": [str(file.resolve())]}
    values |= {key: fields[key] for key in ("subject", "session") if key in fields}
    values["custom"] = {**common.get("custom", {}), **{key: fields[key] for key in fields if key in columns}}
    if reading.start is not None:
        metadata = common.get("metadata", {})
        session = {**metadata.get("NWBFile", {}), "session_start_time": reading.start.isoformat()}
        values["metadata"] = {**metadata, "NWBFile": session}
    try:
        request = parse_request(values)
        sample = check_request(project, request).name
    except SampleExistsError as error:
        sample = Path(error.file).name
        there = str(file.resolve()) in _inputs_of(Path(error.file))
        taken = "" if there else f"{error.cause[:1].upper()}{error.cause[1:]}, of another file. {_RENAME}"
        return PlannedRecording(file, name, fields, sample=sample, problem=taken, is_there=there)
    except FluoriteError as error:
        return PlannedRecording(file, name, fields, problem=_said(error, file, name))
    return PlannedRecording(file, name, fields, request, sample)


def _inputs_of(sample: Path) -> list[str]:
    try:
        return list(read_provenance(sample).get("input_files") or [])
    except FluoriteError:
        return []  # a damaged file takes the name all the same


def _said(error: FluoriteError, file: Path, name: str) -> str:
    """What is wrong; of the file itself without its name, because the list has it."""
    if error.file not in (str(file), str(file.resolve()), name):
        return str(error)
    return f"{error.cause[:1].upper()}{error.cause[1:]}. {error.remedy}"
