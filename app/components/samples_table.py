"""The samples of the project, one row each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.addresses import sample_url
from app.components.grid_theme import THEME
from app.components.markup import aria, clientside
from app.formatting import ABSENT, duration, moment
from app.movie_pool import file_signature
from app.samples.addresses import thumbnail_url
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError


def table_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the table from one row of the catalogue; a file that cannot be read has a reason and no link."""
    path = str(row["path"])
    usable = row["status"] != "unreadable"
    # An identifier that two files share leads to neither of them: these are told apart by their names.
    address = Path(path).stem if row["status"] == "duplicate" or not row.get("identifier") else str(row["identifier"])
    signature = file_signature(Path(path))
    # What is not known of a file that is refused would read as "none".
    counted = row["n_rois"] is not None and (row["status"] != "refused" or row["n_rois"] > 0)
    return {
        "path": path,
        "name": Path(path).stem.removesuffix("_ophys"),
        "href": sample_url(address) if usable else None,
        "thumbnail": thumbnail_url(address, signature) if usable and _has_image(row, signature) else None,
        "subject": row["subject_id"],
        "session": row["session_id"],
        "start": moment(row["session_start_time"]) if row["session_start_time"] else None,
        "accepted": row["n_accepted"] if counted else None,
        "rois": row["n_rois"] if counted else None,
        "rate_hz": row["rate_hz"],
        "duration_s": row["duration_s"],
        "duration": duration(row["duration_s"]) if row["duration_s"] is not None else None,
        "engine": row["engine"],
        "movie": None if not usable else ("yes" if row["has_movie"] else "no"),
        "status": row["status"],
        "reason": row["reason"],
    }


def _has_image(row: Mapping[str, Any], signature: str) -> bool:
    """Whether there is an image to draw; in what another program wrote, one has to look."""
    # A file that does not say how large a frame is has none.
    if not row["height"]:
        return False
    return bool(row["engine"]) or _foreign_file_has_image(Path(row["path"]), signature)


@lru_cache(maxsize=4096)
def _foreign_file_has_image(path: Path, signature: str) -> bool:
    try:
        return bool(SampleData(path, signature, path.stem).shown_images)
    except FluoriteError:
        return False


def sample_rows(workspace: Workspace) -> list[dict[str, Any]]:
    """The table's rows, from a catalogue that has just looked at the files."""
    workspace.catalogue.refresh()
    return [table_row(row) for row in workspace.catalogue.samples([])]


def samples_card(rows: Sequence[dict[str, Any]], *more: Component) -> Component:
    """The table, or what to do when there is nothing to list; with `more` in its head."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Samples", id="samples-title"),
                    html.Span([*more, html.Span(_count(rows), id="samples-count", className="muted")]),
                ],
                className="card-head",
            ),
            html.Div(empty_hint(rows), id="samples-empty"),
            html.Div(
                dag.AgGrid(
                    id="samples",
                    rowData=list(rows),
                    columnDefs=_columns(),
                    defaultColDef={"sortable": True, "resizable": True, "filter": True, "minWidth": 66},
                    getRowId="params.data.path",
                    dashGridOptions={
                        "theme": THEME,
                        "getRowHeight": {"function": "params.data.reason ? 92 : 60"},
                        "rowClassRules": {"has-reason": "!!params.data.reason"},
                        "headerHeight": 38,
                        "domLayout": "autoHeight",
                        "animateRows": False,
                        "suppressCellFocus": False,
                        "pagination": len(rows) > 100,
                        "tooltipShowDelay": 300,
                    },
                    className="fluorite-grid samples-table is-clickable",
                    style={"height": None},
                ),
                id="samples-grid",
                hidden=not rows,
            ),
        ],
        className="card-panel",
        **aria(labelledby="samples-title"),
    )


def empty_hint(rows: Sequence[dict[str, Any]]) -> Component | None:
    """What to do in a project without samples."""
    if rows:
        return None
    return html.Div(
        [
            html.P("No samples yet.", className="empty-title"),
            html.P(
                "Choose a movie under “Process a movie”: Fluorite corrects its motion, finds its cells and lists it."
            ),
            html.P(
                [
                    "Another program found the cells already? ",
                    dcc.Link("Import its results", href="/import"),
                    ": CaImAn, Suite2p, Mesmerize, ImageJ.",
                ]
            ),
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
        {
            "field": "thumbnail",
            "headerName": "",
            "cellRenderer": "Thumbnail",
            "cellClass": "is-drawn",
            "width": 80,
            "minWidth": 80,
            "sortable": False,
            "filter": False,
        },
        {
            "field": "name",
            "headerName": "Sample",
            "cellRenderer": "SampleLink",
            "cellClass": "is-drawn",
            "minWidth": 160,
            "flex": 3,
            "tooltipValueGetter": {
                "function": "params.data.reason ? `${params.data.name}: ${params.data.reason}` : params.data.name"
            },
        },
        # Beside the name: on a narrow page the columns to the right are out of view.
        {
            "field": "status",
            "headerName": "Status",
            "cellRenderer": "Status",
            "cellClass": "is-drawn",
            "width": 96,
            "tooltipField": "reason",
        },
        {"field": "subject", "headerName": "Subject", "width": 78, "tooltipField": "subject"},
        {"field": "session", "headerName": "Session", "width": 88, "tooltipField": "session"},
        {
            "field": "start",
            "headerName": "Start",
            "width": 98,
            "tooltipField": "start",
            "valueFormatter": {"function": "params.value == null ? '' : params.value.slice(0, 10)"},
        },
        {
            **_number("accepted", "Cells", 88),
            "headerTooltip": "Accepted cells of all ROIs found",
            "valueFormatter": {
                "function": f"params.data.rois == null ? '{ABSENT}' : `${{params.value}} / ${{params.data.rois}}`"
            },
        },
        {
            **_number("rate_hz", "Rate", 78),
            "headerTooltip": "Frames per second",
            "valueFormatter": {
                "function": "params.value == null ? '' : `${d3.format('.4~g')(params.value)} Hz`",
            },
        },
        {**_number("duration_s", "Duration", 88), "valueFormatter": {"function": "params.data.duration"}},
        {"field": "engine", "headerName": "Engine", "width": 76},
        {"field": "movie", "headerName": "Movie", "width": 68},
    ]


def _number(field: str, header: str, width: int) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": header,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        "width": width,
    }


def register(app: Dash) -> None:
    """Add the table's callbacks."""
    clientside(
        app,
        "openSample",
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
        Input("trash-restored", "data"),
        State("samples", "rowData"),
        prevent_initial_call=True,
    )
    def refresh(_jobs: Any, _restored: Any, shown: list[dict[str, Any]]) -> tuple[Any, ...]:
        rows = sample_rows(current_workspace())
        if rows == shown:
            return (no_update,) * 4
        return rows, empty_hint(rows), not rows, _count(rows)
