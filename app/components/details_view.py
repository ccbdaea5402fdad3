"""The form in which what is known of a sample is looked at and corrected."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.fields import field, labelled
from app.components.markup import aria
from app.components.process_form import named
from app.components.recording_fields import NOTHING, PRESETS, custom_fields, engine_options, parameter_options
from app.field_names import field_words
from app.samples.details import (
    GROUPS,
    ShownField,
    custom_columns,
    custom_texts,
    edits_of,
    from_subjects_table,
    save_details,
    shown_fields,
    start_again,
)
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import FluoriteError

_LONG = ("session.session_description", "session.experiment_description", "session.notes")


def details_form(
    workspace: Workspace, sample: SampleData | None, problem: str | None = None, said: str = ""
) -> Component:
    """The form of one sample; without a sample, only its parts are there.

    Parameters
    ----------
    problem
        Why nothing of it can be changed, or None.
    said
        What was just done.
    """
    state = read_state(sample.path) if sample is not None and sample.summary.is_ours else None
    fields = shown_fields(state) if state is not None else []
    writable = problem is None
    own = custom_fields("edit", workspace, state.custom, disabled=not writable) if state is not None else []
    return html.Div(
        [
            html.P(problem, className="notice") if problem else None,
            _card("Columns of this project", own, "details-columns") if own else None,
            *(
                _card(
                    title,
                    [_field(one, disabled=not writable) for one in fields if one.group == title],
                    f"details-{group}",
                    action=html.Button(
                        "Fill in from the table of subjects",
                        id="details-from-table",
                        type="button",
                        className="text-button",
                        hidden=not writable,
                    )
                    if group == "subject"
                    else None,
                )
                for group, title in GROUPS.items()
            ),
            html.Div(
                [
                    dbc.Input(id="details-reason", type="text", size="sm", placeholder="Why? (kept with the change)"),
                    dbc.Button("Save", id="details-save", color="primary", size="sm"),
                    html.Span(said, id="details-said", role="status", className="details-said is-done"),
                ],
                className="details-foot",
                hidden=not writable,
            ),
            dcc.Store(id="details-sample", data=None if sample is None else sample.name),
            dcc.Store(id="details-shown", data=_shown(workspace, state)),
        ],
        className="details-form",
    )


def again_card(workspace: Workspace, sample: SampleData | None) -> Component:
    """The form that processes the sample's movie again with other parameters."""
    summary = None if sample is None else sample.summary
    own = {"label": "as it was made", "value": NOTHING}
    project = workspace.project
    return html.Section(
        [
            html.H2("Find its cells anew", id="again-title"),
            html.P(
                "The sample's registered movie is processed with other parameters, and what is found replaces its "
                "cells. Stimuli and metadata stay; tags and decisions go over to the cells that are the same; undo "
                "brings the former ones back.",
                className="muted",
            ),
            html.Div(
                [
                    field(
                        "again-preset",
                        "Starting point",
                        dbc.Select([own, *PRESETS], NOTHING, id="again-preset", size="sm"),
                    ),
                    field(
                        "again-parameters",
                        "What is changed",
                        dbc.Select(parameter_options(project, "nothing"), NOTHING, id="again-parameters", size="sm"),
                    ),
                    field(
                        "again-engine",
                        "Engine",
                        dbc.Select(engine_options(project), "auto", id="again-engine", size="sm"),
                    ),
                    field(
                        "again-reason",
                        "Why (optional)",
                        dbc.Input(id="again-reason", type="text", size="sm", autoComplete="off"),
                    ),
                ],
                className="details-grid",
            ),
            html.Div(
                [
                    dbc.Button("Find the cells anew", id="again-start", size="sm", color="primary", outline=True),
                    html.Span(id="again-said", role="status", className="details-said"),
                ],
                className="browse-form",
            ),
        ],
        className="card-panel again-card",
        hidden=not (summary and summary.is_ours and summary.has_movie and project.writable),
        **aria(labelledby="again-title"),
    )


def _card(title: str, fields: Sequence[Component], name: str, action: Component | None = None) -> Component:
    return html.Section(
        [
            html.Div([html.H2(title, id=f"{name}-title"), action], className="card-head"),
            html.Div(fields, className="details-grid"),
        ],
        className="card-panel",
        **aria(labelledby=f"{name}-title"),
    )


def _field(one: ShownField, *, disabled: bool) -> Component:
    id_ = {"type": "edit-field", "name": one.name}
    common: dict[str, Any] = {"id": id_, "value": one.text, "disabled": disabled, "size": "sm"}
    if one.name in _LONG:
        control: Component = dbc.Textarea(**common, rows=2)
    else:
        control = dbc.Input(**common, type="text", placeholder=one.example, autoComplete="off")
    shown = labelled(one.label, control, one.name)
    words = "Nobody gave it; publishing needs it."
    if one.stand_in:
        words += f" {one.stand_in} stands for it: type it if it is right."
    missing = html.Small(words, className="is-missing") if one.missing else None
    return html.Div([shown, missing], className="is-wide" if one.name in _LONG else "")


def _shown(workspace: Workspace, state: SampleState | None) -> dict[str, Any]:
    if state is None:
        return {"version": "", "fields": {}, "custom": {}}
    return {
        "version": state.version,
        "fields": {one.name: one.text for one in shown_fields(state)},
        "custom": custom_texts(custom_columns(workspace.project), state),
    }


def register(app: Dash) -> None:
    """Add the form's callbacks."""
    fields, custom = {"type": "edit-field", "name": ALL}, {"type": "edit-custom", "name": ALL}

    @app.callback(
        Output("details-wrap", "children"),
        Output("details-said", "children"),
        Output("details-said", "className"),
        Input("details-save", "n_clicks"),
        State(fields, "id"),
        State(fields, "value"),
        State(custom, "id"),
        State(custom, "value"),
        State("details-shown", "data"),
        State("details-sample", "data"),
        State("details-reason", "value"),
        State("actor", "value"),
        running=[(Output("details-save", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def save(
        clicks: int | None,
        field_ids: Sequence[Mapping[str, str]],
        values: Sequence[str | None],
        custom_ids: Sequence[Mapping[str, str]],
        custom_values: Sequence[Any],
        shown: Mapping[str, Any],
        name: str | None,
        reason: str | None,
        actor: str | None,
    ) -> tuple[Any, Any, Any]:
        if not clicks or name is None:
            return no_update, no_update, no_update
        workspace = current_workspace()
        try:
            sample = workspace.samples.get(name)
            columns = custom_columns(workspace.project)
            typed, own = named(field_ids, values), named(custom_ids, custom_values)
            edits = edits_of(shown["fields"], typed, shown["custom"], own, columns)
            said = save_details(
                workspace.project,
                sample.path,
                edits,
                actor=actor_of(actor),
                reason=(reason or "").strip(),
                based_on=shown["version"],
            )
            # Drawn anew: "90 days" has become P90D, and what was missing is not missing any more.
            return details_form(workspace, workspace.samples.get(name), said=said), no_update, no_update
        except FluoriteError as error:
            return no_update, str(error), "details-said is-error"

    @app.callback(
        Output("again-said", "children"),
        Output("again-said", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Input("again-start", "n_clicks"),
        State("again-preset", "value"),
        State("again-parameters", "value"),
        State("again-engine", "value"),
        State("again-reason", "value"),
        State("details-sample", "data"),
        State("actor", "value"),
        running=[(Output("again-start", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def again(
        clicks: int | None,
        preset: str,
        parameters: str | None,
        engine: str,
        reason: str | None,
        name: str | None,
        actor: str | None,
    ) -> tuple[Any, Any, Any]:
        if not clicks or name is None:
            return no_update, no_update, no_update
        workspace = current_workspace()
        try:
            start_again(
                workspace.project,
                workspace.samples.get(name).path,
                preset=preset,
                parameters=parameters,
                engine=engine,
                reason=(reason or "").strip(),
                actor=actor_of(actor),
            )
        except FluoriteError as error:
            return field_words(str(error)), "details-said is-error", no_update
        started = html.Span(["Started: ", dcc.Link("see the jobs", href="/"), "."])
        return started, "details-said is-done", uuid.uuid4().hex

    @app.callback(
        Output(fields, "value"),
        Output("details-said", "children", allow_duplicate=True),
        Input("details-from-table", "n_clicks"),
        State(fields, "id"),
        State(fields, "value"),
        State("details-sample", "data"),
        prevent_initial_call=True,
    )
    def fill_in(
        clicks: int | None, ids: Sequence[Mapping[str, str]], values: Sequence[str | None], name: str | None
    ) -> tuple[Any, Any]:
        if not clicks or name is None:
            return [no_update] * len(ids), no_update
        workspace = current_workspace()
        try:
            row = from_subjects_table(workspace.project, workspace.samples.get(name).path)
        except FluoriteError as error:
            return [no_update] * len(ids), str(error)
        filled = [row.get(id_["name"], value) for id_, value in zip(ids, values, strict=True)]
        return filled, "Filled in from the table of subjects; look at it and save."
