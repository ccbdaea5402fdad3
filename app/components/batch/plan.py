"""The table of what becomes of each file; empty until somebody looked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, html
from dash.development.base_component import Component

from app.adding.batch_request import summary
from app.components.grid_theme import choosing
from app.components.markup import aria


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
                    dashGridOptions=choosing(
                        "params.data.state === 'ready'",
                        {"is-refused": "params.data.state === 'refused'", "is-there": "params.data.state === 'there'"},
                    ),
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


def register(app: Dash) -> None:
    """Fill the table with what was found."""

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
