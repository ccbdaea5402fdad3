"""Taking a sample out of the project, and putting it back."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.markup import clientside
from app.formatting import local_moment
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from nwb_schema.trash import restore_sample, trash_sample, trashed_samples


def trash_button(*, writable: bool) -> list[Component]:
    """A button for the sample's page, and the question whether it is meant."""
    return [
        html.Button(
            "Move to trash\u2026",
            id="trash-open",
            type="button",
            className="text-button is-quiet",
            hidden=not writable,
        ),
        dbc.Modal(
            [
                dbc.ModalHeader(dbc.ModalTitle("Move this sample to the trash?")),
                dbc.ModalBody(
                    [
                        html.P("File, movie and history are kept in the project's trash, and can be restored."),
                        html.P(id="trash-problem", className="form-message is-error", role="alert"),
                    ]
                ),
                dbc.ModalFooter(dbc.Button("Move to trash", id="trash-confirm", color="danger")),
            ],
            id="trash-dialogue",
            is_open=False,
        ),
        dcc.Store(id="trash-done", data=None),
    ]


def trash_card(project: Project) -> Component:
    """What is in the trash; hidden while it is empty."""
    return html.Div(
        [
            html.Details(
                trash_list(project),
                id="trash-card",
                className="card-panel trash-card",
                hidden=not trashed_samples(project),
            ),
            dcc.Store(id="trash-restored"),
        ]
    )


def trash_list(project: Project, problem: str = "") -> list[Component]:
    """The samples in the trash with a button each to put them back."""
    found = trashed_samples(project)
    rows = [
        html.Div(
            [
                html.Span(one.name.removesuffix(".nwb"), className="trash-name"),
                html.Span(f"{local_moment(one.at)} {one.actor}".strip(), className="muted"),
                html.Button(
                    "Restore",
                    type="button",
                    className="text-button",
                    id={"type": "trash-restore", "folder": one.folder.name, "name": one.name},
                    disabled=not project.writable,
                ),
            ],
            className="trash-row",
        )
        for one in found
    ]
    return [
        html.Summary(f"Trash ({len(found)})"),
        html.P(problem, className="form-message is-error", role="alert"),
        *rows,
    ]


def register(app: Dash) -> None:
    """Add the callbacks."""
    clientside(app, "leaveSample", Output("trash-problem", "title"), Input("trash-done", "data"))

    @app.callback(Output("trash-dialogue", "is_open"), Input("trash-open", "n_clicks"), prevent_initial_call=True)
    def ask(clicks: int | None) -> bool:
        return bool(clicks)

    @app.callback(
        Output("trash-done", "data"),
        Output("trash-problem", "children"),
        Input("trash-confirm", "n_clicks"),
        State("sample-identifier", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def put_away(clicks: int | None, identifier: str | None, actor: str | None) -> tuple[Any, Any]:
        if not clicks or identifier is None:
            return no_update, no_update
        workspace = current_workspace()
        try:
            trash_sample(workspace.project, workspace.samples.get(identifier).path, actor=actor_of(actor))
        except FluoriteError as error:
            return no_update, str(error)
        return clicks, ""

    @app.callback(
        Output("trash-card", "children"),
        Output("trash-card", "hidden"),
        Output("trash-restored", "data"),
        Input({"type": "trash-restore", "folder": ALL, "name": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def put_back(clicks: list[int | None]) -> tuple[Any, Any, Any]:
        if not any(clicks) or not isinstance(ctx.triggered_id, dict):
            return no_update, no_update, no_update
        project = current_workspace().project
        problem = ""
        try:
            restore_sample(project, ctx.triggered_id["name"])
        except FluoriteError as error:
            problem = str(error)
        return trash_list(project, problem), not trashed_samples(project) and not problem, sum(filter(None, clicks))
