"""What a killed job had finished, kept in ``.fluorite/unfinished/<digest>/`` until the same work is done, or stale.

The digest is of the inputs, the parameters and the code: the same command again finds the folder, anything else does
not. It is removed as soon as its work ends in whatever way that this process can still notice; only a kill leaves it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nwb_schema.process_identity import is_alive, this_process
from nwb_schema.project import Project
from nwb_schema.publishing import partial_path, publish_over
from pipeline.version import code_sha256

logger = logging.getLogger("fluorite.job")

# Nobody starts the same work again after this long without doing without what was kept.
STALE_AFTER_S = 7 * 86400.0
_OWNER_NAME = "owner.json"


@contextmanager
def unfinished_work(project: Project, work_digest: str, needed_bytes: int = 0) -> Iterator[Path | None]:
    """The folder of this work, for the block; removed after it, unless the process is killed.

    What is stale of other work is removed on the way, and what is not when the disk has no room for `needed_bytes`.
    Yields None while another living process does the same work.
    """
    folder = _folder(project, work_digest)
    folder.parent.mkdir(exist_ok=True)
    short_of_room = shutil.disk_usage(folder.parent).free + _size_bytes(folder) < needed_bytes
    for other in folder.parent.iterdir():
        if other != folder and not _is_owned(other) and (short_of_room or _is_stale(other)):
            _remove(other)
    if _is_owned(folder):
        logger.info("another process is doing the same work; this one keeps nothing for the case of a kill")
        yield None
        return
    folder.mkdir(exist_ok=True)
    _own(folder)
    try:
        yield folder
    finally:
        _remove(folder)


def forget_unfinished(project: Project, work_digest: str | None) -> None:
    """Remove what a dead job has left of work that nobody wants to go on with."""
    if work_digest is None:
        return
    folder = _folder(project, work_digest)
    if folder.is_dir() and not _is_owned(folder):
        _remove(folder)


def reclaimable_bytes(project: Project) -> int:
    """What dead jobs have left on the disk."""
    root = _root(project)
    return sum(_size_bytes(folder) for folder in root.iterdir() if not _is_owned(folder)) if root.is_dir() else 0


def _root(project: Project) -> Path:
    return project.cache_dir / "unfinished"


def _folder(project: Project, work_digest: str) -> Path:
    return _root(project) / hashlib.sha256(f"{work_digest} {code_sha256()}".encode()).hexdigest()


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*") if path.is_file())


def _own(folder: Path) -> None:
    host, pid, started = this_process()
    owner = {"host": host, "pid": pid, "started": started, "code": code_sha256(), "at": time.time()}
    temporary = partial_path(folder)
    temporary.write_text(json.dumps(owner), encoding="utf-8")
    publish_over(temporary, folder / _OWNER_NAME)


def _owner(folder: Path) -> dict[str, object]:
    try:
        owner = json.loads((folder / _OWNER_NAME).read_text(encoding="utf-8"))
        return owner if isinstance(owner, dict) else {}
    except (OSError, ValueError):
        return {}


def _is_owned(folder: Path) -> bool:
    """Whether another living process works there; of another computer that cannot be asked, assume so for a while."""
    owner = _owner(folder)
    host, pid, started, at = (owner.get(key) for key in ("host", "pid", "started", "at"))
    if not (isinstance(host, str) and isinstance(pid, int) and isinstance(started, float) and isinstance(at, float)):
        return False
    alive = is_alive(host, pid, started)
    if alive is None:
        return time.time() - at < STALE_AFTER_S
    return alive and (host, pid, started) != this_process()


def _is_stale(folder: Path) -> bool:
    """Whether nothing will ever be taken from `folder` again: other code, or too long ago."""
    owner = _owner(folder)
    at = owner.get("at")
    return owner.get("code") != code_sha256() or not isinstance(at, float) or time.time() - at > STALE_AFTER_S


def _remove(folder: Path) -> None:
    """Remove `folder`, the list of its stages first, so that a half-removed one is never taken for whole."""
    for path in sorted(folder.glob("*.json")):
        path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
