"""The dialogue that copies a table of stimuli to other samples of the project."""

from __future__ import annotations

from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.fields import choice
from app.components.markup import aria, clientside
from app.stimuli.edits import Copied, copy_stimuli
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError


def copy_dialogue() -> Component:
    """The dialogue; the samples are listed when it is opened."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Copy to other samples")),
            dbc.ModalBody(
                [
                    dbc.Input(id="stimulus-copy-search", type="search", placeholder="Search samples", size="sm"),
                    dbc.Checklist(id="stimulus-copy-samples", options=[], value=[], className="stimulus-samples"),
                    html.Div(
                        [
                            choice(
                                "stimulus-copy-existing",
                                "Samples that have some already",
                                (("refuse", "leave as they are"), ("replace", "replace theirs")),
                            ),
                            choice(
                                "stimulus-copy-beyond",
                                "Outside their recording",
                                (("cut", "shorten, or leave out"), ("keep", "keep"), ("refuse", "refuse the sample")),
                            ),
                        ],
                        className="stimulus-fields",
                    ),
                    html.Div(id="stimulus-copy-outcome", **aria(live="polite")),
                ]
            ),
            dbc.ModalFooter(dbc.Button("Copy", id="stimulus-copy-do", color="primary")),
        ],
        id="stimulus-copy",
        is_open=False,
    )


def copy_targets(workspace: Workspace, identifier: str, words: str | None = None) -> list[dict[str, str]]:
    """The other samples of the project that can be edited: name and identifier; `words` are looked for in the name."""
    wanted = (words or "").casefold().split()
    return [
        {"label": row["name"].removesuffix(".nwb"), "value": row["identifier"]}
        for row in workspace.catalogue.samples()
        if row["status"] == "ok"
        and row["identifier"] != identifier
        and all(word in row["name"].casefold() for word in wanted)
    ]


def copied_list(copied: list[Copied]) -> Component:
    """What came of it, sample by sample."""
    return html.Ul(
        [
            html.Li([html.Strong(f"{one.sample}: "), one.said], className="" if one.done else "is-error")
            for one in copied
        ],
        className="stimulus-problems",
    )


def register(app: Dash) -> None:
    """Add the dialogue's callbacks."""
    clientside(
        app,
        "stimulusCopy",
        Output("stimulus-copy", "is_open"),
        Output("stimulus-copy-target", "data"),
        Input("stimulus-copy-open", "n_clicks"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("stimulus-copy-samples", "options"),
        Output("stimulus-copy-outcome", "children"),
        Input("stimulus-copy-target", "data"),
        Input("stimulus-copy-search", "value"),
        prevent_initial_call=True,
    )
    def list_samples(target: dict[str, Any] | None, words: str | None) -> tuple[Any, Any]:
        if not target:
            return no_update, no_update
        found = copy_targets(current_workspace(), target["identifier"], words)
        return found, None if found else html.P("There is no such other sample.", className="muted")

    @app.callback(
        Output("stimulus-copy-outcome", "children", allow_duplicate=True),
        Input("stimulus-copy-do", "n_clicks"),
        State("stimulus-copy-samples", "value"),
        State("stimulus-copy-existing", "value"),
        State("stimulus-copy-beyond", "value"),
        State("stimulus-copy-target", "data"),
        State("actor", "value"),
        running=[(Output("stimulus-copy-do", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def copy(
        clicks: int | None, samples: list[str] | None, existing: Any, beyond: Any, target: Any, actor: str | None
    ) -> Any:
        if not clicks or not target:
            return no_update
        workspace = current_workspace()
        try:
            copied = copy_stimuli(
                workspace,
                workspace.samples.get(target["identifier"]),
                target["key"],
                samples or [],
                moments=target["moments"],
                existing=existing,
                beyond=beyond,
                actor=actor_of(actor),
            )
        except FluoriteError as error:
            return html.P(str(error), className="is-error")
        return copied_list(copied)
