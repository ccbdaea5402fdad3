"""What all plots of numbers look like here: quiet axes, no frame, no colours that only one theme can show."""

from __future__ import annotations

from typing import Any

TEXT = "#4A5565"
GRID = "#E8EBF0"
LINE = "#C5CCD6"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def plain_layout(**more: Any) -> dict[str, Any]:
    """A Plotly layout; `more` is added to it or replaces parts of it."""
    layout: dict[str, Any] = {
        "template": None,
        "font": {"family": FONT, "size": 12, "color": TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 56, "r": 12, "t": 8, "b": 40},
        "showlegend": False,
        "modebar": {"bgcolor": "rgba(255,255,255,0.8)", "color": "#9AA4B2", "activecolor": "#5B3FC4"},
    }
    return {**layout, **more}


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """One axis with ticks outside and a faint grid."""
    plain: dict[str, Any] = {
        "title": {"text": title, "standoff": 6},
        "gridcolor": GRID,
        "zeroline": False,
        "showline": True,
        "linecolor": LINE,
        "ticks": "outside",
        "tickcolor": LINE,
        "ticklen": 4,
        "automargin": True,
    }
    return {**plain, **more}


def image_axes(height: int, width: int) -> dict[str, Any]:
    """Axes ``xaxis`` and ``yaxis`` for drawing over an image: y down, square pixels, nothing but the image seen."""
    bare = {"visible": False, "showgrid": False, "constrain": "domain"}
    return {
        "xaxis": {**bare, "range": [0, width]},
        "yaxis": {**bare, "range": [height, 0], "scaleanchor": "x", "scaleratio": 1},
    }


def behind(url: str, height: int, width: int, *, number: int = 1) -> dict[str, Any]:
    """An image, by its address, as what lies behind the axes `number`."""
    suffix = "" if number == 1 else str(number)
    return {
        "source": url,
        "xref": f"x{suffix}",
        "yref": f"y{suffix}",
        "x": 0,
        "y": 0,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }


def joined(pieces: list[Any]) -> tuple[list[float | None], list[float | None]]:
    """Closed polygons ``(n, 2)`` as the x and y of one line with gaps: one trace is drawn in no time, 500 are not."""
    x: list[float | None] = []
    y: list[float | None] = []
    for piece in pieces:
        closed = [*piece.tolist(), piece[0].tolist(), [None, None]]
        x += [point[0] if point[0] is None else round(point[0], 2) for point in closed]
        y += [point[1] if point[1] is None else round(point[1], 2) for point in closed]
    return x, y
