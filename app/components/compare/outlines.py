"""The outlines of the cells of both results, and what is compared with what."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from app.components.compare.sides import OVERLAPS
from app.components.sized_graph import sized_graph
from app.formatting import count
from app.samples.compared import SAMPLE, Pair
from pipeline.variants.comparing import LEAST_OVERLAP
from pipeline.variants.listing import Variant


def outline_card(variants: Sequence[Variant], a: str, b: str) -> Component:
    """The image with both, and the controls that choose A and B."""
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
                                [{"label": f"{value:g}", "value": str(value)} for value in OVERLAPS],
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


def legend(pair: Pair) -> list[Component]:
    """How many cells both have, and how many only one."""
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
