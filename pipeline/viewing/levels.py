"""Contrast: which values of an image are shown as black and as white, and the 8-bit image that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# The brightest 0.3 % of a calcium movie are a few cells and hot pixels: letting them set the white point would leave
# everything else dark.
LOW_PERCENTILE = 1.0
HIGH_PERCENTILE = 99.7
CHOICES: Mapping[str, tuple[float, float]] = {
    "auto": (LOW_PERCENTILE, HIGH_PERCENTILE),
    "soft": (0.1, 99.95),
    "strong": (10.0, 99.0),
    "full": (0.0, 100.0),
}
"""Percentiles that become black and white, by name."""

# As many bars as can be told apart in a small histogram.
_BARS = 64
# Values that percentiles and histograms are taken from: their errors are far below what anybody sees.
_LOOKED_AT = 1 << 20


class Levels(NamedTuple):
    """The values shown as black (`low`) and as white (`high`), in the image's own units; ``low < high``."""

    low: float
    high: float


@dataclass(frozen=True)
class Contrast:
    """What a contrast control needs to know of an image.

    Attributes
    ----------
    span
        Least and highest value.
    auto
        A good first choice.
    range
        What the control covers: `auto` and room on both sides, within the span. A single hot pixel would otherwise
        squeeze everything else into the control's first millimetre.
    counts
        How many values there are in each of as many equal parts of `range`.
    choices
        Levels by the names in `CHOICES`.
    """

    span: Levels
    auto: Levels
    range: Levels
    counts: tuple[int, ...]
    choices: Mapping[str, Levels]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "span": list(self.span),
            "auto": list(self.auto),
            "range": list(self.range),
            "counts": list(self.counts),
            "choices": {name: list(levels) for name, levels in self.choices.items()},
        }


def contrast(values: NDArray[Any]) -> Contrast:
    """What there is to know of the values of an image or of a few frames of a movie.

    Parameters
    ----------
    values
        Any shape; NaN and infinities are left out. An array without a finite value gets 0 and 1.
    """
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    if finite.size == 0:
        nothing = Levels(0.0, 1.0)
        return Contrast(nothing, nothing, nothing, (0,) * _BARS, dict.fromkeys(CHOICES, nothing))
    span = _apart(float(finite.min()), float(finite.max()))
    # An odd step does not fall upon the same columns of an image again and again.
    some = finite[:: (finite.size // _LOOKED_AT) | 1]
    found = np.percentile(some, [percent for pair in CHOICES.values() for percent in pair]).reshape(-1, 2)
    choices = {name: _apart(float(low), float(high)) for name, (low, high) in zip(CHOICES, found, strict=True)}
    choices["full"] = span
    auto = choices["auto"]
    room = auto.high - auto.low
    shown = _apart(max(span.low, auto.low - 0.5 * room), min(span.high, auto.high + 1.5 * room))
    # Whole numbers in bars narrower than 1 would leave gaps.
    bars = _BARS if values.dtype.kind == "f" else max(1, min(_BARS, int(shown.high - shown.low)))
    counts, _ = np.histogram(some, bins=bars, range=shown)
    return Contrast(span, auto, shown, tuple(counts.tolist()), choices)


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
