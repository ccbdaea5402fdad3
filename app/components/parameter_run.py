"""Processing with the parameters of the form: a movie or the movie of a sample, once or once for every combination."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.addresses import compare_url
from app.components.markup import aria
from app.components.parameter_view import FIELD, typed
from app.components.run_fields import FROM_FILE, recorded_fields, run_states, run_target, sample_options
from app.field_names import field_words
from app.formatting import count
from app.parameters.form import Reading, read_form
from app.parameters.runs import start_runs
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError, ParameterError


def run_card(workspace: Workspace, sample: str | None = None) -> Component:
    """What to process with these parameters."""
    return html.Section(
        [
            html.H2("Process with these", id="parameters-run-title"),
            html.Div(id="parameters-summary", className="parameter-summary"),
            html.Label(
                [
                    "The movie of a sample",
                    dbc.Select(
                        [{"label": "a file, below", "value": FROM_FILE}, *sample_options(workspace)],
                        sample or FROM_FILE,
                        id="parameters-sample",
                        size="sm",
                    ),
                ]
            ),
            html.Label(
                [
                    "A movie file on this computer",
                    dbc.Input(
                        id="parameters-movie", type="text", size="sm", className="path-input", autocomplete="off",
                        placeholder="/data/mouse1/recording.tif",
                    ),
                ]
            ),
            html.Div(
                [
                    *recorded_fields("parameters", lambda label, control: html.Label([label, control])),
                    html.Label(
                        [
                            "Engine",
                            dbc.Select(
                                [
                                    {"label": "Automatic", "value": "auto"},
                                    {"label": "Built-in", "value": "builtin"},
                                    {"label": "CaImAn", "value": "caiman"},
                                ],
                                "auto",
                                id="parameters-engine",
                                size="sm",
                            ),
                        ]
                    ),
                ],
                className="parameter-run-fields",
            ),
            html.Div(id="parameters-run-said", role="status", className="form-message"),
            dbc.Button("Find the cells", id="parameters-run", color="primary", className="w-100"),
            html.Small(
                "Several values in a field, such as 4; 5; 6, make one run for each. A file becomes a sample each time; "
                "the movie of a sample gets variants beside it, to compare and choose from.",
                className="field-hint",
            ),
        ],
        className="card-panel",
        **aria(labelledby="parameters-run-title"),
    )  # fmt: skip


def button_text(reading: Reading) -> str:
    """What the button says."""
    return "Find the cells" if reading.n_runs == 1 else f"Start {count(reading.n_runs, 'run')}"


def register(app: Dash) -> None:
    """Add the card's callbacks."""
    fields = {"type": FIELD, "key": ALL}

    @app.callback(
        Output("parameters-run", "children"),
        Output("parameters-run", "disabled"),
        Input(fields, "value"),
        Input("parameters-preset", "data"),
        State(fields, "id"),
    )
    def offer(values: list[str | None], preset: Mapping[str, Any], ids: list[dict[str, str]]) -> tuple[str, bool]:
        reading = read_form(preset["preset"], typed(ids, values))
        return button_text(reading), bool(reading.errors)

    @app.callback(
        Output("parameters-run-said", "children"),
        Output("parameters-run-said", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        inputs={
            "clicks": Input("parameters-run", "n_clicks"),
            "target": run_states("parameters", "engine"),
            "preset": State("parameters-preset", "data"),
            "values": State(fields, "value"),
            "ids": State(fields, "id"),
            "actor": State("actor", "value"),
        },
        running=[(Output("parameters-run", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def run(
        clicks: int | None,
        target: Mapping[str, Any],
        preset: Mapping[str, Any],
        values: list[str | None],
        ids: list[dict[str, str]],
        actor: str | None,
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        reading = read_form(preset["preset"], typed(ids, values))
        asked = run_target(target)
        try:
            if reading.errors:
                raise ParameterError("the parameters", "cannot be used as they are", "Correct what is listed above.")
            jobs = start_runs(current_workspace(), asked, reading, actor=actor_of(actor))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        text = [f"Started {count(len(jobs), 'run')}. ", dcc.Link("Watch on the project page", href="/")]
        if asked.sample:
            text += [", then ", dcc.Link("compare", href=compare_url(asked.sample)), "."]
        return text, "form-message is-done", uuid.uuid4().hex
