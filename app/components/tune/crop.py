"""Cutting and shrinking the frames before the cells are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria
from app.components.tune.fields import labelled
from app.field_names import field_words
from app.parameters.tuning import RESIZES
from nwb_schema.errors import FluoriteError
from pipeline.tuning.request import parse_look


def crop_card() -> Component:
    """Crop and resize, as a step before processing."""
    return html.Section(
        [
            html.H2("Crop and resize", id="tune-crop-title"),
            labelled(
                "Rows, columns (Y0:Y1,X0:X1)",
                dbc.Input(
                    id="tune-crop", type="text", size="sm", placeholder="the whole frame", debounce=True,
                    autocomplete="off",
                ),
            ),
            html.Div(
                [
                    html.Button("Automatic", id="tune-crop-auto", type="button", className="text-button"),
                    html.Button("Whole frame", id="tune-crop-none", type="button", className="text-button"),
                    html.Span(id="tune-crop-said", className="muted", role="status"),
                ]
            ),
            labelled(
                "Resize",
                dbc.Select(
                    [
                        {"label": "as it is" if one == 1 else f"{one:g} of each side", "value": str(one)}
                        for one in RESIZES
                    ],
                    "1.0",
                    id="tune-resize",
                    size="sm",
                ),
            ),
            html.Small(
                "Drag on the image to draw the rectangle. Automatic leaves out a border that is NaN, never changes, or "
                "was filled in by an earlier motion correction.",
                className="field-hint",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-crop-title"),
    )  # fmt: skip


def register(app: Dash) -> None:
    """Find the crop, or take it away."""

    @app.callback(
        Output("tune-crop", "value"),
        Output("tune-crop-said", "children"),
        Input("tune-crop-auto", "n_clicks"),
        State("tune-asked", "data"),
        running=[
            (Output("tune-crop-auto", "disabled"), True, False),
            (Output("tune-crop-auto", "children"), "Looking…", "Automatic"),
        ],
        prevent_initial_call=True,
    )
    def crop(clicks: int | None, asked: Mapping[str, Any]) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        if not asked:
            return no_update, "Look at a movie first."
        # Imported only here: the server itself needs no engine.
        from pipeline.tuning.looking import find_crop

        try:
            found = find_crop(parse_look(asked["request"]))
        except FluoriteError as error:
            return no_update, field_words(str(error))
        return found, "" if found else "There is no dead border."

    @app.callback(
        Output("tune-crop", "value", allow_duplicate=True),
        Output("tune-crop-said", "children", allow_duplicate=True),
        Input("tune-crop-none", "n_clicks"),
        prevent_initial_call=True,
    )
    def whole(clicks: int | None) -> tuple[Any, Any]:
        return ("", "") if clicks else (no_update, no_update)
