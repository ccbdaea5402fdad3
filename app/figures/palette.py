"""The colours of `pipeline.figures.palette`, and which texts of a file are colours to the page."""

from __future__ import annotations

from functools import lru_cache

import plotly.graph_objects as go

from pipeline.figures.palette import (
    BLUE,
    CELL_COLOURS,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY_BLUE,
    VERMILLION,
    cell_colour,
    paler,
)

__all__ = [
    "BLUE",
    "CELL_COLOURS",
    "GREEN",
    "GREY",
    "ORANGE",
    "PURPLE",
    "SKY_BLUE",
    "VERMILLION",
    "cell_colour",
    "drawable_colour",
    "paler",
]


@lru_cache(maxsize=1024)
def drawable_colour(text: str) -> str:
    """`text` where it is a CSS colour, else grey: a file may call anything a colour."""
    try:
        go.layout.Shape(fillcolor=text)
    except ValueError:
        return GREY
    return text
