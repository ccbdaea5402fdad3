"""The traces of the selected cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from app.components.markup import aria, clientside
from app.figures.graph_config import graph_config
from app.figures.palette import cell_colour
from app.figures.traces import KIND_HELP, KIND_LABELS, CellTraces, message_figure, trace_figure
from app.sample_store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError

_SCORE_HELP = (
    "SNR: peak signal-to-noise ratio of the trace. r: the footprint's correlation with the movie at its transients."
)
# More lines on top of one another cannot be told apart, neither by eye nor by colour.
MOST_CELLS = 7
_FIRST_KINDS = ("raw", "denoised", "dff", "deconvolved")


def trace_card(identifier: str | None, kinds: Sequence[str], selected: Sequence[str]) -> Component:
    """The panel; the figure comes with the selection."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Traces", id="traces-title"),
                    dcc.Checklist(
                        id="trace-kinds",
                        options=[
                            {"label": KIND_LABELS[kind], "value": kind, "title": KIND_HELP[kind]}
                            for kind in _FIRST_KINDS
                            if kind in kinds
                        ],
                        value=[kind for kind in _FIRST_KINDS if kind in kinds],
                        inline=True,
                        className="chip-list",
                    ),
                ],
                className="card-head",
            ),
            html.Div(
                [
                    dcc.Graph(
                        id="traces",
                        figure=message_figure(""),
                        responsive=True,
                        config=graph_config("fluorite-traces"),
                        style={"height": "100%"},
                    ),
                    html.Div(id="trace-cursor", className="trace-cursor", **aria(hidden="true")),
                ],
                id="traces-wrap",
                className="traces-wrap",
                role="img",
                **aria(label="Fluorescence over time of the selected cells"),
            ),
            html.Div(id="trace-legend", className="trace-legend"),
            dcc.Store(id="selection", data=list(selected)),
            dcc.Store(id="trace-window", data=None),
            dcc.Store(id="sample-identifier", data=identifier),
        ],
        className="card-panel trace-card",
        **aria(labelledby="traces-title"),
    )


def cell_traces(sample: SampleData, keys: Sequence[str], kinds: Sequence[str]) -> list[CellTraces]:
    """The traces of the selected cells, coloured by their position in the selection."""
    rows = sample.rows_of(keys)[:MOST_CELLS]
    traces = sample.traces(rows, kinds)
    labels = sample.rois["index"]
    return [
        CellTraces(
            f"Cell {labels[row]}",
            cell_colour(position),
            {kind: values[position] for kind, values in traces.items()},
        )
        for position, row in enumerate(rows)
    ]


def legend(sample: SampleData, keys: Sequence[str]) -> list[Component]:
    """The selected cells with their colours and scores."""
    entries: list[Component] = []
    for position, row in enumerate(sample.rows_of(keys)):
        if position == MOST_CELLS:
            entries.append(html.Span(f"and {len(keys) - MOST_CELLS} more, not drawn", className="muted"))
            break
        roi = sample.rois.iloc[row]
        scores = [f"SNR {roi['snr']:.3g}"] if roi["snr"] == roi["snr"] else []
        scores += [f"r {roi['r_values']:.2f}"] if roi["r_values"] == roi["r_values"] else []
        entries.append(
            html.Span(
                [
                    html.Span(className="legend-line", style={"backgroundColor": cell_colour(position)}),
                    html.Strong(f"Cell {roi['index']}"),
                    html.Span(
                        " · ".join(["accepted" if roi["is_accepted"] else "rejected", *scores]), className="muted"
                    ),
                ],
                className="legend-entry",
                title=_SCORE_HELP,
            )
        )
    return entries


def register(app: Dash) -> None:
    """Add the panel's callbacks."""
    clientside(
        app,
        "traceWindow",
        Output("trace-window", "data"),
        Input("traces", "relayoutData"),
        prevent_initial_call=True,
    )
    clientside(
        app,
        "attachTraces",
        Output("traces-wrap", "title"),
        Input("traces", "figure"),
    )

    @app.callback(
        Output("traces", "figure"),
        Output("trace-legend", "children"),
        Input("selection", "data"),
        Input("trace-kinds", "value"),
        Input("trace-window", "data"),
        State("sample-identifier", "data"),
    )
    def draw(
        selected: list[str] | None, kinds: list[str] | None, window: list[float] | None, identifier: str | None
    ) -> tuple[Any, Any]:
        if identifier is None:
            return message_figure(""), []
        try:
            return selected_traces(current_workspace().samples.get(identifier), selected or [], kinds or [], window)
        except FluoriteError as error:
            return message_figure("The traces cannot be read."), html.P(str(error), className="job-error")


def selected_traces(
    sample: SampleData, keys: Sequence[str], kinds: Sequence[str], window: Sequence[float] | None
) -> tuple[Any, Any]:
    """Figure and legend of the selected cells, or what to do when there is nothing to draw."""
    if sample.summary.n_rois == 0:
        return message_figure("No cells were found, so there are no traces."), []
    if not sample.trace_kinds:
        return message_figure("This sample has no traces."), []
    if not sample.rows_of(keys):
        return message_figure("Click a cell in the image or in the table to see its traces."), []
    if not kinds:
        return message_figure("Choose at least one kind of trace above."), legend(sample, keys)
    figure = trace_figure(
        cell_traces(sample, keys, kinds),
        rate_hz=sample.summary.rate_hz or 1.0,
        kinds=kinds,
        window_s=None if window is None else (float(window[0]), float(window[1])),
    )
    return figure, legend(sample, keys)
