"""The heat map of many cells' traces, with the stimuli above it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from app.figures.shades import Shade, shade_shapes
from app.figures.traces import base_layout, time_axis
from pipeline.figures.raster import Raster, colour_limits

# The strip of stimuli above the rows, as shares of the height.
_ROWS_TOP = 0.95
_STRIP = (0.962, 1.0)


def heatmap_figure(
    found: Raster, labels: Sequence[str], *, value_title: str, shades: Sequence[Shade] = ()
) -> go.Figure:
    """A row a cell, the first on top, in viridis; a strip above says when there were stimuli.

    Parameters
    ----------
    labels
        What people call the cell of each row of `found`.
    value_title
        What the colours mean.
    """
    n_rows, n_columns = found.values.shape
    low, high = colour_limits(found.values)
    window_s = (found.start_s, found.start_s + n_columns * found.column_s)
    shapes = shade_shapes(shades, window_s, span=_STRIP, opacity=0.9)
    edges = np.cumsum([count for _, count in found.groups])
    shapes += [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": "y",
            "y0": float(edge) - 0.5,
            "y1": float(edge) - 0.5,
            "line": {"color": "white", "width": 1.5},
        }
        for edge in edges[:-1]
    ]
    layout: dict[str, Any] = {
        **base_layout(),
        "margin": {"l": 96 if found.groups else 40, "r": 12, "t": 8, "b": 40},
        "hovermode": "closest",
        "uirevision": "heatmap",
        "shapes": shapes,
        "annotations": [_group(name, count, edge) for (name, count), edge in zip(found.groups, edges, strict=True)],
        "xaxis": {**time_axis("y", None), "showgrid": False, "range": list(window_s)},
        "yaxis": {
            "title": {"text": "" if found.groups else f"{n_rows} cells", "standoff": 6},
            "domain": [0, _ROWS_TOP],
            "range": [n_rows - 0.5, -0.5],
            # Not shown; what is pointed at is named after them.
            "tickvals": list(range(n_rows)),
            "ticktext": list(labels),
            "showticklabels": False,
            "ticks": "",
            "showgrid": False,
            "zeroline": False,
        },
    }
    drawn = {
        "type": "heatmap",
        "z": found.values,
        "x0": found.start_s + found.column_s / 2,
        "dx": found.column_s,
        "y0": 0,
        "dy": 1,
        "zmin": low,
        "zmax": high,
        "colorscale": "Viridis",
        "colorbar": {
            "title": {"text": value_title, "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
            "len": _ROWS_TOP,
            "y": 0,
            "yanchor": "bottom",
            "x": 1.05,
        },
        "hovertemplate": "Cell %{y}, %{x:.2f} s: %{z:.3g}<extra></extra>",
        "hoverongaps": False,
    }
    return go.Figure({"data": [drawn], "layout": layout})


def _group(name: str, count: int, edge: int) -> dict[str, Any]:
    """What stands beside the rows of one value of a tag."""
    short = name if len(name) <= 16 else f"{name[:15]}…"
    return {
        # Plotly takes some tags of HTML in a text for what they are in a page.
        "text": f"{html.escape(short, quote=False)} ({count})",
        "xref": "paper",
        "x": 0,
        "xanchor": "right",
        "xshift": -6,
        "yref": "y",
        "y": float(edge) - count / 2 - 0.5,
        "showarrow": False,
    }
