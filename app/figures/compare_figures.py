"""Two results for one movie: outlines, distributions and traces. Colour is never the only cue: dashes say the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.palette import ORANGE, PURPLE, SKY_BLUE
from app.figures.plain_layout import axis, behind, image_axes, joined, plain_layout
from app.figures.traces import visible_samples
from app.samples.compared import Pair
from pipeline.outputs.cell_set import CellSet
from pipeline.viewing.contours import outlines

BOTH, ONLY_A, ONLY_B = (SKY_BLUE, "solid"), (ORANGE, "dash"), (PURPLE, "dot")
"""Colour and dash of the outlines of cells that both have, that only A has, and that only B has."""
_POINTS = 2_000
_BINS = 30
# Of the radius of a disc as large as the cell: outside its outline.
_RING = 1.6


def outline_figure(pair: Pair, image_url: str | None, *, on_top: bool) -> go.Figure:
    """The outlines of both over the image: side by side with one zoom, or on top of one another.

    A click on a cell yields its place: ``customdata`` is ``[row in A or -1, row in B or -1]``.
    """
    height, width = pair.shown_a.shape
    found = pair.comparison
    shapes_a = outlines(pair.shown_a.footprints, pair.shown_a.shape)
    shapes_b = outlines(pair.shown_b.footprints, pair.shown_b.shape)
    in_a, in_b = found.pairs[:, 0].tolist(), found.pairs[:, 1].tolist()
    right = 1 if on_top else 2
    traces = [
        _lines(shapes_a, in_a, BOTH, "in both", 1),
        *([] if on_top else [_lines(shapes_b, in_b, BOTH, "in both", 2)]),
        _lines(shapes_a, found.only_a.tolist(), ONLY_A, "only in A", 1),
        _lines(shapes_b, found.only_b.tolist(), ONLY_B, "only in B", right),
    ]
    partner_b = dict(zip(in_a, in_b, strict=True))
    partner_a = dict(zip(in_b, in_a, strict=True))
    traces.append(_targets(pair.shown_a, [(row, partner_b.get(row, -1)) for row in range(len(shapes_a))], 0, 1))
    rest = found.only_b.tolist() if on_top else range(len(shapes_b))
    traces.append(_targets(pair.shown_b, [(partner_a.get(row, -1), row) for row in rest], 1, right))
    panels = 1 if on_top else 2
    layout = plain_layout(
        margin={"l": 0, "r": 0, "t": 22, "b": 0},
        images=[behind(image_url, height, width, number=number + 1) for number in range(panels)] if image_url else [],
        hovermode="closest",
        clickmode="event",
        uirevision="outlines",
        annotations=[
            _heading(text, (number + 0.5) / panels)
            for number, text in enumerate(["A and B"] if on_top else [f"A: {pair.a.title}", f"B: {pair.b.title}"])
        ],
        **_axes(height, width, panels),
    )
    return go.Figure(traces, layout)


def mark_shapes(pair: Pair, row_a: int, row_b: int, *, on_top: bool) -> list[dict[str, object]]:
    """Rings around the chosen cell in `outline_figure`, one a panel that has it; a row of -1 is no cell."""
    shapes: list[dict[str, object]] = []
    for cells, row, number in ((pair.shown_a, row_a, 1), (pair.shown_b, row_b, 1 if on_top else 2)):
        if row < 0 or (on_top and shapes):
            continue
        (x,), (y,) = _centres(cells, [row], cells.shape[1])
        radius = _RING * float(np.sqrt(max(1, np.diff(cells.footprints.indptr)[row]) / np.pi))
        axes = _on(number) or {"xaxis": "x", "yaxis": "y"}
        shapes.append(
            {
                "type": "circle",
                "xref": axes["xaxis"],
                "yref": axes["yaxis"],
                "x0": x - radius,
                "x1": x + radius,
                "y0": y - radius,
                "y1": y + radius,
                "line": {"color": "#FFFFFF", "width": 2},
            }
        )
    return shapes


def distribution_figure(pair: Pair, score: str, title: str) -> go.Figure:
    """How many cells of A and of B have which score."""
    values = [side.table[score].to_numpy(np.float64) for side in (pair.shown_a, pair.shown_b)]
    values = [one[np.isfinite(one)] for one in values]
    both = np.concatenate(values)
    if not len(both):
        nothing = {"visible": False}
        note = _heading("Neither has this score.", 0.5, 0.5)
        return go.Figure(layout=plain_layout(annotations=[note], xaxis=nothing, yaxis=nothing))
    edges = np.histogram_bin_edges(both, bins=_BINS)
    traces = []
    for name, one, (colour, dash) in zip("AB", values, (ONLY_A, ONLY_B), strict=True):
        counts, _ = np.histogram(one, bins=edges)
        traces.append(
            go.Scatter(
                x=np.concatenate([edges[:1], edges]),
                y=np.concatenate([[0], counts, [0]]),
                mode="lines",
                name=name,
                line={"color": colour, "dash": "solid" if name == "A" else dash, "width": 2, "shape": "hv"},
                hovertemplate=f"{name}: %{{y}} cells<extra></extra>",
            )
        )
    legend = {"x": 1, "xanchor": "right", "y": 1, "orientation": "h"}
    axes = {"xaxis": axis(title), "yaxis": axis("Cells", nticks=5, rangemode="tozero")}
    return go.Figure(traces, plain_layout(showlegend=True, legend=legend, **axes))


def pair_traces_figure(pair: Pair, row_a: int, row_b: int, kind: str) -> go.Figure:
    """The traces of one cell in A and in B, or in the one that has it; each in multiples of its own spread."""
    traces = []
    duration_s = 0.0
    sides = ((pair.shown_a, row_a, "A", ONLY_A), (pair.shown_b, row_b, "B", ONLY_B))
    for cells, row, name, (colour, _) in sides:
        if row < 0 or kind not in cells.kinds:
            continue
        values = _scaled(cells.read_traces(kind, [row])[0])
        samples = visible_samples(values, cells.rate_hz, None, _POINTS)
        duration_s = max(duration_s, cells.n_frames / cells.rate_hz)
        traces.append(
            go.Scatter(
                x=samples / cells.rate_hz,
                y=values[samples],
                mode="lines",
                name=f"{name}: cell {cells.table['index'].iloc[row]}",
                line={"color": colour, "width": 1.3, "dash": "solid" if name == "A" else "dot"},
                hovertemplate="%{y:.2f}<extra>%{fullData.name}</extra>",
            )
        )
    return go.Figure(
        traces,
        plain_layout(
            showlegend=True,
            legend={"x": 0, "y": 1.12, "orientation": "h"},
            hovermode="x unified",
            margin={"l": 56, "r": 12, "t": 26, "b": 40},
            xaxis=axis("Time (s)", range=[0, duration_s or 1]),
            yaxis=axis("Trace / its SD", nticks=5, fixedrange=True),
        ),
    )


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """In multiples of its standard deviation, from its median: engines scale footprints, and so traces, differently."""
    known = np.nan_to_num(values)
    spread = float(known.std())
    return ((known - np.median(known)) / (spread or 1.0)).astype(np.float32)


def _lines(shapes: Sequence[object], rows: Sequence[int], cue: tuple[str, str], name: str, number: int) -> go.Scatter:
    x, y = joined([piece for row in rows for piece in shapes[row].pieces])  # type: ignore[attr-defined]
    return go.Scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": cue[0], "dash": cue[1], "width": 1.6},
        hoverinfo="skip",
        **_on(number),
    )


def _targets(cells: CellSet, places: list[tuple[int, int]], side: int, number: int) -> go.Scatter:
    """What the pointer finds: a mark in each cell's middle that nobody sees."""
    rows = [place[side] for place in places]
    table = cells.table.iloc[rows]
    x, y = _centres(cells, rows, cells.shape[1])
    words = [
        f"Cell {index}, {'in both' if min(place) >= 0 else 'only here'}{f', SNR {snr:.1f}' if snr == snr else ''}"
        for place, index, snr in zip(places, table["index"], table["snr"], strict=True)
    ]
    return go.Scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"size": 16, "opacity": 0},
        # A list: Plotly leaves NumPy arrays out of what a click tells.
        customdata=[list(place) for place in places],
        text=words,
        hovertemplate="%{text}<extra></extra>",
        **_on(number),
    )


def _centres(cells: CellSet, rows: Sequence[int], width: int) -> tuple[list[float], list[float]]:
    x, y = [], []
    starts = cells.footprints.indptr
    for row in rows:
        part = slice(starts[row], starts[row + 1])
        weights = cells.footprints.data[part].astype(np.float64)
        ys, xs = np.divmod(cells.footprints.indices[part], width)
        total = weights.sum() or 1.0
        x.append(round(float((xs * weights).sum() / total) + 0.5, 2))
        y.append(round(float((ys * weights).sum() / total) + 0.5, 2))
    return x, y


def _on(number: int) -> dict[str, str]:
    return {} if number == 1 else {"xaxis": f"x{number}", "yaxis": f"y{number}"}


def _axes(height: int, width: int, panels: int) -> dict[str, object]:
    first = image_axes(height, width)
    if panels == 1:
        return first
    gap = 0.01
    first["xaxis"] |= {"domain": [0, 0.5 - gap]}
    second = image_axes(height, width)
    return {
        **first,
        # The same zoom in both.
        "xaxis2": second["xaxis"] | {"domain": [0.5 + gap, 1], "matches": "x", "anchor": "y2"},
        "yaxis2": second["yaxis"] | {"scaleanchor": "x2", "matches": "y", "anchor": "x2"},
    }


def _heading(text: str, x: float, y: float = 1.0) -> dict[str, object]:
    shown = text if len(text) < 70 else f"{text[:69]}\u2026"
    return {
        "text": shown.replace("<", "&lt;"),
        "x": x,
        "y": y,
        "xref": "paper",
        "yref": "paper",
        "showarrow": False,
        "xanchor": "center",
        "yanchor": "bottom" if y == 1.0 else "middle",
        "font": {"size": 12},
    }
