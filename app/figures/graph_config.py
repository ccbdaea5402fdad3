"""What every graph's tool bar offers; for ``dcc.Graph(config=...)``."""

from __future__ import annotations

from typing import Any


def graph_config(file_name: str) -> Any:
    """Plotly's configuration: a quiet tool bar, SVG export under `file_name`, and nothing that leaves this computer.

    Plotly's own default has a button that uploads the chart, with its data, to Plotly's servers.
    """
    return {
        "displaylogo": False,
        "plotlyServerURL": "",
        "modeBarButtonsToRemove": ["sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
        "toImageButtonOptions": {"format": "svg", "filename": file_name},
    }
