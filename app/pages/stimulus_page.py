"""The page of a sample's stimuli: when they were, by name, in a time line and in a table."""

from __future__ import annotations

from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from app.addresses import sample_url
from app.components.stimulus_copy_view import copy_dialogue
from app.components.stimulus_import_view import import_dialogue
from app.components.stimulus_view import stimulus_editor
from app.formatting import duration, number
from app.pages.sample_page import missing_sample
from app.samples.store import SampleData
from app.stimuli.rows import stimulus_state
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(identifier: str | None = None, **_query: str) -> Component:
    """The page; `identifier` is from the address, still percent-encoded, None when Dash only asks for the ids."""
    if identifier is None:
        return _page([], stimulus_editor(None))
    name = unquote(identifier)
    try:
        workspace = current_workspace()
        sample = workspace.samples.get(name)
        return _page(_headline(sample), stimulus_editor(stimulus_state(workspace, sample)))
    except FluoriteError as error:
        return missing_sample(name, error)


def _page(headline: list[Component], editor: list[Component | None]) -> Component:
    return html.Main(
        [
            html.Div(headline, className="sample-headline"),
            *editor,
            dcc.Store("stimulus-import-target", data=None),
            dcc.Store("stimulus-copy-target", data=None),
            import_dialogue(),
            copy_dialogue(),
        ],
        className="page stimulus-page",
    )


def _headline(sample: SampleData) -> list[Component]:
    summary = sample.summary
    facts = [
        duration(summary.duration_s) if summary.duration_s else None,
        f"{number(summary.rate_hz)} Hz" if summary.rate_hz else None,
    ]
    return [
        dcc.Link("\u2190 Movie and cells", href=sample_url(sample.name), className="back-link"),
        html.H1(f"Stimuli of {summary.path.stem}"),
        html.Div([html.Span(fact, className="fact-chip") for fact in facts if fact], className="fact-chips"),
    ]
