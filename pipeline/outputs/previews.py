"""The previews of the IDEAS workflow as pictures (PNG) and drawings (SVG), for people without a dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

from pipeline.figures.palette import BLUE, GREEN, cell_colour
from pipeline.outputs.cell_set import CellSet, previewed_rows
from pipeline.outputs.events import Events
from pipeline.viewing.contours import outlines

_DPI = 150
_POINTS_PER_TRACE = 2_000
_INK, _FAINT, _OTHERS = "#18212f", "#697586", "#8fa3b8"
# Text stays text in SVG, and two files of the same content are the same.
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "fluorite",
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
}
_TITLES = {
    "pnr": "Peak-to-noise ratio",
    "correlation": "Correlation with 8 neighbours",
    "search": "Search image (product)",
    "raw": "raw",
    "denoised": "denoised",
}


def cells_figure(cells: CellSet, kind: str, background: NDArray[np.float32] | None) -> Figure:
    """Footprints of up to 20 cells across the range of SNRs, highlighted, and their traces beside them, sorted.

    Parameters
    ----------
    kind
        Of the traces, such as ``raw``.
    background
        The image ``(height, width)`` behind the footprints; None draws them on black.
    """
    rows = previewed_rows(cells.table["snr"].to_numpy(np.float64))
    height, width = cells.shape
    shapes = outlines(cells.footprints, cells.shape)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(11, 5.2), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.35))
        _image(left, np.zeros(cells.shape, np.float32) if background is None else background, "gray")
        everyone = [piece for shape in shapes for piece in shape.pieces]
        left.add_collection(LineCollection([_closed(p) for p in everyone], colors=_OTHERS, linewidths=0.6, alpha=0.9))
        for position, row in enumerate(rows):
            colour = cell_colour(position)
            pieces = [_closed(piece) for piece in shapes[row].pieces]
            left.add_collection(LineCollection(pieces, colors=colour, linewidths=1.4))
            if pieces:
                x, y = pieces[0].max(axis=0)[0], pieces[0].min(axis=0)[1]
                label = str(cells.table["index"].iloc[row])
                left.text(
                    min(x, 0.95 * width), max(y, 0.02 * height), label, color=colour, fontsize=6, fontweight="bold"
                )
        left.set_xlim(0, width)
        left.set_ylim(height, 0)
        left.set_title(f"{len(rows)} of {len(cells.table)} cells", fontsize=9, color=_INK)
        _traces(right, cells, kind, rows)
        return figure


def initialisation_figure(images: Mapping[str, NDArray[np.float32]], what: str) -> Figure:
    """Peak-to-noise ratio, correlation and their product side by side, each with its scale."""
    with matplotlib.rc_context(_STYLE):
        height, width = next(iter(images.values())).shape
        tall = float(np.clip(3.1 * height / width + 0.9, 2.2, 8))
        figure = Figure(figsize=(11, tall), layout="constrained")
        for axes, (name, image) in zip(figure.subplots(1, len(images)), images.items(), strict=True):
            drawn = _image(axes, image, "viridis")
            axes.set_title(_TITLES.get(name, name), fontsize=9, color=_INK)
            figure.colorbar(drawn, ax=axes, fraction=0.046, pad=0.03)
        figure.supxlabel(what, fontsize=7, color=_FAINT)
        return figure


def events_figure(events: Events, bin_s: float = 1.0) -> Figure:
    """Raster, rate of the population over time, and histograms of the cells' rates and mean intervals."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(11, 7), layout="constrained")
        parts = figure.subplot_mosaic([["raster", "raster"], ["rate", "rate"], ["rates", "intervals"]],
                                      height_ratios=(3, 1.4, 1.6))  # fmt: skip
        raster = parts["raster"]
        raster.scatter(events.time_s, events.cell, s=18, c=_INK, marker="|", linewidths=0.6, rasterized=True)
        raster.set(ylabel="Cell (row)", xlim=(0, events.duration_s), ylim=(events.n_cells - 0.5, -0.5))
        start_s, rate_hz = events.population_rate(bin_s)
        parts["rate"].step(start_s, rate_hz, where="post", color=BLUE, linewidth=1)
        parts["rate"].set(xlabel="Time (s)", ylabel="Events / s / cell", xlim=(0, events.duration_s), ylim=(0, None))
        parts["rate"].sharex(raster)
        _histogram(parts["rates"], events.rates_hz(), "Event rate of a cell (Hz)", BLUE)
        _histogram(parts["intervals"], events.mean_intervals_s(), "Mean interval between events of a cell (s)", GREEN)
        return figure


def save_figure(figure: Figure, path: Path) -> None:
    """The figure as the format that the file's name ends in: ``.png`` or ``.svg``."""
    with matplotlib.rc_context(_STYLE):
        # Without a date, two drawings of the same are the same file.
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, dpi=_DPI, facecolor="white", metadata=metadata)


def _image(axes: Axes, image: NDArray[np.float32], colours: str) -> Any:
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, [1, 99.7]) if finite.size else (0, 1)
    height, width = image.shape
    # Pixel (0, 0) covers 0 to 1, as everywhere here.
    drawn = axes.imshow(image, cmap=colours, vmin=low, vmax=max(high, low + 1e-9), extent=(0, width, height, 0))
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
    return drawn


def _closed(piece: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.vstack([piece, piece[:1]])


def _traces(axes: Axes, cells: CellSet, kind: str, rows: NDArray[np.intp]) -> None:
    """Traces on top of one another, the highest SNR first, each at its own scale."""
    snr = cells.table["snr"].to_numpy(np.float64)
    labels = []
    traces = np.nan_to_num(cells.read_traces(kind, rows))
    for position, (row, trace) in enumerate(zip(rows, traces, strict=True)):
        shown = _visible(trace)
        low, high = float(trace.min(initial=0)), float(trace.max(initial=0))
        y = (trace[shown] - low) / (high - low if high > low else 1) * 0.92 - position
        axes.plot(shown / cells.rate_hz, y, color=cell_colour(position), linewidth=0.7)
        score = f"  SNR {snr[row]:.1f}" if np.isfinite(snr[row]) else ""
        labels.append(f"{cells.table['index'].iloc[row]}{score}")
    axes.set_yticks([0.3 - position for position in range(len(rows))], labels)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set(xlabel="Time (s)", xlim=(0, max(cells.n_frames, 1) / cells.rate_hz), ylim=(-len(rows) + 0.9, 1))
    axes.set_title(f"{_TITLES.get(kind, kind).capitalize()} traces, each at its own scale", fontsize=9, color=_INK)


def _visible(trace: NDArray[np.float32]) -> NDArray[np.intp]:
    if len(trace) <= _POINTS_PER_TRACE:
        return np.arange(len(trace))
    values = np.ascontiguousarray(trace, dtype=np.float32)
    kept = MinMaxLTTBDownsampler().downsample(values, n_out=_POINTS_PER_TRACE)  # type: ignore[no-untyped-call]
    return np.asarray(kept, dtype=np.intp)


def _histogram(axes: Axes, values: NDArray[np.float64], label: str, colour: str) -> None:
    known = values[np.isfinite(values)]
    axes.hist(known, bins=min(30, max(5, len(known) // 3)), color=colour)
    axes.set(xlabel=label, ylabel="Cells")
