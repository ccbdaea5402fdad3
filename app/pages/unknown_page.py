"""What is shown for an address that is no page."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component


def layout(**_query: str) -> Component:
    """The page."""
    return html.Main(
        html.Section(
            [
                html.H1("There is no such page"),
                html.P("The address may be mistyped, or of a newer version.", className="lead"),
                dcc.Link("The project", href="/", className="btn btn-primary"),
            ],
            className="card-panel missing",
        ),
        className="page",
    )
