"""The traces of the selected cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.figure_dialogue import figure_button
from app.components.markup import aria, clientside
from app.figures.graph_config import graph_config
from app.figures.palette import cell_colour
from app.figures.traces import (
    KIND_HELP,
    KIND_LABELS,
    Arrangement,
    CellTraces,
    message_figure,
    shown_panels,
    trace_figure,
)
from app.samples.store import SampleData
from app.stimuli.shades import sample_shades, shade_data, shade_options
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnKind
from nwb_schema.errors import FluoriteError

_SCORE_HELP = (
    "SNR: peak signal-to-noise ratio of the trace. r: the footprint's correlation with the movie at its transients."
)
# More lines on top of one another cannot be told apart, neither by eye nor by colour: they are stacked.
MOST_OVERLAID = 7
MOST_CELLS = 60
_LEVEL_PX = 22
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
            # One without data says that it changed: traces would be drawn twice
            dcc.Store(id="trace-window", data=[]),
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
        if position == MOST_OVERLAID:
            entries.append(html.Span(_others(len(keys)), className="muted"))
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


def _others(n_cells: int) -> str:
    """What is said of the cells that the legend does not list."""
    drawn, more = min(n_cells, MOST_CELLS), n_cells - MOST_CELLS
    text = f"and {drawn - MOST_OVERLAID} more: so many are stacked, the first on top"
    return f"{text}; {more} are not drawn, the heat map below has them all" if more > 0 else text


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

    clientside(
        app,
        "traceCsv",
        Output("trace-csv", "href"),
        Input("selection", "data"),
        Input("trace-kinds", "value"),
        Input("trace-window", "data"),
        State("sample-identifier", "data"),
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
            return None, None
        return found, shade_legend(found)

    @app.callback(
        Output("traces", "figure"),
        Output("trace-legend", "children"),
        Output("traces-wrap", "style"),
        Input("selection", "data"),
        Input("trace-kinds", "value"),
        Input("trace-window", "data"),
        Input("trace-stimuli", "value"),
        Input("trace-arrangement", "value"),
        Input("trace-normalise", "value"),
        State("sample-identifier", "data"),
    )
    def draw(
        selected: list[str] | None,
        kinds: list[str] | None,
        window: list[float] | None,
        tables: list[str] | None,
        arranged: str | None,
        normalised: list[str] | None,
        identifier: str | None,
    ) -> tuple[Any, Any, Any]:
        if identifier is None:
            return message_figure(""), [], {}
        arrangement = Arrangement(stacked=arranged == "stacked", normalised=bool(normalised))
        try:
            sample = current_workspace().samples.get(identifier)
            return selected_traces(sample, selected or [], kinds or [], window, tables or [], arrangement)
        except FluoriteError as error:
            return message_figure("The traces cannot be read."), html.P(str(error), className="job-error"), {}


def selected_traces(
    sample: SampleData,
    keys: Sequence[str],
    kinds: Sequence[str],
    window: Sequence[float] | None,
    tables: Sequence[str] = (),
    arrangement: Arrangement | None = None,
) -> tuple[Any, Any, dict[str, str]]:
    """Figure and legend of the selected cells, or what to do when there is nothing to draw; the plot's own style.

    More cells than can be told apart on one axis are stacked, whatever `arrangement` says.
    """
    if sample.summary.n_rois == 0:
        return message_figure("No cells were found, so there are no traces."), [], {}
    if not sample.trace_kinds:
        return message_figure("This sample has no traces."), [], {}
    if not sample.rows_of(keys):
        return message_figure("Click a cell in the image or in the table to see its traces."), [], {}
    if not kinds:
        return message_figure("Choose at least one kind of trace above."), legend(sample, keys), {}
    cells = cell_traces(sample, keys, kinds)
    asked = arrangement or Arrangement()
    arranged = replace(asked, stacked=asked.stacked or len(cells) > MOST_OVERLAID)
    figure = trace_figure(
        cells,
        rate_hz=sample.summary.rate_hz or 1.0,
        kinds=kinds,
        window_s=None if not window else (float(window[0]), float(window[1])),
        shades=sample_shades(sample, tables),
        arrangement=arranged,
    )
    n_levels = len(cells) * len(shown_panels(cells, kinds)) if arranged.stacked else 0
    return figure, legend(sample, keys), {"minHeight": f"{n_levels * _LEVEL_PX + 60}px"} if n_levels else {}
