"""All cells of a sample over time: a heat map that is made in the background when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from app.background.callback_project import background_project
from app.components.figure_dialogue import figure_button
from app.components.markup import aria, clientside
from app.figures.graph_config import graph_config
from app.figures.traces import message_figure
from app.samples.heatmap_request import CELLS, HeatmapRequest, draw_heatmap, order_options
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition
from nwb_schema.errors import FluoriteError
from pipeline.figures.raster import SCALES
from pipeline.figures.trace_values import LABELS

_ROW_PX, _LEAST_PX, _MOST_PX = 5, 220, 640
_FIRST_KIND = "denoised"


def heatmap_card(kinds: Sequence[str], tags: Sequence[ColumnDefinition]) -> Component:
    """The panel, without a heat map yet; `kinds` are those of the sample's traces, `tags` its columns to sort by."""
    kind = _FIRST_KIND if _FIRST_KIND in kinds else next(iter(kinds), None)
    return html.Section(
        [
            html.Div(
                [
                    html.H2("All cells over time", id="heatmap-title"),
                    html.Span(id="heatmap-said", className="muted", role="status"),
                ],
                className="card-head",
            ),
            html.Div(
                [
                    _choice("Cells", "heatmap-cells", CELLS.items(), "accepted"),
                    _choice("Trace", "heatmap-kind", ((one, LABELS[one]) for one in kinds), kind),
                    _choice("Scale", "heatmap-scale", SCALES.items(), "z"),
                    _choice(
                        "Sorted by",
                        "heatmap-order",
                        ((option["value"], option["label"]) for option in order_options(tags)),
                        "snr",
                    ),
                    dbc.Button("Draw heat map", id="heatmap-draw", size="sm", color="primary", disabled=not kinds),
                    dbc.Button("Stop", id="heatmap-stop", size="sm", color="link", className="is-hidden"),
                    html.Span(id="heatmap-progress", className="muted", role="status"),
                    figure_button("heatmap"),
                ],
                className="heatmap-controls",
            ),
            html.Div(
                [
                    dcc.Graph(
                        id="heatmap",
                        figure=message_figure(""),
                        responsive=True,
                        config=graph_config("fluorite-heat-map"),
                        style={"height": "100%"},
                    ),
                    html.Div(id="heatmap-cursor", className="trace-cursor", **aria(hidden="true")),
                ],
                id="heatmap-wrap",
                className="heatmap-wrap",
                hidden=True,
                role="img",
                **aria(label="Heat map: a row a cell, a column a stretch of time; the cells are in the table above"),
            ),
            # A store without data says that it changed when it is made
            dcc.Store(id="heatmap-request", data={}),
            dcc.Store(id="heatmap-rows", data={}),
        ],
        className="card-panel heatmap-card",
        **aria(labelledby="heatmap-title"),
    )


def _choice(label: str, name: str, options: Any, value: str | None) -> Component:
    return html.Label(
        [
            html.Span(label, className="control-name"),
            dbc.Select(
                id=name, options=[{"label": text, "value": one} for one, text in options], value=value, size="sm"
            ),
        ],
        className="heatmap-choice",
    )


def height_px(n_rows: int) -> int:
    """How high the plot is for so many rows."""
    return min(max(_LEAST_PX, n_rows * _ROW_PX + 80), _MOST_PX)


def make_heatmap(report: Callable[[Any], None], request: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Background callback: the figure, the cells of its rows, what it shows in words, and the plot's place and size."""
    if not isinstance(request, dict) or "identifier" not in request:
        raise PreventUpdate
    workspace = Workspace.of(background_project())
    try:
        sample = workspace.samples.get(str(request.get("identifier")))
        answer = draw_heatmap(
            workspace,
            sample,
            HeatmapRequest.parse(request),
            lambda stage, fraction: report(f"{stage}\u2026 {fraction:.0%}"),
        )
    except FluoriteError as error:
        return message_figure("").to_plotly_json(), {}, str(error), True, {}
    rows = {"keys": list(answer.keys), "labels": list(answer.labels)}
    return answer.figure, rows, answer.said, False, {"height": f"{height_px(len(answer.keys))}px"}


def register(app: Dash) -> None:
    """Add the panel's callbacks."""
    clientside(
        app,
        "heatmapRequest",
        Output("heatmap-request", "data"),
        Input("heatmap-draw", "n_clicks"),
        Input("heatmap-cells", "value"),
        Input("heatmap-kind", "value"),
        Input("heatmap-scale", "value"),
        Input("heatmap-order", "value"),
        Input("trace-stimuli", "value"),
        State("sample-identifier", "data"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("heatmap", "figure"),
        Output("heatmap-rows", "data"),
        Output("heatmap-said", "children"),
        Output("heatmap-wrap", "hidden"),
        Output("heatmap-wrap", "style"),
        Input("heatmap-request", "data"),
        background=True,
        progress=Output("heatmap-progress", "children"),
        progress_default="",
        running=[
            (Output("heatmap-draw", "disabled"), True, False),
            (Output("heatmap-stop", "className"), "", "is-hidden"),
            # The last report comes with the result, after Dash has put the default back.
            (Output("heatmap-progress", "className"), "muted", "is-hidden"),
        ],
        cancel=[Input("heatmap-stop", "n_clicks")],
        interval=250,
        prevent_initial_call=True,
    )(make_heatmap)
    clientside(
        app,
        "markHeatmap",
        Output("heatmap-wrap", "title"),
        Input("heatmap-rows", "data"),
        Input("heatmap", "figure"),
        State("selection", "data"),
        prevent_initial_call=True,
    )
