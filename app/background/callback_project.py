"""Which project a background callback works on: it runs in another process than the server that has the project."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from nwb_schema.project import Project

_project_folder: ContextVar[Path] = ContextVar("project_folder")


def background_project() -> Project:
    """The project that a background callback works on; to be called inside one."""
    return Project.open(_project_folder.get())


def in_project(folder: Path, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `fn` where `background_project` is the project in `folder`."""
    token = _project_folder.set(folder)
    try:
        return fn(*args, **kwargs)
    finally:
        _project_folder.reset(token)
