"""The samples of the project, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import dash_ag_grid as dag
from dash import ClientsideFunction, Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component

from app.formatting import duration, moment
from app.image_routes import thumbnail_url
from app.movie_pool import file_signature
from app.workspace import Workspace, current_workspace


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the table from one row of the catalogue; a file that cannot be read has a reason and no link."""
    path = str(row["path"])
    usable = row["status"] != "unreadable"
    # An identifier that two files share leads to neither of them: these are told apart by their names.
    address = Path(path).stem if row["status"] == "duplicate" or not row.get("identifier") else str(row["identifier"])
    return {
        "path": path,
        "name": Path(path).stem,
        "href": f"/sample/{quote(address, safe='')}" if usable else None,
        "thumbnail": thumbnail_url(address, file_signature(Path(path))) if usable else None,
        "subject": row.get("subject_id"),
        "session": row.get("session_id"),
        "start": moment(row["session_start_time"]) if row.get("session_start_time") else None,
        "accepted": row.get("n_accepted"),
        "rois": row.get("n_rois"),
        "rate_hz": row.get("rate_hz"),
        "duration_s": row.get("duration_s"),
        "duration": duration(row["duration_s"]) if row.get("duration_s") is not None else None,
        "engine": row.get("engine"),
        "movie": None if not usable else ("yes" if row.get("has_movie") else "no"),
        "status": row["status"],
        "reason": row.get("reason"),
    }


def sample_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The table's rows, from a catalogue that has just looked at the files."""
    workspace.catalogue.refresh()
    return [table_row(row) for row in workspace.catalogue.samples([])]


def samples_card(rows: Sequence[dict[str, Any]]) -> Component:
    """The table, or what to do when there is nothing to list."""
    return html.Section(
        [
            html.Div(
                [html.H2("Samples", id="samples-title"), html.Span(_count(rows), id="samples-count", className="muted")],
                className="card-head",
            ),
            html.Div(empty_hint(rows), id="samples-empty"),
            html.Div(
                dag.AgGrid(
                    id="samples",
                    rowData=list(rows),
                    columnDefs=_columns(),
                    defaultColDef={"sortable": True, "resizable": True, "filter": True, "minWidth": 70},
                    columnSize="sizeToFit",
                    getRowId="params.data.path",
                    dashGridOptions={
                        "rowHeight": 60,
                        "domLayout": "autoHeight",
                        "animateRows": False,
                        "suppressCellFocus": False,
                        "pagination": len(rows) > 100,
                        "tooltipShowDelay": 300,
                    },
                    className="fluorite-grid is-clickable",
                    style={"height": None},
                ),
                id="samples-grid",
                hidden=not rows,
            ),
        ],
        className="card-panel",
        **{"aria-labelledby": "samples-title"},
    )


def empty_hint(rows: Sequence[dict[str, Any]]) -> Component | None:
    """What to do in a project without samples."""
    if rows:
        return None
    return html.Div(
        [
            html.P("No samples yet.", className="empty-title"),
            html.P("Choose a movie under “Process a movie”: Fluorite corrects its motion, finds the cells and lists it here."),
            html.P(["Or from a terminal: ", html.Code("fluorite process MOVIE --project .")]),
        ],
        className="empty-hint is-large",
    )


def _count(rows: Sequence[dict[str, Any]]) -> str:
    bad = sum(row["href"] is None for row in rows)
    usable = len(rows) - bad
    text = f"{usable} sample{'' if usable == 1 else 's'}"
    return f"{text}, {bad} file{'' if bad == 1 else 's'} that cannot be used" if bad else text


def _columns() -> list[dict[str, Any]]:
    return [
        {"field": "thumbnail", "headerName": "", "cellRenderer": "Thumbnail", "width": 84, "sortable": False, "filter": False},
        {"field": "name", "headerName": "Sample", "cellRenderer": "SampleLink", "minWidth": 190, "flex": 2},
        {"field": "subject", "headerName": "Subject", "width": 100},
        {"field": "session", "headerName": "Session", "width": 120},
        {"field": "start", "headerName": "Start", "width": 140},
        {"field": "accepted", "headerName": "Accepted", "type": "rightAligned", "filter": "agNumberColumnFilter", "width": 100},
        {"field": "rois", "headerName": "ROIs", "type": "rightAligned", "filter": "agNumberColumnFilter", "width": 80},
        {
            "field": "rate_hz",
            "headerName": "Rate (Hz)",
            "type": "rightAligned",
            "filter": "agNumberColumnFilter",
            "valueFormatter": {"function": "params.value == null ? '' : d3.format('.4~g')(params.value)"},
            "width": 100,
        },
        {
            "field": "duration_s",
            "headerName": "Duration",
            "type": "rightAligned",
            "filter": "agNumberColumnFilter",
            "valueFormatter": {"function": "params.data.duration"},
            "width": 105,
        },
        {"field": "engine", "headerName": "Engine", "width": 95},
        {"field": "movie", "headerName": "Movie", "width": 85},
        {
            "field": "status",
            "headerName": "Status",
            "cellRenderer": "Status",
            "minWidth": 110,
            "flex": 1,
            "tooltipField": "reason",
        },
    ]


def register(app: Dash) -> None:
    """Add the table's callbacks."""
    app.clientside_callback(
        ClientsideFunction("fluorite", "openSample"),
        Output("samples-grid", "className"),
        Input("samples", "cellClicked"),
        State("samples", "rowData"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("samples", "rowData"),
        Output("samples-empty", "children"),
        Output("samples-grid", "hidden"),
        Output("samples-count", "children"),
        Input("jobs-state", "data"),
        State("samples", "rowData"),
        prevent_initial_call=True,
    )
    def refresh(_jobs: Any, shown: list[dict[str, Any]]) -> tuple[Any, ...]:
        rows = sample_rows(current_workspace())
        if rows == shown:
            return (no_update,) * 4
        return rows, empty_hint(rows), not rows, _count(rows)
