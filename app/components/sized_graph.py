"""A plot as large as its place in the page."""

from __future__ import annotations

from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from app.components.markup import aria
from app.figures.graph_config import graph_config
from app.figures.traces import message_figure


def sized_graph(graph_id: str, file_name: str, class_name: str, label: str, *, figure: Any = None) -> Component:
    """A plot, empty at first, in a box whose height the style sheet sets by `class_name`.

    Parameters
    ----------
    file_name
        Of what its tool bar saves, without an ending.
    label
        What it shows, for those who do not see it.
    """
    return html.Div(
        dcc.Graph(
            id=graph_id,
            figure=message_figure("") if figure is None else figure,
            config=graph_config(file_name),
            responsive=True,
            style={"height": "100%"},
        ),
        className=class_name,
        role="img",
        **aria(label=label),
    )
