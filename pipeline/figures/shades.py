"""Periods that are shaded behind traces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# A shade narrower than a pixel of a 1,000 pixel wide plot would not be seen.
_PIXELS = 1_000


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


def shades_of(frame: pd.DataFrame, stimulus: str, *, moments: bool, colour: Callable[[str], str]) -> list[Shade]:
    """One entry a name and colour of a table of stimuli, in order of the names.

    Parameters
    ----------
    frame
        As `nwb_schema.stimuli.read_stimuli` gives it, or `read_events` with `moments`.
    stimulus
        What the type of stimulus is called: names of periods alone, such as 45, say nothing in a figure.
    colour
        Turns what the file calls a colour into one that can be drawn.
    """
    times = frame[["time_s", "time_s"] if moments else ["start_s", "stop_s"]].to_numpy(dtype=float)
    known = np.isfinite(times).all(axis=1)
    groups = frame[known].groupby(["name", "colour"]).indices
    return [
        Shade(shade_name(stimulus, str(name)), colour(str(stored)), times[known][rows])
        for (name, stored), rows in sorted(groups.items(), key=lambda item: in_order(str(item[0][0])))
    ]


def shade_name(stimulus: str, name: str) -> str:
    """What is shaded, as a legend calls it: ``angle 45``."""
    begins = name.casefold().startswith(stimulus.casefold())
    return name if begins and name else f"{stimulus} {name}".strip()


def in_order(name: str) -> tuple[float, str]:
    """A key by which names are sorted: numbers by size, then texts."""
    try:
        number = float(name)
    except ValueError:
        return float("inf"), name
    return (float("inf"), name) if np.isnan(number) else (number, "")


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
