"""The sample page: movie, cells, traces and where they come from."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.addresses import compare_url, details_url, results_url, stimuli_url
from app.addresses import sample_url as sample_url
from app.components.curation_view import curation_bar, curation_config, curation_dialogues
from app.components.edit_history import cell_card, history_card
from app.components.figure_dialogue import figure_dialogue
from app.components.heatmap_panel import heatmap_card
from app.components.markup import aria, clientside
from app.components.player_view import player_card, player_config
from app.components.provenance_view import provenance_card
from app.components.roi_table import roi_table
from app.components.trace_panel import trace_card
from app.components.trash_view import trash_button
from app.formatting import count, duration, frame_size, number
from app.samples.curation import tag_columns, version_in_file
from app.samples.roi_rows import ROI_COLUMNS
from app.samples.store import SampleData
from app.stimuli.shades import shade_options
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError
from nwb_schema.reader import read_provenance

# As many traces as can still be told apart at first sight.
_FIRST_CELLS = 3


def layout(
    identifier: str | None = None,
    roi: str | None = None,
    frame: str = "",
    z: str = "",
    play: str = "",
    **_query: str,
) -> Component:
    """The page of one sample.

    Parameters
    ----------
    identifier
        From the address, still percent-encoded; None when Dash only asks which ids the page has.
    roi, frame
        From the address, too: keys of selected cells separated by commas, and the frame to show. An address that says
        nothing about cells selects the clearest ones; ``roi=none`` selects none.
    z
        The plane of a volume to show; without it all planes are, seen from above.
    play
        ``1`` for a movie that starts to play by itself.
    """
    if identifier is None:
        empty = (player_card(None, None), trace_card(None, (), (), []), curation_bar(None), roi_table(_no_rois()))
        return _page([*trash_button(writable=False)], *empty, None)
    name = unquote(identifier)
    try:
        return sample_layout(
            current_workspace(),
            name,
            selected=None if roi is None else _keys(roi),
            frame=_number(frame) or 0,
            plane=_number(z),
            play=play == "1",
        )
    except FluoriteError as error:
        return missing_sample(name, error)


def sample_layout(
    workspace: Workspace,
    identifier: str,
    *,
    selected: list[str] | None,
    frame: int,
    plane: int | None = None,
    play: bool = False,
) -> Component:
    """The page of a sample of this project; without a selection, its clearest cells are selected.

    What people look at first: the rest of the page (`rest_of_page`) comes when the browser has drawn this.

    Raises
    ------
    FluoriteError
        When there is no such sample, or it cannot be read.
    """
    sample = workspace.samples.get(identifier)
    rows = clearest_cells(sample.rois, _FIRST_CELLS) if selected is None else sample.rows_of(selected)
    keys = [str(sample.rois["key"][row]) for row in rows]
    config, problem = player_config(workspace, sample, frame=frame, plane=plane, selected=keys, play=play)
    curation = curation_config(workspace, sample)
    return _page(
        _headline(sample, workspace.problem(sample), writable=workspace.project.writable),
        player_card(config, problem, curation),
        trace_card(identifier, sample.trace_kinds, keys, shade_options(workspace, sample)),
        curation_bar(curation),
        roi_table(sample.rois, tag_columns(workspace), keys),
        version_in_file(sample),
    )


def rest_of_page(workspace: Workspace, sample: SampleData) -> list[Component]:
    """What is below the fold, and the dialogues: more components than all the rest, and nobody's first look."""
    tags = tag_columns(workspace)
    return [
        heatmap_card(sample.trace_kinds if sample.summary.n_rois else (), tags),
        history_card(),
        provenance_card(sample.summary, read_provenance(sample.path)),
        figure_dialogue(list(sample.images)),
        *curation_dialogues(),
    ]


def clearest_cells(rois: pd.DataFrame, count: int) -> list[int]:
    """Row numbers of the accepted cells with the highest SNR, the highest first; in a tie, the earlier row.

    Cells without an SNR come last, in their own order.
    """
    accepted = np.flatnonzero(rois["is_accepted"].to_numpy(dtype=bool))
    snr = rois["snr"].to_numpy(dtype=float)[accepted]
    order = np.argsort(-np.where(np.isnan(snr), -np.inf, snr), kind="stable")
    return [int(row) for row in accepted[order][:count]]


def missing_sample(identifier: str, error: FluoriteError) -> Component:
    """What to show for an address that leads to no sample."""
    return html.Main(
        html.Section(
            [
                html.H1("This sample cannot be shown"),
                html.P(error.cause[:1].upper() + error.cause[1:] + ".", className="lead"),
                html.P([html.Code(identifier)]),
                html.P(
                    "It may have been deleted or renamed, or the address may be of another project.", className="muted"
                ),
                dcc.Link("All samples of this project", href="/", className="btn btn-primary"),
            ],
            className="card-panel missing",
        ),
        className="page",
    )


def _page(
    headline: list[Component | None],
    player: Component,
    traces: Component,
    curation: Component,
    table: Component,
    version: str | None,
) -> Component:
    return html.Main(
        [
            html.Div(headline, className="sample-headline"),
            html.Div(
                [
                    player,
                    html.Div(
                        [
                            traces,
                            html.Section(
                                [
                                    html.H2("Cells", id="cells-title"),
                                    curation,
                                    html.Div(table, className="roi-table-wrap"),
                                    cell_card(),
                                ],
                                className="card-panel cells-card",
                                **aria(labelledby="cells-title"),
                            ),
                        ],
                        className="sample-side",
                    ),
                ],
                className="sample-columns",
            ),
            html.Div(id="sample-rest", className="sample-rest"),
            dcc.Store("sample-usable", data=False),
            # Of the file: what follows edits is called when it changes.
            dcc.Store("sample-version", data=version),
        ],
        className="page sample-page",
    )


def register(app: Dash) -> None:
    """Add the callbacks that bring the rest of the page."""
    clientside(app, "whenUsable", Output("sample-usable", "data"), Input("player-config", "data"))

    @app.callback(
        Output("sample-rest", "children"),
        Input("sample-usable", "data"),
        State("sample-identifier", "data"),
        prevent_initial_call=True,
    )
    def bring_rest(usable: bool, identifier: str | None) -> Any:
        if not usable or identifier is None:
            return no_update
        try:
            workspace = current_workspace()
            return rest_of_page(workspace, workspace.samples.get(identifier))
        except FluoriteError as error:
            return html.P(str(error), className="notice", role="alert")


def _headline(sample: SampleData, problem: str | None, *, writable: bool) -> list[Component | None]:
    summary = sample.summary
    cells = f"{count(summary.n_accepted, 'accepted cell')} of {summary.n_rois}" if summary.n_rois else "no cells found"
    facts = [
        count(summary.n_frames, "frame") if summary.n_frames else None,
        f"{number(summary.rate_hz)} Hz" if summary.rate_hz else None,
        duration(summary.duration_s) if summary.duration_s else None,
        frame_size(summary.height, summary.width) if summary.height and summary.width else None,
        count(summary.depth, "plane") if summary.depth else None,
        f"{summary.engine} {summary.engine_version or ''}".strip() if summary.engine else None,
    ]
    return [
        dcc.Link("← Samples", href="/", className="back-link"),
        html.H1(summary.path.stem),
        html.Div(
            [
                # It follows the edits: assets/curation.js.
                html.Span(cells, className="fact-chip", id="accepted-chip"),
                *(html.Span(fact, className="fact-chip") for fact in facts if fact),
            ],
            className="fact-chips",
        ),
        html.Div(
            [
                dcc.Link("Stimuli →", href=stimuli_url(sample.name), className="back-link", id="stimuli-link"),
                dcc.Link("Details →", href=details_url(sample.name), className="back-link", id="details-link"),
                dcc.Link("Results →", href=results_url(sample.name), className="back-link", id="results-link"),
                dcc.Link("Compare →", href=compare_url(sample.name), className="back-link", id="compare-link"),
            ],
            className="sample-links",
        ),
        *trash_button(writable=writable),
        html.P(problem, className="notice", role="alert") if problem else None,
    ]


def _keys(text: str) -> list[str]:
    return [unquote(key) for key in text.split(",") if key]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _no_rois() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in ROI_COLUMNS})
