"""Run the dashboard on this computer."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import waitress
import waitress.server
from flask import Flask

from app.background import managers
from app.home.recent_projects import remember
from app.servers.dashboard import create_app
from app.servers.request_guard import is_loopback
from app.workspace import workspace_of
from nwb_schema.catalogue.watcher import Watcher
from nwb_schema.edits import recover
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project

# A player prefetches up to 6 frames at once (a browser's limit a server), and each open page polls: with waitress's own
# 4 threads, a second page would wait for the first one's frames.
THREADS = 16
_log = logging.getLogger("fluorite")


class ServeError(FluoriteError):
    """The dashboard cannot be served as asked."""


def serve(
    project_folder: Path,
    host: str = "127.0.0.1",
    port: int = 8050,
    *,
    home_url: str = "",
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve a project's dashboard until interrupted.

    Parameters
    ----------
    project_folder
        The project.
    host
        An address or name of this computer itself: without a login, nothing beyond the loopback interface.
    port
        The port; 0 takes a free one.
    home_url
        Address of the home page that opened the project, if any; the pages lead back there.
    on_ready
        Called with the dashboard's address once connections are accepted.

    Raises
    ------
    ServeError
        When `host` reaches beyond this computer, or the port is taken or not allowed.
    ProjectError
        When the folder is not a project.
    """
    require_loopback(host)
    app = create_app(project_folder, home_url)
    server = listen(app.server, host, port)
    workspace = workspace_of(app.server)
    _recover(workspace.project)
    _remember(workspace.project)
    managers.prepare()
    if on_ready is not None:
        on_ready(url_of(server, host))
    try:
        with Watcher(workspace.catalogue):
            server.run()
    finally:
        server.close()


def require_loopback(host: str) -> None:
    """Refuse to serve beyond this computer.

    Raises
    ------
    ServeError
        When `host` reaches further.
    """
    if not is_loopback(host):
        raise ServeError(
            f"--host {host}",
            "the dashboard has no login yet and would be open to everybody on the network",
            "Use 127.0.0.1; to use it from elsewhere, forward the port: ssh -L 8050:127.0.0.1:8050 <this computer>.",
        )


def listen(application: Flask, host: str, port: int) -> Any:
    """Waitress's server, which has its port but does not answer yet; its ``run`` does, until it is interrupted.

    Raises
    ------
    ServeError
        When the port is taken or not allowed.
    """
    try:
        return waitress.server.create_server(application, host=host, port=port, threads=THREADS, ident="fluorite")
    except (OSError, ValueError, OverflowError) as error:
        raise ServeError(f"port {port}", _cause(error), "Choose another one with --port, or 0 for any.") from error


def url_of(server: object, host: str) -> str:
    """The address at which a server is."""
    return f"http://{_url_host(host)}:{_port(server)}/"


def _remember(project: Project) -> None:
    """Put the project on the home page's list; where that cannot be written, the dashboard is there all the same."""
    try:
        remember(project.folder, project.name)
    except FluoriteError as error:
        _log.warning("%s", error)


def _recover(project: Project) -> None:
    """Commit what a killed program left in the journal alone; what cannot be is logged, and stops nothing else."""
    for name, error in recover(project).items():
        if error is None:
            _log.info("%s: committed an edit that was left unfinished", name)
        else:
            _log.warning("%s: an unfinished edit cannot be committed: %s", name, error)


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return "is in use by another program, perhaps another dashboard"
    if isinstance(error, OSError) and error.errno == errno.EACCES:
        return "may only be used by an administrator"
    return f"cannot be used ({error})"


def _port(server: object) -> int:
    # `localhost` can be two addresses, for which waitress makes one server each behind a common one.
    sockets = getattr(server, "effective_listen", None)
    if sockets:
        return int(sockets[0][1])
    return int(getattr(server, "effective_port"))  # noqa: B009


def _url_host(host: str) -> str:
    return f"[{host}]" if ":" in host and socket.has_ipv6 else host
