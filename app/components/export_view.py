"""The form of the page on checks and export, and what the last export made; the table: `export_samples`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components import folder_picker
from app.components.export_samples import chosen_paths
from app.components.fields import field
from app.components.markup import aria
from app.export_request import (
    default_folder,
    last_export,
    size_text,
    start_export,
)
from app.formatting import clock_time, count, duration
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from pipeline.jobs import Job, JobState


def export_form(project: Project) -> Component:
    """Where to, with what, and the button."""
    return html.Section(
        [
            html.H2("Export for DANDI", id="export-title"),
            field(
                "export-folder",
                "Folder",
                dbc.Input(id="export-folder", type="text", className="path-input", value=str(default_folder(project))),
                "What is there already, and did not change, is left alone.",
                html.Button("Browse\u2026", id="export-pick", type="button", className="text-button"),
            ),
            dbc.Switch(id="export-movies", label="With the registered movies", value=True),
            dbc.Switch(id="export-anyway", label="Export all the same (for a colleague, not for DANDI)", value=False),
            html.Div(id="export-said", role="status", className="form-message"),
            dbc.Button("Export", id="export-start", color="primary", className="w-100", disabled=True),
            html.P(
                "One self-contained file a sample, without the paths and user names of this computer; every value is "
                "compared with the sample, and the files are validated. Nothing is uploaded.",
                className="field-hint export-promise",
            ),
        ],
        className="card-panel",
        **aria(labelledby="export-title"),
    )


def export_result(project: Project) -> Component:
    """What the last export made, and how it is uploaded."""
    return html.Div(result_card(last_export(project)), id="export-result")


def export_stores() -> list[Component]:
    """The dialogue to pick the folder."""
    return [
        folder_picker.folder_dialogue("export", "Choose the folder of the export"),
    ]


def result_card(job: Job | None) -> Component | None:
    """The last export: its files with what was found in them, and the commands that upload it."""
    if job is None or not job.state.ended or job.state is JobState.CANCELLED:
        return None
    if job.state is not JobState.OK:
        return html.Section(
            [html.H2("The last export"), html.P(job.error, className="form-message is-error")], className="card-panel"
        )
    report = job.result
    commands = "\n".join(report["upload"])
    errors = sum(one["severity"] == "error" for file in report["files"] for one in file["findings"])
    took = duration(job.ended_at - job.started_at) if job.ended_at and job.started_at else ""
    verdict = (
        "Validated: nothing stands in the way of an upload."
        if report["ok"]
        else f"{count(errors, 'error')} in the files: DANDI would refuse them."
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("The last export"),
                    html.Span(f"{clock_time(job.ended_at)} \u00b7 {took}", className="muted"),
                ],
                className="card-head",
            ),
            html.P(verdict, className=f"form-message {'is-done' if report['ok'] else 'is-error'}"),
            html.Ul([_file_entry(file) for file in report["files"]], className="export-files"),
            *(html.P(f"Left out: {one['sample']}: {one['reason']}", className="muted") for one in report["left_out"]),
            html.Div(
                [
                    html.H3("To upload it" if report["ok"] else "When it is corrected"),
                    html.Div(
                        [
                            html.Pre(commands, id="export-commands", className="export-commands"),
                            dcc.Clipboard(target_id="export-commands", className="export-copy", title="Copy"),
                        ],
                        className="export-command-box",
                    ),
                    html.Small(
                        [
                            "Make a dandiset on the web site (\u201cNew Dandiset\u201d), write its six digits in ",
                            html.Code("dandiset.yaml"),
                            " in that folder, and set ",
                            html.Code("DANDI_API_KEY"),
                            ".",
                        ],
                        className="field-hint",
                    ),
                ]
            ),
        ],
        className="card-panel",
    )


def _file_entry(file: Mapping[str, Any]) -> Component:
    done = "unchanged" if file["unchanged"] else f"{size_text(file['bytes'] / 1e6)}, {duration(file['seconds'])}"
    worst = [one for one in file["findings"] if one["severity"] != "suggestion"]
    return html.Li(
        [
            html.Span(Path(file["file"]).name, className="export-file"),
            html.Span(f" {done}", className="muted"),
            html.Ul(
                [
                    html.Li(
                        [
                            html.Span(one["severity"], className=f"finding-severity is-{one['severity']}"),
                            html.Span(f"{one['message']}. {one['remedy']}"),
                        ]
                    )
                    for one in worst
                ],
                className="finding-list",
            )
            if worst
            else None,
        ]
    )


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    folder_picker.register(app, "export", "export-folder", lambda: current_workspace().project.folder)

    @app.callback(
        Output("export-start", "children"),
        Output("export-start", "disabled"),
        Input("export-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any) -> tuple[str, bool]:
        chosen = chosen_paths(selected)
        return (f"Export {count(len(chosen), 'sample')}" if chosen else "Export"), not chosen

    @app.callback(
        Output("export-said", "children"),
        Output("export-said", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Input("export-start", "n_clicks"),
        State("export-grid", "selectedRows"),
        State("export-folder", "value"),
        State("export-movies", "value"),
        State("export-anyway", "value"),
        State("actor", "value"),
        running=[(Output("export-folder", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def start(
        clicks: int | None, selected: Any, folder: str | None, movies: bool, anyway: bool, actor: str | None
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        names = [Path(path).name for path in chosen_paths(selected)]
        try:
            start_export(
                current_workspace().project,
                names,
                folder or "",
                keep_movie=bool(movies),
                allow_blockers=bool(anyway),
                actor=actor_of(actor),
            )
        except FluoriteError as error:
            return str(error), "form-message is-error", no_update
        return "Started; see the job below.", "form-message is-done", uuid.uuid4().hex

    @app.callback(Output("export-result", "children"), Input("jobs-state", "data"), prevent_initial_call=True)
    def show_result(_jobs: Any) -> Any:
        return result_card(last_export(current_workspace().project))
