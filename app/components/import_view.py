"""The page for results of other programs: choose them, see what they hold, import.

::

    fields ── background `look_at` (progress) ──> import-plan ──> what was found
    "Import" ── background `check_them` (progress) ──> import-checked ── `start` ──> message, jobs

Results of a long recording take seconds to read, so both are background callbacks. The first one runs by itself
whenever a field that it depends on changed; Dash ends the one before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.adding.import_request import (
    ImportForm,
    cells_words,
    check_chosen,
    here_words,
    look,
    movie_words,
    program_words,
    recording_words,
    said,
    sample_words,
    session_words,
    start_checked,
    summary,
)
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.components import folder_picker
from app.components.fields import field
from app.components.grid_theme import THEME
from app.components.markup import aria
from app.components.process_form import named
from app.components.recording_fields import (
    READING_FIELDS,
    custom_fields,
    session_fields,
    subject_fields,
    subject_suggestions,
)
from app.field_names import RAW_LABEL
from app.formatting import count
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.foreign.finding import RESULT_ENDINGS
from pipeline.movies import SUPPORTED_EXTENSIONS

_COMMON = ("subject", "frame_rate", "axes", "plane", "channel", "dataset")
_KINDS = (
    ("CaImAn", "its HDF5 file (CNMF.save)"),
    ("Suite2p", "its folder, or Fall.mat"),
    ("mesmerize-core", "the batch folder"),
    ("ImageJ, masks", ".roi, RoiSet.zip, .npy, .npz, .json"),
)


def import_form(workspace: Workspace) -> Component:
    """Which results, their movie, and what is known of the recording."""
    return html.Section(
        [
            html.H2("Which results", id="import-title"),
            field(
                "import-results",
                "Results",
                _path("import-results", "/data/mouse1/suite2p"),
                action=_button("import-results-pick"),
            ),
            html.Dl(
                [part for name, what in _KINDS for part in (html.Dt(name), html.Dd(what))], className="import-kinds"
            ),
            html.H2("Their movie"),
            field(
                "import-movie",
                "Movie",
                _path("import-movie", "what lies beside the results"),
                "Motion-corrected, with the very frames that the cells were found in.",
                action=_button("import-movie-pick"),
            ),
            html.Div(
                dbc.Switch(id="import-raw", label=RAW_LABEL, value=False), id="import-raw-field", className="is-hidden"
            ),
            html.Div(
                field(
                    "import-neuropil",
                    "Neuropil to take off",
                    _text("import-neuropil", "none"),
                    "The share of what surrounds each ROI; 0.7 is usual.",
                ),
                id="import-neuropil-field",
                className="is-hidden",
            ),
            html.H2("The recording"),
            html.Div(
                [
                    field("import-subject", "Subject", _text("import-subject", "m1", suggestions="import-subjects")),
                    field("import-session", "Session", _text("import-session", "from the name")),
                    field("import-frame_rate", "Frame rate (Hz)", _text("import-frame_rate", "from the results")),
                    *custom_fields("import", workspace),
                ],
                className="batch-common",
            ),
            subject_suggestions(workspace.project, "import-subjects"),
            _folds(workspace),
            html.Div(id="import-message", role="status", className="form-message"),
        ],
        className="card-panel",
        **aria(labelledby="import-title"),
    )


def _folds(workspace: Workspace) -> Component:
    project = workspace.project
    return html.Div(
        [
            html.Details(
                [
                    html.Summary("Animal and session"),
                    html.P(
                        "Left empty, what the files, the table of subjects and the lab defaults say counts.",
                        className="field-hint",
                    ),
                    html.Div(
                        [*subject_fields("import", project), *session_fields("import", project)],
                        className="batch-common",
                    ),
                ],
                className="form-fold",
            ),
            html.Details(
                [
                    html.Summary("Advanced"),
                    html.P("Only for a movie that does not say how it is to be read.", className="field-hint"),
                    html.Div(
                        [
                            field(f"import-{one.name}", one.label, _text(f"import-{one.name}", one.example))
                            for one in READING_FIELDS
                        ],
                        className="batch-common",
                    ),
                ],
                className="form-fold",
            ),
        ]
    )


def _path(control_id: str, example: str) -> Component:
    return dbc.Input(
        id=control_id, type="text", className="path-input", placeholder=example, debounce=True, autoComplete="off"
    )


def _text(control_id: str, example: str, suggestions: str | None = None) -> Component:
    return dbc.Input(
        id=control_id, type="text", placeholder=example, debounce=True, autoComplete="off", list=suggestions
    )


def _button(control_id: str) -> Component:
    return html.Button("Browse\u2026", id=control_id, type="button", className="text-button")


def import_result() -> Component:
    """What was found, and the button; empty until something was chosen."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("What was found", id="import-found-title"),
                    html.Span(id="import-progress", className="muted", role="status"),
                ],
                className="card-head",
            ),
            html.Div(found_view(None), id="import-found", **aria(live="polite")),
            html.Div(
                dag.AgGrid(
                    id="import-grid",
                    rowData=[],
                    columnDefs=[
                        {"field": "name", "headerName": "Results", "flex": 4, "minWidth": 150, "tooltipField": "name"},
                        {"field": "program", "headerName": "Made by", "width": 130},
                        {"field": "cells", "headerName": "Cells", "width": 96, "type": "rightAligned"},
                        {
                            "field": "fate",
                            "headerName": "Becomes, or why not",
                            "flex": 7,
                            "minWidth": 220,
                            "wrapText": True,
                            "autoHeight": True,
                            "cellClass": "is-wrapped",
                        },
                    ],
                    defaultColDef={"sortable": True, "resizable": True},
                    getRowId="params.data.results",
                    dashGridOptions={
                        "theme": THEME,
                        "rowSelection": {
                            "mode": "multiRow",
                            "checkboxes": True,
                            "headerCheckbox": True,
                            "isRowSelectable": {"function": "params.data.state === 'ready'"},
                        },
                        "rowClassRules": {"is-refused": "params.data.state === 'refused'"},
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
                id="import-table",
                hidden=True,
            ),
            html.Div(
                [
                    dbc.Button("Import", id="import-start", color="primary", disabled=True),
                    html.Span(id="import-said", role="status"),
                ],
                id="import-foot",
                className="browse-form import-foot",
                hidden=True,
            ),
        ],
        className="card-panel",
        **aria(labelledby="import-found-title"),
    )


def import_stores() -> list[Component]:
    """What the callbacks hand to one another, and the dialogues to pick files."""
    return [
        # A nonce: nobody is given what a background callback found for another page.
        dcc.Store(id="import-visit", data=uuid.uuid4().hex),
        dcc.Store(id="import-plan", data=None),
        dcc.Store(id="import-checked", data=None),
        folder_picker.folder_dialogue("import-results", "Choose results: a file, or a folder"),
        folder_picker.folder_dialogue("import-movie", "Choose their movie", takes_folders=False),
    ]


def found_view(plan: Mapping[str, Any] | None) -> list[Component]:
    """What was found: of one result all that is known, of several how many."""
    if plan is None:
        return [
            html.Div(
                [
                    html.P("Choose results first.", className="empty-title"),
                    html.P("You see what is in them before anything is made. Your files are only read."),
                ],
                className="empty-hint is-large",
            )
        ]
    rows = plan["rows"]
    if len(rows) != 1:
        problem = html.P(plan["problem"], className="form-message is-error") if plan["problem"] else None
        return [problem or html.P(summary(rows), className="muted")]
    return _one(rows[0], plan["movie"])


def _one(one: Mapping[str, Any], typed_movie: str) -> list[Component]:
    facts = one["facts"]
    parts: list[Component] = []
    if facts is not None:
        lines = [
            ("Made by", program_words(facts)),
            ("Cells", cells_words(facts)),
            ("Recording", recording_words(facts)),
            ("Movie", movie_words(one, typed_movie)),
            ("Becomes", sample_words(one["sample"]) if not one["problem"] else ""),
        ]
        parts.append(
            html.Dl(
                [part for name, text in lines if text for part in (html.Dt(name), html.Dd(text))], className="facts"
            )
        )
    if one["lacks_movie"]:
        parts.append(html.P("They have no traces: choose the movie to read them from.", className="import-asks"))
    elif one["lacks_rate"]:
        parts.append(html.P("How fast was it recorded? Type it into the field Frame rate.", className="import-asks"))
    elif one["problem"]:
        parts.append(html.P(one["problem"], className="form-message is-error"))
    if facts is not None and facts["notes"]:
        parts.append(
            html.Details(
                [html.Summary("What to know of them"), html.Ul([html.Li(note) for note in facts["notes"]])],
                className="form-fold import-notes",
            )
        )
    return parts


def plan_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The table of several results."""
    return [
        {
            **{key: one[key] for key in ("results", "name", "state")},
            "program": program_words(one["facts"]) if one["facts"] else "",
            "cells": _cells(one["facts"]),
            "fate": _without_path(one["problem"], one["results"]) or sample_words(one["sample"]),
        }
        for one in rows
    ]


def _without_path(problem: str, results: str) -> str:
    """A problem beside the results' name: it need not begin with their path."""
    cause = problem.removeprefix(f"{results}: ")
    return f"{cause[:1].upper()}{cause[1:]}"


def _cells(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    return f"{facts['n_rois'] if facts['n_accepted'] is None else facts['n_accepted']:,}"


def _form(typed: Sequence[Any]) -> ImportForm:
    """The form of the values that both background callbacks are called with."""
    results, movie, raw, neuropil, session, *rest = typed
    *common, detail_ids, detail_values, custom_ids, custom_values = rest
    return ImportForm(
        results=results or "",
        movie=movie or "",
        raw=bool(raw),
        neuropil=neuropil or "",
        session=session or "",
        common={
            **dict(zip(_COMMON, common, strict=True)),
            "details": named(detail_ids, detail_values),
            "custom": named(custom_ids, custom_values),
        },
    )


def look_at(report: Callable[[Any], None], visit: str, *typed: Any) -> Any:
    """Background callback: what is at the path that was typed.

    Parameters
    ----------
    visit
        Different for every page, so that nobody is given what was found for another one.
    typed
        The fields, as `_form` takes them.
    """
    form = _form(typed)
    if not form.results.strip():
        return None
    report(["Looking\u2026"])
    try:
        return {"problem": "", "rows": look(background_project(), form, _reporting(report)), "movie": form.movie}
    except FluoriteError as error:
        return {"problem": said(error), "rows": [], "movie": form.movie}


def check_them(
    report: Callable[[Any], None],
    clicks: int | None,
    visit: str,
    plan: Mapping[str, Any] | None,
    selected: Any,
    *typed: Any,
) -> Any:
    """Background callback: look once more at the chosen results; `clicks` and `visit` are different every time."""
    if not clicks or not plan:
        return None
    rows = plan["rows"]
    chosen = [rows[0]["results"]] if len(rows) == 1 else _chosen(selected)
    report(["Looking\u2026"])
    try:
        checked, problem = check_chosen(background_project(), _form(typed), chosen, _reporting(report))
    except FluoriteError as error:
        checked, problem = [], said(error)
    return {"problem": problem, "checked": checked, "nonce": f"{visit}-{clicks}"}


def _reporting(report: Callable[[Any], None]) -> Callable[[int, int], None]:
    return lambda done, total: report([f"{done} of {count(total, 'result')}" if total > 1 else "Reading\u2026"])


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    folder_picker.register(
        app, "import-results", "import-results", _start_folder, endings=RESULT_ENDINGS, words=here_words
    )
    folder_picker.register(app, "import-movie", "import-movie", _start_folder, endings=SUPPORTED_EXTENSIONS)
    details, custom = {"type": "import-detail", "name": ALL}, {"type": "import-custom", "name": ALL}
    fields = ("results", "movie", "raw", "neuropil", "session", *_COMMON)
    known = [State(id_, part) for id_ in (details, custom) for part in ("id", "value")]
    background_callback(
        app,
        look_at,
        Output("import-plan", "data"),
        State("import-visit", "data"),
        *(Input(f"import-{name}", "value") for name in fields),
        *known,
        progress=Output("import-progress", "children"),
        at_rest="",
    )
    background_callback(
        app,
        check_them,
        Output("import-checked", "data"),
        Input("import-start", "n_clicks"),
        State("import-visit", "data"),
        State("import-plan", "data"),
        State("import-grid", "selectedRows"),
        *(State(f"import-{name}", "value") for name in fields),
        *known,
        progress=Output("import-said", "children"),
        at_rest="",
        running=[(Output("import-start", "disabled"), True, False)],
    )

    @app.callback(
        Output("import-found", "children"),
        Output("import-grid", "rowData"),
        Output("import-grid", "selectedRows"),
        Output("import-table", "hidden"),
        Output("import-foot", "hidden"),
        Output("import-raw-field", "className"),
        Output("import-neuropil-field", "className"),
        Output("import-frame_rate", "placeholder"),
        Output("import-session", "placeholder"),
        Output("import-message", "children", allow_duplicate=True),
        Input("import-plan", "data"),
        prevent_initial_call=True,
    )
    def show(plan: Mapping[str, Any] | None) -> tuple[Any, ...]:
        rows = (plan or {}).get("rows", [])
        facts = rows[0]["facts"] if len(rows) == 1 else None
        several = len(rows) > 1
        ready = {"ids": [one["results"] for one in rows if one["state"] == "ready"]}
        raw = bool(facts and plan and plan["movie"].strip() and not facts["raw_refused"])
        return (
            found_view(plan),
            plan_rows(rows) if several else [],
            ready if several else {"ids": []},
            not several,
            not rows,
            "" if raw else "is-hidden",
            "" if facts and not facts["has_traces"] else "is-hidden",
            _rate_hint(facts),
            session_words(rows[0] if len(rows) == 1 else None, (plan or {}).get("movie", "")),
            no_update if plan is None else "",
        )

    @app.callback(
        Output("import-start", "children"),
        Output("import-start", "disabled", allow_duplicate=True),
        Input("import-grid", "selectedRows"),
        Input("import-plan", "data"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any, plan: Mapping[str, Any] | None) -> tuple[str, bool]:
        rows = (plan or {}).get("rows", [])
        if len(rows) == 1:
            return "Import", rows[0]["state"] != "ready"
        chosen = _chosen(selected)
        return (f"Import {count(len(chosen), 'result')}" if chosen else "Import"), not chosen

    @app.callback(
        Output("import-said", "children", allow_duplicate=True),
        Output("import-said", "className"),
        Output("import-message", "children"),
        Output("import-message", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Output("import-results", "value", allow_duplicate=True),
        Output("import-movie", "value", allow_duplicate=True),
        Output("import-session", "value", allow_duplicate=True),
        Input("import-checked", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def start(found: Mapping[str, Any] | None, actor: str | None) -> tuple[Any, ...]:
        if not found:
            return (no_update,) * 8
        if found["problem"]:
            return found["problem"], "is-error", *(no_update,) * 6
        try:
            jobs = start_checked(current_workspace().project, found["checked"], actor_of(actor))
        except FluoriteError as error:
            return said(error), "is-error", *(no_update,) * 6
        started = f"Started {count(len(jobs), 'job')}: see how far under Jobs."
        # What was chosen is done with; so that nobody imports it twice, the fields that name it are empty again.
        return "", "", started, "form-message is-done", found["nonce"], "", "", ""


def _rate_hint(facts: Mapping[str, Any] | None) -> str:
    """What stands in the empty field for the rate."""
    if facts is None:
        return "from the results"
    if facts["rate_hz"]:
        return f"{facts['rate_hz']:g}, from the {'results' if facts['has_traces'] else 'movie'}"
    return "needed" if facts["has_traces"] else "from the movie"


def _start_folder() -> Any:
    return current_workspace().project.folder.parent


def _chosen(selected: Any) -> list[str]:
    """The paths of the selected rows: of rows, or of ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["results"]) for one in selected or [] if one.get("state") == "ready"]
