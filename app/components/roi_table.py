"""The cells of a sample, one row each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import numpy as np
import pandas as pd
from dash import Dash, Input, Output, State
from dash.development.base_component import Component

from app.components.grid_theme import THEME
from app.components.markup import clientside
from app.formatting import ABSENT

_SCORES = {
    "snr": ("SNR", "Peak signal-to-noise ratio of the trace"),
    "r_values": ("r", "Correlation of the footprint with the mean movie at its transients"),
    "cnn_preds": ("CNN", "Probability of being a cell, given by the network"),
}


def roi_rows(rois: pd.DataFrame) -> list[dict[str, Any]]:
    """The table's rows; scores that were not computed are None."""
    columns = ["key", "index", "is_accepted", *_SCORES, "area_px", "centroid_x", "centroid_y"]
    shown = rois[columns]
    return [
        {name: _plain(value) for name, value in zip(columns, row, strict=True)}
        for row in shown.itertuples(index=False, name=None)
    ]


def roi_table(rois: pd.DataFrame, selected: Sequence[str] = ()) -> Component:
    """The table; choosing rows selects cells. `selected` are the keys of those that are selected at first."""
    return dag.AgGrid(
        id="roi-table",
        rowData=roi_rows(rois),
        columnDefs=_columns(rois),
        defaultColDef={"sortable": True, "resizable": True, "filter": True, "minWidth": 64, "flex": 1},
        getRowId="params.data.key",
        # Given with the table: rows that a script selects while the table is being made are deselected by it.
        selectedRows={"ids": list(selected)},
        dashGridOptions={
            "theme": THEME,
            "rowSelection": {
                "mode": "multiRow",
                "checkboxes": True,
                "headerCheckbox": False,
                "enableClickSelection": True,
            },
            "selectionColumnDef": {"width": 44, "maxWidth": 44, "pinned": "left"},
            "rowHeight": 34,
            "headerHeight": 36,
            "animateRows": False,
            "suppressColumnMoveAnimation": True,
        },
        className="fluorite-grid is-clickable",
        style={"height": "100%", "width": "100%"},
    )


def _columns(rois: pd.DataFrame) -> list[dict[str, Any]]:
    scores = [name for name in _SCORES if np.isfinite(rois[name].to_numpy(dtype=float)).any()]
    return [
        {"field": "index", "headerName": "Cell", "type": "rightAligned", "filter": "agNumberColumnFilter"},
        {
            "field": "is_accepted",
            "headerName": "State",
            "cellRenderer": "RoiState",
            "cellClass": "is-drawn",
            "minWidth": 110,
        },
        *(_number(name, _SCORES[name][0], ".3~g", _SCORES[name][1]) for name in scores),
        {**_number("area_px", "Area (px)", "d", "Pixels of the mask"), "minWidth": 92},
        _number("centroid_x", "x (px)", ".1f", "Column of the centre, from the left"),
        _number("centroid_y", "y (px)", ".1f", "Row of the centre, from the top"),
    ]


def _number(field: str, header: str, pattern: str, tooltip: str) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": header,
        "headerTooltip": tooltip,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        "valueFormatter": {"function": f"params.value == null ? '{ABSENT}' : d3.format('{pattern}')(params.value)"},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def register(app: Dash) -> None:
    """Add the table's callbacks: its rows and the selected cells follow one another."""
    clientside(
        app,
        "selectFromTable",
        Output("selection", "data"),
        Input("roi-table", "selectedRows"),
        State("selection", "data"),
        prevent_initial_call=True,
    )
