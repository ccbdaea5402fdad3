"""Colours that people with any colour vision can tell apart.

Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/. The page's style sheet and scripts
take the same values as CSS variables, see ``assets/fluorite.css``.
"""

from __future__ import annotations

ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F8A99"

# Selected cells take these in turn, in the image and in the traces alike. Okabe and Ito's yellow is left out: it is
# lost on white.
CELL_COLOURS = (ORANGE, GREEN, PURPLE, BLUE, VERMILLION, SKY_BLUE, GREY)

_PALE = (0xD2, 0xD6, 0xDC)


def cell_colour(position: int) -> str:
    """The colour of the cell that was selected as number `position`, from 0."""
    return CELL_COLOURS[position % len(CELL_COLOURS)]


def paler(colour: str) -> str:
    """A light, greyish relative of a colour ``#RRGGBB``, for what lies behind a line in that colour."""
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(0.5 * part + 0.5 * grey):02X}" for part, grey in zip(parts, _PALE, strict=True))
