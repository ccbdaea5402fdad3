"""Which movies of which folder, what their names say, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, ctx, html, no_update
from dash.development.base_component import Component

from app.adding.batch_request import BatchForm, first_names, said
from app.components import folder_picker
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
    subject_suggestions,
)
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError

_EXAMPLES = ("{subject}_{session}_{date}", "{subject}_{session}_{rest}", "{subject}/{session}")


def batch_form(workspace: Workspace) -> Component:
    """Which movies, and what holds for all of them."""
    project = workspace.project
    own = [f"{{{column.name}}}" for column in project.configuration().of_kind(ColumnKind.CUSTOM, hidden=False)]
    custom = custom_fields("batch", workspace)
    return html.Section(
        [
            html.H2("Which movies", id="batch-title"),
            field(
                "batch-folder",
                "Folder",
                dbc.Input(
                    id="batch-folder", type="text", className="path-input", placeholder="/data/2026-03", debounce=True
                ),
                action=html.Button("Browse\u2026", id="batch-pick", type="button", className="text-button"),
            ),
            field(
                "batch-pattern",
                "What their names say",
                dbc.Input(
                    id="batch-pattern",
                    type="text",
                    className="path-input",
                    value=_EXAMPLES[0],
                    autoComplete="off",
                ),
            ),
            html.Div(
                [
                    html.Span("Such as ", className="muted"),
                    *(
                        html.Button(
                            example,
                            id={"type": "batch-example", "text": example},
                            type="button",
                            className="text-button",
                        )
                        for example in _EXAMPLES
                    ),
                ],
                className="batch-examples",
            ),
            html.P(
                [
                    "Fields: ",
                    html.Code(" ".join(["{subject} {session} {date} {time}", *own])),
                    "; ",
                    html.Code("{*}"),
                    " is anything, ",
                    html.Code("{rest}"),
                    " all that remains, ",
                    html.Code("/"),
                    " a folder. An unusual date: ",
                    html.Code("{date:ddmmyy}"),
                    ".",
                ],
                className="field-hint",
            ),
            html.Div(id="batch-names", className="batch-names", **aria(live="polite")),
            html.H2("What holds for all of them"),
            html.Div(
                [
                    field("batch-preset", "Kind of recording", dbc.Select(PRESETS, "2p", id="batch-preset")),
                    field(
                        "batch-parameters",
                        "Parameters",
                        dbc.Select(parameter_options(project), NOTHING, id="batch-parameters"),
                    ),
                    field("batch-engine", "Engine", dbc.Select(engine_options(project), "auto", id="batch-engine")),
                    field(
                        "batch-subject",
                        "Subject",
                        dbc.Input(
                            id="batch-subject",
                            type="text",
                            placeholder="from the name",
                            autoComplete="off",
                            list="batch-subjects",
                        ),
                    ),
                    field(
                        "batch-frame_rate",
                        "Frame rate (Hz)",
                        dbc.Input(id="batch-frame_rate", type="text", placeholder="from the files", autoComplete="off"),
                    ),
                    *custom,
                ],
                className="batch-common",
            ),
            subject_suggestions(project, "batch-subjects"),
            html.Details(
                [
                    html.Summary("Session"),
                    html.Div(session_fields("batch", project), className="batch-common"),
                ],
                className="form-fold",
            ),
            html.Details(
                [
                    html.Summary("Advanced"),
                    html.P("Only for files that do not say how they are to be read.", className="field-hint"),
                    html.Div(
                        [
                            field(
                                f"batch-{one.name}",
                                one.label,
                                dbc.Input(
                                    id=f"batch-{one.name}",
                                    type="text",
                                    placeholder=one.example,
                                    autoComplete="off",
                                    size="sm",
                                ),
                            )
                            for one in READING_FIELDS
                        ],
                        className="batch-common",
                    ),
                ],
                className="form-fold",
            ),
            html.Div(
                [
                    dbc.Button("Look at the movies", id="batch-look", color="primary"),
                    html.Button("Stop", id="batch-stop", type="button", className="text-button is-hidden"),
                    html.Span(id="batch-progress", role="status", className="muted"),
                ],
                className="browse-form",
            ),
            html.Div(id="batch-problem", role="alert"),
        ],
        className="card-panel",
        **aria(labelledby="batch-title"),
    )


def register(app: Dash) -> None:
    """Pick the folder, and show at once what the first names say."""
    folder_picker.register(app, "batch", "batch-folder", lambda: current_workspace().project.folder.parent)

    @app.callback(
        Output("batch-pattern", "value"),
        Input({"type": "batch-example", "text": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def take_example(clicks: Sequence[int | None]) -> Any:
        asked: Any = ctx.triggered_id
        return asked["text"] if any(clicks) and isinstance(asked, dict) else no_update

    @app.callback(Output("batch-names", "children"), Input("batch-folder", "value"), Input("batch-pattern", "value"))
    def read_names(folder: str | None, pattern: str | None) -> Any:
        if not (folder or "").strip():
            return None
        try:
            names = first_names(current_workspace().project, BatchForm(folder or "", pattern or ""))
        except FluoriteError as error:
            return html.P(said(error), className="is-error")
        if not names:
            return html.P("No movie there. A / in the pattern goes one folder down.", className="is-error")
        return html.Ul(
            [
                html.Li(
                    [html.Code(name), html.Span(f" \u2192 {read}", className="" if fits else "is-error")],
                )
                for name, read, fits in names
            ]
        )
