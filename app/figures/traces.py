"""The traces of the selected cells, one panel a kind, downsampled to what the screen can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from app.figures.palette import paler
from app.figures.shades import Shade, shade_shapes

# Two points a pixel of a 1,000 pixel wide plot: SVG draws 50 such traces in 0.3 s, all 10,000 samples in 1.1 s.
POINTS_PER_TRACE = 2_000


@dataclass(frozen=True)
class Panel:
    """One panel: its axis title and the kinds of trace in it (names of `nwb_schema.reader.TRACE_KINDS`)."""

    title: str
    kinds: tuple[str, ...]
    weight: float


PANELS = (
    Panel("Fluorescence", ("raw", "denoised"), 3.0),
    Panel("ΔF/F", ("dff",), 2.0),
    Panel("Spikes", ("deconvolved",), 1.2),
)

KIND_LABELS = {"raw": "Raw", "denoised": "Denoised", "dff": "ΔF/F", "deconvolved": "Spikes"}

KIND_HELP = {
    "raw": "Raw = C + YrA: fluorescence of the cell with the background subtracted, so it may be negative",
    "denoised": "Denoised = C: the raw trace fitted by calcium transients",
    "dff": "ΔF/F: change of fluorescence over the baseline",
    "deconvolved": "Spikes = S: activity inferred by deconvolution, in units of the trace, not counts",
}

_GAP = 0.05
_TEXT = "#4A5565"
_GRID = "#E8EBF0"
_MODEBAR = {"bgcolor": "rgba(255,255,255,0.8)", "color": "#9AA4B2", "activecolor": "#5B3FC4"}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


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


def visible_samples(
    values: NDArray[np.floating], rate_hz: float, window_s: tuple[float, float] | None, n_points: int
) -> NDArray[np.intp]:
    """Numbers of the samples that draw `values` ``(n_frames,)`` well in a window of time, in order.

    MinMaxLTTB (Van Der Donckt et al. 2023, https://arxiv.org/abs/2305.00332) keeps extremes, so no spike is lost. One
    sample on either side of the window is kept, so that lines leave the plot instead of ending in it.
    """
    start, stop = 0, len(values)
    if window_s is not None:
        start = min(max(int(np.floor(window_s[0] * rate_hz)) - 1, 0), len(values))
        stop = min(max(int(np.ceil(window_s[1] * rate_hz)) + 2, start), len(values))
    count = stop - start
    if count <= n_points:
        return np.arange(start, stop)
    part = np.ascontiguousarray(values[start:stop], dtype=np.float32)
    gaps = ~np.isfinite(part)
    if gaps.any():  # the downsampler's result is undefined with NaN: gaps are drawn as such, sample by sample
        part = np.where(gaps, np.float32(np.nanmin(np.where(gaps, np.nan, part)) if not gaps.all() else 0), part)
    kept = MinMaxLTTBDownsampler().downsample(part, n_out=n_points)  # type: ignore[no-untyped-call]
    return np.asarray(kept, dtype=np.intp) + start


def trace_figure(
    cells: Sequence[CellTraces],
    *,
    rate_hz: float,
    kinds: Sequence[str],
    window_s: tuple[float, float] | None = None,
    n_points: int = POINTS_PER_TRACE,
    shades: Sequence[Shade] = (),
) -> go.Figure:
    """Traces of the selected cells over time.

    Parameters
    ----------
    cells
        In the order of selection.
    rate_hz
        Frames per second.
    kinds
        Which kinds are wanted; a panel is shown when one of its kinds is wanted and some cell has it.
    window_s
        The part of the time axis in view, in seconds, or None for all.
    n_points
        At most this many points a trace.
    shades
        Stimuli to shade behind the traces.
    """
    panels = [panel for panel in PANELS if any(k in kinds and k in cell.traces for k in panel.kinds for cell in cells)]
    figure = go.Figure(layout=_layout(panels, window_s))
    for number, panel in enumerate(panels, start=1):
        for kind in panel.kinds:  # kind by kind: no raw trace lies over the denoised one of another cell
            for cell in cells:
                if kind in kinds and kind in cell.traces:
                    figure.add_trace(_line(cell, kind, number, rate_hz, window_s, n_points))
    if figure.data:
        longest = max(len(values) for cell in cells for values in cell.traces.values())
        figure.update_layout(shapes=shade_shapes(shades, window_s or (0.0, longest / rate_hz)))
    return figure


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
                    "font": {"family": _FONT, "size": 14, "color": _TEXT},
                }
            ],
            "xaxis": {"visible": False},
            "yaxis": {"visible": False},
            "template": None,
            "plot_bgcolor": "rgba(0,0,0,0)",
            "paper_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
            "modebar": _MODEBAR,
        }
    )


def _line(
    cell: CellTraces, kind: str, panel: int, rate_hz: float, window_s: tuple[float, float] | None, n_points: int
) -> go.Scatter:
    values = cell.traces[kind]
    samples = visible_samples(values, rate_hz, window_s, n_points)
    return go.Scatter(
        x=samples / rate_hz,
        y=values[samples],
        mode="lines",
        name=f"{cell.label} {KIND_LABELS[kind].lower()}",
        yaxis="y" if panel == 1 else f"y{panel}",
        line={"color": paler(cell.colour), "width": 1.8} if kind == "raw" else {"color": cell.colour, "width": 1.2},
        hovertemplate="%{y:.4g}<extra>%{fullData.name}</extra>",
    )


def _layout(panels: Sequence[Panel], window_s: tuple[float, float] | None) -> dict[str, object]:
    layout: dict[str, object] = {
        "template": None,
        "font": {"family": _FONT, "size": 12, "color": _TEXT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 64, "r": 12, "t": 8, "b": 40},
        "showlegend": False,
        "hovermode": "x unified",
        "hoverdistance": -1,  # a click anywhere between two points still seeks the movie
        "dragmode": "zoom",
        "modebar": _MODEBAR,
        # The same revision for every window, so that Plotly keeps the zoom when finer samples arrive for it.
        "uirevision": "traces",
        "xaxis": {
            "title": {"text": "Time (s)", "standoff": 6},
            "anchor": f"y{len(panels)}" if len(panels) > 1 else "y",
            "gridcolor": _GRID,
            "zeroline": False,
            "showline": True,
            "linecolor": "#C5CCD6",
            "ticks": "outside",
            "tickcolor": "#C5CCD6",
            "ticklen": 4,
            **({"range": list(window_s)} if window_s is not None else {}),
        },
    }
    total = sum(panel.weight for panel in panels)
    top = 1.0
    for number, panel in enumerate(panels, start=1):
        height = (1.0 - _GAP * (len(panels) - 1)) * panel.weight / total
        layout["yaxis" if number == 1 else f"yaxis{number}"] = {
            "title": {"text": panel.title, "standoff": 4},
            "domain": [max(0.0, top - height), top],
            "gridcolor": _GRID,
            "zeroline": True,
            "zerolinecolor": "#D5DAE2",
            "nticks": 4,
            "fixedrange": True,  # dragging zooms time alone: amplitudes stay comparable
        }
        top -= height + _GAP
    return layout
