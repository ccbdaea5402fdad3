"""Background callbacks in clean processes of this computer, with what they leave on disk kept private.

Dash's own `DiskcacheManager` forks the server for every call: the child inherits its threads' locks and its open HDF5
handles, and may hang. Here a child starts from a clean process instead. The values that it hands back are pickled by
diskcache: whoever could write into its folder could run code here. So it is a new folder for every server that only
this user can enter, outside the project (which others may be able to write), removed when the server ends.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import diskcache
import multiprocess
import psutil
from dash import DiskcacheManager
from dash.background_callback.managers.diskcache_manager import _make_job_fn
from multiprocess import forkserver
from multiprocess.util import Finalize

from app.background.callback_project import in_project
from app.background.own_results import OwnResults
from nwb_schema.project import Project

# How long a cancelled job is remembered as such: longer than a page takes to ask once more.
_REMEMBERED_S = 600
# What the process from which the children start has imported already, so that they need not.
_PRELOADED = ["app.background.clean_processes", "app.components.figure_dialogue", "app.components.heatmap_panel"]


def private_folder() -> Path:
    """A new, empty folder that only this user can enter, outside any project."""
    return Path(tempfile.mkdtemp(prefix="fluorite-callbacks-", dir=_runtime_folder()))  # makes it with mode 0700


def _runtime_folder() -> str | None:
    """The system's folder for what lives as long as this user's session; None (system's temporary files) without one.

    One of another user, left in the environment by ``su``, does not count: its owner could replace what is in it.
    """
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if not folder or not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
        return None
    return folder if not hasattr(os, "geteuid") or os.stat(folder).st_uid == os.geteuid() else None


def prepare() -> None:
    """Start the process from which the children start, so that the first one need not wait for it; returns at once."""
    if "forkserver" in multiprocess.get_all_start_methods():
        multiprocess.get_context("forkserver").set_forkserver_preload(_PRELOADED)
        forkserver.ensure_running()


class CleanProcessManager(OwnResults, DiskcacheManager):
    """A `DiskcacheManager` whose callbacks run in clean processes and know their project.

    Parameters
    ----------
    project
        What `app.background.callback_project.background_project` opens in the callbacks.
    """

    def __init__(self, project: Project) -> None:
        self.folder = private_folder()
        self._project_folder = project.folder
        methods = multiprocess.get_all_start_methods()
        # A fork server starts children in milliseconds where spawning imports everything anew; Windows has none.
        self._processes = multiprocess.get_context("forkserver" if "forkserver" in methods else "spawn")
        if "forkserver" in methods:
            self._processes.set_forkserver_preload(_PRELOADED)
        cache = diskcache.Cache(str(self.folder))
        # The low priority makes it run after the children were ended, which could write once more.
        Finalize(None, _remove, args=(cache, self.folder), exitpriority=-1)
        super().__init__(cache)

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
        self.handle.delete(_cancelled(process.pid))  # of an earlier process with this number
        return int(process.pid)

    def is_alive(self, job: Any) -> bool:
        """Whether the child lives."""
        try:
            return bool(psutil.Process(int(job)).status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False

    def terminate_job(self, job: Any) -> None:
        """End the child, and those that it started."""
        if job is not None:
            self.handle.set(_cancelled(job), True, expire=_REMEMBERED_S)
        with suppress(psutil.NoSuchProcess):  # it may end by itself while Dash looks at it
            super().terminate_job(job)  # type: ignore[no-untyped-call]

    def was_cancelled(self, job: str) -> bool:
        """Whether somebody asked for the job to end."""
        return bool(self.handle.get(_cancelled(job)))


def _cancelled(job: Any) -> str:
    return f"cancelled-{job}"


def _remove(cache: diskcache.Cache, folder: Path) -> None:
    cache.close()
    shutil.rmtree(folder, ignore_errors=True)


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
    with diskcache.Cache(cache_folder) as cache:
        run = _make_job_fn(partial(in_project, project_folder, fn), cache, progress)  # type: ignore[no-untyped-call]
        run(key, progress_key, args, context)
