"""The page on which what is known of a sample is corrected: the animal, the session, the project's columns."""

from __future__ import annotations

from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from app.addresses import sample_url
from app.components.details_view import again_card, details_form
from app.pages.sample_page import missing_sample
from app.samples.curation import editable
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(identifier: str | None = None, **_query: str) -> Component:
    """The page; `identifier` is from the address, still percent-encoded, None when Dash only asks for the ids."""
    workspace = current_workspace()
    if identifier is None:
        empty = [html.Div(details_form(workspace, None), id="details-wrap"), again_card(workspace, None)]
        return html.Main(empty, className="page details-page")
    name = unquote(identifier)
    try:
        sample = workspace.samples.get(name)
        form = details_form(workspace, sample, editable(workspace, sample))
    except FluoriteError as error:
        return missing_sample(name, error)
    summary = sample.summary
    known = [f"subject {summary.subject_id}" if summary.subject_id else "", f"session {summary.session_id or ''}"]
    return html.Main(
        [
            html.Div(
                [
                    dcc.Link("\u2190 Movie and cells", href=sample_url(sample.name), className="back-link"),
                    html.H1(f"Details of {summary.path.stem}"),
                    html.Div(
                        [html.Span(fact, className="fact-chip") for fact in known if fact], className="fact-chips"
                    ),
                ],
                className="sample-headline",
            ),
            html.P(
                "Subject and session are the sample's name and stay. Every change is kept in its history, with who "
                "made it, and can be undone on its page.",
                className="muted",
            ),
            html.Div(form, id="details-wrap"),
            again_card(workspace, sample),
        ],
        className="page details-page",
    )
