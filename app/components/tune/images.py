"""The images of a movie with what is drawn over them, and what is chosen on them: thresholds, sizes and patches."""

from __future__ import annotations

from collections.abc import Mapping

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from app.components.markup import aria, clientside
from app.components.parameter_view import field_id
from app.components.tune.fields import FIELD, FIELDS, parameter_field
from app.parameters.tuning import CELL_FIELDS, PATCH_FIELDS, help_of

EMPTY = "Choose a movie above and press “Look at it”: its mean, correlation and peak-to-noise images appear here."
LOOKING = "Looking at the movie\u2026"
"""What stands in the place of the images until there are some."""
_IMAGES = (
    ("mean", "Mean", "Mean of every pixel over the frames that were looked at"),
    (
        "correlation",
        "Correlation",
        "How alike a pixel and its neighbours change, through a filter of a cell's size",
    ),
    ("pnr", "PNR", "Peak-to-noise ratio: the highest peak of a pixel over its noise, through the same filter"),
)
_OVERLAYS = (
    ("mask", "mask"),
    ("seeds", "cells at seeds (gSig)"),
    ("patches", "patches"),
    ("crop", "crop"),
)


def image_card(texts: Mapping[str, str]) -> Component:
    """The image with what is drawn over it, and the thresholds."""
    return html.Section(
        [
            html.Div(
                [
                    dbc.RadioItems(
                        id="tune-image",
                        options=[{"label": label, "value": name} for name, label, _ in _IMAGES],
                        value="mean",
                        inline=True,
                        className="tune-choice",
                    ),
                    dbc.Checklist(
                        id="tune-overlays",
                        options=[{"label": label, "value": name} for name, label in _OVERLAYS],
                        value=["seeds", "crop"],
                        inline=True,
                        className="tune-choice",
                    ),
                ],
                className="tune-choices",
            ),
            html.Div([_stage(), _controls(texts)], id="tune-view", className="tune-view"),
        ],
        className="card-panel tune-image-card",
        **aria(label="Images"),
    )


def _stage() -> Component:
    return html.Div(
        [
            html.Canvas(
                id="tune-canvas",
                tabIndex="0",
                role="img",
                **aria(label="Image of the movie with seeds, patches and crop"),
            ),
            html.P(EMPTY, id="tune-empty", className="empty-hint is-large"),
        ],
        id="tune-stage",
        className="tune-stage",
    )


def _controls(texts: Mapping[str, str]) -> Component:
    """The thresholds and what they leave; beside the image, or below a wide one, so that both are seen at once."""
    return html.Div(
        [
            html.Div(id="tune-count", className="tune-count", role="status"),
            html.Div(
                [_slider("init.min_corr", 0, 1, 0.01, texts), _slider("init.min_pnr", 0, 40, 0.25, texts)],
                className="tune-sliders",
            ),
            html.P(id="tune-thresholds-note", className="field-hint"),
            html.Div(id="tune-under-pointer", className="muted tune-pointer"),
        ],
        id="tune-controls",
        className="tune-controls",
    )


def _slider(key: str, least: float, most: float, step: float, texts: Mapping[str, str]) -> Component:
    name = key.rpartition(".")[2]
    return html.Label(
        [
            html.Span([html.Strong(name), html.Output(id=f"tune-{name}-shown")]),
            dbc.Input(
                id=field_id(key, FIELD), type="range", min=least, max=most, step=step,
                value=texts[key],
                className="form-range",
            ),
        ],
        title=help_of(key),
    )  # fmt: skip


def cells_card(texts: Mapping[str, str]) -> Component:
    """Sizes and patches."""
    return html.Section(
        [
            html.H2("Cells and patches", id="tune-cells-title"),
            html.Div([parameter_field(key, texts) for key in (*CELL_FIELDS, *PATCH_FIELDS)], className="tune-grid"),
            html.Small(
                "The ring at the pointer is gSig, the box gSiz, both to scale. Patches: half-size rf, overlap stride.",
                className="field-hint",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-cells-title"),
    )


def image_stores() -> list[Component]:
    """Where drawing ends: nothing reads it."""
    return [dcc.Store(id="tune-drawn", data=None)]


def register(app: Dash) -> None:
    """Draw in the browser whenever something changes."""
    clientside(
        app,
        "drawTuning",
        Output("tune-drawn", "data"),
        Input("tune-shown", "data"),
        Input("tune-image", "value"),
        Input("tune-overlays", "value"),
        Input("tune-crop", "value"),
        Input(FIELDS, "value"),
        State(FIELDS, "id"),
        State("tune-resize", "value"),
    )
