"""The catalogue: an index of all samples and ROIs of a project, for lists and filters.

It is disposable: everything in it comes from the NWB files, and deleting it loses nothing. A file is read again when
its size, its modification time or its inode changed, or those of its movie.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from nwb_schema.catalogue_columns import ROI_FILTER_COLUMNS, ROI_LIST_COLUMNS, SAMPLE_COLUMNS
from nwb_schema.catalogue_entry import Entry, read_entry
from nwb_schema.errors import ProjectError
from nwb_schema.filters import Filters, compile_filters
from nwb_schema.project import Project
from nwb_schema.sqlite import connect

Result = TypeVar("Result")

_SCHEMA_VERSION = 3
_ENTRY_VERSION = 3
"""Raise it when the same file would give another entry: every file is then read again."""

_BATCH = 20
"""Files per transaction: each transaction waits for the disk."""

_STORED = tuple(name for name in SAMPLE_COLUMNS if name not in ("status", "reason"))
_ROI_STORED = tuple(name for name in ROI_LIST_COLUMNS if name not in ("identifier", "subject_id", "session_id"))
_FLAGS = {name for name, column in ROI_FILTER_COLUMNS.items() if column.kind == "flag"}


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS file (
    name TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, movie TEXT, entry_version INTEGER NOT NULL,
    indexed_at TEXT NOT NULL, problem TEXT, readable INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sample ({_names(_STORED)}, PRIMARY KEY (name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sample_identifier ON sample (identifier);
CREATE TABLE IF NOT EXISTS roi ({_names(_ROI_STORED)}, PRIMARY KEY (name, "index")) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS roi_uuid ON roi (roi_uuid);
CREATE VIEW IF NOT EXISTS listed AS
    SELECT {", ".join(f'sample."{name}" AS "{name}"' for name in _STORED if name != "name")}, file.name AS name,
    CASE WHEN NOT file.readable THEN 'unreadable' WHEN file.problem IS NOT NULL THEN 'refused'
         WHEN twin.names IS NOT NULL THEN 'duplicate' ELSE 'ok' END AS status,
    coalesce(file.problem, 'has the same identifier as ' || twin.names
                            || '; move one of them out of samples/') AS reason
    FROM file LEFT JOIN sample ON sample.name = file.name
    LEFT JOIN (
        SELECT one.name AS name, group_concat(other.name, ', ') AS names FROM sample AS one
        JOIN sample AS other ON other.identifier = one.identifier AND other.name != one.name
        JOIN file AS usable ON usable.name = other.name AND usable.problem IS NULL
        WHERE one.identifier != '' GROUP BY one.name
    ) AS twin ON twin.name = file.name;
"""


@dataclass(frozen=True)
class Refreshed:
    """What `Catalogue.refresh` found: file names."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether the catalogue changed at all."""
        return bool(self.added or self.changed or self.removed)


class Catalogue:
    """The catalogue of one project. Any number of processes and threads may use it at once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._path = project.catalogue_path

    def refresh(self) -> Refreshed:
        """Bring the catalogue up to date with the files. A file that cannot be read is listed with its reason."""
        return self._recovering(self._refresh)

    def _refresh(self) -> Refreshed:
        with self._database() as db:
            known = {row["name"]: row for row in db.execute("SELECT * FROM file")}
        # In this order: what another process adds in between is then neither missing nor taken for deleted.
        paths = self._project.sample_paths()
        added: list[str] = []
        changed: list[str] = []
        batch: list[tuple[str, str, Entry]] = []
        for path in paths:
            row = known.get(path.name)
            stamp = _stamp(path)
            fingerprint = f"{stamp} {self._movie_stamp(None if row is None else row['movie'])}"
            if row is not None and row["fingerprint"] == fingerprint and row["entry_version"] == _ENTRY_VERSION:
                continue
            entry = read_entry(path)
            # The file's stamp is from before reading: one that is replaced meanwhile is read again the next time.
            batch.append((path.name, f"{stamp} {self._movie_stamp(entry.movie)}", entry))
            (added if row is None else changed).append(path.name)
            if len(batch) == _BATCH:
                self._store(batch)
                batch.clear()
        self._store(batch)
        removed = sorted(set(known) - {path.name for path in paths})
        if removed:
            with self._database() as db:
                for name in removed:
                    _delete(db, name)
        return Refreshed(tuple(added), tuple(changed), tuple(removed))

    def refresh_file(self, path: Path) -> None:
        """Read one sample again, whose file was just replaced."""

        def store() -> None:
            stamp = _stamp(path)
            entry = read_entry(path)
            self._store([(path.name, f"{stamp} {self._movie_stamp(entry.movie)}", entry)])

        self._recovering(store)

    def twins(self, name: str, identifier: str) -> list[str]:
        """File names of the other samples that have this identifier."""
        rows = self._select("SELECT name FROM sample WHERE identifier = ?", [identifier])
        names = [row["name"] for row in rows]
        if name not in names:
            self.refresh()
            names = [row["name"] for row in self._select("SELECT name FROM sample WHERE identifier = ?", [identifier])]
        return [other for other in names if other != name and (self._project.samples_dir / other).is_file()]

    def rebuild(self) -> Refreshed:
        """Forget everything and read all files again."""
        self._discard()
        return self._refresh()

    def samples(self, filters: Filters = None) -> list[dict[str, Any]]:
        """The samples that match all `filters`, by name: one dictionary of plain values each.

        Besides `SAMPLE_COLUMNS` each has its ``path``. What a file does not say is None.

        Raises
        ------
        FilterError
            See `nwb_schema.filters`.
        """
        where, parameters = compile_filters(filters, SAMPLE_COLUMNS)
        rows = self._select(
            f"SELECT {_names(tuple(SAMPLE_COLUMNS))} FROM listed WHERE {where} ORDER BY name", parameters
        )
        return [_plain(row) | {"path": str(self._project.samples_dir / row["name"])} for row in rows]

    def rois(self, filters: Filters = None) -> list[dict[str, Any]]:
        """The ROIs that match all `filters`, by sample and row: one dictionary of plain values each.

        They can be filtered by their own columns and by those of their sample (``evaluated`` is the ROI's own).
        ``tags`` is a dictionary: tags by the key of their column.
        """
        where, parameters = compile_filters(filters, ROI_FILTER_COLUMNS)
        own = set(_ROI_STORED)
        chosen = ", ".join(f'{"roi" if name in own else "listed"}."{name}" AS "{name}"' for name in ROI_FILTER_COLUMNS)
        rows = self._select(
            f"SELECT {_names(ROI_LIST_COLUMNS)} FROM "
            f"(SELECT {chosen} FROM roi JOIN listed ON listed.name = roi.name) WHERE {where} "
            'ORDER BY name, "index"',
            parameters,
        )
        return [_plain(row) | {"tags": json.loads(row["tags"])} for row in rows]

    def _select(self, sql: str, parameters: list[str | float]) -> list[sqlite3.Row]:
        def run() -> list[sqlite3.Row]:
            with self._database() as db:
                return db.execute(sql, parameters).fetchall()

        return self._recovering(run)

    def _recovering(self, work: Callable[[], Result]) -> Result:
        """Do `work`; when it finds the database damaged, build that anew and do it again."""
        try:
            return work()
        except ProjectError as error:
            cause = error.__cause__
            if not isinstance(cause, sqlite3.DatabaseError) or isinstance(cause, sqlite3.OperationalError):
                raise
        self.rebuild()
        return work()

    def _store(self, batch: Sequence[tuple[str, str, Entry]]) -> None:
        """Replace what is known of these files: ``(name, fingerprint, entry)``."""
        if not batch:
            return
        now = datetime.now(UTC).isoformat(timespec="seconds")
        marks = ", ".join("?" * len(_STORED))
        roi_marks = ", ".join("?" * len(_ROI_STORED))
        with self._database() as db:
            for name, fingerprint, entry in batch:
                _delete(db, name)
                db.execute(
                    "INSERT INTO file VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (name, fingerprint, entry.movie, _ENTRY_VERSION, now, entry.problem, entry.sample is not None),
                )
                if entry.sample is not None:
                    db.execute(
                        f"INSERT INTO sample ({_names(_STORED)}) VALUES ({marks})",
                        [entry.sample[column] for column in _STORED],
                    )
                db.executemany(
                    f"INSERT INTO roi ({_names(_ROI_STORED)}) VALUES ({roi_marks})",
                    ([roi[column] for column in _ROI_STORED] for roi in entry.rois),
                )

    def _movie_stamp(self, movie: str | None) -> str:
        return "" if movie is None else _stamp(self._project.movies_dir / movie)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(
                self._path.parent,
                f"the folder of the catalogue cannot be made ({error.strerror or error})",
                "Set the environment variable XDG_CACHE_HOME to a folder where you may write.",
            ) from error
        if self._path.exists() and not self._usable():
            self._discard()
        with connect(self._path, _SCHEMA, _SCHEMA_VERSION, durable=False) as db:
            db.create_function("casefold", 1, str.casefold, deterministic=True)
            yield db

    def _usable(self) -> bool:
        """Whether the file is a catalogue of this version or not complete yet (0); a damaged one is no loss."""
        try:
            db = sqlite3.connect(self._path, timeout=30)
            try:
                return db.execute("PRAGMA user_version").fetchone()[0] in (0, _SCHEMA_VERSION)
            finally:
                db.close()
        except sqlite3.OperationalError as error:
            raise ProjectError(
                self._path, f"the catalogue cannot be used ({error})", "Check permissions and free space."
            ) from error
        except sqlite3.DatabaseError:
            return False

    def _discard(self) -> None:
        for suffix in ("", "-wal", "-shm", "-journal"):
            with suppress(FileNotFoundError):
                Path(f"{self._path}{suffix}").unlink()


def _delete(db: sqlite3.Connection, name: str) -> None:
    for table in ("file", "sample", "roi"):
        db.execute(f"DELETE FROM {table} WHERE name = ?", (name,))


def _stamp(path: Path) -> str:
    """What tells one state of a file from another without opening it."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def _plain(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: bool(row[name]) if name in _FLAGS and row[name] is not None else row[name]
        for name in row.keys()  # noqa: SIM118 - a Row iterates over its values
    }
