"""The four outputs of the IDEAS workflow, for one sample, each with what it is and its files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
import numpy as np
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria
from app.components.sized_graph import sized_graph
from app.figures.cell_preview import footprints_figure, stacked_figure
from app.figures.event_figures import histogram_figure, raster_figure
from app.figures.graph_config import graph_config
from app.figures.traces import message_figure
from app.formatting import count, number
from app.samples.addresses import cells_image_url, file_url, initialisation_url, raster_url
from app.samples.outputs import outputs_of, parse_least
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.outputs.cell_set import previewed_rows
from pipeline.outputs.events import LEAST_NOISE
from pipeline.outputs.writing import KINDS, Outputs
from pipeline.viewing.levels import contrast

_KIND_WORDS = {"raw": "Raw", "denoised": "Denoised"}
_IMAGE_WORDS = {
    "pnr": ("Peak-to-noise ratio", "How far each pixel rises above its noise: active cells are bright."),
    "correlation": ("Correlation", "How alike each pixel and its 8 neighbours change: pixels of one cell go together."),
    "search": ("Search image", "The product of the two: cells are where both are high."),
}


def results_sections(workspace: Workspace, sample: SampleData) -> list[Component | None]:
    """All sections of the page."""
    outputs = outputs_of(workspace, sample)
    kinds = [kind for kind in KINDS if kind in outputs.cells.kinds]
    return [
        _results_card(workspace, sample, outputs),
        _cells_card(sample, outputs, kinds) if kinds and len(outputs.cells.table) else None,
        _initialisation_card(sample, outputs),
        _events_card(sample, outputs) if outputs.events is not None else None,
        _missing(outputs),
    ]


def page_controls(identifier: str | None) -> list[Component]:
    """What all sections depend on: the sample, and which of its cells."""
    return [
        dbc.Switch(id="results-rejected", label="Show rejected cells, too", value=False, className="results-rejected"),
        dcc.Store(id="results-identifier", data=identifier),
    ]


def empty_sections() -> list[Component]:
    """Every part that a callback knows, for Dash, which asks which ids the page has."""
    ids = ("footprints", "traces", "raster", "rates", "intervals")
    return [
        *page_controls(None),
        dcc.RadioItems(id="results-kind"),
        dbc.Input(id="results-least"),
        *(dcc.Graph(id=f"results-{name}", config=graph_config("fluorite")) for name in ids),
        *(html.Div(id=f"results-{name}") for name in ("initialisation-images", "event-counts", "event-files")),
        dcc.Store(id="results-initialisation-of", data=None),
    ]


def _results_card(workspace: Workspace, sample: SampleData, outputs: Outputs) -> Component:
    found = outputs.results
    if found is None:
        body: list[Component] = [
            html.P("It is not among the project's batch folders; the sample itself has all of it.")
        ]
    else:
        size_mb = found.stat().st_size / 1e6
        body = [
            html.P(
                [
                    "The model as the engine left it, before anybody edited its cells: footprints, traces, spikes, "
                    "noise, background. CaImAn's own ",
                    html.Code("load_CNMF"),
                    " opens it.",
                ]
            ),
            _files(sample, [("results.hdf5", f"results.hdf5 ({number(size_mb, 3)} MB)")]),
        ]
    everything = f"fluorite results {workspace.project.folder} {sample.path.stem} --to FOLDER"
    return _card(
        "results-file",
        "Results file",
        [*body, html.P(["All files of this page at once: ", html.Code(everything)], className="muted results-command")],
    )


def _cells_card(sample: SampleData, outputs: Outputs, kinds: Sequence[str]) -> Component:
    names = [name for name in outputs.writers if name.startswith(("cells_", "traces_", "footprints"))]
    shown = min(len(outputs.shown.table), len(previewed_rows(outputs.shown.table["snr"].to_numpy(np.float64))))
    return _card(
        "results-cells",
        "Cell sets",
        [
            html.Div(
                [
                    dcc.RadioItems(
                        id="results-kind",
                        options=[{"label": _KIND_WORDS[kind], "value": kind} for kind in kinds],
                        value=kinds[0],
                        inline=True,
                        className="chip-list",
                    ),
                    html.Span(
                        f"{shown} cells across the range of signal-to-noise ratios (SNR), the clearest on top",
                        className="muted",
                    ),
                ],
                className="results-controls",
            ),
            html.Div(
                [
                    sized_graph(
                        "results-footprints", "fluorite-footprints", "results-image", "Footprints of some cells"
                    ),
                    sized_graph("results-traces", "fluorite-cell-traces", "results-traces", "Traces of these cells"),
                ],
                className="results-cells",
            ),
            _files(sample, [(name, name) for name in ("cells.csv", *names)]),
        ],
    )


def _initialisation_card(sample: SampleData, outputs: Outputs) -> Component | None:
    names = [name for name in outputs.writers if name.startswith("initialisation")]
    if not names:
        return None
    return _card(
        "results-initialisation",
        "Where cells were looked for",
        [
            dcc.Loading(
                html.Div(id="results-initialisation-images", className="results-images"), type="dot", delay_show=300
            ),
            _files(sample, [(name, name) for name in names]),
            dcc.Store(id="results-initialisation-of", data=sample.name),
        ],
    )


def initialisation_images(sample: SampleData, outputs: Outputs) -> list[Component]:
    """The three images with their scales and what they are."""
    found = outputs.initialisation
    if found is None:
        return [html.P("There are none.")]
    shown: list[Component] = []
    for name, image in found.images.items():
        title, words = _IMAGE_WORDS[name]
        low, high = contrast(image).auto
        shown.append(
            html.Figure(
                [
                    html.Img(src=initialisation_url(sample, name), alt=title, className="results-initialisation-image"),
                    html.Figcaption(
                        [
                            html.Strong(title),
                            html.Span(
                                [
                                    number(low, 2),
                                    html.Span(className="viridis-bar", **aria(hidden="true")),
                                    number(high, 2),
                                ],
                                className="scale",
                            ),
                            html.Span(words, className="muted"),
                        ]
                    ),
                ]
            )
        )
    return [*shown, html.P(found.what, className="muted results-what")]


def _bar() -> Component:
    return html.Span(className="viridis-bar", **aria(hidden="true"))


def _events_card(sample: SampleData, outputs: Outputs) -> Component:
    names = [name for name in outputs.writers if name.startswith(("events", "event_", "population"))]
    return _card(
        "results-events",
        "Neural events",
        [
            html.Div(
                [
                    html.Label(
                        [
                            html.Span("Events that reach"),
                            dbc.Input(
                                id="results-least",
                                type="text",
                                value=f"{LEAST_NOISE:g}",
                                size="sm",
                                debounce=True,
                                inputmode="decimal",
                                autocomplete="off",
                            ),
                            html.Span("times the noise of their trace"),
                        ],
                        className="results-least",
                        title="0 keeps everything that deconvolution found, most of which is noise",
                    ),
                    html.Span(id="results-event-counts", className="muted", role="status"),
                ],
                className="results-controls",
            ),
            sized_graph("results-raster", "fluorite-events", "results-raster", "Events over time"),
            html.Div(
                [
                    sized_graph(f"results-{name}", f"fluorite-{name}", "results-histogram", f"Histogram of {name}")
                    for name in ("rates", "intervals")
                ],
                className="results-histograms",
            ),
            html.P(
                "An event is a run of frames in which the deconvolved trace (S) is above 0, and the highest of them "
                "stands out of the noise. Its time is that of the highest frame, its size the sum over the run, in "
                "units of the trace. It is no count of spikes.",
                className="muted",
            ),
            html.Div(_files(sample, [(name, name) for name in names]), id="results-event-files"),
        ],
    )


def _missing(outputs: Outputs) -> Component | None:
    notes = outputs.notes()
    return html.Ul([html.Li(note) for note in notes], className="muted results-missing") if notes else None


def _card(card_id: str, title: str, children: list[Any]) -> Component:
    return html.Section(
        [html.H2(title, id=f"{card_id}-title"), *children],
        id=card_id,
        className="card-panel results-card",
        **aria(labelledby=f"{card_id}-title"),
    )


def _files(
    sample: SampleData, files: Sequence[tuple[str, str]], *, rejected: bool = False, least: float = LEAST_NOISE
) -> Component:
    links = [
        html.A(
            label,
            href=file_url(sample, name, rejected=rejected, least=least),
            download="",
            className="file-link",
        )
        for name, label in files
    ]
    return html.Div([html.Span("Download", className="muted"), *links], className="file-links")


def cell_figures(sample: SampleData, outputs: Outputs, kind: str) -> tuple[Any, Any]:
    """The footprints and the traces of the cells that the preview shows."""
    cells = outputs.shown
    rows = [int(row) for row in previewed_rows(cells.table["snr"].to_numpy(np.float64))]
    return footprints_figure(cells, rows, cells_image_url(sample)), stacked_figure(cells, rows, kind)


def event_figures(sample: SampleData, outputs: Outputs, *, rejected: bool, least: float) -> tuple[Any, ...]:
    """Raster and population rate, the two histograms, and how many events there are in words."""
    events = outputs.events
    if events is None or not len(events.cell):
        nothing = message_figure("No event reaches that.")
        return nothing, nothing, nothing, "no event"
    rates = events.rates_hz()
    words = (
        f"{count(len(events.cell), 'event')} in {count(events.n_cells, 'cell')}; "
        f"median rate of a cell {number(float(np.median(rates)), 3)} Hz"
    )
    return (
        raster_figure(
            events, raster_url(sample, rejected=rejected, least=least), outputs.shown.table["index"].tolist()
        ),
        histogram_figure(rates, "Event rate of a cell (Hz)"),
        histogram_figure(events.mean_intervals_s(), "Mean interval between events of a cell (s)", second=True),
        words,
    )


def register(app: Dash) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("results-footprints", "figure"),
        Output("results-traces", "figure"),
        Input("results-kind", "value"),
        Input("results-rejected", "value"),
        State("results-identifier", "data"),
    )
    def draw_cells(kind: str | None, rejected: bool | None, identifier: str | None) -> tuple[Any, Any]:
        if identifier is None or kind not in KINDS:
            return no_update, no_update
        try:
            workspace = current_workspace()
            sample = workspace.samples.get(identifier)
            return cell_figures(sample, outputs_of(workspace, sample, rejected=bool(rejected)), kind)
        except FluoriteError as error:
            return message_figure(error.cause), message_figure(error.remedy)

    @app.callback(Output("results-initialisation-images", "children"), Input("results-initialisation-of", "data"))
    def show_initialisation(identifier: str | None) -> Any:
        if identifier is None:
            return no_update
        try:
            workspace = current_workspace()
            sample = workspace.samples.get(identifier)
            return initialisation_images(sample, outputs_of(workspace, sample))
        except FluoriteError as error:
            return html.P(str(error), className="form-message is-error")

    @app.callback(
        Output("results-raster", "figure"),
        Output("results-rates", "figure"),
        Output("results-intervals", "figure"),
        Output("results-event-counts", "children"),
        Output("results-event-files", "children"),
        Input("results-least", "value"),
        Input("results-rejected", "value"),
        State("results-identifier", "data"),
    )
    def draw_events(typed: str | None, rejected: bool | None, identifier: str | None) -> tuple[Any, ...]:
        if identifier is None:
            return (no_update,) * 5
        least = parse_least(typed)
        try:
            workspace = current_workspace()
            sample = workspace.samples.get(identifier)
            outputs = outputs_of(workspace, sample, rejected=bool(rejected), least_noise=least)
            figures = event_figures(sample, outputs, rejected=bool(rejected), least=least)
            names = [name for name in outputs.writers if name.startswith(("events", "event_", "population"))]
        except FluoriteError as error:
            return message_figure(error.cause), message_figure(""), message_figure(""), error.remedy, no_update
        files = [(name, name) for name in names]
        return *figures, _files(sample, files, rejected=bool(rejected), least=least)
