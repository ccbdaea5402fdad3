"""What our own rules find in the samples of a project, kept until something that they look at changes.

A sample takes a tenth of a second or more, and a project has a thousand of them. So what was found is kept beside the
catalogue, disposable like that, and by several processes at once: one checks, and the others see what it has found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from nwb_schema.checks.checking import CheckReport, check_sample
from nwb_schema.checks.finding import Finding, Severity
from nwb_schema.errors import FluoriteError, ProjectError
from nwb_schema.linked_movie import movie_link
from nwb_schema.project import Project
from nwb_schema.reader import open_sample
from nwb_schema.sqlite import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS checked (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    movie TEXT NOT NULL,
    movie_state TEXT NOT NULL,
    errors INTEGER NOT NULL,
    warnings INTEGER NOT NULL,
    first TEXT NOT NULL,
    findings TEXT NOT NULL
)
"""


@dataclass(frozen=True)
class Checked:
    """What was found in one sample.

    Attributes
    ----------
    errors, warnings
        How many there are.
    first
        The first error in words; empty where there is none.
    """

    errors: int
    warnings: int
    first: str
    _findings: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of it, the worst first."""
        return tuple(
            Finding(**{**entry, "severity": Severity(entry["severity"])}) for entry in json.loads(self._findings)
        )

    @classmethod
    def of(cls, report: CheckReport) -> Checked:
        """What a report says."""
        first = next((one.message for one in report.findings if one.severity is Severity.ERROR), "")
        listed = json.dumps([one.as_dict() for one in report.findings])
        return cls(report.count(Severity.ERROR), report.count(Severity.WARNING), first, listed)


@dataclass(frozen=True)
class _Kept:
    """A row: what was found, and the states of the sample and of its movie (a path, or empty) by then."""

    state: str
    movie: str
    movie_state: str
    checked: Checked


class KeptChecks:
    """The findings of a project's samples; may be used from several threads.

    What depends on other samples, an identifier that two of them have, is not among them: the catalogue knows it.

    Parameters
    ----------
    project
        The project.
    code
        What tells this version of the rules from any other: what another one found does not count.
    """

    def __init__(self, project: Project, code: str) -> None:
        self._project = project
        self._code = code
        self._path = project.catalogue_path.with_name("checks.sqlite")
        self._kept: dict[str, _Kept] = {}
        self._seen = 0
        self._lock = Lock()

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self._path.parent

    def known(self, paths: Iterable[Path]) -> dict[Path, Checked]:
        """What was found in those of the samples that did not change since; nothing is checked for it."""
        with self._lock:
            self._read_new()
            kept = dict(self._kept)
        configured = self._configured()
        found = {}
        for path in paths:
            row = kept.get(path.name)
            if row is None or row.state != self._state(path, configured):
                continue
            if row.movie_state == _movie_state(row.movie):
                found[path] = row.checked
        return found

    def check(self, path: Path) -> Checked:
        """Look at a sample now, and keep what is found."""
        state = self._state(path, self._configured())  # before: what changes meanwhile has not been looked at
        movie = _movie(path)
        movie_state = _movie_state(movie)
        checked = Checked.of(check_sample(path, beside=False))
        row = _Kept(state, movie, movie_state, checked)
        with self._lock:
            self._kept[path.name] = row
            self._write(path.name, row)
        return checked

    def _configured(self) -> str:
        """What of the project's configuration rules look at."""
        try:
            return repr(self._project.configuration().columns)
        except FluoriteError:
            return ""

    def _state(self, path: Path, configured: str) -> str:
        return hashlib.sha256(f"{_file_state(path)} {self._code} {configured}".encode()).hexdigest()

    def _read_new(self) -> None:
        """Take in what others have kept since the last time."""
        if not self._path.exists():
            return
        try:
            with connect(self._path, _SCHEMA, durable=False) as db:
                newest = db.execute("SELECT max(sequence) FROM checked").fetchone()[0] or 0
                if newest < self._seen:
                    self._seen = 0  # somebody removed the file, and it was begun anew
                rows = db.execute(
                    "SELECT * FROM checked WHERE sequence > ? ORDER BY sequence", (self._seen,)
                ).fetchall()
        except ProjectError:
            self._path.unlink(missing_ok=True)  # nothing is lost but time
            return
        for row in rows:
            checked = Checked(row["errors"], row["warnings"], row["first"], row["findings"])
            self._kept[row["name"]] = _Kept(row["state"], row["movie"], row["movie_state"], checked)
            self._seen = row["sequence"]

    def _write(self, name: str, row: _Kept) -> None:
        one = row.checked
        values = (name, row.state, row.movie, row.movie_state, one.errors, one.warnings, one.first, one._findings)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with connect(self._path, _SCHEMA, durable=False) as db:
                db.execute(
                    "INSERT OR REPLACE INTO checked "
                    "(name, state, movie, movie_state, errors, warnings, first, findings) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
        except (ProjectError, OSError):
            return  # a project that cannot be written: this process remembers it


def _movie(path: Path) -> str:
    """Where the sample's registered movie is or should be; empty where it has none, or cannot be read."""
    try:
        with open_sample(path) as file:
            link = movie_link(file)
    except FluoriteError:
        return ""
    return "" if link is None else str(path.parent / str(link.filename))


def _movie_state(movie: str) -> str:
    return _file_state(Path(movie)) if movie else ""


def _file_state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
