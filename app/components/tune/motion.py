"""Motion correction, tried on a few hundred frames."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.background.callbacks import background_callback
from app.components.markup import aria, clientside
from app.components.tune.fields import TYPED, parameter_field, reading_of
from app.field_names import field_words
from app.figures.graph_config import graph_config
from app.figures.shifts import shifts_figure
from app.parameters.tuning import MOTION_FIELDS, preview_request
from app.parameters.tuning_work import compute_motion
from pipeline.tuning.request import parse_look


def motion_card(texts: Mapping[str, str]) -> Component:
    """Motion correction, tried on a few hundred frames."""
    return html.Section(
        [
            html.H2("Motion correction", id="tune-motion-title"),
            html.Div([parameter_field(key, texts) for key in MOTION_FIELDS], className="tune-grid"),
            html.Div(
                [
                    dbc.Button("Try it on 200 frames", id="tune-motion-try", size="sm", color="primary", outline=True),
                    html.Span(id="tune-motion-progress", className="muted", role="status"),
                    html.Button("Cancel", id="tune-motion-cancel", type="button", className="text-button", hidden=True),
                ],
                className="tune-status",
            ),
            html.Div(id="tune-motion-said", role="status"),
            html.Div(
                [
                    html.Figure(
                        [html.Canvas(id=f"tune-{name}"), html.Figcaption(caption)],
                    )
                    for name, caption in (("before", "Mean before"), ("after", "Mean after"))
                ],
                id="tune-motion-images",
                className="tune-motion-images",
                hidden=True,
            ),
            html.Div(id="tune-motion-shifts"),
        ],
        className="card-panel",
        **aria(labelledby="tune-motion-title"),
    )


def motion_stores() -> list[Component]:
    """What was tried last, and what came back."""
    return [dcc.Store(id="tune-motion-asked", data={}), dcc.Store(id="tune-motion-shown", data=None)]


def register(app: Dash) -> None:
    """Try it in the background, and show what it does."""
    background_callback(
        app,
        compute_motion,
        Output("tune-motion-shown", "data"),
        Input("tune-motion-asked", "data"),
        progress=Output("tune-motion-progress", "children"),
        at_rest="",
        # The button stays, as the one that looks at the movie does.
        running=[(Output("tune-motion-cancel", "hidden"), False, True)],
        cancel=Input("tune-motion-cancel", "n_clicks"),
    )
    clientside(app, "drawMotion", Output("tune-motion-images", "hidden"), Input("tune-motion-shown", "data"))

    @app.callback(
        Output("tune-motion-asked", "data"),
        Output("tune-motion-said", "children"),
        Output("tune-motion-said", "className"),
        inputs={
            "clicks": Input("tune-motion-try", "n_clicks"),
            "asked": State("tune-asked", "data"),
            "sent": dict(TYPED),
        },
        prevent_initial_call=True,
    )
    def ask(clicks: int | None, asked: Mapping[str, Any], sent: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        if not asked:
            return no_update, "Look at a movie first.", "notice"
        reading = reading_of(sent)
        wrong = [f"{key.rpartition('.')[2]} {text}" for key, text in reading.errors.items() if key.startswith("motion")]
        if wrong:
            return no_update, field_words(wrong[0]), "form-message is-error"
        request = preview_request(parse_look(asked["request"])).model_dump(mode="json")
        motion = reading.parameters.motion.model_dump(mode="json")
        return {"request": request, "motion": motion, "nonce": uuid.uuid4().hex}, "", ""

    @app.callback(
        Output("tune-motion-said", "children", allow_duplicate=True),
        Output("tune-motion-said", "className", allow_duplicate=True),
        Output("tune-motion-shifts", "children"),
        Input("tune-motion-shown", "data"),
        prevent_initial_call=True,
    )
    def show(shown: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
        if not shown:
            return no_update, no_update, no_update
        if "error" in shown:
            return shown["error"], "form-message is-error", None
        graph = dcc.Graph(
            id="tune-shifts",
            figure=shifts_figure(shown["shifts"], shown["first"], shown["limits"]),
            config=graph_config("shifts"),
        )
        label = "Shifts of the frames in pixels, down and to the right"
        return motion_words(shown), "", html.Div(graph, role="img", **aria(label=label))


def motion_words(shown: Mapping[str, Any]) -> list[Component]:
    """What the preview says, in words."""
    before, after = shown["crispness"]
    change = 100 * (after / before - 1) if before > 0 else 0.0
    rows = [
        ("Crispness of the mean", f"{before:,.0f} → {after:,.0f}", f"{change:+.0f} %"),
        ("Frames like their mean (r)", *_two(shown["correlation"])),
        ("Largest shift", f"{max((abs(v) for s in shown['shifts'] for v in s), default=0):.1f} px", ""),
        ("Border that some frame does not show", f"{shown['border_px']} px", "what border_pix could be"),
    ]
    alike = shown["correlation"][1] - shown["correlation"][0]
    if change > 2:
        words = "The mean gets sharper."
    elif change > 0 and alike > 0.005:
        words = "The mean gets a little sharper: there is little motion in this part."
    else:
        words = "The mean does not get sharper: this part does not move, or the correction does not fit it."
    parts: list[Component] = [
        html.P(words),
        html.Table(
            html.Tbody(
                [html.Tr([html.Th(name, scope="row"), html.Td(value), html.Td(more)]) for name, value, more in rows]
            ),
            className="tune-table",
        ),
    ]
    if shown["at_limit"] > 0.02:
        parts.append(
            html.P(
                f"{100 * shown['at_limit']:.0f} % of the frames move as far as max_shifts allows: make it larger.",
                className="notice",
            )
        )
    return parts


def _two(values: Sequence[float]) -> tuple[str, str]:
    return f"{values[0]:.3f} → {values[1]:.3f}", f"{values[1] - values[0]:+.3f}"
