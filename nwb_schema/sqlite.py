"""How Fluorite opens its SQLite files: the catalogue, the job ledger and, later, the journal of edits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from nwb_schema.errors import ProjectError

_NETWORK_FILESYSTEMS = {"nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "9p", "fuse.sshfs", "davfs"}
_BUSY_TIMEOUT_S = 30.0


@contextmanager
def connect(path: Path, schema: str, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
    """One transaction on an SQLite file: committed on a clean exit, rolled back on an exception, then closed.

    Parameters
    ----------
    path
        The file; made, with its tables, when it is not there yet.
    schema
        ``CREATE ... IF NOT EXISTS`` statements.
    durable
        False does not wait for the disk: a power cut may damage the file, so it has to be one that can be made again.

    Raises
    ------
    ProjectError
        When the file cannot be opened, is not an SQLite file or cannot be written.
    """
    db: sqlite3.Connection | None = None
    try:
        new = not path.exists()
        db = sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S, isolation_level=None)
        db.row_factory = sqlite3.Row
        if new:
            db.execute(f"PRAGMA journal_mode = {journal_mode(path)}")
        db.execute("PRAGMA foreign_keys = ON")
        if not durable:
            db.execute("PRAGMA synchronous = OFF")
        if new or db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            db.executescript(schema)
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


def journal_mode(path: Path) -> str:
    """``WAL``, or ``DELETE`` on a network filesystem, where WAL's shared memory does not work."""
    folder = path.resolve().parent
    mounts = [m for m in psutil.disk_partitions(all=True) if folder.is_relative_to(m.mountpoint)]
    deepest = max(mounts, key=lambda mount: len(mount.mountpoint), default=None)
    return "DELETE" if deepest is not None and deepest.fstype.lower() in _NETWORK_FILESYSTEMS else "WAL"
