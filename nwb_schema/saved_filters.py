"""Filters under a name, kept with the project in ``filters.toml``: what a browser shows as tabs, or sub-projects."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit

from nwb_schema.catalogue.columns import Level
from nwb_schema.errors import FilterError
from nwb_schema.file_lock import file_lock
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.publishing import partial_path, publish_over, sweep_partials

_MAX_NAME_LENGTH = 100
_HEADER = "Filters that were saved under a name. The order of a filter's steps is the order in which they were made.\n"


@dataclass(frozen=True)
class SavedFilter:
    """Filters that are applied together.

    Attributes
    ----------
    name
        As people call it, different from all others of the project.
    level
        ``samples`` or ``rois``.
    filters
        ``(column, expression)`` in the order in which they were made, see `nwb_schema.filters`.
    description
        One line for people.
    """

    name: str
    level: Level
    filters: tuple[tuple[str, str], ...]
    description: str = ""


def filters_path(project: Project) -> Path:
    """The file; it need not be there."""
    return project.folder / "filters.toml"


def saved_filters(project: Project) -> list[SavedFilter]:
    """All saved filters, in the order in which they were saved.

    Raises
    ------
    FilterError
        When the file cannot be read.
    """
    path = filters_path(project)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise FilterError(path, f"cannot be read ({error})", "Correct the file, or move it away.") from error
    entries = table.get("filters", [])
    if not isinstance(entries, list):
        raise FilterError(path, "has no list of filters", "Start each with [[filters]].")
    return [_parsed(entry, number, path) for number, entry in enumerate(entries, start=1)]


def find_saved(project: Project, name: str, level: Level | None = None) -> SavedFilter:
    """The saved filter called `name`.

    Raises
    ------
    FilterError
        When there is none, or it is of another level.
    """
    found = next((saved for saved in saved_filters(project) if saved.name == name), None)
    if found is None:
        listed = ", ".join(saved.name for saved in saved_filters(project))
        raise FilterError(_short(name), "no filter was saved under this name", f"There are: {listed or 'none'}.")
    if level is not None and found.level != level:
        raise FilterError(_short(name), f"is a filter of {found.level}", f"Use: fluorite {found.level} DIR --saved ...")
    return found


def save_filter(project: Project, saved: SavedFilter, *, existing: bool = False) -> None:
    """Keep filters under a name.

    Parameters
    ----------
    existing
        Whether they may take the place of others of that name.

    Raises
    ------
    FilterError
        When the name is taken or cannot be a name.
    """
    name = " ".join(clean_text(saved.name).split())
    if not name or len(name) > _MAX_NAME_LENGTH or name != saved.name:
        raise FilterError(
            _short(saved.name), "cannot be the name of a filter", f"Give 1 to {_MAX_NAME_LENGTH} characters."
        )
    new = replace(saved, description=clean_text(saved.description))

    def change(old: list[SavedFilter]) -> list[SavedFilter]:
        if name not in (other.name for other in old):
            return [*old, new]
        if not existing:
            raise FilterError(_short(name), "a filter of this name was saved already", "Replace it with --replace.")
        return [new if other.name == name else other for other in old]

    _change(project, change)


def remove_filter(project: Project, name: str) -> None:
    """Forget a saved filter; what it filters stays as it is."""
    find_saved(project, name)
    _change(project, lambda old: [saved for saved in old if saved.name != name])


def _change(project: Project, change: Callable[[list[SavedFilter]], list[SavedFilter]]) -> None:
    project.require_writable()
    path = filters_path(project)
    with file_lock(path, FilterError):
        document = tomlkit.document()
        document.add(tomlkit.comment(_HEADER.strip()))
        document["filters"] = _tables(change(saved_filters(project)))
        sweep_partials(path.parent)
        temporary = partial_path(path.parent)
        try:
            temporary.write_bytes(tomlkit.dumps(document).encode("utf-8"))
            publish_over(temporary, path)
        except OSError as error:
            raise FilterError(
                path, f"cannot be written ({error.strerror or error})", "Check permissions and free space."
            ) from error
        finally:
            temporary.unlink(missing_ok=True)


def _tables(filters: Iterable[SavedFilter]) -> Any:
    listed = tomlkit.aot()
    for saved in filters:
        table = tomlkit.table()
        table["name"], table["level"] = saved.name, saved.level
        if saved.description:
            table["description"] = saved.description
        steps = tomlkit.array()
        steps.multiline(True)
        for pair in saved.filters:
            steps.append(list(pair))
        table["steps"] = steps
        listed.append(table)
    return listed


def _parsed(entry: Any, number: int, path: Path) -> SavedFilter:
    steps = entry.get("steps", []) if isinstance(entry, dict) else None
    if (
        not isinstance(steps, list)
        or not isinstance(entry.get("name"), str)
        or entry.get("level") not in ("samples", "rois")
        or not all(
            isinstance(step, list) and len(step) == 2 and all(isinstance(x, str) for x in step) for step in steps
        )
    ):
        raise FilterError(
            path,
            f"filter {number} lacks its name, its level (samples or rois) or its steps",
            'Write them as in: steps = [["snr", "$>:5"]]',
        )
    level: Level = "rois" if entry["level"] == "rois" else "samples"
    description = str(entry.get("description", ""))
    return SavedFilter(entry["name"], level, tuple((column, text) for column, text in steps), description)


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
