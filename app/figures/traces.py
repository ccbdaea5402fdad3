"""The traces of the selected cells, one panel a kind, downsampled to what the screen can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from app.figures.palette import paler
from app.figures.shades import Shade, shade_shapes
from pipeline.figures.trace_values import LABELS, RESIDUAL, level_height, placements, spans_of
from pipeline.figures.trace_values import visible_samples as visible_samples

# Two points a pixel of a 1,000 pixel wide plot: SVG draws 50 such traces in 0.3 s, all 10,000 samples in 1.1 s.
POINTS_PER_TRACE = 2_000
# Of many lines at once, fewer points each: these are what a browser draws in a tenth of a second.
_POINTS_IN_ALL = 40_000
_FEWEST_POINTS = 500


@dataclass(frozen=True)
class Panel:
    """One panel: its axis title and the kinds of trace in it."""

    title: str
    kinds: tuple[str, ...]
    weight: float


PANELS = (
    Panel("Fluorescence", ("raw", "denoised"), 3.0),
    Panel("Residual", (RESIDUAL,), 1.6),
    Panel("ΔF/F", ("dff",), 2.0),
    Panel("Spikes", ("deconvolved",), 1.2),
)

KIND_LABELS = LABELS

KIND_HELP = {
    "raw": "Raw = C + YrA: fluorescence of the cell with the background subtracted, so it may be negative",
    "denoised": "Denoised = C: the raw trace fitted by calcium transients",
    RESIDUAL: "Residual = YrA: what the fit leaves of the raw trace, raw minus denoised",
    "dff": "ΔF/F: change of fluorescence over the baseline",
    "deconvolved": "Spikes = S: activity inferred by deconvolution, in units of the trace, not counts",
}

_GAP = 0.05
_TEXT = "#4A5565"
_GRID = "#E8EBF0"
MODEBAR = {"bgcolor": "rgba(255,255,255,0.8)", "color": "#9AA4B2", "activecolor": "#5B3FC4"}
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


@dataclass(frozen=True)
class CellTraces:
    """The traces of one cell.

    Attributes
    ----------
    label
        What people call the cell here, such as ``Cell 12``.
    colour
        CSS colour, the same as in the image.
    traces
        ``(n_frames,)`` by kind; kinds that the sample does not have are left out.
    """

    label: str
    colour: str
    traces: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class Arrangement:
    """How several cells share a panel.

    Attributes
    ----------
    stacked
        Each on a level of its own; otherwise on top of one another.
    normalised
        Each from 0 to 1 over the whole recording; otherwise all at one scale.
    """

    stacked: bool = False
    normalised: bool = False


OVERLAID = Arrangement()


def trace_figure(
    cells: Sequence[CellTraces],
    *,
    rate_hz: float,
    kinds: Sequence[str],
    window_s: tuple[float, float] | None = None,
    n_points: int = POINTS_PER_TRACE,
    shades: Sequence[Shade] = (),
    arrangement: Arrangement = OVERLAID,
) -> go.Figure:
    """Traces of the selected cells over time.

    Parameters
    ----------
    cells
        In the order of selection; in a stack, the first one is on top.
    rate_hz
        Frames per second.
    kinds
        Which kinds are wanted; a panel is shown when one of its kinds is wanted and some cell has it.
    window_s
        The part of the time axis in view, in seconds, or None for all.
    n_points
        At most this many points a trace; fewer when there are many traces.
    shades
        Stimuli to shade behind the traces.
    arrangement
        How several cells share a panel.
    """
    panels = shown_panels(cells, kinds)
    lines: list[dict[str, Any]] = []
    axes: list[dict[str, Any]] = []
    n_lines = sum(kind in kinds and kind in cell.traces for cell in cells for kind in KIND_LABELS)
    n_points = min(n_points, max(_FEWEST_POINTS, _POINTS_IN_ALL // max(1, n_lines)))
    for number, panel in enumerate(panels, start=1):
        wanted = [kind for kind in panel.kinds if kind in kinds]
        spans = spans_of([cell.traces for cell in cells], wanted)
        scale, offset = placements(spans, stacked=arrangement.stacked, normalised=arrangement.normalised)
        axes.append(_value_axis(panel, cells, spans, arrangement))
        for kind in wanted:  # kind by kind: no raw trace lies over the denoised one of another cell
            for position, cell in enumerate(cells):
                if kind in cell.traces:
                    samples = visible_samples(cell.traces[kind], rate_hz, window_s, n_points)
                    values = cell.traces[kind][samples]
                    if arrangement != OVERLAID:
                        values = (values * scale[position] + offset[position]).astype(np.float32)
                    lines.append(_line(cell, kind, number, samples / rate_hz, values, arrangement))
    longest = max((len(values) for cell in cells for values in cell.traces.values()), default=0)
    return go.Figure(
        {
            "data": lines,
            "layout": {
                **_layout(panels, axes, window_s, arrangement),
                "shapes": shade_shapes(shades, window_s or (0.0, longest / rate_hz)) if lines else [],
            },
        }
    )


def shown_panels(cells: Sequence[CellTraces], kinds: Sequence[str]) -> list[Panel]:
    """The panels of which a kind is wanted that some cell has."""
    return [panel for panel in PANELS if any(k in kinds and k in cell.traces for k in panel.kinds for cell in cells)]


def message_figure(text: str) -> go.Figure:
    """An empty figure that says why it is empty, or what to do."""
    return go.Figure(
        layout={
            "annotations": [
                {
                    "text": text,
                    "showarrow": False,
                    "xref": "paper",
                    "yref": "paper",
                    "x": 0.5,
                    "y": 0.5,
                    "font": {"family": FONT, "size": 14, "color": _TEXT},
                }
            ],
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
            "template": None,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "modebar": MODEBAR,
        }
    )


def time_axis(anchor: str, window_s: tuple[float, float] | None) -> dict[str, Any]:
    """The axis of time below a figure."""
    return {
        "title": {"text": "Time (s)", "standoff": 6},
        "anchor": anchor,
        "gridcolor": _GRID,
        "zeroline": False,
        "showline": True,
        "linecolor": "#C5CCD6",
        "ticks": "outside",
        "tickcolor": "#C5CCD6",
        "ticklen": 4,
        **({"range": list(window_s)} if window_s is not None else {}),
    }


def base_layout() -> dict[str, Any]:
    """What all figures over time share."""
    return {
        "template": None,
        "font": {"family": FONT, "size": 12, "color": _TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "showlegend": False,
        "hoverdistance": -1,  # a click anywhere between two points still seeks the movie
        "dragmode": "zoom",
        "modebar": MODEBAR,
    }


def _line(
    cell: CellTraces,
    kind: str,
    panel: int,
    times_s: NDArray[np.float64],
    values: NDArray[np.float32],
    arrangement: Arrangement,
) -> dict[str, Any]:
    # Where lines are moved or scaled, the height of a point is no value of the cell.
    value = "" if arrangement != OVERLAID else "%{y:.4g}"
    return {
        "type": "scatter",
        "x": times_s,
        "y": values,
        "mode": "lines",
        "name": f"{cell.label} {KIND_LABELS[kind].lower()}",
        "yaxis": "y" if panel == 1 else f"y{panel}",
        "line": {"color": paler(cell.colour), "width": 1.8} if kind == "raw" else {"color": cell.colour, "width": 1.2},
        "hovertemplate": f"{value}<extra>%{{fullData.name}}</extra>",
    }


def _value_axis(
    panel: Panel, cells: Sequence[CellTraces], spans: NDArray[np.float64], arrangement: Arrangement
) -> dict[str, Any]:
    title = f"{panel.title} (each 0 to 1)" if arrangement.normalised else panel.title
    axis: dict[str, Any] = {
        "title": {"text": title, "standoff": 4},
        "gridcolor": _GRID,
        "zeroline": not arrangement.stacked,
        "zerolinecolor": "#D5DAE2",
        "nticks": 4,
        "fixedrange": True,  # dragging zooms time alone: amplitudes stay comparable
    }
    if arrangement.stacked:
        step = level_height(spans, normalised=arrangement.normalised)
        levels = step * np.arange(len(cells))[::-1]
        axis |= {
            "tickmode": "array",
            "tickvals": (levels + 0.3 * step).tolist(),
            "ticktext": [cell.label.removeprefix("Cell ") for cell in cells],
            "range": [-0.05 * step, len(cells) * step],
            "showgrid": False,
            "title": {"text": f"{title}, by cell", "standoff": 4},
        }
    return axis


def _layout(
    panels: Sequence[Panel],
    axes: Sequence[dict[str, Any]],
    window_s: tuple[float, float] | None,
    arrangement: Arrangement,
) -> dict[str, Any]:
    layout = {
        **base_layout(),
        # Nothing outside the axes needs more room: without this, Plotly draws everything twice to see.
        "margin": {"l": 64, "r": 12, "t": 8, "b": 44, "autoexpand": False},
        # One box with the values of all lines at a time; of many lines on levels, the one that is pointed at.
        "hovermode": "closest" if arrangement.stacked else "x unified",
        # The same revision for every window, so that Plotly keeps the zoom when finer samples arrive for it.
        "uirevision": "traces",
        "xaxis": time_axis(f"y{len(panels)}" if len(panels) > 1 else "y", window_s),
    }
    total = sum(panel.weight for panel in panels)
    # A tall stack needs no wider gaps than a low plot.
    gap = _GAP if not arrangement.stacked else _GAP / max(1, len(axes[0]["tickvals"]) / 4) if axes else _GAP
    top = 1.0
    for number, (panel, axis) in enumerate(zip(panels, axes, strict=True), start=1):
        # On levels, every panel needs the same room for a cell.
        share = 1 / len(panels) if arrangement.stacked else panel.weight / total
        height = (1.0 - gap * (len(panels) - 1)) * share
        layout["yaxis" if number == 1 else f"yaxis{number}"] = {**axis, "domain": [max(0.0, top - height), top]}
        top -= height + gap
    return layout
