"""The page that compares the results for the movie of a sample, and lets one of them become the sample's cells."""

from __future__ import annotations

from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from app.addresses import results_url, sample_url
from app.components.compare.view import compare_sections, empty_sections
from app.pages.sample_page import missing_sample
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(identifier: str | None = None, b: str = "", **_query: str) -> Component:
    """The page; `identifier` is from the address, still percent-encoded, None when Dash only asks for the ids.

    `b`, from the address, too, is the result that is compared with the sample.
    """
    if identifier is None:
        return html.Main(empty_sections())
    name = unquote(identifier)
    try:
        workspace = current_workspace()
        sample = workspace.samples.get(name)
        headline = [
            dcc.Link("\u2190 Movie and cells", href=sample_url(sample.name), className="back-link"),
            html.H1(f"Results compared: {sample.path.stem}"),
            dcc.Link("Results \u2192", href=results_url(sample.name), className="back-link"),
            dcc.Store(id="compare-identifier", data=sample.name),
        ]
        return html.Main(
            [html.Div(headline, className="sample-headline"), *compare_sections(workspace, sample, b)],
            className="page compare-page",
        )
    except FluoriteError as error:
        return missing_sample(name, error)
