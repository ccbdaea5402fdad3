"""The page for many movies: folder and pattern, what becomes of each file, start.

::

    fields ── "Look" ── background `look_at` (progress, stop) ──> batch-plan ──> table
    chosen rows ── "Start" ── background `check_them` (progress) ──> batch-checked ── `start` ──> message, jobs

Opening a hundred movies takes a minute on a slow disk, so both are background callbacks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.adding.batch_request import (
    BatchForm,
    check_chosen,
    first_names,
    in_field_words,
    plan,
    said,
    start_checked,
    summary,
)
from app.background.callback_project import background_project
from app.components import folder_picker
from app.components.fields import field
from app.components.grid_theme import THEME
from app.components.markup import aria
from app.components.process_form import named
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
from app.formatting import count
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError

_EXAMPLES = ("{subject}_{session}_{date}", "{subject}_{session}_{rest}", "{subject}/{session}")
_COMMON = ("preset", "engine", "subject", "frame_rate", "parameters", "axes", "plane", "channel", "dataset")


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


def batch_result() -> Component:
    """What becomes of each file; empty until somebody looked."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("What becomes of them", id="batch-plan-title"),
                    html.Span(id="batch-summary", className="muted", role="status"),
                ],
                className="card-head",
            ),
            html.Div(
                dag.AgGrid(
                    id="batch-grid",
                    rowData=[],
                    columnDefs=plan_columns(()),
                    defaultColDef={"sortable": True, "resizable": True, "minWidth": 80},
                    getRowId="params.data.name",
                    dashGridOptions={
                        "theme": THEME,
                        "rowSelection": {
                            "mode": "multiRow",
                            "checkboxes": True,
                            "headerCheckbox": True,
                            "isRowSelectable": {"function": "params.data.state === 'ready'"},
                        },
                        "rowClassRules": {
                            "is-refused": "params.data.state === 'refused'",
                            "is-there": "params.data.state === 'there'",
                        },
                        "rowHeight": 34,
                        "headerHeight": 36,
                        "tooltipShowDelay": 300,
                        "suppressNoRowsOverlay": True,
                        "pagination": True,
                        "paginationPageSize": 100,
                        "paginationPageSizeSelector": False,
                        "domLayout": "autoHeight",
                    },
                    className="fluorite-grid",
                    style={"height": None},
                ),
                id="batch-table",
                hidden=True,
            ),
            html.Div(
                [
                    html.P("Choose a folder and look at its movies first.", className="empty-title"),
                    html.P("Nothing is started before you have seen what becomes of every file."),
                ],
                id="batch-empty",
                className="empty-hint is-large",
            ),
            html.Div(
                [
                    dbc.Button("Start", id="batch-start", color="primary", disabled=True),
                    html.Span(id="batch-said", role="status"),
                ],
                id="batch-foot",
                className="browse-form",
                hidden=True,
            ),
        ],
        className="card-panel",
        **aria(labelledby="batch-plan-title"),
    )


def batch_stores() -> list[Component]:
    """What the callbacks hand to one another, and the dialogue to pick the folder."""
    return [
        # With the number of clicks a nonce: nobody is given what a background callback found for another page.
        dcc.Store(id="batch-visit", data=uuid.uuid4().hex),
        dcc.Store(id="batch-plan", data=None),
        dcc.Store(id="batch-checked", data=None),
        folder_picker.folder_dialogue("batch", "Choose the folder with the movies"),
    ]


def plan_columns(fields: Sequence[str]) -> list[dict[str, Any]]:
    """The table's columns: the file, what it becomes or why nothing does, and what else its name says."""
    return [
        {"field": "name", "headerName": "File", "flex": 4, "minWidth": 180, "tooltipField": "file"},
        {
            "field": "becomes",
            "headerName": "Becomes, or why not",
            "flex": 6,
            "minWidth": 220,
            "wrapText": True,
            "autoHeight": True,
            "cellClass": "is-wrapped",
        },
        *(
            {"field": f"field_{number}", "headerName": name, "flex": 1, "minWidth": 104}
            for number, name in enumerate(fields)
            if name not in ("subject", "session")  # which are in the sample's name
        ),
    ]


def plan_rows(planned: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> list[dict[str, Any]]:
    """The table's rows."""
    return [
        {
            **{key: one[key] for key in ("file", "name", "state")},
            "becomes": _fate(one),
            **{f"field_{number}": one["fields"].get(name, "") for number, name in enumerate(fields)},
        }
        for one in planned
    ]


def _fate(one: Mapping[str, Any]) -> str:
    sample = one["sample"].removesuffix(".nwb").removesuffix("_ophys")
    return {"ready": sample, "there": f"in the project already: {sample}", "refused": one["problem"]}[one["state"]]


def look_at(report: Callable[[Any], None], clicks: int | None, visit: str, *typed: Any) -> Any:
    """Background callback: what becomes of every movie of the folder.

    Parameters
    ----------
    clicks, visit
        Different every time, so that nobody is given what was found for another page.
    typed
        Folder and pattern, the fields of `_COMMON`, and ids and values of details and custom columns.
    """
    if not clicks:
        return None
    folder, pattern, *common, detail_ids, detail_values, custom_ids, custom_values = typed
    asked: dict[str, Any] = {
        "folder": folder or "",
        "pattern": pattern or "",
        "common": {
            **dict(zip(_COMMON, common, strict=True)),
            "details": named(detail_ids, detail_values),
            "custom": named(custom_ids, custom_values),
        },
    }
    try:
        form = BatchForm(asked["folder"], asked["pattern"], asked["common"])
        planned = plan(background_project(), form, _reporting(report))
    except FluoriteError as error:
        return {"problem": said(error), "rows": [], "fields": []}
    rows = [in_field_words(one.as_dict()) for one in planned]
    fields = list(dict.fromkeys(name for one in rows for name in one["fields"]))
    return {"problem": "", "rows": rows, "fields": fields, "asked": asked}


def check_them(
    report: Callable[[Any], None], clicks: int | None, visit: str, selected: Any, found: Mapping[str, Any] | None
) -> Any:
    """Background callback: look once more at the chosen movies; `clicks` and `visit` as in `look_at`."""
    names = _chosen(selected)
    if not clicks or not names or not found:
        return None
    try:
        checked = check_chosen(background_project(), BatchForm(**found["asked"]), names, _reporting(report))
    except FluoriteError as error:
        return {"problem": said(error), "checked": []}
    return {"problem": "", "checked": checked, "nonce": f"{visit}-{clicks}"}


def _reporting(report: Callable[[Any], None]) -> Callable[[int, int], None]:
    return lambda done, total: report([f"{done} of {count(total, 'movie')}"])


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    folder_picker.register(app, "batch", "batch-folder", lambda: current_workspace().project.folder.parent)
    details, custom = {"type": "batch-detail", "name": ALL}, {"type": "batch-custom", "name": ALL}
    app.callback(
        Output("batch-plan", "data"),
        Input("batch-look", "n_clicks"),
        State("batch-visit", "data"),
        State("batch-folder", "value"),
        State("batch-pattern", "value"),
        *(State(f"batch-{name}", "value") for name in _COMMON),
        State(details, "id"),
        State(details, "value"),
        State(custom, "id"),
        State(custom, "value"),
        prevent_initial_call=True,
        background=True,
        progress=[Output("batch-progress", "children")],
        progress_default=[""],
        running=[
            (Output("batch-look", "disabled"), True, False),
            (Output("batch-stop", "className"), "text-button", "text-button is-hidden"),
        ],
        cancel=[Input("batch-stop", "n_clicks")],
        interval=300,
    )(look_at)
    app.callback(
        Output("batch-checked", "data"),
        Input("batch-start", "n_clicks"),
        State("batch-visit", "data"),
        State("batch-grid", "selectedRows"),
        State("batch-plan", "data"),
        prevent_initial_call=True,
        background=True,
        progress=[Output("batch-said", "children")],
        progress_default=[""],
        running=[(Output("batch-start", "disabled"), True, False)],
        interval=300,
    )(check_them)

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

    @app.callback(
        Output("batch-grid", "columnDefs"),
        Output("batch-grid", "rowData"),
        Output("batch-grid", "selectedRows"),
        Output("batch-table", "hidden"),
        Output("batch-empty", "hidden"),
        Output("batch-foot", "hidden"),
        Output("batch-summary", "children"),
        Output("batch-problem", "children"),
        Output("batch-problem", "className"),
        Input("batch-plan", "data"),
        prevent_initial_call=True,
    )
    def show(found: Mapping[str, Any] | None) -> tuple[Any, ...]:
        rows = (found or {}).get("rows", [])
        fields = (found or {}).get("fields", [])
        problem = (found or {}).get("problem", "")
        ready = {"ids": [one["name"] for one in rows if one["state"] == "ready"]}
        return (
            plan_columns(fields),
            plan_rows(rows, fields),
            ready,
            not rows,
            bool(rows),
            not rows,
            summary(rows) if rows else "",
            problem,
            "form-message is-error" if problem else "",
        )

    @app.callback(
        Output("batch-start", "children"),
        Output("batch-start", "disabled", allow_duplicate=True),
        Input("batch-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any) -> tuple[str, bool]:
        chosen = _chosen(selected)
        return (f"Start {count(len(chosen), 'movie')}" if chosen else "Start"), not chosen

    @app.callback(
        Output("batch-said", "children", allow_duplicate=True),
        Output("batch-said", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Output("batch-plan", "data", allow_duplicate=True),
        Output("batch-progress", "children", allow_duplicate=True),
        Input("batch-checked", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def start(found: Mapping[str, Any] | None, actor: str | None) -> tuple[Any, ...]:
        if not found:
            return (no_update,) * 5
        if found["problem"]:
            return found["problem"], "is-error", no_update, no_update, no_update
        try:
            jobs = start_checked(current_workspace().project, found["checked"], actor_of(actor))
        except FluoriteError as error:
            return said(error), "is-error", no_update, no_update, no_update
        started = f"Started {count(len(jobs), 'job')}; they run one after another."
        return "", "", found["nonce"], None, started


def _chosen(selected: Any) -> list[str]:
    """The names of the rows that are selected: as rows, or as ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["name"]) for one in selected or [] if one.get("state") == "ready"]
