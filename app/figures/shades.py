"""Periods that are shaded behind traces, as shapes of a Plotly layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.figures.shades import Shade as Shade
from pipeline.figures.shades import visible_spans as visible_spans

_OPACITY = 0.2


def shade_shapes(
    shades: Sequence[Shade],
    window_s: tuple[float, float],
    *,
    span: tuple[float, float] = (0.0, 1.0),
    opacity: float = _OPACITY,
) -> list[dict[str, Any]]:
    """The shades as shapes of a Plotly layout, behind its lines; `span` is what they take of its height.

    One path a name, however many periods there are: Plotly takes 0.3 s for 500 shapes and no time for one.
    """
    shapes = []
    low, high = (f"{edge:.4g}" for edge in span)
    for shade in shades:
        spans = visible_spans(shade.spans_s, window_s)
        if len(spans):
            path = "".join(f"M{start:.8g},{low}V{high}H{stop:.8g}V{low}Z" for start, stop in spans.tolist())
            shapes.append(
                {
                    "type": "path",
                    "path": path,
                    "xref": "x",
                    "yref": "paper",
                    "layer": "below",
                    "fillcolor": shade.colour,
                    "opacity": opacity,
                    "line": {"width": 0},
                    "name": shade.name,
                }
            )
    return shapes
