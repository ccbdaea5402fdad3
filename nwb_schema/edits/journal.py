"""``journal.sqlite``: every edit of every sample of a project, in the order in which they were made.

Each edit is also in its sample's own table, so a journal that was lost is made again from the samples. Besides the
edits, the journal remembers how a sample looked after the last commit, which tells a change from outside from ours.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nwb_schema.edits.change import decode, encode
from nwb_schema.edits.record import EditKind, EditRecord
from nwb_schema.errors import ProjectError
from nwb_schema.sqlite import connect

_SCHEMA = """
CREATE TABLE IF NOT EXISTS edit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, sample TEXT NOT NULL, name TEXT NOT NULL,
    at TEXT NOT NULL, actor TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL, reason TEXT NOT NULL,
    undoes TEXT NOT NULL, changes TEXT NOT NULL, committed INTEGER NOT NULL, UNIQUE (sample, id)
);
CREATE INDEX IF NOT EXISTS edit_sample ON edit (sample, sequence);
CREATE INDEX IF NOT EXISTS edit_pending ON edit (sample) WHERE NOT committed;
CREATE TABLE IF NOT EXISTS seen (
    sample TEXT NOT NULL, version TEXT NOT NULL, digest TEXT NOT NULL, stamp TEXT NOT NULL,
    PRIMARY KEY (sample, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS announced (
    sample TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (sample, content)
) WITHOUT ROWID;
"""
# A file that was copied and adopted has the history of the original, so an edit may be of two samples.
_VERSION = 2


@dataclass(frozen=True)
class Entry:
    """One edit in the journal.

    Attributes
    ----------
    sequence
        Rises by at least one with every edit of the project, whatever the clock says.
    name
        File name of the sample at that time.
    record
        The edit.
    committed
        Whether it is known to be in the sample's file.
    """

    sequence: int
    name: str
    record: EditRecord
    committed: bool


@dataclass(frozen=True)
class Seen:
    """How a sample looked: hashes of its parts by name, and what tells the file from any other (may be empty)."""

    digest: Mapping[str, str]
    stamp: str


class Journal:
    """The journal of one project. Any number of processes and threads may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the file open meanwhile: SQLite tidies up, and waits for the disk, when the last one closes it."""
        if not self._path.exists():
            yield
            return
        with closing(sqlite3.connect(self._path)) as db:
            with suppress(sqlite3.Error):  # whoever uses it next says what is wrong with it
                db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            yield

    def add(self, name: str, records: Sequence[EditRecord], digest: Mapping[str, str]) -> None:
        """Enter edits that are about to be committed, in one transaction.

        Parameters
        ----------
        name
            File name of the sample.
        digest
            How the sample will look with them.
        """
        with self._database() as db:
            _insert(db, name, records, committed=False)
            _remember(db, records[-1].sample, records[-1].id, Seen(digest, ""))

    def announce(self, sample: str, content: str) -> None:
        """Note that a content (`nwb_schema.edits.contents`) is about to be written, for an edit that may never be."""
        with self._database() as db:
            db.execute("INSERT OR IGNORE INTO announced VALUES (?, ?)", (sample, content))

    def announced(self, sample: str) -> set[str]:
        """The contents of edits of the sample of which it is not known whether they were made."""
        with self._database() as db:
            rows = db.execute("SELECT content FROM announced WHERE sample = ?", (sample,))
            return {row["content"] for row in rows}

    def forget_announced(self, sample: str, contents: Iterable[str]) -> None:
        """Forget announcements: each content is named by an edit, or is not there any more."""
        with self._database() as db:
            db.executemany(
                "DELETE FROM announced WHERE sample = ? AND content = ?", ((sample, content) for content in contents)
            )

    def withdraw(self, records: Sequence[EditRecord]) -> None:
        """Take out edits that could not be committed after all."""
        with self._database() as db:
            for record in records:
                db.execute("DELETE FROM edit WHERE sample = ? AND id = ? AND NOT committed", (record.sample, record.id))
                db.execute("DELETE FROM seen WHERE sample = ? AND version = ?", (record.sample, record.id))

    def take_in(self, name: str, records: Sequence[EditRecord]) -> None:
        """Enter edits that the sample's file has and the journal lacks."""
        with self._database() as db:
            _insert(db, name, records, committed=True)

    def settled(self, sample: str, version: str, seen: Seen) -> None:
        """Note that file and journal agree, and how the sample looks."""
        with self._database() as db:
            db.execute("DELETE FROM announced WHERE sample = ?", (sample,))
            db.execute("UPDATE edit SET committed = 1 WHERE sample = ? AND NOT committed", (sample,))
            db.execute("DELETE FROM seen WHERE sample = ? AND version != ?", (sample, version))
            _remember(db, sample, version, seen)

    def seen(self, sample: str) -> dict[str, Seen]:
        """How the sample looked, by version (the last edit's ``id``): the last one, and the one being committed."""
        with self._database() as db:
            rows = db.execute("SELECT version, digest, stamp FROM seen WHERE sample = ?", (sample,)).fetchall()
        return {row["version"]: Seen(json.loads(row["digest"]), row["stamp"]) for row in rows}

    def has_pending(self, sample: str) -> bool:
        """Whether there are edits of the sample that are not known to be in its file."""
        with self._database() as db:
            return bool(
                db.execute("SELECT 1 FROM edit WHERE sample = ? AND NOT committed LIMIT 1", (sample,)).fetchone()
            )

    def announcing_samples(self) -> list[str]:
        """Identifiers of the samples of which contents were announced; see `announced`."""
        if not self._path.exists():
            return []
        with self._database() as db:
            return [row["sample"] for row in db.execute("SELECT DISTINCT sample FROM announced ORDER BY sample")]

    def pending_samples(self) -> dict[str, str]:
        """``{identifier: file name}`` of the samples with edits that are not known to be in their files."""
        if not self._path.exists():
            return {}
        with self._database() as db:
            rows = db.execute("SELECT sample, name FROM edit WHERE NOT committed ORDER BY sequence").fetchall()
        return {row["sample"]: row["name"] for row in rows}

    def entries(self, sample: str | None = None) -> list[Entry]:
        """All edits, or those of one sample, in order."""
        if not self._path.exists():
            return []
        where, parameters = ("WHERE sample = ?", (sample,)) if sample is not None else ("", ())
        with self._database() as db:
            return [_entry(row) for row in db.execute(f"SELECT * FROM edit {where} ORDER BY sequence", parameters)]

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with connect(self._path, _SCHEMA, _VERSION) as db:
                yield db
        except ProjectError as error:
            cause = error.__cause__
            if isinstance(cause, sqlite3.DatabaseError) and not isinstance(
                cause, (sqlite3.OperationalError, sqlite3.IntegrityError)
            ):
                raise ProjectError(
                    self._path,
                    f"the journal of edits is damaged ({cause})",
                    "Move the file away: every sample carries its own edits, and the journal is made again from them.",
                ) from error
            raise


def _insert(db: sqlite3.Connection, name: str, records: Sequence[EditRecord], *, committed: bool) -> None:
    db.executemany(
        "INSERT INTO edit (id, sample, name, at, actor, kind, what, reason, undoes, changes, committed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                r.id,
                r.sample,
                name,
                r.at,
                r.actor,
                r.kind.value,
                r.what,
                r.reason,
                r.undoes,
                encode(r.changes),
                committed,
            )
            for r in records
        ],
    )


def _remember(db: sqlite3.Connection, sample: str, version: str, seen: Seen) -> None:
    db.execute(
        "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)", (sample, version, json.dumps(dict(seen.digest)), seen.stamp)
    )


def _entry(row: sqlite3.Row) -> Entry:
    record = EditRecord(
        id=row["id"],
        sample=row["sample"],
        at=row["at"],
        actor=row["actor"],
        kind=EditKind(row["kind"]),
        what=row["what"],
        reason=row["reason"],
        undoes=row["undoes"],
        changes=decode(row["changes"]),
    )
    return Entry(row["sequence"], row["name"], record, bool(row["committed"]))
