"""One writer at a time: a lock beside a file, held while that file is read, changed and replaced.

The lock is the operating system's, so a killed process leaves none behind. A file of its own carries it, because the
file that it guards is replaced by another one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nwb_schema.errors import FluoriteError

_POLL_S = 0.02


@contextmanager
def file_lock(path: Path, error: type[FluoriteError], *, timeout_s: float = 30.0) -> Iterator[None]:
    """Hold the lock of the file `path`; other processes and threads wait for it.

    Parameters
    ----------
    error
        What is raised when the lock cannot be had within `timeout_s`, or its file cannot be made.
    """
    lock = path.with_name(f".{path.name}.lock")
    descriptor = _acquire(lock, path, error, timeout_s)
    try:
        yield
    finally:
        # While it is held: whoever waits for it sees that the name leads elsewhere now, and opens it again.
        with suppress(OSError):
            lock.unlink()
        os.close(descriptor)


def _acquire(lock: Path, path: Path, error: type[FluoriteError], timeout_s: float) -> int:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError as cause:
            raise error(path, f"cannot be changed ({cause.strerror})", "Ask for permission to write.") from cause
        except OSError as cause:
            raise error(path, f"cannot be locked ({cause.strerror})", "Check permissions and free space.") from cause
        if _try_lock(descriptor) and _is_at(descriptor, lock):
            return descriptor
        os.close(descriptor)
        if time.monotonic() > deadline:
            raise error(path, "is being changed by another program", "Try again when that is done.")
        time.sleep(_POLL_S)


def _is_at(descriptor: int, lock: Path) -> bool:
    """Whether the locked file still has its name: who held it before may have removed it meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), lock.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
