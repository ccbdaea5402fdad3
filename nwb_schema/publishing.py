"""How a finished file appears under its name: whole, on disk, and never over another one.

A file is written under a hidden temporary name in the folder where it will live. The name says which process writes it,
so that what a killed process left behind can be told from what a living one is writing.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from pathlib import Path

import psutil

from nwb_schema.names import sanitise

_PARTIAL = re.compile(r"\.writing_(?P<host>[A-Za-z0-9-]+)_(?P<pid>\d+)_(?P<started>\d+)_[0-9a-f]+\.partial")


def partial_path(folder: Path) -> Path:
    """A new hidden name in `folder` for a file that this process is going to write."""
    pid = os.getpid()
    token = secrets.token_hex(6)
    return folder / f".writing_{_host()}_{pid}_{_started(pid)}_{token}.partial"


def sweep_partials(folder: Path) -> list[Path]:
    """Remove what dead processes of this computer left half-written in `folder`; return what was removed.

    Files of other computers stay: whether their writer lives cannot be seen from here.
    """
    removed = []
    for path in folder.glob(".writing_*.partial"):
        match = _PARTIAL.fullmatch(path.name)
        if match is None or match["host"] != _host() or _alive(int(match["pid"]), int(match["started"])):
            continue
        path.unlink(missing_ok=True)
        removed.append(path)
    return removed


def publish(temporary: Path, final: Path) -> None:
    """Flush `temporary` to disk and give it the name `final` in the same folder.

    Raises
    ------
    FileExistsError
        When `final` is already there; neither file is changed.
    """
    fsync_file(temporary)
    try:
        # Unlike a rename, making a hard link fails when the name is taken, in one step.
        os.link(temporary, final)
    except FileExistsError:
        raise
    except OSError:
        # exFAT and some network shares have no hard links. Here a second writer could slip in between the two lines;
        # a placeholder would close that gap, but a kill would leave it behind as an empty sample.
        if final.exists():
            raise FileExistsError(f"{final} exists") from None
        temporary.rename(final)
    else:
        temporary.unlink()
    fsync_folder(final.parent)


def publish_over(temporary: Path, final: Path) -> None:
    """Flush `temporary` to disk and let it take the place of `final` in the same folder, in one step."""
    fsync_file(temporary)
    os.replace(temporary, final)
    fsync_folder(final.parent)


def fsync_file(path: Path) -> None:
    """Have the operating system put the content of `path` on disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_folder(folder: Path) -> None:
    """Have the operating system put the names in `folder` on disk (Windows has no such call)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _host() -> str:
    return sanitise(socket.gethostname())


def _started(pid: int) -> int:
    # Process ids are used again; id and start time together are not.
    return int(psutil.Process(pid).create_time())


def _alive(pid: int, started: int) -> bool:
    try:
        return abs(_started(pid) - started) <= 1
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
