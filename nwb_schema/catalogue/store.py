"""The catalogue's file: what is known of each sample, as SQLite.

One row a file, and one row for each column of a sample's ROIs, which holds the whole column: 1,000 samples with 500,000
ROIs are 13,000 short rows. A filter loads the columns that it names, a few megabytes, instead of going through rows.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from nwb_schema.catalogue.entry import Entry
from nwb_schema.column_values import ColumnValues, Kind
from nwb_schema.errors import ProjectError
from nwb_schema.sqlite import connect

Result = TypeVar("Result")

SCHEMA_VERSION = 5
ENTRY_VERSION = 4
"""Raise it when the same file would give another entry: every file is then read again."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL, movie TEXT,
    entry_version INTEGER NOT NULL, indexed_at TEXT NOT NULL, problem TEXT, identifier TEXT NOT NULL,
    n_rois INTEGER NOT NULL, sample TEXT, custom TEXT NOT NULL, stimuli TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS file_identifier ON file (identifier);
CREATE TABLE IF NOT EXISTS roi_column (
    file INTEGER NOT NULL REFERENCES file (id) ON DELETE CASCADE, name TEXT NOT NULL, kind TEXT NOT NULL,
    dtype TEXT NOT NULL, data BLOB NOT NULL, words TEXT, PRIMARY KEY (name, file)
);
CREATE INDEX IF NOT EXISTS roi_column_file ON roi_column (file);
CREATE INDEX IF NOT EXISTS roi_column_kind ON roi_column (name, kind);
CREATE TABLE IF NOT EXISTS state (token TEXT NOT NULL, complete INTEGER NOT NULL);
"""


@dataclass(frozen=True)
class Listed:
    """What is known of one file, but for its ROIs' columns.

    Attributes
    ----------
    id
        Number of the file in the catalogue.
    fingerprint
        State of the file and of its movie when it was read.
    n_rois
        ROIs that are listed.
    sample, custom, stimuli, movie, problem
        See `Entry`.
    """

    id: int
    name: str
    fingerprint: str
    movie: str | None
    entry_version: int
    problem: str | None
    identifier: str
    n_rois: int
    sample: dict[str, Any] | None
    custom: dict[str, Any]
    stimuli: dict[str, int]


class Indexed(NamedTuple):
    """Of which state of a file something is known; see `Listed`."""

    name: str
    fingerprint: str
    movie: str | None
    entry_version: int
    identifier: str


class CatalogueStore:
    """The file at `path`; made when it is not there, and made anew when it is damaged or of another version."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def state(self) -> tuple[str, bool]:
        """A token that differs after every change, and whether all files were looked at since it was made."""
        with self.database() as db:
            row = db.execute("SELECT token, complete FROM state").fetchone()
        return ("", False) if row is None else (row["token"], bool(row["complete"]))

    def indexed(self) -> dict[str, Indexed]:
        """What a scan compares with the files, by name."""
        with self.database() as db:
            rows = db.execute("SELECT name, fingerprint, movie, entry_version, identifier FROM file ORDER BY name")
            return {row[0]: Indexed(*row) for row in rows}

    def files(self) -> tuple[str, list[Listed]]:
        """The token, and everything that is known, by name."""
        with self.database() as db:
            row = db.execute("SELECT token FROM state").fetchone()
            return "" if row is None else row["token"], [_listed(row) for row in db.execute(_FILES)]

    def column(self, name: str, token: str, files: Sequence[int] | None = None) -> dict[int, ColumnValues] | None:
        """One column of the ROIs of all files, or of some, by the file's number.

        None when the catalogue is not what `token` was of.
        """
        with self.database() as db:
            row = db.execute("SELECT token FROM state").fetchone()
            if row is None or row["token"] != token:
                return None
            chosen, numbers = "", tuple(files or ())
            if files is not None:
                chosen = f" AND file IN ({', '.join('?' * len(numbers))})"
            rows = db.execute(f"{_COLUMN}{chosen}", (name, *numbers))
            return {row["file"]: _decoded(row) for row in rows}

    def roi_column_kinds(self) -> dict[str, Kind]:
        """The columns that any ROI table has, and what they hold; texts where the tables differ."""
        with self.database() as db:
            rows = db.execute(
                "SELECT name, min(kind) AS one, max(kind) AS other FROM roi_column GROUP BY name"
            ).fetchall()
        return {row["name"]: row["one"] if row["one"] == row["other"] else "text" for row in rows}

    def put(self, entries: Sequence[tuple[str, str, Entry]]) -> None:
        """Replace what is known of files: ``(name, fingerprint, entry)``, all in one transaction."""
        if not entries:
            return
        # Packed before the file is locked: others write too.
        prepared = [
            (name, _file_row(name, fingerprint, entry), _roi_rows(entry)) for name, fingerprint, entry in entries
        ]
        with self._changing() as db:
            for name, file_row, roi_rows in prepared:
                db.execute("DELETE FROM file WHERE name = ?", (name,))
                number = db.execute(_INSERT_FILE, file_row).lastrowid
                db.executemany(_INSERT_COLUMN, ((number, *row) for row in roi_rows))

    def rename(self, names: Mapping[str, str]) -> None:
        """Files have other names now: ``{old: new}``."""
        with self._changing() as db:
            # In two steps, because names may have been swapped.
            for step, old in enumerate(names):
                db.execute("UPDATE file SET name = ? WHERE name = ?", (f"/{step}", old))
            for step, new in enumerate(names.values()):
                db.execute("DELETE FROM file WHERE name = ?", (new,))
                db.execute("UPDATE file SET name = ? WHERE name = ?", (new, f"/{step}"))

    def remove(self, names: Iterable[str]) -> None:
        """Forget files."""
        with self._changing() as db:
            db.executemany("DELETE FROM file WHERE name = ?", ((name,) for name in names))

    def complete(self) -> None:
        """Note that every file was looked at."""
        with self.database() as db:
            _begin(db)
            db.execute("UPDATE state SET complete = 1 WHERE NOT complete")

    def with_identifier(self, identifier: str) -> list[str]:
        """Names of the files that have an identifier."""
        with self.database() as db:
            rows = db.execute("SELECT name FROM file WHERE identifier = ? AND sample IS NOT NULL", (identifier,))
            return [row["name"] for row in rows]

    def discard(self) -> None:
        """Remove the file."""
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").unlink()

    def recovering(self, work: Callable[[], Result]) -> Result:
        """Do `work`; when it finds the file damaged, remove that and do it again."""
        try:
            return work()
        except ProjectError as error:
            cause = error.__cause__
            if not isinstance(cause, sqlite3.DatabaseError) or isinstance(cause, sqlite3.OperationalError):
                raise
        self.discard()
        return work()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self.database() as db:
            _begin(db)
            yield db
            db.execute("UPDATE state SET token = ?", (uuid.uuid4().hex,))

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """One transaction."""
        self.make_folder()
        if self.path.exists() and not self._usable():
            self.discard()
        with connect(self.path, SCHEMA, SCHEMA_VERSION, durable=False) as db:
            yield db

    def make_folder(self) -> None:
        """Make the folder that the catalogue lies in."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(
                self.path.parent,
                f"the folder of the catalogue cannot be made ({error.strerror or error})",
                "Set the environment variable XDG_CACHE_HOME to a folder where you may write.",
            ) from error

    def _usable(self) -> bool:
        """Whether the file is a catalogue of this version or not complete yet (0); a damaged one is no loss."""
        try:
            db = sqlite3.connect(self.path, timeout=30)
            try:
                return db.execute("PRAGMA user_version").fetchone()[0] in (0, SCHEMA_VERSION)
            finally:
                db.close()
        except sqlite3.OperationalError as error:
            raise ProjectError(
                self.path, f"the catalogue cannot be used ({error})", "Check permissions and free space."
            ) from error
        except sqlite3.DatabaseError:
            return False


_COLUMN = "SELECT file, kind, dtype, data, words FROM roi_column WHERE name = ?"
_FILES = "SELECT * FROM file ORDER BY name"
_INSERT_FILE = """
INSERT INTO file (
    name, fingerprint, movie, entry_version, indexed_at, problem, identifier, n_rois, sample, custom, stimuli
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_COLUMN = "INSERT INTO roi_column (file, name, kind, dtype, data, words) VALUES (?, ?, ?, ?, ?, ?)"


def _begin(db: sqlite3.Connection) -> None:
    """Take the lock for writing at once, and make the row of the state."""
    db.execute("INSERT INTO state SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM state)", (uuid.uuid4().hex,))


def _file_row(name: str, fingerprint: str, entry: Entry) -> tuple[Any, ...]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    sample = None if entry.sample is None else json.dumps(entry.sample)
    identifier = "" if entry.sample is None else entry.sample["identifier"]
    # A lone surrogate cannot be stored as UTF-8; JSON escapes it.
    problem = None if entry.problem is None else entry.problem.encode("utf-8", "replace").decode()
    return (
        *(name, fingerprint, entry.movie, ENTRY_VERSION, now, problem),
        *(identifier, entry.n_rois, sample, json.dumps(dict(entry.custom)), json.dumps(dict(entry.stimuli))),
    )


def _listed(row: sqlite3.Row) -> Listed:
    plain = dict(row)
    del plain["indexed_at"]
    for name in ("sample", "custom", "stimuli"):
        plain[name] = None if plain[name] is None else json.loads(plain[name])
    return Listed(**plain)


def _roi_rows(entry: Entry) -> list[tuple[str, str, str, bytes, str | None]]:
    return [(name, values.kind, *_encoded(values)) for name, values in entry.rois.items()]


def _encoded(values: ColumnValues) -> tuple[str, bytes, str | None]:
    """``(dtype, bytes, words)``; a column with one value throughout is stored as that one."""
    data, words = values.data, None
    if values.kind == "text":
        unknown = set(data[~values.known].tolist())
        words = json.dumps([None if place in unknown else word for place, word in enumerate(values.words)])
        data = data.astype(np.min_scalar_type(max(len(values.words) - 1, 0)))
    elif values.kind == "number" and data.dtype.kind == "f":
        data = np.where(values.known, data, np.nan)
    if len(data) and data.tobytes() == data[:1].tobytes() * len(data):
        data = data[:1]
    return data.dtype.str, data.tobytes(), words


def _decoded(row: sqlite3.Row) -> ColumnValues:
    data = np.frombuffer(row["data"], dtype=np.dtype(row["dtype"]))
    if row["kind"] == "text":
        words = json.loads(row["words"])
        data = data.astype(np.int32)
        known = np.ones(len(data), bool)
        if None in words:
            known = data != words.index(None)
        return ColumnValues("text", data, known, ["" if word is None else word for word in words])
    return ColumnValues.flags(data) if row["kind"] == "flag" else ColumnValues.numbers(data)
