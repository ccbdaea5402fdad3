"""What of a project waits for somebody: failed jobs, files with a problem, undecided cells, metadata for publishing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.browse import BrowseState, address
from app.formatting import count
from nwb_schema.catalogue import Catalogue

# Metadata that DANDI and readers ask for; where nobody gave it, a sample says "unknown".
_NEEDED = {"indicator": "indicator", "location": "place in the brain"}
_UNKNOWN = "$STR=:unknown"


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
    for column, words in _NEEDED.items():
        lacking = catalogue.count("samples", [usable, (column, _UNKNOWN)])
        if lacking:
            state = BrowseState(filters=(usable, (column, _UNKNOWN)))
            found.append(Matter(f"{count(lacking, 'sample')} without {words}, which publishing needs", address(state)))
    return found


_MOST_NAMED = 40
"""A filter that names more samples than this makes an address that nobody can send."""
