"""Letting one of the results become the sample's cells."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
import numpy as np
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.addresses import sample_url
from app.components.compare.sides import compared
from app.formatting import count
from app.samples.compared import SAMPLE, Side
from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.edits.identity import MIN_IOU, match_rois
from nwb_schema.errors import FluoriteError


def choose_buttons(writable: bool) -> Component:
    """The buttons, and the dialogue that asks once more."""
    return html.Div(
        [
            dbc.Button("Use A", id="compare-use-a", color="secondary", outline=True, size="sm", disabled=True),
            dbc.Button("Use B", id="compare-use-b", color="secondary", outline=True, size="sm", disabled=True),
            dbc.Modal(
                [
                    dbc.ModalHeader(dbc.ModalTitle("Let this result become the sample's cells?")),
                    dbc.ModalBody(
                        [
                            html.Div(id="compare-question"),
                            html.Label(
                                [html.Span("Why (kept with the edit)"), dbc.Input(id="compare-reason", maxLength=200)],
                                className="compare-reason",
                            ),
                            html.P(id="compare-choose-problem", className="form-message is-error", role="alert"),
                        ]
                    ),
                    dbc.ModalFooter(
                        dbc.Button("Use this one", id="compare-confirm", color="primary", disabled=not writable)
                    ),
                ],
                id="compare-dialogue",
                is_open=False,
            ),
            dcc.Store(id="compare-wanted", data=None),
            dcc.Location(id="compare-reload", refresh=True),
        ],
        className="compare-choose",
    )


def can_choose(side: Side) -> bool:
    """Whether it is another result than the sample has."""
    return side.id != SAMPLE and side.variant is not None and not side.variant.is_chosen


def question(sample: SampleData, side: Side) -> list[Component]:
    """What will happen when this result is chosen, in words."""
    matched, _ = match_rois(sample.footprints, side.cells.footprints)
    n_matched, n_old = int(np.sum(matched >= 0)), count(len(sample.rois), "ROI")
    return [
        html.P([html.Strong(side.title), f" ({side.made_by}), {count(len(side.cells.table), 'ROI')}."]),
        html.Ul(
            [
                html.Li(
                    f"{n_matched} of the sample's {n_old} are found again (overlap of at least {MIN_IOU:g}): they keep "
                    "identity, tags and decisions."
                ),
                html.Li("Others that carry a tag or a decision stay, marked deleted; drawn ones stay as they are."),
                html.Li("It is one edit: undo brings the present cells back. All results files stay."),
            ]
        ),
    ]


def register(app: Dash) -> None:
    """Ask, then choose."""

    @app.callback(
        Output("compare-dialogue", "is_open"),
        Output("compare-wanted", "data"),
        Output("compare-question", "children"),
        Input("compare-use-a", "n_clicks"),
        Input("compare-use-b", "n_clicks"),
        State("compare-a", "value"),
        State("compare-b", "value"),
        State("compare-identifier", "data"),
        prevent_initial_call=True,
    )
    def ask(first: int | None, second: int | None, a: str, b: str, identifier: str | None) -> tuple[Any, Any, Any]:
        if identifier is None or not (first or second):
            return no_update, no_update, no_update
        wanted = a if ctx.triggered_id == "compare-use-a" else b
        try:
            sample, pair = compared(
                {"identifier": identifier, "a": wanted, "b": wanted, "accepted": False, "overlap": None}
            )
        except FluoriteError as error:
            return True, None, str(error)
        return True, wanted, question(sample, pair.a)

    @app.callback(
        Output("compare-reload", "href"),
        Output("compare-choose-problem", "children"),
        Input("compare-confirm", "n_clicks"),
        State("compare-wanted", "data"),
        State("compare-reason", "value"),
        State("compare-identifier", "data"),
        State("actor", "value"),
        running=[(Output("compare-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def choose(
        clicks: int | None, wanted: str | None, reason: str | None, identifier: str | None, actor: str | None
    ) -> tuple[Any, Any]:
        if not clicks or wanted is None or identifier is None:
            return no_update, no_update
        from pipeline.variants.choosing import choose_variant

        workspace = current_workspace()
        try:
            path = workspace.samples.get(identifier).path
            choose_variant(workspace.project, path, wanted, actor=actor_of(actor), reason=reason or "")
        except FluoriteError as error:
            return no_update, str(error)
        return sample_url(identifier), ""
