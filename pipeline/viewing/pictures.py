"""Pictures as they are saved: grey values in colours, enlarged, with outlines of cells and a scale bar.

Colours are red, green, blue everywhere here; coordinates are those of `pipeline.viewing.contours`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.viewing.colour_maps import colour_table
from pipeline.viewing.contours import Outline
from pipeline.viewing.levels import Levels, to_uint8

Rgb = NDArray[np.uint8]

# Okabe and Ito's sky blue and vermillion, as on the page (app/figures/palette.py).
ACCEPTED_COLOUR = (0x56, 0xB4, 0xE9)
REJECTED_COLOUR = (0xD5, 0x5E, 0x00)
# About a fifth of the picture's width.
_BAR_SHARE = 0.2
# OpenCV takes coordinates as whole numbers of 1/16 pixels.
_SHIFT = 4
# A dash and the gap after it, in pixels of the picture.
_DASH_PX = 8


@dataclass(frozen=True)
class Look:
    """How values become a picture.

    Attributes
    ----------
    levels
        Values shown as black and as white.
    gamma, colours
        See `pipeline.viewing.colour_maps.colour_table`.
    enlarge
        Pixels of the picture per pixel of the image, each way.
    scale_bar
        Whether there is one.
    pixel_size_um
        ``(y, x)``, or None where it is unknown: the scale bar is then in pixels.
    """

    levels: Levels
    gamma: float = 1.0
    colours: str = "grey"
    enlarge: int = 1
    scale_bar: bool = False
    pixel_size_um: tuple[float, float] | None = None


def drawn(image: NDArray[Any], look: Look, outlined: Sequence[tuple[Outline, tuple[int, int, int]]] = ()) -> Rgb:
    """A picture ``(height * enlarge, width * enlarge, 3)`` of an image ``(height, width)``.

    Parameters
    ----------
    outlined
        Outlines and their colours, drawn in this order; those of rejected cells are dashed, as on the page.
    """
    picture = np.ascontiguousarray(colour_table(look.colours, look.gamma)[to_uint8(image, look.levels)])
    if look.enlarge > 1:
        # Pixels stay pixels: nothing is invented between them.
        picture = np.ascontiguousarray(picture.repeat(look.enlarge, axis=0).repeat(look.enlarge, axis=1))
    for outline, colour in outlined:
        corners = [_corners(piece, look.enlarge) for piece in outline.pieces]
        dashed = colour == REJECTED_COLOUR
        lines = [dash for piece in corners for dash in _dashes(piece)] if dashed else corners
        if lines:
            cv2.polylines(picture, lines, not dashed, colour, max(1, look.enlarge // 2), cv2.LINE_AA, _SHIFT)
    return _with_scale_bar(picture, look) if look.scale_bar else picture


def _corners(piece: NDArray[np.float32], enlarge: int) -> NDArray[np.int32]:
    # OpenCV's whole numbers are the middles of pixels, ours are their edges.
    return np.asarray(np.rint((piece * enlarge - 0.5) * 2**_SHIFT), dtype=np.int32).reshape(-1, 1, 2)


def _dashes(corners: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    """A closed line ``(n, 1, 2)`` cut into dashes, so that rejected cells are told by more than their colour."""
    around = np.concatenate([corners[:, 0], corners[:1, 0]]).astype(float)
    at = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(around, axis=0).T))])
    n = max(3, round(at[-1] / (_DASH_PX * 2**_SHIFT)))
    starts = np.arange(n) * at[-1] / n
    places = starts[:, None] + np.linspace(0, 0.6 * at[-1] / n, 5)
    points = np.stack([np.interp(places, at, around[:, axis]) for axis in range(2)], axis=-1)
    return [np.rint(dash).astype(np.int32).reshape(-1, 1, 2) for dash in points]


def round_length(length: float) -> float:
    """The number 1, 2 or 5 times a power of ten that is nearest below `length`."""
    power = 10.0 ** math.floor(math.log10(length))
    return power * next(digit for digit in (5, 2, 1) if digit * power <= length * (1 + 1e-9))


def scale_bar(width: int, pixel_size_um: tuple[float, float] | None) -> tuple[float, str]:
    """Length in pixels of the image, and text, of the scale bar of an image of that width."""
    size = 1.0 if pixel_size_um is None else pixel_size_um[1]
    length = round_length(max(_BAR_SHARE * width * size, 1e-6))
    unit = "px" if pixel_size_um is None else "\u00b5m"
    return length / size, f"{length:g} {unit}"


def _with_scale_bar(picture: Rgb, look: Look) -> Rgb:
    height, width, _ = picture.shape
    length, text = scale_bar(width // look.enlarge, look.pixel_size_um)
    size = max(10, min(height, width) // 20)
    thick, margin = max(2, size // 4), max(4, size // 2)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    right, bottom = width - margin, height - margin
    left = right - round(length * look.enlarge)
    draw.rectangle((left - 1, bottom - thick - 1, right, bottom), fill=(0, 0, 0))
    draw.rectangle((left, bottom - thick, right - 1, bottom - 1), fill=(255, 255, 255))
    _write(draw, text, (left + right) / 2, bottom - thick - margin, right, size)
    return np.asarray(image)


def _write(draw: ImageDraw.ImageDraw, text: str, middle: float, baseline: float, right: float, size: int) -> None:
    """White text with a dark rim; `right` is where it has to end at the latest."""
    font, rim = ImageFont.load_default(size), max(1, size // 9)
    # Pillow's own font has no micro sign: it is a u whose left stem goes on below the line.
    plain = text.replace("\u00b5", "u")
    left = round(min(middle - font.getlength(plain) / 2, right - font.getlength(plain)))
    stem = left + font.getlength(plain.partition("u")[0]) + 0.09 * size
    box = [round(at) for at in (stem, baseline - 0.2 * size, stem + 0.06 * size, baseline + 0.2 * size)]
    if plain != text:
        draw.rectangle((box[0] - rim, box[1], box[2] + rim, box[3] + rim), fill=(0, 0, 0))
    draw.text((left, baseline), plain, (255, 255, 255), font, anchor="ls", stroke_width=rim, stroke_fill=(0, 0, 0))
    if plain != text:
        draw.rectangle(box, fill=(255, 255, 255))
