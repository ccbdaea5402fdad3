"""Who does what is asked for on a page."""

from __future__ import annotations

from typing import Any

from pipeline.jobs.submission import current_actor

_LONGEST_NAME = 80


def actor_of(name: Any) -> str:
    """Who edits: the name that this browser gave, else the user of the operating system."""
    given = " ".join(name.split())[:_LONGEST_NAME] if isinstance(name, str) else ""
    return given or current_actor()
