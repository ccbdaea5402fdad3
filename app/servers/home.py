"""The home page: the projects of this user, opened each in a server of its own, and the making of new ones."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from dash import Dash, html
from dash.development.base_component import Component

from app.components import folder_picker, home_view, wizard_view
from app.components.markup import aria, data
from app.home.project_servers import ProjectServers
from app.servers import browser_cache, request_guard
from app.servers.dashboard import ASSETS, HEALTH_ENDPOINT
from app.servers.serve import listen, require_loopback, url_of
from nwb_schema.project import Project


def create_home_app(servers: ProjectServers, named: Sequence[Path] = ()) -> Dash:
    """The home page as a Dash application; `serve_home` runs it.

    Parameters
    ----------
    servers
        What opens projects.
    named
        Projects that stand first, whether or not they were opened before.
    """
    app = Dash(
        "fluorite_home",
        title="Projects \u00b7 Fluorite",
        update_title=None,  # type: ignore[arg-type]  # Dash takes None for "leave the title alone"
        assets_folder=str(ASSETS),
        serve_locally=True,
        health_endpoint=HEALTH_ENDPOINT,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.server.secret_key = secrets.token_hex(32)
    request_guard.install(app.server, app.csp_hashes)
    browser_cache.install(app.server)
    # A function: every visit sees the projects as they are by then.
    app.layout = lambda: _page(named)
    home_view.register(app, servers, named)
    wizard_view.register(app, servers)
    folder_picker.register(app, "open", "home-folder", Path.home)
    folder_picker.register(app, "place", "wizard-parent", Path.home)
    return app


def serve_home(
    host: str = "127.0.0.1",
    port: int = 8050,
    *,
    projects: Sequence[Path] = (),
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the home page until interrupted; the servers of the projects that it opened end with it.

    Parameters
    ----------
    host, port, on_ready
        See `app.servers.serve.serve`.
    projects
        Projects to list first.

    Raises
    ------
    ServeError
        When `host` reaches beyond this computer, or the port is taken or not allowed.
    ProjectError
        When one of `projects` is none.
    """
    require_loopback(host)
    named = tuple(Project.open(folder).folder for folder in projects)
    servers = ProjectServers(named)
    app = create_home_app(servers, named)
    server = listen(app.server, host, port)
    servers.home_url = url_of(server, host)
    if on_ready is not None:
        on_ready(servers.home_url)
    try:
        server.run()
    finally:
        servers.close()
        server.close()


def _page(named: Sequence[Path]) -> Component:
    return html.Div(
        [
            html.Header(
                [
                    html.A(
                        [html.Span(className="brand-mark", **aria(hidden="true")), "Fluorite"],
                        href="/",
                        className="brand",
                    ),
                    html.Span("Projects", className="project-name"),
                    html.Button(
                        "\u25d0",
                        type="button",
                        className="theme-switch home-theme",
                        title="Light or dark",
                        **aria(label="Light or dark"),
                        **data(theme="switch"),
                    ),
                ],
                className="site-header",
            ),
            html.Main([home_view.projects_view(named), wizard_view.wizard()], className="page home-page"),
        ]
    )
