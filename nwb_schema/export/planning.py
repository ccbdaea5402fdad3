"""What an export would do: which files it makes of which samples, and what stands in the way."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nwb_schema.checks import Finding, Severity, check_sample
from nwb_schema.errors import ExportError, SampleError
from nwb_schema.linked_movie import movie_link
from nwb_schema.names import sample_file_name, sanitise
from nwb_schema.project import Project
from nwb_schema.reader import open_sample, read_summary, registered_movie_path

_ORGANIZED = re.compile(r"sub-([A-Za-z0-9-]+)_ses-[A-Za-z0-9-]+_ophys\.nwb")
_MOVIE_RULES = ("movie", "movie-elsewhere")


@dataclass(frozen=True)
class PlannedFile:
    """One sample and the file that is made of it.

    Attributes
    ----------
    sample
        The sample.
    name
        Path of the file below the export folder, as ``dandi organize --required-field session_id`` makes it.
    movie
        The registered movie to embed, or None.
    blockers
        What stands in the way of an upload.
    """

    sample: Path
    name: str
    movie: Path | None
    blockers: tuple[Finding, ...]


@dataclass(frozen=True)
class ExportPlan:
    """What an export would do.

    Attributes
    ----------
    files
        In order of the samples' names.
    left_out
        ``(name, reason)`` of samples that are not exported.
    """

    files: tuple[PlannedFile, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def blockers(self) -> tuple[Finding, ...]:
        """Of all files."""
        return tuple(finding for file in self.files for finding in file.blockers)


def plan_export(
    project: Project,
    samples: Sequence[str] = (),
    *,
    keep_movie: bool = True,
    findings_of: Callable[[Path], Sequence[Finding]] = lambda path: check_sample(path).findings,
) -> ExportPlan:
    """Look at the samples (all by default, else by name or identifier), without writing anything.

    Parameters
    ----------
    findings_of
        What our own rules find in a sample, where somebody has looked at it already.

    Raises
    ------
    SampleError
        When a sample that was asked for does not exist or cannot be exported, or its movie is missing.
    ExportError
        When two samples would become one file, or there is nothing to export.
    """
    there = {path.name: path for path in project.sample_paths()}
    paths = [there.get(name) or project.find_sample(name) for name in samples] or list(there.values())
    files: list[PlannedFile] = []
    left_out: list[tuple[str, str]] = []
    for path in dict.fromkeys(paths):
        try:
            files.append(_plan(path, keep_movie, findings_of(path)))
        except SampleError as error:
            # A file that cannot be a sample does not stop the export of all; a missing movie does, or it would be lost.
            if samples or not isinstance(error, _NotOurs):
                raise
            left_out.append((path.name, f"{error.cause}. {error.remedy}"))
    names: dict[str, PlannedFile] = {}
    for file in files:
        other = names.setdefault(file.name.lower(), file)
        if other is not file:
            raise ExportError(
                file.sample,
                f"it and {other.sample.name} would both become {file.name}",
                "Give one of them another session, or export them one by one with --sample.",
            )
    if not files:
        raise ExportError(project.folder, "has no sample that can be exported", "Process or adopt a recording first.")
    return ExportPlan(tuple(files), tuple(left_out))


class _NotOurs(SampleError):
    """A file in ``samples/`` that is no sample of ours."""


def _plan(path: Path, keep_movie: bool, findings: Sequence[Finding]) -> PlannedFile:
    try:
        summary = read_summary(path)
    except SampleError as error:
        raise _NotOurs(path, error.cause, error.remedy) from error
    if not summary.is_ours:
        raise _NotOurs(path, "was not written by Fluorite", f"Adopt it first: fluorite adopt DIR {path.name}")
    blockers = tuple(
        finding
        for finding in findings
        if finding.severity is Severity.ERROR and (keep_movie or finding.check not in _MOVIE_RULES)
    )
    movie = None
    if keep_movie and _has_link(path):
        movie = registered_movie_path(path)  # raises when it is missing or leads elsewhere
        wrong = next((finding for finding in blockers if finding.check == "movie"), None)
        if wrong is not None:
            raise SampleError(path, wrong.message, wrong.remedy)
    return PlannedFile(path, _name(path, summary.subject_id, summary.session_id), movie, blockers)


def _has_link(path: Path) -> bool:
    with open_sample(path) as file:
        return movie_link(file) is not None


def _name(path: Path, subject: str | None, session: str | None) -> str:
    match = _ORGANIZED.fullmatch(path.name)
    if match:
        return f"sub-{match[1]}/{path.name}"
    subject, session = subject or "unknown", session or path.stem
    return f"sub-{sanitise(subject)}/{sample_file_name(subject, session)}"
