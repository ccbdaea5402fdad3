"""The table of samples on the page of checks and export: what is known of them, and the looking at the rest.

::

    page, tab, name ── `fill` ──> rows; those that nobody has looked at ──> export-wanted
    export-wanted ── background `check_wanted` (export-tick) ── `take_new` ──> rows, bar, summary

What is looked at is kept (`app.checks`), so a page that is left and opened again goes on where it was. Whoever chooses
a tab or types a name has these samples looked at first: the work in the background is started anew with them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.checks import check_in_turn, check_some, checks_of
from app.components.fields import labelled
from app.components.grid_theme import choosing
from app.components.markup import aria
from app.components.recording_fields import NOTHING
from app.export_request import check_thoroughly, listed_rows, merged, sample_row, summary
from app.formatting import count
from app.workspace import current_workspace
from nwb_schema.errors import FilterError
from nwb_schema.project import Project
from nwb_schema.saved_filters import saved_filters

_BAR = "job-progress"
_BAR_HIDDEN = "job-progress is-hidden"


def samples_to_export(project: Project, name: str = "") -> Component:
    """The table of samples; it is filled when the page is there.

    Parameters
    ----------
    name
        What the names of the samples that are listed at first have in them; all samples when empty.
    """
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
            html.Div(
                [
                    labelled("Samples", dbc.Select(_tabs(project), NOTHING, id="export-tab", size="sm")),
                    labelled(
                        "Name has in it",
                        dbc.Input(
                            id="export-name", type="search", value=name, debounce=True, size="sm", autoComplete="off"
                        ),
                    ),
                ],
                className="export-narrow",
            ),
            dbc.Progress(id="export-bar", value=0, className=_BAR_HIDDEN, style={"height": "6px"}, label=""),
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
                dashGridOptions=choosing(
                    "params.data.ours",
                    {"is-refused": "params.data.errors > 0", "is-there": "!params.data.ours || !params.data.checked"},
                    page_rows=50,
                ),
                className="fluorite-grid is-clickable",
                style={"height": None},
            ),
            html.Div(id="export-findings", className="export-findings", **aria(live="polite")),
        ],
        className="card-panel",
        **aria(labelledby="export-samples-title"),
    )


def _tabs(project: Project) -> list[dict[str, str]]:
    """All samples, and the tabs that people saved on the browse page."""
    try:
        names = [saved.name for saved in saved_filters(project) if saved.level == "samples"]
    except FilterError:
        names = []  # the browse page says what is wrong with them
    return [{"label": "All", "value": NOTHING}, *({"label": name, "value": name} for name in names)]


def samples_stores() -> list[Component]:
    """What the table's callbacks hand to one another."""
    return [
        # New with every visit: what the table is filled with is what is known by then.
        dcc.Store(id="export-open", data=uuid.uuid4().hex),
        dcc.Store(id="export-checked", data=None),
        # What is to be looked at, with a nonce; what of it is not in the table yet; and how far that is.
        dcc.Store(id="export-wanted", data={}),
        dcc.Store(id="export-waiting", data=[]),
        dcc.Store(id="export-tick", data=None),
        dcc.Store(id="export-done", data=None),
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


def check_chosen(
    report: Callable[[Any], None],
    clicks: int | None,
    visit: str,
    selected: Any,
) -> Any:
    """Background callback: what all checkers find in the chosen samples.

    Parameters
    ----------
    clicks, visit
        Different every time, so that nobody is given what was found for another page.
    """
    paths = [Path(path) for path in chosen_paths(selected)]
    if not clicks or not paths:
        return None
    return check_thoroughly(paths, lambda done, total: report([f"{done} of {count(total, 'sample')}"]))


def check_wanted(report: Callable[[Any], None], wanted: Mapping[str, Any] | None) -> Any:
    """Background callback: look at the samples that nobody has looked at."""
    if not wanted or not wanted["paths"]:
        return None
    checks = checks_of(background_project())
    paths = [Path(path) for path in wanted["paths"]]
    check_in_turn(checks, paths, wanted["nonce"], lambda done, _total: report([done]))
    return wanted["nonce"]


def register(app: Dash) -> None:
    """Add the table's callbacks."""
    background_callback(
        app,
        check_chosen,
        Output("export-checked", "data"),
        Input("export-check", "n_clicks"),
        State("export-open", "data"),
        State("export-grid", "selectedRows"),
        progress=Output("export-check-progress", "children"),
        at_rest="",
        running=[
            (Output("export-check", "disabled"), True, False),
            (Output("export-check-stop", "className"), "text-button", "text-button is-hidden"),
        ],
        cancel=Input("export-check-stop", "n_clicks"),
    )
    background_callback(
        app,
        check_wanted,
        Output("export-done", "data"),
        Input("export-wanted", "data"),
        progress=Output("export-tick", "data"),
        interval_ms=1000,
    )
    chosen = (State("export-tab", "value"), State("export-name", "value"), State("export-checked", "data"))

    @app.callback(
        Output("export-grid", "rowData"),
        Output("export-grid", "selectedRows"),
        Output("export-summary", "children"),
        Output("export-wanted", "data"),
        Output("export-waiting", "data"),
        Output("export-bar", "value"),
        Output("export-bar", "className"),
        Input("export-open", "data"),
        Input("export-tab", "value"),
        Input("export-name", "value"),
        State("export-checked", "data"),
    )
    def fill(_visit: str | None, tab: str | None, name: str | None, thorough: Any) -> tuple[Any, ...]:
        current_workspace().catalogue.refresh()
        try:
            rows = _rows(tab, name, thorough)
        except FilterError as error:
            return [], {"ids": []}, str(error), None, [], 0, _BAR_HIDDEN
        waiting = [Path(row["path"]) for row in rows if not row["checked"]]
        seen, left = check_some(checks_of(current_workspace().project), waiting)
        if seen:
            rows = _rows(tab, name, thorough)
        paths = [str(path) for path in left]
        wanted = {"paths": paths, "nonce": uuid.uuid4().hex} if paths else no_update  # it would start a process
        return rows, _ready(rows), summary(rows), wanted, paths, *_bar(rows)

    @app.callback(
        Output("export-grid", "rowTransaction"),
        Output("export-grid", "selectedRows", allow_duplicate=True),
        Output("export-summary", "children", allow_duplicate=True),
        Output("export-waiting", "data", allow_duplicate=True),
        Output("export-bar", "value", allow_duplicate=True),
        Output("export-bar", "className", allow_duplicate=True),
        Input("export-tick", "data"),
        *chosen,
        State("export-waiting", "data"),
        State("export-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def take_new(
        _tick: Any, tab: str | None, name: str | None, thorough: Any, waiting: list[str], selected: Any
    ) -> tuple[Any, ...]:
        if not waiting:
            return (no_update,) * 6
        try:
            rows = _rows(tab, name, thorough)
        except FilterError:
            return (no_update,) * 6
        wanted = set(waiting)
        new = [row for row in rows if row["path"] in wanted and row["checked"]]
        left = [row["path"] for row in rows if not row["checked"]]
        # What is ready is chosen for everybody who has not chosen himself.
        ready = _ready(rows) if not left and not chosen_paths(selected) else no_update
        return ({"update": new} if new else no_update), ready, summary(rows), left, *_bar(rows)

    # Not an input of `take_new` itself: Dash would let that wait for the whole of the work in the background.
    @app.callback(
        Output("export-tick", "data", allow_duplicate=True), Input("export-done", "data"), prevent_initial_call=True
    )
    def end(nonce: str | None) -> Any:
        return nonce or no_update

    @app.callback(
        Output("export-grid", "rowTransaction", allow_duplicate=True),
        Output("export-summary", "children", allow_duplicate=True),
        Output("export-check-progress", "children", allow_duplicate=True),
        Input("export-checked", "data"),
        State("export-tab", "value"),
        State("export-name", "value"),
        prevent_initial_call=True,
    )
    def take_in(checked: Mapping[str, Any] | None, tab: str | None, name: str | None) -> tuple[Any, Any, Any]:
        if not checked:
            return no_update, no_update, no_update
        rows = _rows(tab, name, checked)
        said = f"Checked {count(len(checked), 'sample')} with nwbinspector and dandi validate."
        return {"update": [row for row in rows if row["path"] in checked]}, summary(rows), said

    @app.callback(
        Output("export-grid", "selectedRows", allow_duplicate=True),
        Input("export-ready", "n_clicks"),
        *chosen,
        prevent_initial_call=True,
    )
    def choose_ready(clicks: int | None, tab: str | None, name: str | None, thorough: Any) -> Any:
        return _ready(_rows(tab, name, thorough)) if clicks else no_update

    @app.callback(
        Output("export-findings", "children"),
        Input("export-grid", "cellClicked"),
        Input("export-grid", "rowData"),
        Input("export-checked", "data"),
        State("export-tab", "value"),
        State("export-name", "value"),
        prevent_initial_call=True,
    )
    def show_findings(
        clicked: Mapping[str, Any] | None,
        _rows_of_grid: Any,
        thorough: Mapping[str, Any] | None,
        tab: str | None,
        name: str | None,
    ) -> Any:
        rows = _rows(tab, name, thorough)
        asked = (clicked or {}).get("rowId")
        row = next((row for row in rows if row["path"] == asked), None)
        row = row or next((row for row in rows if row["errors"]), None)
        if row is None:
            return []
        now = sample_row(Path(row["path"]))
        known = (thorough or {}).get(row["path"])
        return findings_list(now if known is None else {**now, "findings": known})


def _bar(rows: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    """How far the looking is, in percent, and the class of the bar that shows it."""
    done = sum(row["checked"] for row in rows)
    return (100, _BAR_HIDDEN) if done == len(rows) else (round(100 * done / len(rows)), _BAR)


def _rows(tab: str | None, name: str | None, thorough: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return merged(listed_rows(current_workspace().catalogue, (tab or "").strip(), name or ""), thorough)


def _ready(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    return {"ids": [row["path"] for row in rows if row["ready"]]}


def chosen_paths(selected: Any) -> list[str]:
    """The paths of the selected rows: of rows, or of ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["path"]) for one in selected or [] if one.get("ours")]
