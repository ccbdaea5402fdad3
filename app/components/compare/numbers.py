"""What both results have in numbers: cells, scores, time, memory, and the parameters that differ."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html
from dash.development.base_component import Component

from app.components.compare.wording import is_shown, memory_text
from app.components.sized_graph import sized_graph
from app.formatting import ABSENT, count, duration, number
from app.parameters.form import setting
from app.samples.compared import Pair, Side
from pipeline.variants.comparing import parameter_differences


def number_cards(choose: Component) -> Component:
    """The table of numbers with `choose` below it, and the distributions of the scores beside it."""
    return html.Div(
        [
            html.Section([html.H2("Numbers"), html.Div(id="compare-numbers"), choose], className="card-panel"),
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
    )


def parameter_card() -> Component:
    """Where the parameters that differ are listed."""
    return html.Section(
        [html.H2("What was set differently"), html.Div(id="compare-parameters")], className="card-panel"
    )


def numbers_table(pair: Pair) -> Component:
    """How many cells, how good, how long it took."""
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
        ("Memory", memory_text(pair.a.variant), memory_text(pair.b.variant)),
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


def parameters_table(pair: Pair) -> Component:
    """What was set differently."""
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
                            if is_shown(key)
                        ]
                    ),
                ],
                className="plain-table",
            ),
            html.P(rest, className="muted"),
        ]
    )


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
