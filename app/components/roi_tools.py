"""The bar at the image that draws, imports, merges and splits cells. ``assets/drawing.js`` brings it to life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from app.components.markup import aria, clientside, data
from app.samples.new_rois import LARGEST_FILE_BYTES

_TOOLS = (
    ("polygon", "Polygon", "D", "Draw a new cell corner by corner (D)"),
    ("ellipse", "Ellipse", "E", "Draw a new cell as an ellipse (E)"),
    ("freehand", "Free-hand", "F", "Draw a new cell by dragging around it (F)"),
)


_NO_DRAWING = "New cells cannot be drawn in a volume."


def roi_tools(config: Mapping[str, Any] | None) -> Component:
    """The bar for what `app.components.curation_view.curation_config` says; nothing where no one may edit."""
    if config is None:  # Dash only asks which ids the page has
        config = {"refused": None, "flat": True}
    flat = bool(config["flat"])
    drawing: list[Component] = [
        html.Div(
            [
                *(_tool(*tool) for tool in _TOOLS),
                dcc.Upload(
                    html.Button("Import\u2026", type="button", className="curation-button"),
                    id="roi-upload",
                    accept=".roi,.zip",
                    max_size=LARGEST_FILE_BYTES,
                    multiple=False,
                    className="roi-upload",
                ),
            ],
            className="curation-group",
            role="group",
            title="Import: ROIs of ImageJ, .roi or .zip, up to 8 MiB",
            **aria(label="New cells"),
        ),
    ]
    editing = html.Div(
        [
            _action("merge", "Merge", "M", "Make one cell of the selected ones (M)"),
            _action("split", "Split", "S", "Split the selected cell into its pieces, or two halves (S)"),
            *([_tool("line", "Cut", "L", "Split the selected cell along a drawn line (L)")] if flat else []),
        ],
        className="curation-group",
        role="group",
        **aria(label="Selected cells"),
    )
    return html.Div(
        [
            html.Div(
                [
                    html.Span("New cells" if flat else "Cells", className="control-name"),
                    *(drawing if flat else []),
                    editing,
                    *([_options()] if flat else []),
                    *([html.Span(_NO_DRAWING, className="no-drawing")] if config.get("volume") else []),
                ],
                className="curation-row",
            ),
            # Always there: an image that moves under the hand while it draws would be drawn on wrongly.
            *([html.Div(id="roi-shape", className="curation-row roi-shape", role="status")] if flat else []),
        ],
        id="roi-tools",
        className="roi-tools",
        hidden=bool(config["refused"]),
    )


def _options() -> Component:
    """What new cells get, which the script fills in: neuropil taken off, and tags."""
    return html.Details(
        [html.Summary("Options"), html.Div(id="roi-options", className="roi-options")], className="roi-details"
    )


def _tool(name: str, label: str, key: str, title: str) -> Component:
    return html.Button(
        [label, html.Kbd(key, **aria(hidden="true"))],
        type="button",
        className="curation-button",
        title=title,
        **data(**{"roi-tool": name}),
        **aria(pressed="false"),
    )


def _action(action: str, label: str, key: str, title: str) -> Component:
    return html.Button(
        [label, html.Kbd(key, **aria(hidden="true"))],
        type="button",
        className="curation-button",
        title=title,
        **data(curate=action),
    )


def register(app: Dash) -> None:
    """Add the bar's callback: a chosen file is sent."""
    clientside(
        app,
        "importRois",
        Output("roi-upload", "contents"),
        Input("roi-upload", "contents"),
        State("roi-upload", "filename"),
        prevent_initial_call=True,
    )
