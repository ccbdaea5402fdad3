"""Periods that are shaded behind traces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A shade narrower than a pixel of a 1,000 pixel wide plot would not be seen.
_PIXELS = 1_000
_OPACITY = 0.2


@dataclass(frozen=True, eq=False)
class Shade:
    """All periods of one name.

    Attributes
    ----------
    name, colour
        What they are called, and a CSS colour.
    spans_s
        ``(n, 2)``: start and stop in seconds; both are the same for a moment.
    """

    name: str
    colour: str
    spans_s: NDArray[np.float64]


def visible_spans(spans_s: NDArray[np.float64], window_s: tuple[float, float]) -> NDArray[np.float64]:
    """The spans ``(n, 2)`` in a window as they are drawn: at least a pixel wide, those that touch made one."""
    pixel_s = (window_s[1] - window_s[0]) / _PIXELS
    inside = spans_s[(spans_s[:, 1] >= window_s[0]) & (spans_s[:, 0] <= window_s[1])]
    if not len(inside):
        return inside
    inside = inside[np.argsort(inside[:, 0], kind="stable")]
    starts, stops = inside[:, 0], np.maximum(inside[:, 1], inside[:, 0] + pixel_s)
    reached = np.maximum.accumulate(stops)
    first = np.flatnonzero(np.r_[True, starts[1:] > reached[:-1]])
    spans = np.stack([starts[first], reached[np.r_[first[1:] - 1, len(reached) - 1]]], axis=1)
    return np.clip(spans, *window_s)  # what lies beyond would widen the axis


def shade_shapes(shades: Sequence[Shade], window_s: tuple[float, float]) -> list[dict[str, Any]]:
    """The shades as shapes of a Plotly layout, over its whole height and behind its lines.

    One path a name, however many periods there are: Plotly takes 0.3 s for 500 shapes and no time for one.
    """
    shapes = []
    for shade in shades:
        spans = visible_spans(shade.spans_s, window_s)
        if len(spans):
            path = "".join(f"M{start:.8g},0V1H{stop:.8g}V0Z" for start, stop in spans.tolist())
            shapes.append(
                {
                    "type": "path",
                    "path": path,
                    "xref": "x",
                    "yref": "paper",
                    "layer": "below",
                    "fillcolor": shade.colour,
                    "opacity": _OPACITY,
                    "line": {"width": 0},
                    "name": shade.name,
                }
            )
    return shapes
