"""Results for one movie side by side: which cells both have, how good they are, and choosing one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
import numpy as np
from dash import Dash, Input, Output, Patch, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.markup import aria
from app.components.sized_graph import sized_graph
from app.figures.compare_figures import distribution_figure, mark_shapes, outline_figure, pair_traces_figure
from app.figures.traces import message_figure
from app.formatting import ABSENT, count, duration, local_moment, number
from app.parameters.form import TWINS, setting
from app.samples.addresses import cells_image_url
from app.samples.compared import SAMPLE, Pair, Side, first_choice, load_pair, overviews, variants_of
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.edits.identity import MIN_IOU, match_rois
from nwb_schema.errors import FluoriteError
from pipeline.variants.comparing import LEAST_OVERLAP, Overview, parameter_differences
from pipeline.variants.listing import Variant

_OVERLAPS = (LEAST_OVERLAP, 0.5, 0.7)
_SHOWN_DIFFERENCES = 6
_NO_CELL = "Click a cell in the image, or press Next."
_KINDS = {"denoised": "Denoised", "raw": "Raw"}


def compare_sections(workspace: Workspace, sample: SampleData, other: str = "") -> list[Component | None]:
    """All of the page below its headline; `other` is the id of what the sample is compared with at first."""
    variants = variants_of(workspace, sample)
    a, b = first_choice(variants)
    b = other if other in {variant.id for variant in variants} else b
    enough = len(variants) > 1 or (variants and not variants[0].is_chosen)
    return [
        _list_card(workspace, variants, sample),
        _outline_card(variants, a, b) if enough else _only_one(workspace, sample),
        *(_detail_cards(workspace) if enough else []),
    ]


def empty_sections() -> list[Component]:
    """Every part that a callback knows, for Dash, which asks which ids the page has."""
    return [_outline_card([], SAMPLE, SAMPLE), *_detail_cards(None), dcc.Store(id="compare-identifier", data=None)]


def _list_card(workspace: Workspace, variants: Sequence[Variant], sample: SampleData) -> Component:
    """All results, a row each: what a sweep of parameters is judged by."""
    known = overviews(workspace, sample, list(variants))
    head = ["", "Result", "Engine", "Accepted", "Also in the sample", "Found", "SNR", "r", "Time", "Memory", "Made"]
    rows = [html.Tr(_list_row(variant, known.get(variant.id))) for variant in variants]
    own = not any(variant.is_chosen for variant in variants)
    note = "The sample's own results file is not here; the sample itself can be compared all the same." if own else None
    words = "SNR and r are medians of the accepted cells. \u2713 marks the result that the sample has."
    return html.Section(
        [
            html.H2("All results for this movie", id="compare-list-title"),
            html.Table(
                [html.Thead(html.Tr([html.Th(name) for name in head])), html.Tbody(rows)],
                className="plain-table is-list",
            )
            if rows
            else None,
            html.P(" ".join(filter(None, (note, words if rows else None))), className="muted"),
        ],
        className="card-panel",
        **aria(labelledby="compare-list-title"),
    )


def _list_row(variant: Variant, overview: Overview | None) -> list[Component]:
    differing = overview.differing if overview else ()
    differs = [html.Span(" ".join(setting(key, here)), title=key) for key, _, here in differing if _is_shown(key)]
    more = len(differs) - _SHOWN_DIFFERENCES
    differs = differs[:_SHOWN_DIFFERENCES] + ([html.Span(f"and {more} more")] if more > 0 else [])
    return [
        html.Td("\u2713" if variant.is_chosen else ""),
        html.Td(
            [
                variant.title or ABSENT,
                html.Code(variant.id[:8], className="muted variant-id"),
                html.Div(differs, className="muted variant-differs") if differs else None,
            ]
        ),
        html.Td(f"{variant.engine} {variant.engine_version}"),
        *(
            html.Td(text)
            for text in (
                str(variant.n_accepted),
                ABSENT if overview is None else str(overview.n_both),
                str(variant.n_rois),
                ABSENT if overview is None else _score(overview.median_snr),
                ABSENT if overview is None else _score(overview.median_r),
                duration(variant.seconds.get("total")),
                _memory(variant),
            )
        ),
        html.Td(f"{local_moment(variant.at)} {variant.actor}"),
    ]


def _score(value: float) -> str:
    return number(value, 3) if value == value else ABSENT


def _only_one(workspace: Workspace, sample: SampleData) -> Component:
    name, folder = sample.path.stem, workspace.project.folder
    return html.Section(
        [
            html.H2("There is nothing to compare yet"),
            html.P(
                [
                    "Make another result for this movie; it leaves the sample as it is. On ",
                    dcc.Link("Parameters", href="/parameters"),
                    f", change what you like and choose {name} under “The movie of a sample”. Or from a terminal:",
                ]
            ),
            html.Pre(f"fluorite process --variant-of {name} --params changes.json --project {folder}"),
            html.P("Or take one that CaImAn made:"),
            html.Pre(f"fluorite import caiman.hdf5 --variant-of {name} --project {folder}"),
        ],
        className="card-panel",
    )


def _outline_card(variants: Sequence[Variant], a: str, b: str) -> Component:
    options = [{"label": "The sample as it is now", "value": SAMPLE}] + [
        {"label": f"{position}. {variant.title or variant.id[:8]} ({variant.engine})", "value": variant.id}
        for position, variant in enumerate(variants, start=1)
    ]
    return html.Section(
        [
            html.Div(
                [
                    html.Label([html.Strong("A"), dbc.Select(options, a, id="compare-a", size="sm")]),
                    html.Label([html.Strong("B"), dbc.Select(options, b, id="compare-b", size="sm")]),
                    dbc.Switch(id="compare-accepted", label="Accepted cells only", value=True),
                    html.Label(
                        [
                            html.Span("Same cell from overlap"),
                            dbc.Select(
                                [{"label": f"{value:g}", "value": str(value)} for value in _OVERLAPS],
                                str(LEAST_OVERLAP),
                                id="compare-overlap",
                                size="sm",
                            ),
                        ],
                        title="Intersection over union of the footprints, cut at 20 % of their peak; 0.3 is the CaImAn "
                        "paper's",
                    ),
                    dcc.RadioItems(
                        id="compare-view",
                        options=[
                            {"label": "Side by side", "value": "side"},
                            {"label": "On top of each other", "value": "top"},
                        ],
                        value="side",
                        inline=True,
                        className="chip-list",
                    ),
                ],
                className="compare-controls",
            ),
            html.P(id="compare-problem", className="form-message is-error", role="alert"),
            html.Div(id="compare-legend", className="compare-legend"),
            sized_graph("compare-outlines", "fluorite-compared", "compare-outlines", "Outlines of the cells of both"),
        ],
        className="card-panel",
    )


def _detail_cards(workspace: Workspace | None) -> list[Component]:
    writable = workspace is not None and workspace.project.writable
    return [
        html.Section(
            [
                html.Div(
                    [
                        html.H2("Traces of one cell in both", id="compare-traces-title"),
                        html.Div(
                            [
                                html.Button(
                                    "\u2039 Previous", id="compare-previous", type="button", className="text-button"
                                ),
                                html.Button("Next \u203a", id="compare-next", type="button", className="text-button"),
                            ],
                            title="Through the cells in both, then those only in A, then those only in B",
                        ),
                        html.Span(id="compare-cell", className="muted", role="status"),
                        dcc.RadioItems(
                            id="compare-kind",
                            options=[{"label": label, "value": kind} for kind, label in _KINDS.items()],
                            value="denoised",
                            inline=True,
                            className="chip-list",
                        ),
                    ],
                    className="card-head",
                ),
                sized_graph(
                    "compare-traces",
                    "fluorite-compared-traces",
                    "compare-traces",
                    "Traces of one cell in both",
                    figure=message_figure(_NO_CELL),
                ),
                dcc.Store(id="compare-clicked", data=None),
            ],
            className="card-panel",
            **aria(labelledby="compare-traces-title"),
        ),
        html.Div(
            [
                html.Section(
                    [html.H2("Numbers"), html.Div(id="compare-numbers"), _choose(writable)], className="card-panel"
                ),
                html.Section(
                    [
                        html.H2("How clear the cells are"),
                        html.Div(
                            [
                                sized_graph(
                                    f"compare-{name}",
                                    f"fluorite-compared-{name}",
                                    "compare-histogram",
                                    f"Distribution of {name}",
                                )
                                for name in ("snr", "r")
                            ],
                            className="compare-histograms",
                        ),
                    ],
                    className="card-panel",
                ),
            ],
            className="compare-columns",
        ),
        html.Section([html.H2("What was set differently"), html.Div(id="compare-parameters")], className="card-panel"),
    ]


def _choose(writable: bool) -> Component:
    return html.Div(
        [
            dbc.Button("Use A", id="compare-use-a", color="secondary", outline=True, size="sm", disabled=True),
            dbc.Button("Use B", id="compare-use-b", color="secondary", outline=True, size="sm", disabled=True),
            dbc.Modal(
                [
                    dbc.ModalHeader(dbc.ModalTitle("Let this result become the sample's cells?")),
                    dbc.ModalBody(
                        [
                            html.Div(id="compare-question"),
                            html.Label(
                                [html.Span("Why (kept with the edit)"), dbc.Input(id="compare-reason", maxLength=200)],
                                className="compare-reason",
                            ),
                            html.P(id="compare-choose-problem", className="form-message is-error", role="alert"),
                        ]
                    ),
                    dbc.ModalFooter(
                        dbc.Button("Use this one", id="compare-confirm", color="primary", disabled=not writable)
                    ),
                ],
                id="compare-dialogue",
                is_open=False,
            ),
            dcc.Store(id="compare-wanted", data=None),
            dcc.Location(id="compare-reload", refresh=True),
        ],
        className="compare-choose",
    )


def comparison_view(sample: SampleData, pair: Pair, *, on_top: bool) -> tuple[Any, ...]:
    """Outlines, legend, numbers, both distributions, parameters, and whether A and B can be chosen."""
    return (
        outline_figure(pair, cells_image_url(sample), on_top=on_top),
        _legend(pair),
        _numbers(pair),
        distribution_figure(pair, "snr", "SNR"),
        distribution_figure(pair, "r_values", "r (footprint and movie)"),
        _parameters(pair),
        not _can_choose(pair.a),
        not _can_choose(pair.b),
    )


def _legend(pair: Pair) -> list[Component]:
    found = pair.comparison
    entries = (
        ("both", count(len(found.pairs), "cell") + " in both"),
        ("only-a", f"{len(found.only_a)} only in A"),
        ("only-b", f"{len(found.only_b)} only in B"),
    )
    return [
        html.Span([html.Span(className=f"compare-line is-{name}"), words], className="legend-entry")
        for name, words in entries
    ]


def _numbers(pair: Pair) -> Component:
    found = pair.comparison
    n_both = len(found.pairs)
    known = found.correlation[np.isfinite(found.correlation)]
    rows: list[tuple[str, str, str]] = [
        ("Engine", pair.a.made_by, pair.b.made_by),
        ("Cells accepted", *(str(int(side.cells.accepted.sum())) for side in (pair.a, pair.b))),  # type: ignore[list-item]
        ("Cells found", *(str(len(side.cells.table)) for side in (pair.a, pair.b))),  # type: ignore[list-item]
        ("Also in the other", _share(n_both, pair.shown_a), _share(n_both, pair.shown_b)),
        ("Median SNR", _median(pair.shown_a, "snr"), _median(pair.shown_b, "snr")),
        ("Median r", _median(pair.shown_a, "r_values"), _median(pair.shown_b, "r_values")),
        ("Seconds", _seconds(pair.a), _seconds(pair.b)),
        ("Memory", _memory(pair.a.variant), _memory(pair.b.variant)),
    ]
    middle = f"{np.median(known):.3f}" if len(known) else ""
    traces = f"Traces of the cells in both: median correlation {middle}." if middle else ""
    return html.Div(
        [
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(""), html.Th("A"), html.Th("B")])),
                    html.Tbody([html.Tr([html.Th(name), html.Td(a), html.Td(b)]) for name, a, b in rows]),
                ],
                className="plain-table",
            ),
            html.P(traces, className="muted"),
        ]
    )


def _parameters(pair: Pair) -> Component:
    differing, n_others = parameter_differences(pair.a.parameters, pair.b.parameters)
    rest = f"{count(n_others, 'parameter')} only one of the two has." if n_others else ""
    if not differing:
        return html.P(f"Nothing that both of them have. {rest}".strip(), className="muted")
    return html.Div(
        [
            html.Table(
                [
                    html.Thead(html.Tr([html.Th("Parameter"), html.Th("A"), html.Th("B")])),
                    html.Tbody(
                        [
                            html.Tr(
                                [html.Th(setting(key, a)[0], title=key)] + [html.Td(setting(key, v)[1]) for v in (a, b)]
                            )
                            for key, a, b in differing
                            if _is_shown(key)
                        ]
                    ),
                ],
                className="plain-table",
            ),
            html.P(rest, className="muted"),
        ]
    )


def _is_shown(key: str) -> bool:
    """Whether it is not the second one of two parameters that the form has one field for."""
    return key not in TWINS.values()


def _share(n_both: int, cells: Any) -> str:
    total = len(cells.table)
    return f"{n_both} of {total}" + (f" ({n_both / total:.0%})" if total else "")


def _median(cells: Any, score: str) -> str:
    values = cells.table[score].to_numpy(np.float64)
    values = values[np.isfinite(values)]
    return number(float(np.median(values)), 3) if len(values) else ABSENT


def _seconds(side: Side) -> str:
    total = side.variant.seconds.get("total") if side.variant is not None else None
    return duration(total)


def _memory(variant: Variant | None) -> str:
    return ABSENT if variant is None or variant.peak_rss_mb is None else f"{variant.peak_rss_mb:,.0f} MB"


def _can_choose(side: Side) -> bool:
    return side.id != SAMPLE and side.variant is not None and not side.variant.is_chosen


def stepped(pair: Pair, place: list[int] | None, by: int) -> list[int] | None:
    """The cell before or after `place`: those in both, then those only in A, then those only in B, and round again."""
    found = pair.comparison
    cells = [
        *found.pairs.tolist(),
        *([row, -1] for row in found.only_a.tolist()),
        *([-1, row] for row in found.only_b.tolist()),
    ]
    if not cells:
        return None
    if place not in cells:
        return cells[0] if by > 0 else cells[-1]
    return cells[(cells.index(place) + by) % len(cells)]


def question(sample: SampleData, side: Side) -> list[Component]:
    """What will happen when this result is chosen, in words."""
    matched, _ = match_rois(sample.footprints, side.cells.footprints)
    n_matched, n_old = int(np.sum(matched >= 0)), count(len(sample.rois), "ROI")
    return [
        html.P([html.Strong(side.title), f" ({side.made_by}), {count(len(side.cells.table), 'ROI')}."]),
        html.Ul(
            [
                html.Li(
                    f"{n_matched} of the sample's {n_old} are found again (overlap of at least {MIN_IOU:g}): they keep "
                    "identity, tags and decisions."
                ),
                html.Li("Others that carry a tag or a decision stay, marked deleted; drawn ones stay as they are."),
                html.Li("It is one edit: undo brings the present cells back. All results files stay."),
            ]
        ),
    ]


def register(app: Dash) -> None:
    """Add the callbacks."""

    @app.callback(
        Output("compare-outlines", "figure"),
        Output("compare-legend", "children"),
        Output("compare-numbers", "children"),
        Output("compare-snr", "figure"),
        Output("compare-r", "figure"),
        Output("compare-parameters", "children"),
        Output("compare-use-a", "disabled"),
        Output("compare-use-b", "disabled"),
        Output("compare-problem", "children"),
        Input("compare-a", "value"),
        Input("compare-b", "value"),
        Input("compare-accepted", "value"),
        Input("compare-overlap", "value"),
        Input("compare-view", "value"),
        State("compare-identifier", "data"),
    )
    def compare(
        a: str, b: str, accepted: bool | None, overlap: str | None, view: str | None, identifier: str | None
    ) -> tuple[Any, ...]:
        if identifier is None:
            return (no_update,) * 9
        try:
            sample, pair = _pair(identifier, a, b, accepted, overlap)
            return *comparison_view(sample, pair, on_top=view == "top"), ""
        except FluoriteError as error:
            return (*(no_update,) * 6, True, True, str(error))

    @app.callback(
        Output("compare-clicked", "data"),
        Input("compare-outlines", "clickData"),
        Input("compare-a", "value"),
        Input("compare-b", "value"),
        Input("compare-accepted", "value"),
        Input("compare-overlap", "value"),
        prevent_initial_call=True,
    )
    def pick(clicked: dict[str, Any] | None, *_: Any) -> Any:
        # Rows are of what is compared now: with other sides they would be other cells.
        if ctx.triggered_id != "compare-outlines" or not clicked:
            return None
        place = clicked["points"][0].get("customdata")
        return place if isinstance(place, list) and len(place) == 2 else no_update

    @app.callback(
        Output("compare-clicked", "data", allow_duplicate=True),
        Input("compare-previous", "n_clicks"),
        Input("compare-next", "n_clicks"),
        State("compare-clicked", "data"),
        State("compare-a", "value"),
        State("compare-b", "value"),
        State("compare-accepted", "value"),
        State("compare-overlap", "value"),
        State("compare-identifier", "data"),
        prevent_initial_call=True,
    )
    def step(
        _back: int | None,
        _on: int | None,
        place: list[int] | None,
        a: str,
        b: str,
        accepted: bool | None,
        overlap: str | None,
        identifier: str | None,
    ) -> Any:
        if identifier is None:
            return no_update
        try:
            _, pair = _pair(identifier, a, b, accepted, overlap)
        except FluoriteError:  # the outlines say it
            return no_update
        return stepped(pair, place, -1 if ctx.triggered_id == "compare-previous" else 1)

    @app.callback(
        Output("compare-traces", "figure"),
        Output("compare-cell", "children"),
        Output("compare-outlines", "figure", allow_duplicate=True),
        Input("compare-clicked", "data"),
        Input("compare-kind", "value"),
        State("compare-view", "value"),
        State("compare-a", "value"),
        State("compare-b", "value"),
        State("compare-accepted", "value"),
        State("compare-overlap", "value"),
        State("compare-identifier", "data"),
        prevent_initial_call=True,
    )
    def draw_traces(
        place: list[int] | None,
        kind: str,
        view: str | None,
        a: str,
        b: str,
        accepted: bool | None,
        overlap: str | None,
        identifier: str | None,
    ) -> tuple[Any, Any, Any]:
        if identifier is None or kind not in _KINDS:
            return no_update, no_update, no_update
        if place is None:
            return message_figure(_NO_CELL), "", no_update
        try:
            _, pair = _pair(identifier, a, b, accepted, overlap)
        except FluoriteError as error:
            return message_figure(error.cause), "", no_update
        row_a, row_b = place
        if row_a >= len(pair.shown_a.table) or row_b >= len(pair.shown_b.table):
            return message_figure(_NO_CELL), "", no_update
        marked = Patch()
        marked["layout"]["shapes"] = mark_shapes(pair, row_a, row_b, on_top=view == "top")
        return pair_traces_figure(pair, row_a, row_b, kind), _words(pair, row_a, row_b), marked

    @app.callback(
        Output("compare-dialogue", "is_open"),
        Output("compare-wanted", "data"),
        Output("compare-question", "children"),
        Input("compare-use-a", "n_clicks"),
        Input("compare-use-b", "n_clicks"),
        State("compare-a", "value"),
        State("compare-b", "value"),
        State("compare-identifier", "data"),
        prevent_initial_call=True,
    )
    def ask(first: int | None, second: int | None, a: str, b: str, identifier: str | None) -> tuple[Any, Any, Any]:
        if identifier is None or not (first or second):
            return no_update, no_update, no_update
        wanted = a if ctx.triggered_id == "compare-use-a" else b
        try:
            sample, pair = _pair(identifier, wanted, wanted, False, None)
        except FluoriteError as error:
            return True, None, str(error)
        return True, wanted, question(sample, pair.a)

    @app.callback(
        Output("compare-reload", "href"),
        Output("compare-choose-problem", "children"),
        Input("compare-confirm", "n_clicks"),
        State("compare-wanted", "data"),
        State("compare-reason", "value"),
        State("compare-identifier", "data"),
        State("actor", "value"),
        running=[(Output("compare-confirm", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def choose(
        clicks: int | None, wanted: str | None, reason: str | None, identifier: str | None, actor: str | None
    ) -> tuple[Any, Any]:
        if not clicks or wanted is None or identifier is None:
            return no_update, no_update
        from app.addresses import sample_url
        from pipeline.variants.choosing import choose_variant

        workspace = current_workspace()
        try:
            path = workspace.samples.get(identifier).path
            choose_variant(workspace.project, path, wanted, actor=actor_of(actor), reason=reason or "")
        except FluoriteError as error:
            return no_update, str(error)
        return sample_url(identifier), ""


def _pair(identifier: str, a: str, b: str, accepted: bool | None, overlap: str | None) -> tuple[SampleData, Pair]:
    workspace = current_workspace()
    sample = workspace.samples.get(identifier)
    least = float(overlap) if overlap in {str(value) for value in _OVERLAPS} else LEAST_OVERLAP
    return sample, load_pair(workspace, sample, (a, b), accepted_only=bool(accepted), least_overlap=least)


def _words(pair: Pair, row_a: int, row_b: int) -> str:
    if row_a < 0 or row_b < 0:
        return "only in A" if row_b < 0 else "only in B"
    at = np.flatnonzero(pair.comparison.pairs[:, 0] == row_a)
    if not len(at):
        return ""
    overlap, correlation = pair.comparison.overlap[at[0]], pair.comparison.correlation[at[0]]
    alike = f", correlation of the traces {correlation:.3f}" if np.isfinite(correlation) else ""
    return f"overlap {overlap:.2f}{alike}"
