"""What our rules find in the samples of a project, as far as somebody has looked: for every page that says it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from nwb_schema.checks.kept import KeptChecks
from nwb_schema.errors import ProjectError
from nwb_schema.file_lock import file_lock
from nwb_schema.project import Project
from pipeline.version import code_sha256

BUDGET_S = 0.3
"""For how long a page may wait for files to be checked."""


_WAIT_S = 1.0
"""For how long one that is not the newest waits before it looks again."""


def checks_of(project: Project) -> KeptChecks:
    """The kept checks of a project, one for all pages of this process."""
    return _checks_in(project.folder)


@lru_cache(maxsize=64)
def _checks_in(folder: Path) -> KeptChecks:
    return KeptChecks(Project.open(folder), code_sha256())


def check_in_turn(
    checks: KeptChecks,
    paths: Sequence[Path],
    nonce: str,
    progress: Callable[[int, int], None],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Look at those of the samples that nobody has looked at, one process at a time; what is found is kept on the way.

    Several pages may ask for it, and nobody is told when one is left. The newest goes first: the others leave off after
    the sample that they are at, see what it finds, and go on when it has done.

    Parameters
    ----------
    nonce
        What tells this one from the others.
    progress
        Called with how many of the samples have been looked at, whoever did it, and of how many.
    """
    turn = checks.folder / "checks.turn"
    turn.write_text(nonce, encoding="utf-8")
    known = checks.known(paths)
    while left := [path for path in paths if path not in known]:
        progress(len(paths) - len(left), len(paths))
        with suppress(ProjectError), file_lock(turn, ProjectError, timeout_s=_WAIT_S):
            for path in left:
                known = checks.known(paths)
                progress(len(known), len(paths))
                if path not in known:
                    checks.check(path)
                if turn.read_text(encoding="utf-8") not in ("", nonce):
                    break
        known = checks.known(paths)
        if turn.read_text(encoding="utf-8") not in ("", nonce):
            pause(_WAIT_S)
    progress(len(paths), len(paths))
    if turn.read_text(encoding="utf-8") == nonce:
        turn.write_text("", encoding="utf-8")


def check_some(
    checks: KeptChecks, paths: Sequence[Path], *, clock: Callable[[], float] = time.monotonic
) -> tuple[list[Path], list[Path]]:
    """Look at samples that changed since the last time, until `BUDGET_S` of the `clock` is over.

    Returns
    -------
    seen
        Those of `paths` that have been looked at by now, this time or before.
    left
        Those that are left for another time.
    """
    known = checks.known(paths)
    end = clock() + BUDGET_S
    seen, left = [], []
    for path in paths:
        if path not in known:
            if clock() >= end:
                left.append(path)
                continue
            checks.check(path)
        seen.append(path)
    return seen, left
