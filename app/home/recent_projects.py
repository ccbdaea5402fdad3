"""Which projects this user opened last: a private file in the user's own configuration folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from nwb_schema.errors import ProjectError
from nwb_schema.file_lock import file_lock
from nwb_schema.publishing import partial_path, publish_over, sweep_partials

MOST_KEPT = 20
_NAME = "recent-projects.json"


@dataclass(frozen=True)
class RecentProject:
    """A project that was opened.

    Attributes
    ----------
    folder
        Where it is, or was.
    name
        What it was called then.
    opened_at
        When it was opened last, in seconds since the epoch.
    """

    folder: str
    name: str
    opened_at: float


def configuration_folder() -> Path:
    """The folder in which programs keep what this user chose."""
    given = os.environ.get("APPDATA") if os.name == "nt" else os.environ.get("XDG_CONFIG_HOME")
    return Path(given or Path.home() / ".config") / "fluorite"


def recent_projects() -> list[RecentProject]:
    """The projects that were opened, the last one first; none when the file is missing or damaged."""
    try:
        stored = json.loads((configuration_folder() / _NAME).read_text(encoding="utf-8"))
        found = [RecentProject(str(one["folder"]), str(one["name"]), float(one["opened_at"])) for one in stored]
    except (OSError, ValueError, TypeError, KeyError):
        return []  # it is a convenience: the next project that is opened writes it anew
    return sorted(found, key=lambda one: -one.opened_at)[:MOST_KEPT]


def remember(folder: Path, name: str, clock: Callable[[], float] = time.time) -> None:
    """Note that a project was opened.

    Raises
    ------
    ProjectError
        When the file cannot be written.
    """
    place = str(folder.expanduser().resolve())
    _change(
        lambda known: [RecentProject(place, name, clock()), *(one for one in known if one.folder != place)][:MOST_KEPT]
    )


def forget(folder: str) -> None:
    """Take a project off the list; the project itself stays as it is.

    Raises
    ------
    ProjectError
        When the file cannot be written.
    """
    _change(lambda known: [one for one in known if one.folder != folder])


def _change(change: Callable[[list[RecentProject]], list[RecentProject]]) -> None:
    path = configuration_folder() / _NAME
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(path, ProjectError):
            text = json.dumps([asdict(one) for one in change(recent_projects())], indent=2)
            sweep_partials(path.parent)
            temporary = partial_path(path.parent)
            try:
                temporary.touch(mode=0o600)
                temporary.write_text(text, encoding="utf-8")
                publish_over(temporary, path)
            finally:
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ProjectError(
            path, f"cannot be written ({error.strerror or error})", "Check the permissions of that folder."
        ) from error
