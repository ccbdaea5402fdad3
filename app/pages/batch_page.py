"""The page on which a folder of movies becomes many samples."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from app.components.batch.form import batch_form
from app.components.batch.looking import batch_stores
from app.components.batch.plan import batch_result
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
                    html.H1("Process many movies"),
                    html.Span("The names of the files say which animal and session each is of.", className="muted"),
                ],
                className="sample-headline",
            ),
            html.Div(
                [
                    html.Div([batch_form(workspace)], className="batch-side"),
                    html.Div([batch_result(), jobs_card(jobs_state(workspace.project))], className="batch-main"),
                ],
                className="batch-columns",
            ),
            *batch_stores(),
        ],
        className="page batch-page",
    )
