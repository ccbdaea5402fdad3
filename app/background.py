"""Dash background callbacks in clean processes, with what they leave on disk kept private.

Dash's own `DiskcacheManager` forks the server for every call: the child inherits its threads' locks and its open HDF5
handles, and may hang. Here a child starts from a clean process instead. The values that it hands back are pickled by
diskcache, so the folder must belong to this user alone: whoever could write there could run code here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import diskcache
import multiprocess
import psutil
from dash import DiskcacheManager
from dash.background_callback.managers.diskcache_manager import _make_job_fn

from nwb_schema.project import Project

_project_folder: ContextVar[Path] = ContextVar("project_folder")


def background_project() -> Project:
    """The project that a background callback works on; to be called inside one."""
    return Project.open(_project_folder.get())


def private_folder(folder: Path) -> Path:
    """An empty folder that only this user can enter; what an earlier server left in it is removed."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    os.chmod(folder, 0o700)  # `mkdir` does not change a folder that could not be removed
    return folder


def remove_left_overs(parent: Path) -> None:
    """Remove the folders, each named after its server's process number, of servers that run no more."""
    for folder in parent.glob("*"):
        if folder.name.isdecimal() and not psutil.pid_exists(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


class CleanProcessManager(DiskcacheManager):
    """A `DiskcacheManager` whose callbacks run in clean processes and know their project.

    Parameters
    ----------
    project
        What `background_project` opens in the callbacks.
    """

    def __init__(self, project: Project) -> None:
        # Beside the catalogue: in the project, or on this computer when the project is on a network share.
        parent = project.catalogue_path.parent / "callbacks"
        remove_left_overs(parent)
        # One folder a server: two servers of one project must not empty each other's.
        self.folder = private_folder(parent / str(os.getpid()))
        self._project_folder = project.folder
        methods = multiprocess.get_all_start_methods()
        # A fork server starts children in milliseconds where spawning imports everything anew; Windows has none.
        self._processes = multiprocess.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._processes.set_forkserver_preload(["app.background"])
        super().__init__(diskcache.Cache(str(self.folder)))  # type: ignore[no-untyped-call]

    def make_job_fn(self, fn: Callable[..., Any], progress: Any, key: str | None = None) -> Callable[..., None]:
        """What a child runs: a function that can be imported there, with its arguments."""
        return partial(_run, fn, str(self.folder), bool(progress), self._project_folder)

    def call_job_fn(
        self, key: str, job_fn: Callable[..., None], args: Sequence[Any] | Mapping[str, Any], context: Any
    ) -> int:
        """Start a child and return its process number."""
        progress_key = self._make_progress_key(key)  # type: ignore[no-untyped-call]
        process = self._processes.Process(target=job_fn, args=(key, progress_key, args, context), daemon=True)
        process.start()
        return int(process.pid)


def _run(
    fn: Callable[..., Any],
    cache_folder: str,
    progress: bool,
    project_folder: Path,
    key: str,
    progress_key: str,
    args: Any,
    context: Any,
) -> None:
    _project_folder.set(project_folder)
    with diskcache.Cache(cache_folder) as cache:
        run = _make_job_fn(fn, cache, progress)  # type: ignore[no-untyped-call]
        run(key, progress_key, args, context)
