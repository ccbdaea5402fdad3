"""Contrast: which values of an image are shown as black and as white, and the 8-bit image that follows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The brightest 0.3 % of a calcium movie are a few cells and hot pixels: letting them set the white point would leave
# everything else dark.
LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.7


class Levels(NamedTuple):
    """The values shown as black (`low`) and as white (`high`), in the image's own units; ``low < high``."""

    low: float
    high: float


class Contrast(NamedTuple):
    """What a contrast control needs to know: the span of the values and a good first choice in it."""

    span: Levels
    auto: Levels


def contrast(values: NDArray[Any]) -> Contrast:
    """Span and automatic levels of an image or of a few frames of a movie.

    Parameters
    ----------
    values
        Any shape; NaN and infinities are left out. An array without a finite value gets 0 and 1.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if finite.size == 0:
        return Contrast(Levels(0.0, 1.0), Levels(0.0, 1.0))
    low, high = np.percentile(finite, [LOW_PERCENTILE, HIGH_PERCENTILE])
    return Contrast(_apart(float(finite.min()), float(finite.max())), _apart(float(low), float(high)))


def to_uint8(image: NDArray[Any], levels: Levels) -> NDArray[np.uint8]:
    """An image ``(height, width)`` between black and white as 8 bits, C-contiguous; NaN is black."""
    scaled = image.astype(np.float32)
    scaled -= np.float32(levels.low)
    scaled *= np.float32(255.0 / (levels.high - levels.low))
    if image.dtype.kind == "f":
        np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.clip(scaled, 0.0, 255.0, out=scaled)
    return np.ascontiguousarray(scaled, dtype=np.uint8)


def _apart(low: float, high: float) -> Levels:
    """Levels that differ even for a constant image, so that nothing divides by zero."""
    return Levels(low, high if high > low else low + 1.0)
