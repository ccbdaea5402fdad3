"""The page of a sample's outputs: results file, cell sets, initialisation images, events."""

from __future__ import annotations

from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from app.addresses import compare_url, sample_url
from app.components.results_view import empty_sections, page_controls, results_sections
from app.formatting import count, duration, number
from app.pages.sample_page import missing_sample
from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(identifier: str | None = None, **_query: str) -> Component:
    """The page; `identifier` is from the address, still percent-encoded, None when Dash only asks for the ids."""
    if identifier is None:
        return html.Main(empty_sections())
    name = unquote(identifier)
    try:
        workspace = current_workspace()
        sample = workspace.samples.get(name)
        return html.Main(
            [html.Div(_headline(sample), className="sample-headline"), *results_sections(workspace, sample)],
            className="page results-page",
        )
    except FluoriteError as error:
        return missing_sample(name, error)


def _headline(sample: SampleData) -> list[Component]:
    summary = sample.summary
    facts = [
        f"{count(summary.n_accepted, 'accepted cell')} of {summary.n_rois}" if summary.n_rois else "no cells found",
        duration(summary.duration_s) if summary.duration_s else None,
        f"{number(summary.rate_hz)} Hz" if summary.rate_hz else None,
        f"{summary.engine} {summary.engine_version or ''}".strip() if summary.engine else None,
    ]
    return [
        dcc.Link("\u2190 Movie and cells", href=sample_url(sample.name), className="back-link"),
        html.H1(f"Results of {summary.path.stem}"),
        html.Div([html.Span(fact, className="fact-chip") for fact in facts if fact], className="fact-chips"),
        dcc.Link("Compare with other results \u2192", href=compare_url(sample.name), className="back-link"),
        *page_controls(sample.name),
    ]
