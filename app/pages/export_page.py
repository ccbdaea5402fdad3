"""The page on which samples are checked and exported for DANDI."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app.components.export_samples import samples_stores, samples_to_export
from app.components.export_view import export_form, export_result, export_stores
from app.components.jobs_panel import jobs_card
from app.job_view import jobs_state
from app.workspace import current_workspace


def layout(name: str = "", **_query: str) -> Component:
    """The page, as the project is now; `name` of the address says which samples are listed at first."""
    project = current_workspace().project
    return html.Main(
        [
            html.Div(
                [
                    html.H1("Check and export"),
                    html.Span(
                        "What blocks an upload to DANDI, where to correct it, and the export.", className="muted"
                    ),
                ],
                className="sample-headline",
            ),
            html.Div(
                [
                    html.Div([samples_to_export(project, name[:200]), export_result(project)], className="batch-main"),
                    html.Div([export_form(project), jobs_card(jobs_state(project))], className="batch-main"),
                ],
                className="export-columns",
            ),
            *samples_stores(),
            *export_stores(),
        ],
        className="page export-page",
    )
