"""Shifts of motion correction over time."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from app.figures.palette import SKY_BLUE, VERMILLION


def shifts_figure(shifts: Sequence[Sequence[float]], first: int, limits: Sequence[int]) -> go.Figure:
    """Lines of the shifts ``(n_frames, 2)`` as ``(y, x)`` pixels, with the largest that was looked for."""
    numbers = list(range(first, first + len(shifts)))
    figure = go.Figure(
        [
            go.Scatter(
                x=numbers, y=[shift[axis] for shift in shifts], mode="lines", name=name,
                line={"color": colour, "width": 1.4, "dash": dash},
            )
            for axis, name, colour, dash in ((0, "y", VERMILLION, "solid"), (1, "x", SKY_BLUE, "dot"))
        ]
    )  # fmt: skip
    most = max((abs(value) for shift in shifts for value in shift), default=0.0)
    limit = max(limits, default=0)
    if most > 0.6 * limit:
        for value in (-limit, limit):
            figure.add_hline(y=value, line={"color": "#8e99a8", "width": 1, "dash": "dash"})
    figure.update_layout(
        margin={"l": 44, "r": 8, "t": 8, "b": 34},
        height=190,
        xaxis={"title": {"text": "frame"}, "showgrid": False},
        yaxis={"title": {"text": "shift (px)"}, "gridcolor": "#e1e6ed", "zeroline": True, "zerolinecolor": "#cdd5df"},
        legend={"orientation": "h", "y": 1.15, "x": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 11},
    )
    return figure
