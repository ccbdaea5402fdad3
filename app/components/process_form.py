"""The form "Process a movie"."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.adding.movie_facts import movie_facts
from app.adding.process_request import FormValues, submit_form
from app.adding.recording_details import subject_line
from app.components.fields import field
from app.components.markup import aria
from app.components.recording_fields import (
    NOTHING,
    PRESETS,
    READING_FIELDS,
    custom_fields,
    engine_options,
    parameter_options,
    session_fields,
    subject_fields,
    subject_suggestions,
)
from app.field_names import SERIES_LABEL, field_words
from app.formatting import count
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError, MetadataError
from nwb_schema.subjects import read_subjects


def process_card(workspace: Workspace) -> Component:
    """The form, empty."""
    project = workspace.project
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Process a movie", id="process-title"),
                    html.Span(
                        [
                            dcc.Link("Many at once \u2192", href="/batch", className="text-button"),
                            dcc.Link("Import results \u2192", href="/import", className="text-button"),
                        ],
                        className="card-links",
                    ),
                ],
                className="card-head",
            ),
            field(
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
            html.Div(id="process-facts", className="movie-facts", role="status"),
            dbc.Switch(id="process-series", label=f"{SERIES_LABEL}, in this order", value=False),
            html.Div(
                [
                    field("process-preset", "Kind of recording", dbc.Select(PRESETS, "2p", id="process-preset")),
                    field(
                        "process-subject",
                        "Subject",
                        dbc.Input(
                            id="process-subject",
                            type="text",
                            placeholder="m1",
                            autoComplete="off",
                            list="process-subjects",
                        ),
                    ),
                    field(
                        "process-session",
                        "Session",
                        dbc.Input(id="process-session", type="text", placeholder="the file's name", autoComplete="off"),
                    ),
                    html.Div(id="process-subject-known", className="field-hint is-full", role="status"),
                    field(
                        "process-rate",
                        "Frame rate (Hz)",
                        dbc.Input(id="process-rate", type="text", placeholder="from the file", autoComplete="off"),
                    ),
                    field("process-engine", "Engine", dbc.Select(engine_options(project), "auto", id="process-engine")),
                ],
                className="field-grid",
            ),
            subject_suggestions(project, "process-subjects"),
            field(
                "process-parameters",
                "Parameters",
                dbc.Select(parameter_options(project), NOTHING, id="process-parameters"),
                action=dcc.Link("Change\u2026", href="/parameters", className="text-button"),
            ),
            _columns(workspace),
            _known(workspace),
            _advanced(),
            dcc.Loading(
                html.Div(id="process-message", role="status", className="form-message"), type="dot", delay_show=400
            ),
            dbc.Button("Find the cells", id="process-start", color="primary", className="w-100"),
        ],
        className="card-panel",
        **aria(labelledby="process-title"),
    )


def _columns(workspace: Workspace) -> Component:
    """The project's custom columns, which are asked for first of all: they are why there is a project."""
    fields = custom_fields("process", workspace)
    return html.Div(fields, className="field-grid is-even", id="process-columns", hidden=not fields)


def _known(workspace: Workspace) -> Component:
    """What else is known of the recording; folded away, because table of subjects and lab defaults know most of it."""
    project = workspace.project
    return html.Details(
        [
            html.Summary("Animal and session"),
            html.P("Left empty, what the movie, the table of subjects and the lab defaults say counts."),
            html.Div(subject_fields("process", project), className="field-grid is-even"),
            dbc.Switch(id="process-remember", label="Keep this animal in the table of subjects", value=False),
            html.Div(session_fields("process", project), className="field-grid is-even"),
        ],
        id="process-details",
        className="form-fold",
    )


def _advanced() -> Component:
    """How to read a movie whose file does not say; folded away because most files do."""
    fields = [
        html.Div(
            field(
                f"process-{one.name}",
                one.label,
                dbc.Input(id=f"process-{one.name}", type="text", placeholder=one.example, autoComplete="off"),
            ),
            title=one.help,
        )
        for one in READING_FIELDS
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


def named(ids: Sequence[Mapping[str, str]], values: Sequence[Any]) -> dict[str, Any]:
    """``{name: value}`` of fields whose ids have a name."""
    return {id_["name"]: value for id_, value in zip(ids, values, strict=True)}


def register(app: Dash) -> None:
    """Add the form's callbacks."""
    details, custom = {"type": "process-detail", "name": ALL}, {"type": "process-custom", "name": ALL}

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
        State("process-parameters", "value"),
        State(details, "id"),
        State(details, "value"),
        State(custom, "id"),
        State(custom, "value"),
        State("process-remember", "value"),
        State("actor", "value"),
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
        parameters: str | None,
        detail_ids: Sequence[Mapping[str, str]],
        detail_values: Sequence[str | None],
        custom_ids: Sequence[Mapping[str, str]],
        custom_values: Sequence[Any],
        remember: bool,
        actor: str | None,
    ) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update, no_update
        form = FormValues(
            movies,
            bool(series),
            rate,
            preset,
            engine,
            subject,
            session,
            axes,
            plane,
            channel,
            dataset,
            parameters,
            named(detail_ids, detail_values),
            named(custom_ids, custom_values),
            bool(remember),
        )
        try:
            jobs = submit_form(current_workspace().project, form, actor=actor_of(actor))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update, no_update
        return f"Started {count(len(jobs), 'job')}; see below.", "form-message is-done", uuid.uuid4().hex, ""

    @app.callback(
        Output("process-facts", "children"),
        Output("process-facts", "className"),
        Input("process-movies", "value"),
        Input("process-series", "value"),
        Input("process-preset", "value"),
        Input("process-rate", "value"),
        Input("process-axes", "value"),
        Input("process-dataset", "value"),
        Input("process-message", "className"),
        prevent_initial_call=True,
    )
    def look(
        movies: str | None,
        series: bool,
        preset: str,
        rate: str | None,
        axes: str | None,
        dataset: str | None,
        _said: str,
    ) -> tuple[Any, Any]:
        options: dict[str, Any] = {"volume": preset == "3d", "axes": (axes or "").strip() or None}
        options["dataset"] = (dataset or "").strip() or None
        # What is typed now may be half a number.
        typed_rate = (rate or "").strip().replace(",", ".")
        if typed_rate.replace(".", "", 1).isdecimal():
            options["frame_rate_hz"] = float(typed_rate)
        default_rate_hz = current_workspace().project.configuration().defaults.get("imaging_rate_hz")
        facts = movie_facts(movies, options, series=bool(series), default_rate_hz=default_rate_hz)
        if facts.problem:
            advice = " Type it into the field Frame rate." if facts.lacks_rate else ""
            return field_words(facts.problem) + advice, "movie-facts is-problem"
        return facts.text, "movie-facts"

    @app.callback(
        Output("process-subject-known", "children"), Input("process-subject", "value"), prevent_initial_call=True
    )
    def know(subject: str | None) -> str:
        try:
            return subject_line(read_subjects(current_workspace().project.subjects_path), subject or "")
        except MetadataError as error:
            return str(error)
