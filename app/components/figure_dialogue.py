"""A figure for a paper: what it shows is what the page shows, its size is the journal's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from app.background.callback_project import background_project
from app.components.markup import clientside
from app.samples.figure_request import draw_figure, parse_request
from app.workspace import Workspace
from nwb_schema.errors import FluoriteError

_WHAT = {
    "traces": "Traces of the selected cells",
    "heatmap": "Heat map of all cells",
    "image": "Image with outlines",
}
_WIDTHS = {"single": "One column (89 mm)", "1.5": "1.5 columns (120 mm)", "double": "Two columns (183 mm)"}
_FORMATS = {"svg": "SVG (text and lines stay editable)", "pdf": "PDF", "png": "PNG"}


def figure_button(what: str) -> Component:
    """The button that opens the dialogue for a kind of figure."""
    return html.Button(
        "Figure\u2026",
        id=f"figure-open-{what}",
        type="button",
        className="text-button",
        title="As a figure for a paper: SVG, PDF or PNG at a journal's size",
    )


def figure_dialogue(images: Sequence[str] = ()) -> Component:
    """The dialogue, closed; `images` are the names of the sample's summary images."""
    first = "mean" if "mean" in images else next(iter(images), None)
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Figure")),
            dbc.ModalBody(
                html.Div(
                    [
                        html.Div(
                            [
                                _choice("Shows", "figure-what", _WHAT, "traces"),
                                html.Div(
                                    [
                                        _choice("Image", "figure-image", {name: name for name in images}, first),
                                        dcc.Checklist(
                                            id="figure-rejected",
                                            options=[{"label": "Rejected cells, too", "value": "rejected"}],
                                            value=[],
                                            className="chip-list",
                                        ),
                                    ],
                                    id="figure-image-options",
                                    hidden=True,
                                ),
                                _choice("Width", "figure-width", _WIDTHS, "single"),
                                _number("Height (mm)", "figure-height", "as suits it", 15, 247, None),
                                _number("Type (pt)", "figure-font", "7", 5, 8, 7),
                                _choice("File", "figure-format", _FORMATS, "svg"),
                                _choice("Dots per inch", "figure-dpi", {"300": "300", "600": "600"}, "300"),
                                html.P(
                                    "Cells, kinds of trace, order, time and, of a volume, the plane are those of the"
                                    " page. The file says which sample and cells it shows, and which parameters made"
                                    " them.",
                                    className="field-hint",
                                ),
                            ],
                            className="figure-settings",
                        ),
                        html.Div(
                            [
                                html.Img(id="figure-preview", alt="Preview of the figure", hidden=True),
                                html.P(id="figure-said", className="muted", role="status"),
                                html.Span(id="figure-progress", className="muted", role="status"),
                            ],
                            className="figure-shown",
                        ),
                    ],
                    className="figure-columns",
                )
            ),
            dbc.ModalFooter(dbc.Button("Download", id="figure-download", color="primary")),
            dcc.Store(id="figure-request", data={}),
            dcc.Download(id="figure-file"),
        ],
        id="figure-dialogue",
        size="xl",
        is_open=False,
        scrollable=True,
    )


def _choice(label: str, name: str, options: dict[str, str], value: str | None) -> Component:
    return html.Label(
        [
            html.Span(label, className="control-name"),
            dbc.Select(
                id=name,
                options=[{"label": text, "value": one} for one, text in options.items()],
                value=value,
                size="sm",
            ),
        ]
    )


def _number(label: str, name: str, placeholder: str, low: float, high: float, value: float | None) -> Component:
    return html.Label(
        [
            html.Span(label, className="control-name"),
            dbc.Input(
                id=name,
                type="number",
                min=low,
                max=high,
                step=0.5,
                value=value,
                placeholder=placeholder,
                debounce=True,
                size="sm",
            ),
        ]
    )


def make_figure(report: Callable[[Any], None], request: Any) -> tuple[Any, Any, Any, Any]:
    """Background callback: the preview and whether it is there, what it is in words, and the file to save."""
    if not isinstance(request, dict) or "identifier" not in request:
        raise PreventUpdate
    preview = not request.get("download")
    try:
        project = background_project()
        sample = Workspace.of(project).samples.get(str(request.get("identifier")))
        answer = draw_figure(
            project,
            sample,
            parse_request(request, sample),
            preview=preview,
            report=lambda stage, fraction: report(f"{stage}\u2026"),
        )
    except FluoriteError as error:
        return no_update, True, str(error), no_update
    if preview:
        return answer.data_uri, False, answer.said, no_update
    encoded = answer.data_uri.partition(",")[2]
    file = {"content": encoded, "filename": answer.file_name, "type": answer.media_type, "base64": True}
    return no_update, no_update, f"{answer.file_name}: {answer.said}", file


def register(app: Dash) -> None:
    """Add the dialogue's callbacks."""
    clientside(
        app,
        "openFigure",
        Output("figure-dialogue", "is_open"),
        Output("figure-what", "value"),
        Input("figure-open-traces", "n_clicks"),
        Input("figure-open-heatmap", "n_clicks"),
        prevent_initial_call=True,
    )
    clientside(
        app,
        "figureRequest",
        Output("figure-request", "data"),
        Output("figure-image-options", "hidden"),
        Input("figure-dialogue", "is_open"),
        Input("figure-what", "value"),
        Input("figure-image", "value"),
        Input("figure-rejected", "value"),
        Input("figure-width", "value"),
        Input("figure-height", "value"),
        Input("figure-font", "value"),
        Input("figure-format", "value"),
        Input("figure-dpi", "value"),
        Input("figure-download", "n_clicks"),
        State("selection", "data"),
        State("trace-kinds", "value"),
        State("trace-arrangement", "value"),
        State("trace-normalise", "value"),
        State("trace-window", "data"),
        State("trace-stimuli", "value"),
        State("heatmap-cells", "value"),
        State("heatmap-kind", "value"),
        State("heatmap-scale", "value"),
        State("heatmap-order", "value"),
        State("sample-identifier", "data"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("figure-preview", "src"),
        Output("figure-preview", "hidden"),
        Output("figure-said", "children"),
        Output("figure-file", "data"),
        Input("figure-request", "data"),
        background=True,
        progress=Output("figure-progress", "children"),
        progress_default="",
        running=[
            (Output("figure-download", "disabled"), True, False),
            (Output("figure-progress", "className"), "muted", "is-hidden"),
        ],
        cancel=[Input("figure-dialogue", "is_open")],
        interval=250,
        prevent_initial_call=True,
    )(make_figure)
