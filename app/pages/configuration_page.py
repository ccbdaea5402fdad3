"""The project's configuration: columns, lab defaults and subjects, so that nobody types the same twice."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app.components.configuration_view import columns_card, defaults_card, subjects_card
from app.configuration_changes import KINDS
from app.workspace import current_workspace


def layout(**_query: str) -> Component:
    """The page, as the project is now."""
    project = current_workspace().project
    return html.Main(
        [
            html.H1("Configuration"),
            html.P(
                "No change touches a sample: a hidden column keeps its values, a renamed one too, and a type is only "
                "changed where every value fits.",
                className="muted",
            ),
            None
            if project.writable
            else html.P("This project can only be read here, so nothing can be changed.", className="notice"),
            *(columns_card(project, kind) for kind in KINDS),
            defaults_card(project),
            subjects_card(project),
        ],
        className="page configuration-page",
    )
