"""The parts of the configuration page and their callbacks."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.components.default_fields import default_fields
from app.components.grid_theme import THEME
from app.components.markup import aria
from app.configuration_changes import (
    KINDS,
    change_columns,
    change_subjects_cells,
    column_rows,
    default_texts,
    move_column,
    new_column,
    set_defaults,
    subject_rows,
)
from app.workspace import current_workspace
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.errors import FluoriteError, MetadataError
from nwb_schema.project import Project
from nwb_schema.subjects import SUBJECT_FIELDS, change_subject, import_subjects, remove_subject

_LARGEST_TABLE = 2**20


def columns_card(project: Project, kind: ColumnKind) -> Component:
    """The columns of one kind: a table whose cells are edited, and a line to add one."""
    title, text = KINDS[kind]
    name = kind.value
    typed = kind is not ColumnKind.STIMULUS
    return html.Section(
        [
            html.Div([html.H2(title), html.Span(text, className="muted")], className="card-head"),
            dag.AgGrid(
                id={"type": "columns", "kind": name},
                rowData=column_rows(project, kind),
                columnDefs=_column_definitions(typed=typed, editable=project.writable),
                defaultColDef={"resizable": True, "sortable": False, "flex": 1, "minWidth": 90},
                getRowId="params.data.key",
                dashGridOptions={
                    "theme": THEME,
                    "domLayout": "autoHeight",
                    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                    "rowHeight": 34,
                    "headerHeight": 36,
                    "singleClickEdit": False,
                    "stopEditingWhenCellsLoseFocus": True,
                    "suppressNoRowsOverlay": True,
                },
                className="fluorite-grid",
                style={"height": None},
            ),
            html.Div(
                [
                    dbc.Input(
                        id={"type": "column-name", "kind": name},
                        type="text",
                        size="sm",
                        placeholder="Name of another",
                    ),
                    dbc.Select(
                        id={"type": "column-type", "kind": name},
                        options=[{"label": one.value, "value": one.value} for one in ColumnType],
                        value=ColumnType.TEXT.value,
                        size="sm",
                        className="" if typed else "is-hidden",
                    ),
                    dbc.Input(
                        id={"type": "column-words", "kind": name},
                        type="text",
                        size="sm",
                        placeholder="allowed values: a, b (optional)",
                        className="is-wide" if typed else "is-hidden",
                    ),
                    dbc.Button("Add", id={"type": "column-add", "kind": name}, size="sm", color="primary"),
                    html.Button(
                        "Move up", id={"type": "column-up", "kind": name}, type="button", className="text-button"
                    ),
                    html.Button(
                        "Move down", id={"type": "column-down", "kind": name}, type="button", className="text-button"
                    ),
                    html.Span(id={"type": "column-said", "kind": name}, className="browse-problem", role="alert"),
                ],
                className="browse-form",
                hidden=not project.writable,
            ),
        ],
        className="card-panel",
    )


def _column_definitions(*, typed: bool, editable: bool) -> list[dict[str, Any]]:
    shown = [
        {"field": "name", "headerName": "Name", "editable": editable, "minWidth": 140},
        {
            "field": "type",
            "headerName": "Values",
            "editable": editable,
            "cellEditor": "agSelectCellEditor",
            "cellEditorParams": {"values": [one.value for one in ColumnType]},
        },
        {
            "field": "vocabulary",
            "headerName": "Allowed values",
            "headerTooltip": "Separated by commas; empty allows any",
            "editable": editable,
            "flex": 2,
        },
        {
            "field": "replacement",
            "headerName": "Where not given",
            "headerTooltip": "The value of samples and cells that were not given one",
            "editable": editable,
        },
        {"field": "description", "headerName": "Description", "editable": editable, "flex": 2},
        {"field": "shown", "headerName": "Shown", "editable": editable, "cellRenderer": "agCheckboxCellRenderer"},
    ]
    return shown if typed else [one for one in shown if one["field"] in ("name", "description", "shown")]


def defaults_card(project: Project) -> Component:
    """The lab defaults: what new samples get where neither movie nor metadata file says it."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Lab defaults"),
                    html.Span("What new samples get where nothing else says it.", className="muted"),
                ],
                className="card-head",
            ),
            html.Div(
                default_fields("default", default_texts(project), disabled=not project.writable),
                className="defaults-grid",
            ),
            html.Div(
                [
                    dbc.Button("Save", id="defaults-save", size="sm", color="primary"),
                    html.Span(id="defaults-said", role="status", className="browse-problem"),
                ],
                className="browse-form",
                hidden=not project.writable,
            ),
        ],
        className="card-panel",
    )


def subjects_card(project: Project) -> Component:
    """The table of subjects, from which samples take what they need to know of the animal."""
    try:
        rows, problem = subject_rows(project), ""
    except MetadataError as error:
        rows, problem = [], str(error)
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Subjects"),
                    html.Span("Typed once; every sample of a subject is filled in from here.", className="muted"),
                ],
                className="card-head",
            ),
            dag.AgGrid(
                id="subjects",
                rowData=rows,
                columnDefs=[
                    {
                        "field": name,
                        "headerName": _subject_label(name),
                        "editable": project.writable and name != "subject_id",
                    }
                    for name in SUBJECT_FIELDS
                ],
                defaultColDef={"resizable": True, "flex": 1, "minWidth": 90},
                getRowId="params.data.subject_id",
                dashGridOptions={
                    "theme": THEME,
                    "domLayout": "autoHeight",
                    "rowSelection": {"mode": "singleRow", "checkboxes": False, "enableClickSelection": True},
                    "rowHeight": 34,
                    "headerHeight": 36,
                    "stopEditingWhenCellsLoseFocus": True,
                    "suppressNoRowsOverlay": True,
                },
                className="fluorite-grid",
                style={"height": None},
            ),
            html.Div(
                [
                    dbc.Input(id="subject-id", type="text", size="sm", placeholder="Id of a new subject"),
                    dbc.Button("Add", id="subject-add", size="sm", color="primary"),
                    html.Button("Remove the selected", id="subject-remove", type="button", className="text-button"),
                    dcc.Upload(
                        html.Button("Import CSV", type="button", className="text-button"),
                        id="subjects-import",
                        accept=".csv,.tsv,text/csv",
                        max_size=_LARGEST_TABLE,
                    ),
                    html.Span(problem, id="subjects-said", className="browse-problem", role="alert"),
                ],
                className="browse-form",
                hidden=not project.writable,
            ),
        ],
        className="card-panel",
        **aria(label="Subjects"),
    )


def _subject_label(name: str) -> str:
    return "Subject" if name == "subject_id" else name.replace("_", " ").capitalize()


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    for kind in KINDS:
        _register_columns(app, kind)

    @app.callback(
        Output("defaults-said", "children"),
        Input("defaults-save", "n_clicks"),
        State({"type": "default", "name": ALL}, "id"),
        State({"type": "default", "name": ALL}, "value"),
        prevent_initial_call=True,
    )
    def save_defaults(_clicks: Any, ids: Sequence[Mapping[str, str]], values: Sequence[str | None]) -> str:
        given = {one["name"]: value for one, value in zip(ids, values, strict=True)}
        return _tried(lambda: set_defaults(current_workspace().project, given)) or "Saved."

    @app.callback(
        Output("subjects", "rowData"),
        Output("subjects-said", "children"),
        Input("subjects", "cellValueChanged"),
        Input("subject-add", "n_clicks"),
        Input("subject-remove", "n_clicks"),
        Input("subjects-import", "contents"),
        State("subject-id", "value"),
        State("subjects", "selectedRows"),
        prevent_initial_call=True,
    )
    def change_subjects(
        edited: Any, _add: Any, _remove: Any, contents: str | None, subject_id: str | None, selected: Any
    ) -> tuple[Any, Any]:
        project = current_workspace().project
        chosen = selected[0]["subject_id"] if isinstance(selected, list) and selected else ""
        changes: dict[Any, Callable[[], object]] = {
            "subjects": lambda: change_subjects_cells(project, edited),
            "subject-add": lambda: change_subject(project.subjects_path, subject_id or "", {}),
            "subject-remove": lambda: remove_subject(project.subjects_path, chosen),
            "subjects-import": lambda: _import(project, contents or ""),
        }
        problem = _tried(changes[ctx.triggered_id])
        try:
            return subject_rows(project), problem
        except MetadataError as error:
            return no_update, problem or str(error)


def _register_columns(app: Dash, kind: ColumnKind) -> None:
    def part(name: str) -> dict[str, str]:
        return {"type": name, "kind": kind.value}

    @app.callback(
        Output(part("columns"), "rowData"),
        Output(part("column-said"), "children"),
        Output(part("column-name"), "value"),
        Input(part("columns"), "cellValueChanged"),
        Input(part("column-add"), "n_clicks"),
        Input(part("column-name"), "n_submit"),
        Input(part("column-up"), "n_clicks"),
        Input(part("column-down"), "n_clicks"),
        State(part("column-name"), "value"),
        State(part("column-type"), "value"),
        State(part("column-words"), "value"),
        State(part("columns"), "selectedRows"),
        prevent_initial_call=True,
    )
    def change(
        edited: Any, _a: Any, _s: Any, _u: Any, _d: Any, name: Any, type_: Any, vocabulary: Any, selected: Any
    ) -> tuple[Any, Any, Any]:
        project = current_workspace().project
        chosen = selected[0]["key"] if isinstance(selected, list) and selected else ""
        asked = ctx.triggered_id["type"]
        changes: dict[str, Callable[[], object]] = {
            "columns": lambda: change_columns(project, kind, edited),
            "column-add": lambda: new_column(project, kind, name, type_, vocabulary),
            "column-name": lambda: new_column(project, kind, name, type_, vocabulary),
            "column-up": lambda: move_column(project, kind, chosen, -1),
            "column-down": lambda: move_column(project, kind, chosen, 1),
        }
        if asked in ("column-up", "column-down") and not chosen:
            return no_update, "Select a row first.", no_update
        problem = _tried(changes[asked])
        added = asked in ("column-add", "column-name") and not problem
        return column_rows(project, kind), problem, "" if added else no_update


def _tried(change: Callable[[], object]) -> str:
    """Make a change; why it cannot be made, or nothing."""
    try:
        current_workspace().project.require_writable()
        change()
    except (FluoriteError, ValueError) as error:
        return str(error)
    return ""


def _import(project: Project, contents: str) -> None:
    """Take in a table of subjects that the browser sent as a data URL."""
    try:
        table = base64.b64decode(contents.partition(",")[2], validate=True)
    except (ValueError, binascii.Error) as error:
        raise MetadataError("upload", "did not arrive whole", "Try again.") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "subjects.csv"
        path.write_bytes(table)
        import_subjects(project.subjects_path, path)
