"""All parameters: understand, set, save and compare them, and process with them, without code."""

from __future__ import annotations

from urllib.parse import unquote

from dash import dcc, html
from dash.development.base_component import Component

from app.components.markup import aria
from app.components.parameter_history_view import history_card
from app.components.parameter_run import run_card
from app.components.parameter_view import form_groups, form_stores, parameters_of, toolbar
from app.parameters.form import texts_of
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def layout(start: str = "", sample: str = "", **_query: str) -> Component:
    """The page.

    Parameters
    ----------
    start
        From the address: what the form starts from, such as ``set:cortex`` (`parameter_view.start_options`).
    sample
        From the address: the identifier of a sample whose movie is to be processed again.
    """
    workspace = current_workspace()
    workspace.catalogue.refresh()
    problem: str | None = None
    begin = unquote(start) or "preset:2p"
    try:
        preset, parameters = parameters_of(workspace.project, begin)
    except FluoriteError as error:
        begin, problem = "preset:2p", str(error)
        preset, parameters = parameters_of(workspace.project, begin)
    return html.Main(
        [
            html.Div(
                [
                    html.H1("Parameters"),
                    html.P(
                        [
                            "Names and groups are CaImAn's, for both engines. Not sure what fits your movie? ",
                            dcc.Link("Try them on it first", href="/tune"),
                            ".",
                        ],
                        className="muted",
                    ),
                ],
                className="page-head",
            ),
            html.P(problem, className="notice", role="alert") if problem else None,
            html.Div(
                [
                    html.Div(
                        [
                            toolbar(workspace, begin),
                            form_groups(preset, texts_of(parameters)),
                        ],
                        className="parameters-main",
                    ),
                    html.Aside(
                        [run_card(workspace, unquote(sample) or None), history_card()],
                        className="parameters-side",
                        **aria(label="Processing and history"),
                    ),
                ],
                className="parameters-columns",
            ),
            *form_stores(preset),
        ],
        className="page parameters-page",
    )
