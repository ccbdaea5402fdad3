"""From what was chosen on the page to a set of parameters, or to cells."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.markup import aria
from app.components.parameter_view import single, start_options, summary
from app.components.recording_fields import READING_FIELDS
from app.components.run_fields import recorded_fields, run_states, run_target
from app.components.tune.fields import FIELDS, TYPED, labelled, reading_of
from app.field_names import field_words
from app.parameters.runs import start_runs
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.parameter_sets import save_parameter_set


def use_card(writable: bool) -> Component:
    """From what was chosen to a set of parameters, or to cells."""
    return html.Section(
        [
            html.H2("Use these", id="tune-use-title"),
            html.Div(id="tune-summary", className="parameter-summary"),
            html.Div(
                [
                    *recorded_fields("tune", labelled),
                    labelled(
                        "Name of the set",
                        dbc.Input(
                            id="tune-name", type="text", size="sm", maxLength=80, autocomplete="off",
                            disabled=not writable,
                        ),
                    ),
                ],
                className="parameter-run-fields tune-fields",
            ),
            html.Div(id="tune-use-said", role="status", className="form-message"),
            html.Div(
                [
                    dbc.Button("Find the cells", id="tune-run", color="primary", disabled=not writable),
                    dbc.Button(
                        "Save as a set", id="tune-save", color="primary", outline=True, disabled=not writable
                    ),
                ],
                className="tune-buttons",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-use-title"),
    )  # fmt: skip


def register(app: Dash) -> None:
    """Say what was chosen, keep it, or start with it."""

    @app.callback(
        Output("tune-summary", "children"),
        inputs={
            "base": Input("tune-base", "data"),
            "values": Input(FIELDS, "value"),
            "ids": State(FIELDS, "id"),
        },
    )
    def summarise(**sent: Any) -> list[Component]:
        return summary(reading_of(sent))

    @app.callback(
        Output("tune-use-said", "children"),
        Output("tune-use-said", "className"),
        Output("tune-start", "options"),
        inputs={
            "clicks": Input("tune-save", "n_clicks"),
            "name": State("tune-name", "value"),
            "sent": dict(TYPED),
        },
        prevent_initial_call=True,
    )
    def save(clicks: int | None, name: str | None, sent: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        project = current_workspace().project
        try:
            reading = reading_of(sent)
            saved = save_parameter_set(project, name or "", single(reading))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        said = [
            f"Saved as the set “{saved.name}”. ",
            dcc.Link("All parameters", href=f"/parameters?start=set:{saved.name}"),
        ]
        return said, "form-message is-done", start_options(project)

    @app.callback(
        Output("tune-use-said", "children", allow_duplicate=True),
        Output("tune-use-said", "className", allow_duplicate=True),
        Output("jobs-submitted", "data", allow_duplicate=True),
        inputs={
            "clicks": Input("tune-run", "n_clicks"),
            "target": run_states("tune", "crop", "resize", *(one.name for one in READING_FIELDS)),
            "sent": dict(TYPED),
            "actor": State("actor", "value"),
        },
        running=[(Output("tune-run", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def run(
        clicks: int | None, target: Mapping[str, Any], sent: Mapping[str, Any], actor: str | None
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        part = {"crop": target["crop"] or "", "resize": float(target["resize"])}
        try:
            reading = reading_of(sent)
            single(reading)
            start_runs(current_workspace(), run_target({**target, **part}), reading, actor=actor_of(actor))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        said = ["Started. ", dcc.Link("Watch on the project page", href="/")]
        return said, "form-message is-done", uuid.uuid4().hex
