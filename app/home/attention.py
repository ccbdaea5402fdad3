"""What of a project waits for somebody: failed jobs, files with a problem, undecided cells, metadata for publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.addresses import export_url
from app.browsing.browse import BrowseState, address
from app.checks import check_some, checks_of
from app.formatting import count
from nwb_schema.catalogue import Catalogue


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
    checks = checks_of(catalogue.project)
    seen, left = check_some(checks, [Path(row["path"]) for row in catalogue.samples([usable])])
    blocked = [path for path, one in checks.known(seen).items() if one.errors]
    if blocked:
        at_least = "at least " if left else ""
        only = blocked[0].name if len(blocked) == 1 and not left else ""
        text = f"{at_least}{count(len(blocked), 'sample')} that cannot be published yet: see why"
        found.append(Matter(text, export_url(only)))
    return found


_MOST_NAMED = 40
"""A filter that names more samples than this makes an address that nobody can send."""
