"""The parts of the page on checks and export, and their callbacks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.background.callbacks import background_callback
from app.components import folder_picker
from app.components.fields import field
from app.components.grid_theme import THEME
from app.components.markup import aria
from app.export_request import (
    check_thoroughly,
    default_folder,
    last_export,
    sample_row,
    size_text,
    start_export,
    with_findings,
)
from app.formatting import clock_time, count, duration
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from nwb_schema.project import Project
from pipeline.jobs import Job, JobState


def samples_to_export() -> Component:
    """The table of samples; it is filled when the page is there."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Samples", id="export-samples-title"),
                    html.Span("Looking at the samples\u2026", id="export-summary", className="muted", role="status"),
                    html.Span(
                        [
                            html.Button(
                                "Choose all that are ready", id="export-ready", type="button", className="text-button"
                            ),
                            html.Button(
                                "Check the chosen thoroughly", id="export-check", type="button", className="text-button"
                            ),
                            html.Button(
                                "Stop", id="export-check-stop", type="button", className="text-button is-hidden"
                            ),
                            html.Span(id="export-check-progress", className="muted", role="status"),
                        ],
                        className="browse-form",
                    ),
                ],
                className="card-head",
            ),
            dag.AgGrid(
                id="export-grid",
                rowData=[],
                columnDefs=[
                    {
                        "field": "name",
                        "headerName": "Sample",
                        "cellRenderer": "BrowseLink",
                        "flex": 4,
                        "minWidth": 200,
                    },
                    {"field": "size", "headerName": "Size", "width": 96, "type": "rightAligned"},
                    {"field": "movie", "headerName": "Movie", "width": 84},
                    {"field": "errors", "headerName": "Blocks", "width": 84, "type": "rightAligned"},
                    {"field": "warnings", "headerName": "Warnings", "width": 100, "type": "rightAligned"},
                    {
                        "field": "first",
                        "headerName": "What blocks",
                        "flex": 5,
                        "minWidth": 160,
                        "tooltipField": "first",
                    },
                ],
                defaultColDef={"sortable": True, "resizable": True},
                getRowId="params.data.path",
                dashGridOptions={
                    "theme": THEME,
                    "rowSelection": {
                        "mode": "multiRow",
                        "checkboxes": True,
                        "headerCheckbox": True,
                        "isRowSelectable": {"function": "params.data.ours"},
                    },
                    "rowClassRules": {"is-refused": "params.data.errors > 0", "is-there": "!params.data.ours"},
                    "rowHeight": 34,
                    "headerHeight": 36,
                    "tooltipShowDelay": 300,
                    "suppressNoRowsOverlay": True,
                    "pagination": True,
                    "paginationPageSize": 50,
                    "paginationPageSizeSelector": False,
                    "domLayout": "autoHeight",
                },
                className="fluorite-grid is-clickable",
                style={"height": None},
            ),
            html.Div(id="export-findings", className="export-findings", **aria(live="polite")),
        ],
        className="card-panel",
        **aria(labelledby="export-samples-title"),
    )


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
    """What the callbacks hand to one another, and the dialogue to pick the folder."""
    return [
        # New with every visit: what the table is filled with is looked at anew.
        dcc.Store(id="export-open", data=uuid.uuid4().hex),
        dcc.Store(id="export-checked", data=None),
        folder_picker.folder_dialogue("export", "Choose the folder of the export"),
    ]


def findings_list(row: Mapping[str, Any] | None) -> list[Component]:
    """What was found in one sample, and where each is seen to."""
    if row is None:
        return []
    if not row["findings"]:
        return [html.H3(row["name"]), html.P("Nothing was found.", className="empty-hint")]
    return [
        html.H3(row["name"]),
        html.Ul(
            [
                html.Li(
                    [
                        html.Span(one["severity"], className=f"finding-severity is-{one['severity']}"),
                        html.Span(f"{one['message'][:1].upper()}{one['message'][1:]}. ", className="finding-text"),
                        html.Span(f"{one['remedy']} ", className="muted"),
                        dcc.Link(f"{one['place']} \u2192", href=one["href"]) if one["href"] else None,
                        html.Span(one["source"], className="finding-source") if one["source"] != "fluorite" else None,
                    ]
                )
                for one in row["findings"]
            ],
            className="finding-list",
        ),
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


def check_them(
    report: Callable[[Any], None],
    clicks: int | None,
    visit: str,
    selected: Any,
    rows: Sequence[Mapping[str, Any]],
) -> Any:
    """Background callback: what all checkers find in the chosen samples.

    Parameters
    ----------
    clicks, visit
        Different every time, so that nobody is given what was found for another page.
    """
    paths = [Path(row["path"]) for row in rows if row["path"] in _chosen(selected)]
    if not clicks or not paths:
        return None
    return check_thoroughly(paths, lambda done, total: report([f"{done} of {count(total, 'sample')}"]))


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    folder_picker.register(app, "export", "export-folder", lambda: current_workspace().project.folder)
    background_callback(
        app,
        check_them,
        Output("export-checked", "data"),
        Input("export-check", "n_clicks"),
        State("export-open", "data"),
        State("export-grid", "selectedRows"),
        State("export-grid", "rowData"),
        progress=Output("export-check-progress", "children"),
        at_rest="",
        running=[
            (Output("export-check", "disabled"), True, False),
            (Output("export-check-stop", "className"), "text-button", "text-button is-hidden"),
        ],
        cancel=Input("export-check-stop", "n_clicks"),
    )

    @app.callback(
        Output("export-grid", "rowData"),
        Output("export-grid", "selectedRows"),
        Output("export-summary", "children"),
        Input("export-open", "data"),
    )
    def fill(_visit: str | None) -> tuple[Any, Any, str]:
        rows = [_grid_row(sample_row(path)) for path in current_workspace().project.sample_paths()]
        return rows, _ready(rows), _summary(rows)

    @app.callback(
        Output("export-grid", "rowData", allow_duplicate=True),
        Output("export-summary", "children", allow_duplicate=True),
        Output("export-check-progress", "children", allow_duplicate=True),
        Input("export-checked", "data"),
        State("export-grid", "rowData"),
        prevent_initial_call=True,
    )
    def take_in(checked: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> tuple[Any, Any, Any]:
        if not checked:
            return no_update, no_update, no_update
        new = [_grid_row(with_findings(row, checked.get(row["path"], row["findings"]))) for row in rows]
        return new, _summary(new), f"Checked {count(len(checked), 'sample')} with nwbinspector and dandi validate."

    @app.callback(
        Output("export-grid", "selectedRows", allow_duplicate=True),
        Input("export-ready", "n_clicks"),
        State("export-grid", "rowData"),
        prevent_initial_call=True,
    )
    def choose_ready(clicks: int | None, rows: Sequence[Mapping[str, Any]]) -> Any:
        return _ready(rows) if clicks else no_update

    @app.callback(
        Output("export-findings", "children"),
        Input("export-grid", "cellClicked"),
        Input("export-grid", "rowData"),
        prevent_initial_call=True,
    )
    def show_findings(clicked: Mapping[str, Any] | None, rows: Sequence[Mapping[str, Any]]) -> Any:
        asked = (clicked or {}).get("rowId")
        row = next((row for row in rows if row["path"] == asked), None)
        return findings_list(row or next((row for row in rows if row["errors"]), None))

    @app.callback(
        Output("export-start", "children"),
        Output("export-start", "disabled"),
        Input("export-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any) -> tuple[str, bool]:
        chosen = _chosen(selected)
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
        names = [Path(path).name for path in _chosen(selected)]
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


def _grid_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "size": size_text(row["megabytes"])}


def _summary(rows: Sequence[Mapping[str, Any]]) -> str:
    ready = sum(row["ready"] for row in rows)
    blocked = sum(row["errors"] > 0 for row in rows)
    if not rows:
        return "No sample yet: process a movie first."
    return f"{ready} of {count(len(rows), 'sample')} ready" + (f", {blocked} blocked" if blocked else "")


def _ready(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    return {"ids": [row["path"] for row in rows if row["ready"]]}


def _chosen(selected: Any) -> list[str]:
    """The paths of the selected rows: of rows, or of ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["path"]) for one in selected or [] if one.get("ours")]
