"""The traces of one cell in both results, and stepping through the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from dash import Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.components.compare.sides import SIDES, compared
from app.components.markup import aria
from app.components.sized_graph import sized_graph
from app.figures.compare_figures import mark_shapes, pair_traces_figure
from app.figures.traces import message_figure
from app.samples.compared import Pair
from nwb_schema.errors import FluoriteError

_NO_CELL = "Click a cell in the image, or press Next."
_KINDS = {"denoised": "Denoised", "raw": "Raw"}


def trace_card() -> Component:
    """The panel, without a cell yet."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Traces of one cell in both", id="compare-traces-title"),
                    html.Div(
                        [
                            html.Button(
                                "\u2039 Previous", id="compare-previous", type="button", className="text-button"
                            ),
                            html.Button("Next \u203a", id="compare-next", type="button", className="text-button"),
                        ],
                        title="Through the cells in both, then those only in A, then those only in B",
                    ),
                    html.Span(id="compare-cell", className="muted", role="status"),
                    dcc.RadioItems(
                        id="compare-kind",
                        options=[{"label": label, "value": kind} for kind, label in _KINDS.items()],
                        value="denoised",
                        inline=True,
                        className="chip-list",
                    ),
                ],
                className="card-head",
            ),
            sized_graph(
                "compare-traces",
                "fluorite-compared-traces",
                "compare-traces",
                "Traces of one cell in both",
                figure=message_figure(_NO_CELL),
            ),
            dcc.Store(id="compare-clicked", data=None),
        ],
        className="card-panel",
        **aria(labelledby="compare-traces-title"),
    )


def stepped(pair: Pair, place: list[int] | None, by: int) -> list[int] | None:
    """The cell before or after `place`: those in both, then those only in A, then those only in B, and round again."""
    found = pair.comparison
    cells = [
        *found.pairs.tolist(),
        *([row, -1] for row in found.only_a.tolist()),
        *([-1, row] for row in found.only_b.tolist()),
    ]
    if not cells:
        return None
    if place not in cells:
        return cells[0] if by > 0 else cells[-1]
    return cells[(cells.index(place) + by) % len(cells)]


def _words(pair: Pair, row_a: int, row_b: int) -> str:
    if row_a < 0 or row_b < 0:
        return "only in A" if row_b < 0 else "only in B"
    at = np.flatnonzero(pair.comparison.pairs[:, 0] == row_a)
    if not len(at):
        return ""
    overlap, correlation = pair.comparison.overlap[at[0]], pair.comparison.correlation[at[0]]
    alike = f", correlation of the traces {correlation:.3f}" if np.isfinite(correlation) else ""
    return f"overlap {overlap:.2f}{alike}"


def register(app: Dash) -> None:
    """Choose a cell on the image or step to it, and draw it."""

    @app.callback(
        Output("compare-clicked", "data"),
        Input("compare-outlines", "clickData"),
        Input("compare-a", "value"),
        Input("compare-b", "value"),
        Input("compare-accepted", "value"),
        Input("compare-overlap", "value"),
        prevent_initial_call=True,
    )
    def pick(clicked: dict[str, Any] | None, *_: Any) -> Any:
        # Rows are of what is compared now: with other sides they would be other cells.
        if ctx.triggered_id != "compare-outlines" or not clicked:
            return None
        place = clicked["points"][0].get("customdata")
        return place if isinstance(place, list) and len(place) == 2 else no_update

    @app.callback(
        Output("compare-clicked", "data", allow_duplicate=True),
        inputs={
            "_back": Input("compare-previous", "n_clicks"),
            "_on": Input("compare-next", "n_clicks"),
            "place": State("compare-clicked", "data"),
            "sides": dict(SIDES),
        },
        prevent_initial_call=True,
    )
    def step(_back: int | None, _on: int | None, place: list[int] | None, sides: Mapping[str, Any]) -> Any:
        if sides["identifier"] is None:
            return no_update
        try:
            _, pair = compared(sides)
        except FluoriteError:  # the outlines say it
            return no_update
        return stepped(pair, place, -1 if ctx.triggered_id == "compare-previous" else 1)

    @app.callback(
        Output("compare-traces", "figure"),
        Output("compare-cell", "children"),
        Output("compare-outlines", "figure", allow_duplicate=True),
        inputs={
            "place": Input("compare-clicked", "data"),
            "kind": Input("compare-kind", "value"),
            "view": State("compare-view", "value"),
            "sides": dict(SIDES),
        },
        prevent_initial_call=True,
    )
    def draw_traces(
        place: list[int] | None, kind: str, view: str | None, sides: Mapping[str, Any]
    ) -> tuple[Any, Any, Any]:
        if sides["identifier"] is None or kind not in _KINDS:
            return no_update, no_update, no_update
        if place is None:
            return message_figure(_NO_CELL), "", no_update
        try:
            _, pair = compared(sides)
        except FluoriteError as error:
            return message_figure(error.cause), "", no_update
        row_a, row_b = place
        if row_a >= len(pair.shown_a.table) or row_b >= len(pair.shown_b.table):
            return message_figure(_NO_CELL), "", no_update
        marked = Patch()
        marked["layout"]["shapes"] = mark_shapes(pair, row_a, row_b, on_top=view == "top")
        return pair_traces_figure(pair, row_a, row_b, kind), _words(pair, row_a, row_b), marked
