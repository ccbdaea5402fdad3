"""What of a project waits for somebody: failed jobs, files with a problem, undecided cells, metadata for publishing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.browsing.browse import BrowseState, address
from app.formatting import count
from app.movie_pool import file_signature
from nwb_schema.catalogue import Catalogue
from nwb_schema.checks import check_sample


@dataclass(frozen=True)
class Matter:
    """One thing that waits.

    Attributes
    ----------
    text
        In words, with its count.
    href
        Where to see to it.
    pressing
        Whether something is wrong, not merely undone.
    """

    text: str
    href: str
    pressing: bool = False


def matters(catalogue: Catalogue, jobs: Sequence[Mapping[str, Any]]) -> list[Matter]:
    """What waits, the pressing things first.

    Parameters
    ----------
    jobs
        As `app.job_view.jobs_state` gives them.
    """
    found = []
    failed = sum(job["state"] in ("failed", "lost") for job in jobs)
    if failed:
        found.append(Matter(f"{count(failed, 'job')} failed or lost: see the list of jobs", "#jobs-panel", True))
    unusable = ("status", "$STR!=:ok")
    bad = catalogue.count("samples", [unusable])
    if bad:
        found.append(Matter(f"{count(bad, 'file')} with a problem", address(BrowseState(filters=(unusable,))), True))
    usable = ("is_ours", "yes")
    decided = {name for name, _ in catalogue.values("name", [("curated", "yes")], level="rois")}
    with_cells = [name for name, _ in catalogue.values("name", [usable, ("n_rois", "$>:0")])]
    waiting = [name for name in with_cells if name not in decided]
    if waiting:
        named = ("name", "$STR=:" + "|".join(waiting)) if len(waiting) <= _MOST_NAMED else ("n_rois", "$>:0")
        found.append(
            Matter(
                f"{count(len(waiting), 'sample')} in which nobody decided a cell yet",
                address(BrowseState(filters=(usable, named))),
            )
        )
    blocked, all_seen = blocked_samples([Path(row["path"]) for row in catalogue.samples([usable])])
    if blocked:
        at_least = "" if all_seen else "at least "
        found.append(Matter(f"{at_least}{count(blocked, 'sample')} that cannot be published yet: see why", "/export"))
    return found


_MOST_NAMED = 40
"""A filter that names more samples than this makes an address that nobody can send."""


BUDGET_S = 0.3
"""For how long a page may wait for files to be checked."""


def blocked_samples(paths: Sequence[Path], *, clock: Callable[[], float] = time.monotonic) -> tuple[int, bool]:
    """How many samples something keeps from being published, and whether all were looked at.

    Each version of a file is looked at once, which takes up to a third of a second; after `BUDGET_S` of the `clock`
    the rest is left for the next time, so that a page never waits for a thousand files.
    """
    blocked, all_seen = 0, True
    end = clock() + BUDGET_S
    for path in paths:
        signature = file_signature(path)
        known = _blocked.get(path)
        if known is None or known[0] != signature:
            if clock() >= end:
                all_seen = False
                continue
            known = _blocked[path] = (signature, not check_sample(path).ok)
        blocked += known[1]
    return blocked, all_seen


_blocked: dict[Path, tuple[str, bool]] = {}
"""Whether something blocks each file, as of the version with that signature."""
