"""The project page: its samples, its jobs, and the form that makes more."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from app.components.attention_view import attention_card
from app.components.folder_browser import browser_dialogue
from app.components.jobs_panel import jobs_card, jobs_link
from app.components.markup import aria
from app.components.process_form import process_card
from app.components.samples_table import sample_rows, samples_card
from app.components.trash_view import trash_card
from app.home.attention import matters
from app.job_view import jobs_state
from app.workspace import current_workspace


def layout(**_query: str) -> Component:
    """The page, as the project is now."""
    workspace = current_workspace()
    rows, jobs = sample_rows(workspace), jobs_state(workspace.project)
    return html.Main(
        [
            html.Div(
                [
                    samples_card(rows, jobs_link(jobs)),
                    # Beside the form it would be out of sight, far below.
                    attention_card(matters(workspace.catalogue, jobs)),
                    trash_card(workspace.project),
                ],
                className="project-samples",
            ),
            html.Aside(
                [
                    process_card(workspace),
                    jobs_card(jobs),
                ],
                className="project-side",
                **aria(label="Processing"),
            ),
            browser_dialogue(),
        ],
        className="page project-page",
    )
