"""The traces of the selected cells; ``assets/traces.js`` asks for them (`app.routes.traces`) and draws them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.figure_dialogue import figure_button
from app.components.markup import aria, clientside
from app.figures.graph_config import graph_config
from app.figures.plotly_script import plotly_url
from app.figures.traces import KIND_HELP, KIND_LABELS
from app.samples.selected_traces import MOST_CELLS
from app.samples.store import SampleData
from app.stimuli.shades import shade_data, shade_options
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError

_MOST_NAMES = 24
_FIRST_KINDS = ("raw", "denoised", "dff", "deconvolved")


def trace_card(
    identifier: str | None, kinds: Sequence[str], selected: Sequence[str], stimuli: list[dict[str, str]]
) -> Component:
    """The panel; the figure comes with the selection. `stimuli` are the tables that can be shaded."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Traces", id="traces-title"),
                    dcc.Checklist(
                        id="trace-kinds",
                        options=[
                            {"label": label, "value": kind, "title": KIND_HELP[kind]}
                            for kind, label in KIND_LABELS.items()
                            if kind in kinds
                        ],
                        value=[kind for kind in _FIRST_KINDS if kind in kinds],
                        inline=True,
                        className="chip-list",
                    ),
                ],
                className="card-head",
            ),
            _arrangement_controls(),
            html.Div(
                html.Div(
                    [
                        html.Div(id="traces", className="trace-plot"),
                        html.Div(id="trace-cursor", className="trace-cursor", **aria(hidden="true")),
                    ],
                    id="traces-wrap",
                    className="traces-wrap",
                    role="img",
                    **aria(label="Fluorescence over time of the selected cells"),
                ),
                className="traces-scroll",
            ),
            html.Div(id="trace-legend", className="trace-legend"),
            html.Div(
                [
                    dcc.Checklist(
                        id="trace-stimuli",
                        options=stimuli,
                        value=[option["value"] for option in stimuli],
                        inline=True,
                        className="chip-list",
                    ),
                    html.Div(id="shade-legend", className="trace-legend"),
                ],
                className="shade-row",
                role="group",
                **aria(label="Shaded stimuli"),
            ),
            dcc.Store(id="shades", data=None),
            dcc.Store(id="selection", data=list(selected)),
            dcc.Store(id="trace-window", data=[]),
            dcc.Store(
                id="trace-config",
                data={
                    "identifier": identifier,
                    "most_cells": MOST_CELLS,
                    "plot": graph_config("fluorite-traces"),
                    "plotly_url": plotly_url(),
                },
            ),
            dcc.Store(id="sample-identifier", data=identifier),
        ],
        className="card-panel trace-card",
        **aria(labelledby="traces-title"),
    )


def _arrangement_controls() -> Component:
    return html.Div(
        [
            dcc.RadioItems(
                id="trace-arrangement",
                options=[
                    {"label": "Overlaid", "value": "overlaid", "title": "All cells on one axis"},
                    {"label": "Stacked", "value": "stacked", "title": "Each cell on a level of its own"},
                ],
                value="overlaid",
                inline=True,
                className="chip-list",
            ),
            dcc.Checklist(
                id="trace-normalise",
                options=[
                    {
                        "label": "Each 0 to 1",
                        "value": "normalised",
                        "title": "Every cell from its lowest to its highest value of the whole recording",
                    }
                ],
                value=[],
                inline=True,
                className="chip-list",
            ),
            html.A(
                "CSV",
                id="trace-csv",
                className="text-button",
                title="The values of these traces, of the time in view, as a table",
            ),
            figure_button("traces"),
        ],
        className="trace-tools",
        role="group",
        **aria(label="How the traces are drawn"),
    )


def shade_legend(shades: Sequence[Mapping[str, Any]]) -> list[Component]:
    """The names that are shaded with their colours; of many, the first ones."""
    names = dict.fromkeys((str(shade["name"]), str(shade["colour"])) for shade in shades)
    entries: list[Component] = [
        html.Span(
            [html.Span(className="colour-swatch is-shade", style={"backgroundColor": colour}), name],
            className="legend-entry",
        )
        for name, colour in list(names)[:_MOST_NAMES]
    ]
    more = len(names) - len(entries)
    return [*entries, html.Span(f"and {more} more", className="muted")] if more > 0 else entries


def changed_stimuli(
    workspace: Workspace,
    sample: SampleData,
    options: Sequence[Mapping[str, str]],
    chosen: Sequence[str],
    shades: Sequence[Mapping[str, Any]] | None,
) -> tuple[Any, Any]:
    """Options and choice where the stimuli are others than the page shows, else what leaves everything as it is.

    Most edits are of cells, and come fast: they must not have the traces drawn anew.
    """
    now = shade_options(workspace, sample)
    old, new = ({option["value"] for option in some} for some in (options, now))
    value = [table for table in (option["value"] for option in now) if table in chosen or table in new - old]
    names = workspace.project.column_names(ColumnKind.STIMULUS)
    if old == new and shade_data(sample, value, names) == list(shades or ()):
        return no_update, no_update
    return now, value


def register(app: Dash) -> None:
    """Add the panel's callbacks."""
    clientside(
        app,
        "showTraces",
        Output("traces-wrap", "title"),
        Input("trace-kinds", "value"),
        Input("shades", "data"),
        Input("trace-arrangement", "value"),
        Input("trace-normalise", "value"),
        State("trace-stimuli", "value"),
        State("selection", "data"),
        State("trace-config", "data"),
    )
    clientside(app, "showShades", Output("shade-legend", "title"), Input("shades", "data"))

    @app.callback(
        Output("trace-stimuli", "options"),
        Output("trace-stimuli", "value"),
        Input("sample-version", "data"),
        State("trace-stimuli", "options"),
        State("trace-stimuli", "value"),
        State("shades", "data"),
        State("sample-identifier", "data"),
        prevent_initial_call=True,
    )
    def follow(
        _version: str | None, options: Any, chosen: list[str] | None, shades: Any, identifier: str | None
    ) -> Any:
        if identifier is None:
            return no_update, no_update
        try:
            workspace = current_workspace()
            return changed_stimuli(workspace, workspace.samples.get(identifier), options or [], chosen or [], shades)
        except FluoriteError:  # the traces say it
            return no_update, no_update

    @app.callback(
        Output("shades", "data"),
        Output("shade-legend", "children"),
        Input("trace-stimuli", "value"),
        State("sample-identifier", "data"),
    )
    def shade(tables: list[str] | None, identifier: str | None) -> tuple[Any, Any]:
        if identifier is None:
            return None, None
        try:
            workspace = current_workspace()
            names = workspace.project.column_names(ColumnKind.STIMULUS)
            found = shade_data(workspace.samples.get(identifier), tables or [], names)
        except FluoriteError:  # the traces say it
            return [], None
        return found, shade_legend(found)
