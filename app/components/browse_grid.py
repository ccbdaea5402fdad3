"""The table of the browse page: it asks for its rows as it is scrolled."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
from dash.development.base_component import Component

from app.browsing.browse import View
from app.browsing.edits import editable_columns
from app.components.grid_theme import THEME
from app.formatting import ABSENT
from app.workspace import Workspace

_PAGE_ROWS = 100


def browse_grid(workspace: Workspace, view: View) -> Component:
    """The table: it asks for its rows as it is scrolled."""
    editable = editable_columns(workspace, view)
    return dag.AgGrid(
        id="browse-grid",
        rowModelType="infinite",
        columnDefs=[grid_column(view, name, editable=name in editable) for name in view.state.columns],
        defaultColDef={
            "sortable": True,
            "resizable": True,
            "minWidth": 84,
            "filter": False,
            "flex": 1,
            "wrapHeaderText": True,
        },
        # Two files may hold the same ROIs.
        getRowId="params.data.name + '/' + params.data.index",
        dashGridOptions={
            "theme": THEME,
            "cacheBlockSize": _PAGE_ROWS,
            "maxBlocksInCache": 20,
            "infiniteInitialRowCount": _PAGE_ROWS,
            "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": False},
            "selectionColumnDef": {"width": 44, "maxWidth": 44, "pinned": "left"},
            "rowHeight": 34,
            "headerHeight": 36,
            "animateRows": False,
            "suppressColumnMoveAnimation": True,
            "rowClassRules": {"has-reason": "params.data && params.data.reason"},
            "stopEditingWhenCellsLoseFocus": True,
        },
        className="fluorite-grid",
        style={"height": "max(420px, calc(100vh - 470px))", "width": "100%"},
    )


def grid_column(view: View, name: str, *, editable: bool) -> dict[str, Any]:
    """One column, in AG Grid's terms."""
    kind = view.kind(name)
    column: dict[str, Any] = {
        "field": name,
        "colId": name,
        "headerName": view.label(name),
        "headerTooltip": view.help(name),
        "editable": editable,
        "tooltipField": name,
    }
    if name == "name":
        column |= {"cellRenderer": "BrowseLink", "minWidth": 180, "flex": 2, "pinned": "left"}
    elif name == "session_start_time":
        # ISO 8601, to the minute and in the zone of the recording.
        column |= {
            "minWidth": 152,
            "valueFormatter": {"function": f"params.value ? params.value.slice(0, 16).replace('T', ' ') : '{ABSENT}'"},
        }
    elif kind == "number":
        column |= {
            "type": "rightAligned",
            "valueFormatter": {"function": f"params.value == null ? '{ABSENT}' : d3.format('.4~g')(params.value)"},
        }
    elif kind == "flag":
        column["valueFormatter"] = {
            "function": f"params.value == null ? '{ABSENT}' : (params.value ? 'yes' : 'no')",
        }
        if editable:
            column |= {"cellEditor": "agSelectCellEditor", "cellEditorParams": {"values": [True, False]}}
    if editable:
        definition = view.columns[name].definition
        column["cellClass"] = "is-editable"
        if definition is not None and definition.vocabulary:
            values = list(dict.fromkeys((str(definition.replacement), *definition.vocabulary)))
            column |= {"cellEditor": "agSelectCellEditor", "cellEditorParams": {"values": values}}
    return column
