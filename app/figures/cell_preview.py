"""Some cells of a sample, highlighted in the image, and their traces on top of one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.palette import cell_colour
from app.figures.plain_layout import axis, behind, image_axes, joined, plain_layout
from app.figures.traces import visible_samples
from pipeline.outputs.cell_set import CellSet
from pipeline.viewing.contours import outlines

_POINTS_PER_TRACE = 1_200
_OTHERS = "rgba(190,205,220,0.55)"


def footprints_figure(cells: CellSet, rows: Sequence[int], image_url: str | None) -> go.Figure:
    """All outlines, thin, and those of `rows` in colour with their numbers.

    Parameters
    ----------
    image_url
        Address of the image behind them, or None.
    """
    height, width = cells.shape
    shapes = outlines(cells.footprints, cells.shape)
    others = [piece for shape in shapes for piece in shape.pieces]
    x, y = joined(others)
    traces = [go.Scatter(x=x, y=y, mode="lines", line={"color": _OTHERS, "width": 0.8}, hoverinfo="skip")]
    numbers = cells.table["index"].to_numpy()
    labels = []
    for position, row in enumerate(rows):
        pieces = list(shapes[row].pieces)
        if not pieces:
            continue
        x, y = joined(pieces)
        colour = cell_colour(position)
        traces.append(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                name=f"Cell {numbers[row]}",
                line={"color": colour, "width": 2},
                hovertemplate=f"Cell {numbers[row]}{_score(cells, row)}<extra></extra>",
            )
        )
        right, top = pieces[0].max(axis=0)[0], pieces[0].min(axis=0)[1]
        labels.append(
            {
                "x": float(right),
                "y": float(top),
                "text": str(numbers[row]),
                "showarrow": False,
                "xanchor": "left",
                "yanchor": "bottom",
                "font": {"size": 10, "color": "#FFFFFF"},
                "bgcolor": colour,
                "borderpad": 1,
            }
        )
    return go.Figure(
        traces,
        plain_layout(
            margin={"l": 0, "r": 0, "t": 0, "b": 0},
            images=[behind(image_url, height, width)] if image_url else [],
            annotations=labels,
            hovermode="closest",
            plot_bgcolor="#0b0d10",
            **image_axes(height, width),
        ),
    )


def stacked_figure(cells: CellSet, rows: Sequence[int], kind: str) -> go.Figure:
    """The traces of `rows`, the first on top, each at its own scale."""
    traces, ticks = [], []
    numbers = cells.table["index"].to_numpy()
    blocks = np.nan_to_num(cells.read_traces(kind, rows))
    for position, (row, values) in enumerate(zip(rows, blocks, strict=True)):
        samples = visible_samples(values, cells.rate_hz, None, _POINTS_PER_TRACE)
        ticks.append(f"{numbers[row]}{_score(cells, row, short=True)}")
        traces.append(
            go.Scatter(
                x=samples / cells.rate_hz,
                y=_scaled(values, samples) - position,
                mode="lines",
                name=f"Cell {numbers[row]}",
                line={"color": cell_colour(position), "width": 1.1},
                hovertemplate=f"Cell {numbers[row]}, %{{x:.1f}} s<extra></extra>",
            )
        )
    duration_s = max(cells.n_frames, 1) / cells.rate_hz
    return go.Figure(
        traces,
        plain_layout(
            margin={"l": 8, "r": 8, "t": 4, "b": 40},
            hovermode="closest",
            xaxis=axis("Time (s)", range=[0, duration_s]),
            yaxis=axis(
                range=[-len(rows) + 0.85, 1.02],
                tickvals=[0.3 - position for position in range(len(rows))],
                ticktext=ticks,
                ticks="",
                showline=False,
                showgrid=False,
                fixedrange=True,
            ),
        ),
    )


def _scaled(values: NDArray[np.float32], samples: NDArray[np.intp]) -> NDArray[np.float32]:
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    return (values[samples] - low) / (high - low if high > low else 1.0) * 0.94


def _score(cells: CellSet, row: int, *, short: bool = False) -> str:
    snr = float(cells.table["snr"].iloc[row])
    if not np.isfinite(snr):
        return ""
    return f"  ({snr:.1f})" if short else f", SNR {snr:.1f}"
