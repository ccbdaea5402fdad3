"""Neural events: raster and population rate over the same time, and histograms of the cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.palette import BLUE, GREEN
from app.figures.plain_layout import axis, plain_layout
from pipeline.outputs.events import Events

_RASTER_WIDTH, _RASTER_HEIGHT = 2_400, 1_200
# Seen on white and on the dark page alike.
_MARK_WIDTH = 4
_MARK = (0x2E, 0x93, 0xD1)
_BINS = 30
_LABELS = 12


def raster_image(events: Events) -> bytes:
    """The raster as a transparent PNG: time to the right, one row a cell; thousands of marks cost the page nothing."""
    rows = max(events.n_cells, 1)
    tall = max(2, min(24, _RASTER_HEIGHT // rows))
    width = min(_RASTER_WIDTH, max(events.n_frames, 2) * _MARK_WIDTH)
    image = np.zeros((rows * tall, width, 4), np.uint8)
    x = np.minimum((events.frame + 0.5) / max(events.n_frames, 1) * width, width - _MARK_WIDTH).astype(np.intp)
    gap = tall // 8
    for shift in range(_MARK_WIDTH):
        for line in range(gap, tall - gap):
            image[events.cell * tall + line, x + shift] = (*_MARK[::-1], 255)
    done, encoded = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError("OpenCV cannot encode the raster")
    return encoded.tobytes()


def raster_figure(events: Events, raster_url: str, numbers: Sequence[int], bin_s: float = 1.0) -> go.Figure:
    """The raster, by its address, over the rate of the population.

    Parameters
    ----------
    numbers
        What the cell of each row is called.
    """
    labelled = range(0, events.n_cells, max(1, -(-events.n_cells // _LABELS)))
    start_s, rate_hz = events.population_rate(bin_s)
    line = go.Scatter(
        x=start_s,
        y=rate_hz,
        mode="lines",
        line={"color": BLUE, "width": 1.2, "shape": "hv"},
        yaxis="y2",
        hovertemplate="%{y:.3g} events/s in a cell at %{x:.0f} s<extra></extra>",
    )
    image = {
        "source": raster_url,
        "xref": "x",
        "yref": "y",
        "x": 0,
        "y": -0.5,
        "sizex": events.duration_s,
        "sizey": events.n_cells,
        "sizing": "stretch",
        "layer": "above",
    }
    return go.Figure(
        [line],
        plain_layout(
            images=[image],
            hovermode="x",
            xaxis=axis("Time (s)", range=[0, events.duration_s], anchor="y2"),
            yaxis=axis(
                "Cell",
                domain=[0.36, 1.0],
                range=[events.n_cells - 0.5, -0.5],
                showgrid=False,
                fixedrange=True,
                tickvals=list(labelled),
                ticktext=[str(numbers[row]) for row in labelled],
            ),
            yaxis2=axis("Events / s / cell", domain=[0.0, 0.28], rangemode="tozero", nticks=4, fixedrange=True),
        ),
    )


def histogram_figure(values: NDArray[np.float64], title: str, *, second: bool = False) -> go.Figure:
    """How many cells have which value; unknown ones are left out."""
    known = values[np.isfinite(values)]
    counts, edges = np.histogram(known, bins=min(_BINS, max(5, len(known) // 3)))
    centres = (edges[:-1] + edges[1:]) / 2
    text = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    bars = go.Bar(
        x=centres,
        y=counts,
        width=np.diff(edges) * 0.94,
        marker={"color": GREEN if second else BLUE},
        customdata=text,
        hovertemplate="%{y} cells: %{customdata}<extra></extra>",
    )
    return go.Figure([bars], plain_layout(xaxis=axis(title), yaxis=axis("Cells", nticks=5), bargap=0))
