"""How Fluorite opens its SQLite files: the catalogue, the job ledger and, later, the journal of edits."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from nwb_schema.errors import ProjectError

_NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "davfs"}
_BUSY_TIMEOUT_S = 30.0


@contextmanager
def connect(path: Path, schema: str, version: int = 1, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """One transaction on an SQLite file: committed on a clean exit, rolled back on an exception, then closed.

    Parameters
    ----------
    path
        The file; made, with its tables, when it is not there yet.
    schema
        ``CREATE ... IF NOT EXISTS`` statements.
    version
        Version of the schema, at least 1, kept in the file (``PRAGMA user_version``). A file of an earlier version, 0
        where nothing was ever completed, gets what it lacks of `schema`.
    durable
        False does not wait for the disk: a power cut may damage the file, so it has to be one that can be made again.

    Raises
    ------
    ProjectError
        When the file cannot be opened, is not an SQLite file or cannot be written.
    """
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA foreign_keys = ON")
        if not durable:
            db.execute("PRAGMA synchronous = OFF")
        if db.execute("PRAGMA user_version").fetchone()[0] < version:
            _set_journal_mode(db, journal_mode(path))
            # In one transaction: a kill in between leaves nothing, and the version says that everything is there.
            db.executescript(f"BEGIN IMMEDIATE;\n{schema};\nPRAGMA user_version = {version:d};\nCOMMIT;")
        db.execute("BEGIN")
        yield db
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise ProjectError(
            path,
            f"the database cannot be used ({error})",
            "Check that its folder is writable and has space; if the file is damaged, restore it from a backup.",
        ) from error
    finally:
        if db is not None:
            db.close()  # an open transaction is rolled back


def _set_journal_mode(db: sqlite3.Connection, mode: str) -> None:
    # SQLite does not always wait for the lock that this needs, when another process is making the same file.
    deadline = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            db.execute(f"PRAGMA journal_mode = {mode}")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def may_write(path: Path) -> bool:
    """Whether this user may write an SQLite file, which may not be there yet, and what SQLite puts beside it."""
    folder = path.parent if path.parent.exists() else path.parent.parent
    files = [file for suffix in ("", "-wal", "-shm") if (file := Path(f"{path}{suffix}")).exists()]
    return folder.is_dir() and all(os.access(place, os.W_OK) for place in (folder, *files))


def journal_mode(path: Path) -> str:
    """``WAL``, or ``DELETE`` on a network filesystem, where WAL's shared memory does not work."""
    folder = path.resolve().parent
    mounts = [m for m in psutil.disk_partitions(all=True) if folder.is_relative_to(m.mountpoint)]
    deepest = max(mounts, key=lambda mount: len(mount.mountpoint), default=None)
    return "DELETE" if deepest is not None and deepest.fstype.lower() in _NETWORK_FILESYSTEMS else "WAL"
