"""The page on which results of other programs become samples."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from app.components.import_view import import_form, import_result, import_stores
from app.components.jobs_panel import jobs_card
from app.job_view import jobs_state
from app.workspace import current_workspace


def layout(**_query: str) -> Component:
    """The page, as the project is now."""
    workspace = current_workspace()
    return html.Main(
        [
            html.Div(
                [
                    dcc.Link("\u2190 Samples", href="/", className="back-link"),
                    html.H1("Import results"),
                    html.Span("Cells that another program found become a sample like any other.", className="muted"),
                ],
                className="sample-headline",
            ),
            html.Div(
                [
                    html.Div([import_form(workspace)], className="batch-side"),
                    html.Div([import_result(), jobs_card(jobs_state(workspace.project))], className="batch-main"),
                ],
                className="batch-columns",
            ),
            *import_stores(),
        ],
        className="page batch-page import-page",
    )
