"""The form "Process a movie"."""

from __future__ import annotations

import uuid
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria
from app.field_names import SERIES_LABEL, field_words
from app.formatting import count
from app.process_request import FormValues, submit_form
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError

_NOT_YET = "(not yet: import CaImAn's results)"
_PRESETS = [
    {"label": "Two-photon (CNMF)", "value": "2p"},
    {"label": "One-photon, miniscope (CNMF-E)", "value": "1p"},
]
_ENGINES = [
    {"label": "Automatic", "value": "auto"},
    {"label": "Built-in", "value": "builtin"},
    {"label": f"CaImAn {_NOT_YET}", "value": "caiman", "disabled": True},
]


def process_card() -> Component:
    """The form, empty."""
    return html.Section(
        [
            html.H2("Process a movie", id="process-title"),
            _field(
                "process-movies",
                "Movie",
                dcc.Textarea(
                    id="process-movies",
                    placeholder="/data/mouse1/recording.tif",
                    className="form-control path-input",
                    rows=2,
                    spellCheck=False,
                ),
                hint="A file on this computer; several, one a line.",
                action=html.Button("Browse…", id="browse-open", type="button", className="text-button"),
            ),
            dbc.Switch(id="process-series", label=f"{SERIES_LABEL}, in this order", value=False),
            html.Div(
                [
                    _field("process-preset", "Kind of recording", dbc.Select(_PRESETS, "2p", id="process-preset")),
                    _field(
                        "process-subject",
                        "Subject",
                        dbc.Input(id="process-subject", type="text", placeholder="m1", autoComplete="off"),
                    ),
                    _field(
                        "process-session",
                        "Session",
                        dbc.Input(id="process-session", type="text", placeholder="from the file", autoComplete="off"),
                    ),
                    _field(
                        "process-rate",
                        "Frame rate (Hz)",
                        dbc.Input(id="process-rate", type="text", placeholder="from the file", autoComplete="off"),
                    ),
                    _field("process-engine", "Engine", dbc.Select(_ENGINES, "auto", id="process-engine")),
                ],
                className="field-grid",
            ),
            _advanced(),
            dcc.Loading(
                html.Div(id="process-message", role="status", className="form-message"), type="dot", delay_show=400
            ),
            dbc.Button("Find the cells", id="process-start", color="primary", className="w-100"),
        ],
        className="card-panel",
        **aria(labelledby="process-title"),
    )


def _advanced() -> Component:
    """How to read a movie whose file does not say; folded away because most files do."""
    texts = [
        ("axes", "Axes", "TYX", "The order of the axes: time, slice Z, channel C, height Y, width X"),
        ("dataset", "Dataset", "/mov", "The dataset of the movie in an HDF5 or NWB file"),
        ("plane", "Plane", "0", "Which plane of several, from 0"),
        ("channel", "Channel", "0", "Which channel of several, from 0"),
    ]
    fields = [
        html.Div(
            _field(
                f"process-{name}",
                label,
                dbc.Input(id=f"process-{name}", type="text", placeholder=example, autoComplete="off"),
            ),
            title=help_text,
        )
        for name, label, example, help_text in texts
    ]
    return html.Details(
        [
            html.Summary("Advanced"),
            html.P("Only for a file that does not say how it is to be read.", className="field-hint"),
            html.Div(fields, className="field-grid is-even"),
        ],
        id="process-advanced",
        className="form-fold",
    )


def _field(
    control_id: str, label: str, control: Component, hint: str | None = None, action: Component | None = None
) -> Component:
    head: list[Component] = [html.Label(label, htmlFor=control_id)]
    if action is not None:
        head.append(action)
    parts: list[Component] = [html.Div(head, className="field-head"), control]
    if hint is not None:
        parts.append(html.Small(hint, className="field-hint"))
    return html.Div(parts, className="field")


def register(app: Dash) -> None:
    """Add the form's callbacks."""

    @app.callback(
        Output("process-message", "children"),
        Output("process-message", "className"),
        Output("jobs-submitted", "data"),
        Output("process-movies", "value", allow_duplicate=True),
        Input("process-start", "n_clicks"),
        State("process-movies", "value"),
        State("process-series", "value"),
        State("process-rate", "value"),
        State("process-preset", "value"),
        State("process-engine", "value"),
        State("process-subject", "value"),
        State("process-session", "value"),
        State("process-axes", "value"),
        State("process-plane", "value"),
        State("process-channel", "value"),
        State("process-dataset", "value"),
        running=[(Output("process-start", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def start(
        clicks: int | None,
        movies: str | None,
        series: bool,
        rate: str | None,
        preset: str,
        engine: str,
        subject: str | None,
        session: str | None,
        axes: str | None,
        plane: str | None,
        channel: str | None,
        dataset: str | None,
    ) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update, no_update
        form = FormValues(movies, bool(series), rate, preset, engine, subject, session, axes, plane, channel, dataset)
        try:
            jobs = submit_form(current_workspace().project, form)
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update, no_update
        return f"Started {count(len(jobs), 'job')}; see below.", "form-message is-done", uuid.uuid4().hex, ""
