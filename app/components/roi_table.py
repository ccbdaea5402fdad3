"""The cells of a sample, one row each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import dash_ag_grid as dag
import numpy as np
import pandas as pd
from dash.development.base_component import Component

from app.components.grid_theme import THEME
from app.formatting import ABSENT
from app.samples.roi_rows import are_bodies, roi_rows, tag_field
from nwb_schema.columns import ColumnDefinition, ColumnType
from nwb_schema.layout import ENGINE_ORIGIN, ORIGIN

_SCORES = {
    "snr": ("SNR", "Peak signal-to-noise ratio of the trace"),
    "r_values": ("r", "Correlation of the footprint with the mean movie at its transients"),
    "cnn_preds": ("CNN", "Probability of being a cell, given by the network"),
}


def roi_table(rois: pd.DataFrame, tags: Sequence[ColumnDefinition] = (), selected: Sequence[str] = ()) -> Component:
    """The table; choosing rows selects cells (``assets/selection.js``).

    `selected` are the keys of those that are selected at first.

    Deleted ROIs are among its rows; the page shows them when it is asked to (``assets/curation.js``).
    """
    return dag.AgGrid(
        id="roi-table",
        rowData=roi_rows(rois, tags),
        columnDefs=_columns(rois, tags),
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
            "isExternalFilterPresent": {"function": "true"},
            "doesExternalFilterPass": {"function": "isListed(params.data)"},
            "rowClassRules": {"is-deleted": "params.data.deleted"},
        },
        className="fluorite-grid is-clickable",
        style={"height": "100%", "width": "100%"},
    )


def _columns(rois: pd.DataFrame, tags: Sequence[ColumnDefinition]) -> list[dict[str, Any]]:
    scores = [name for name in _SCORES if np.isfinite(rois[name].to_numpy(dtype=float)).any()]
    bodies = are_bodies(rois)
    size = ("Voxels", "Voxels of the body", 72) if bodies else ("Area (px)", "Pixels of the mask", 92)
    return [
        {"field": "index", "headerName": "Cell", "type": "rightAligned", "filter": "agNumberColumnFilter"},
        {
            "field": "is_accepted",
            "headerName": "State",
            "cellRenderer": "RoiState",
            "cellClass": "is-drawn",
            "minWidth": 110,
        },
        *(_tag(column) for column in tags),
        *(_number(name, _SCORES[name][0], ".3~g", _SCORES[name][1]) for name in scores),
        {
            "field": ORIGIN,
            "headerName": "Origin",
            "headerTooltip": "Found by the engine, manual (drawn or imported), or made by a merge or a split",
            "filter": "agTextColumnFilter",
            "minWidth": 82,
            "cellClassRules": {"is-untagged": f"params.value === '{ENGINE_ORIGIN}'"},
        },
        {**_number("area_px", size[0], "d", size[1]), "minWidth": size[2]},
        _number("centroid_x", "x (px)", ".1f", "Column of the centre, from the left"),
        _number("centroid_y", "y (px)", ".1f", "Row of the centre, from the top"),
        *([{**_number("centroid_z", "z", ".1f", "Plane of the centre, from 0"), "minWidth": 52}] if bodies else []),
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


def _tag(column: ColumnDefinition) -> dict[str, Any]:
    numeric = column.type in (ColumnType.INTEGER, ColumnType.DECIMAL)
    return {
        # A colon: the grid takes dots for a path into nested rows.
        "field": tag_field(column),
        "headerName": column.name,
        "headerTooltip": column.description or f"Tag column {column.name}",
        "filter": "agNumberColumnFilter" if numeric else "agTextColumnFilter",
        "minWidth": 96,
        "cellClassRules": {"is-untagged": f"params.value === {json.dumps(column.replacement)}"},
        **({"type": "rightAligned"} if numeric else {}),
        **({"valueFormatter": {"function": "params.value ? 'yes' : 'no'"}} if column.type is ColumnType.YES_NO else {}),
    }
