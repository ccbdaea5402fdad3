"""The servers that the home page starts: one process a project, on a port of its own, ended with the home page.

Dash keeps its pages in one list for the whole process, and a project's catalogue, movies and watcher belong to one
project; so several projects are several processes, and one that fails takes no other along.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nwb_schema.errors import ProjectError
from nwb_schema.project import Project

_START_S = 90.0
_COMMAND = ("-m", "app.servers.project_server")


@dataclass(frozen=True)
class _Running:
    process: subprocess.Popen[str]
    url: str


class ProjectServers:
    """Starts the server of a project when it is first opened, and knows those that run.

    Parameters
    ----------
    known
        Folders that may be opened whoever owns them: those that this user named or opened before.
    """

    def __init__(self, known: tuple[Path, ...] = ()) -> None:
        self.home_url = ""
        self._known = {folder.expanduser().resolve() for folder in known}
        self._running: dict[Path, _Running] = {}
        self._lock = threading.Lock()

    def open(self, folder: Path, *, trusted: bool = False) -> str:
        """The address of the project's dashboard, which is started when it does not run.

        Parameters
        ----------
        trusted
            Whether it was opened before.

        Raises
        ------
        ProjectError
            When the folder is no project, belongs to another user, or its server does not start.
        """
        project = Project.open(folder)
        if not trusted and project.folder not in self._known and not is_own(project.folder):
            raise ProjectError(
                project.folder, "belongs to another user", f"Open it with: fluorite serve {project.folder}"
            )
        with self._lock:
            running = self._running.get(project.folder)
            if running is None or running.process.poll() is not None:
                running = _start(project.folder, self.home_url)
                self._running[project.folder] = running
        return running.url

    def is_running(self, folder: Path) -> bool:
        """Whether the project's server runs."""
        running = self._running.get(folder)
        return running is not None and running.process.poll() is None

    def close(self) -> None:
        """End all of them. Jobs go on: they are processes of their own."""
        for running in self._running.values():
            running.process.terminate()
        for running in self._running.values():
            with suppress(subprocess.TimeoutExpired):
                running.process.wait(timeout=10)


def is_own(folder: Path) -> bool:
    """Whether a folder belongs to this user. Windows has no numbers of users; there the system's permissions decide."""
    return not hasattr(os, "geteuid") or folder.stat().st_uid == os.geteuid()


def _start(folder: Path, home_url: str) -> _Running:
    process = subprocess.Popen(
        [sys.executable, *_COMMAND, str(folder), home_url],
        # It ends when this pipe closes, however this process ends.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
        text=True,
    )
    answers: queue.Queue[str] = queue.Queue()
    assert process.stdout is not None
    reader = process.stdout
    threading.Thread(target=lambda: answers.put(reader.readline()), daemon=True).start()
    try:
        said = json.loads(answers.get(timeout=_START_S) or "{}")
    except (queue.Empty, ValueError):
        said = {}
    if "url" not in said:
        process.kill()
        process.wait()
        raise ProjectError(folder, said.get("error") or "its dashboard does not start", f"Try: fluorite serve {folder}")
    return _Running(process, str(said["url"]))
