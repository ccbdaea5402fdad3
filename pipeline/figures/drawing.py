"""Traces, heat maps and images with outlines, drawn into a figure of `pipeline.figures.journal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import is_color_like
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.path import Path as Outlined
from numpy.typing import NDArray

from pipeline.figures.palette import GREY, SKY_BLUE, VERMILLION, cell_colour, paler
from pipeline.figures.raster import Raster, colour_limits
from pipeline.figures.shades import Shade, visible_spans
from pipeline.figures.trace_values import level_height, placements, spans_of, visible_samples
from pipeline.viewing.contours import Outline

# Panels of traces, with the share of the height that each gets where cells are overlaid.
_PANELS = (
    ("Fluorescence", ("raw", "denoised"), 3.0),
    ("Residual", ("residual",), 1.6),
    ("ΔF/F", ("dff",), 2.0),
    ("Spikes", ("deconvolved",), 1.2),
)
_SHADE_ALPHA = 0.2
MOST_NAMES = 12
_LONGEST_NAME = 36
_LONGEST_GROUP = 16
# A line has at most so many points for every inch of the page: two for each dot of a fine print.
_POINTS_PER_INCH = 600
_INK = "#18212F"


@dataclass(frozen=True)
class Cell:
    """One cell's traces: its name here, and ``(n_frames,)`` by kind."""

    label: str
    traces: dict[str, NDArray[np.float32]]


def draw_traces(
    figure: Figure,
    cells: Sequence[Cell],
    *,
    rate_hz: float,
    kinds: Sequence[str],
    stacked: bool,
    normalised: bool,
    window_s: tuple[float, float] | None,
    shades: Sequence[Shade] = (),
) -> None:
    """One panel a kind of trace over one axis of time; the first cell is on top of a stack."""
    panels = [
        (title, [kind for kind in panel if kind in kinds], weight)
        for title, panel, weight in _PANELS
        if any(kind in kinds and kind in cell.traces for kind in panel for cell in cells)
    ]
    longest = max((len(values) for cell in cells for values in cell.traces.values()), default=0)
    shown_s = window_s or (0.0, longest / rate_hz)
    n_points = int(figure.get_figwidth() * _POINTS_PER_INCH)
    all_axes: Any = figure.subplots(
        len(panels),
        sharex=True,
        squeeze=False,
        gridspec_kw={"height_ratios": [1.0 if stacked else weight for *_, weight in panels]},
    )
    for axes, (title, panel, _) in zip(all_axes[:, 0], panels, strict=True):
        spans = spans_of([cell.traces for cell in cells], panel)
        scale, offset = placements(spans, stacked=stacked, normalised=normalised)
        _shade(axes, shades, shown_s)
        for kind in panel:
            for number, cell in enumerate(cells):
                if kind in cell.traces:
                    samples = visible_samples(cell.traces[kind], rate_hz, window_s, n_points)
                    values = cell.traces[kind][samples] * scale[number] + offset[number]
                    behind = kind == "raw" and "denoised" in panel
                    colour = paler(cell_colour(number)) if behind else cell_colour(number)
                    axes.plot(samples / rate_hz, values, color=colour, linewidth=0.5 if behind else 0.7)
        axes.set_ylabel(f"{title} (each 0 to 1)" if normalised and not stacked else title)
        if stacked:
            _levels(axes, cells, level_height(spans, normalised=normalised), normalised, spans, shown_s)
        axes.margins(x=0)
    last = all_axes[-1, 0]
    last.set_xlim(*shown_s)
    last.set_xlabel("Time (s)")
    handles = [] if stacked else _cell_handles(cells)
    _legend(figure, [*handles, *_shade_handles(shades)])


def draw_heatmap(
    figure: Figure, found: Raster, labels: Sequence[str], *, value_title: str, shades: Sequence[Shade] = ()
) -> None:
    """A row a cell, the first on top, in viridis; the stimuli in a strip above.

    `labels` name the rows; they are written where there is room for all of them.
    """
    n_rows, n_columns = found.values.shape
    shown_s = (found.start_s, found.start_s + n_columns * found.column_s)
    if shades:
        strip, axes = figure.subplots(2, sharex=True, gridspec_kw={"height_ratios": [1, 24]})
        for shade in shades:
            for start, stop in visible_spans(shade.spans_s, shown_s).tolist():
                strip.add_patch(Rectangle((start, 0), stop - start, 1, color=_colour(shade), linewidth=0))
        strip.set_ylim(0, 1)
        strip.set_axis_off()
    else:
        axes = figure.subplots()
    low, high = colour_limits(found.values)
    drawn = axes.imshow(
        found.values,
        aspect="auto",
        cmap="viridis",
        vmin=low,
        vmax=high,
        extent=(*shown_s, n_rows - 0.5, -0.5),
    )
    axes.set_facecolor("#DDDDDD")  # where nothing is known
    axes.set_xlim(*shown_s)
    axes.set_xlabel("Time (s)")
    if found.groups:
        edges = np.cumsum([count for _, count in found.groups])
        axes.set_yticks([edge - count / 2 - 0.5 for edge, (_, count) in zip(edges, found.groups, strict=True)])
        axes.set_yticklabels([f"{_plain(shortened(name, _LONGEST_GROUP))} ({count})" for name, count in found.groups])
        for edge in edges[:-1]:
            axes.axhline(edge - 0.5, color="white", linewidth=0.8)
        axes.tick_params(axis="y", length=0)
    elif n_rows <= 30:
        axes.set_yticks(range(n_rows))
        axes.set_yticklabels(list(labels))
        axes.set_ylabel("Cell")
    else:
        axes.set_ylabel(f"Cells (n = {n_rows})")
        axes.set_yticks([0, n_rows - 1])
        axes.set_yticklabels(["1", str(n_rows)])
    bar = figure.colorbar(drawn, ax=axes, fraction=0.035, pad=0.015, aspect=25)
    bar.set_label(value_title)
    bar.outline.set_visible(False)
    _legend(figure, _shade_handles(shades))


def draw_image(
    figure: Figure,
    image: NDArray[np.float32],
    outlines: Sequence[tuple[str, Outline]],
    *,
    pixel_size_um: tuple[float, float] | None,
    highlighted: Sequence[tuple[str, str, Outline]] = (),
) -> None:
    """An image ``(height, width)`` in grey with outlines of cells and a scale bar.

    Parameters
    ----------
    outlines
        ``accepted`` or ``rejected`` and the outline; rejected ones are dashed, too.
    pixel_size_um
        Size of a pixel as (y, x); without it the bar is in pixels.
    highlighted
        Label, colour and outline of the cells that are named.
    """
    height, width = image.shape
    axes = figure.subplots()
    finite = image[np.isfinite(image)]
    low, high = (float(edge) for edge in np.percentile(finite, [1, 99.7])) if finite.size else (0.0, 1.0)
    um_y, um_x = pixel_size_um or (1.0, 1.0)
    axes.imshow(image, cmap="gray", vmin=low, vmax=high if high > low else low + 1, extent=(0, width, height, 0))
    axes.set_aspect(um_y / um_x)
    for kind, colour, dashes in (("rejected", VERMILLION, (0, (3, 2))), ("accepted", SKY_BLUE, "solid")):
        paths = [path for name, outline in outlines if name == kind for path in _paths(outline)]
        axes.add_collection(
            PathCollection(paths, facecolors="none", edgecolors=colour, linestyles=[dashes], linewidths=0.6)
        )
    for label, colour, outline in highlighted:
        axes.add_collection(PathCollection(_paths(outline), facecolors="none", edgecolors=colour, linewidths=1.0))
        if outline.pieces:
            x, y = outline.pieces[0][:, 0].mean(), outline.pieces[0][:, 1].min()
            axes.annotate(
                label, (x, y), xytext=(0, 1), textcoords="offset points", color="white", ha="center", va="bottom"
            )
    _scale_bar(axes, (height, width), pixel_size_um)
    axes.set_axis_off()


def nice_length(longest: float) -> float:
    """The longest length of 1, 2 or 5 times a power of ten that is at most `longest`."""
    power = 10.0 ** np.floor(np.log10(longest))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest * (1 + 1e-9)))


def _scale_bar(axes: Axes, shape: tuple[int, int], pixel_size_um: tuple[float, float] | None) -> None:
    """A white bar of a round length at the lower right, a fifth of the width or less."""
    height, width = shape
    um_x = pixel_size_um[1] if pixel_size_um else 1.0
    length = nice_length(width * um_x / 5)
    right, bottom, thick = width * 0.96, height - width * 0.05, width * 0.015
    bar = Rectangle((right - length / um_x, bottom), length / um_x, thick, facecolor="white", edgecolor="none")
    axes.add_patch(bar)
    axes.text(
        right - length / um_x / 2,
        bottom - width * 0.01,
        f"{length:g} {'µm' if pixel_size_um else 'px'}",
        color="white",
        ha="center",
        va="bottom",
    )


def _paths(outline: Outline) -> list[Outlined]:
    return [Outlined(np.vstack([piece, piece[:1]]), closed=True) for piece in outline.pieces if len(piece) > 2]


def _levels(
    axes: Axes,
    cells: Sequence[Cell],
    step: float,
    normalised: bool,
    spans: NDArray[np.float64],
    shown_s: tuple[float, float],
) -> None:
    """The axis of a stack: the name of each cell at its level, and how high a value is."""
    axes.set_yticks(step * np.arange(len(cells))[::-1] + 0.3 * step)
    axes.set_yticklabels([cell.label for cell in cells])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(-0.05 * step, len(cells) * step)
    if normalised:
        return  # heights say nothing then
    length = nice_length(max(float((spans[:, 1] - spans[:, 0]).max()), 1e-12) / 2)
    x = shown_s[1] + 0.008 * (shown_s[1] - shown_s[0])
    axes.plot([x, x], [0, length], color=_INK, linewidth=1.0, clip_on=False, solid_capstyle="butt")
    axes.annotate(
        f"{length:g}",
        (x, length / 2),
        xytext=(2, 0),
        textcoords="offset points",
        ha="left",
        va="center",
        annotation_clip=False,
    )


def _shade(axes: Axes, shades: Sequence[Shade], shown_s: tuple[float, float]) -> None:
    for shade in shades:
        for start, stop in visible_spans(shade.spans_s, shown_s).tolist():
            axes.axvspan(start, stop, facecolor=_colour(shade), alpha=_SHADE_ALPHA, linewidth=0)


def _cell_handles(cells: Sequence[Cell]) -> list[Any]:
    return [Patch(facecolor=cell_colour(number), label=f"Cell {cell.label}") for number, cell in enumerate(cells)]


def _shade_handles(shades: Sequence[Shade]) -> list[Any]:
    named = [
        Patch(facecolor=_colour(shade), alpha=0.5, label=_plain(shortened(shade.name, _LONGEST_NAME)))
        for shade in shades[:MOST_NAMES]
    ]
    more = len(shades) - len(named)
    return [*named, *([Patch(facecolor="none", label=f"and {more} more")] if more > 0 else [])]


def _legend(figure: Figure, handles: Sequence[Any]) -> None:
    if handles:
        per_row = names_per_row(
            [handle.get_label() for handle in handles],
            width_mm=figure.get_figwidth() * 25.4,
            font_pt=float(matplotlib.rcParams["legend.fontsize"]),
        )
        figure.legend(
            handles=list(handles),
            loc="outside upper center",
            ncols=min(len(handles), per_row),
            frameon=False,
            handlelength=1.2,
            handleheight=0.8,
            columnspacing=1.0,
        )


def names_per_row(names: Sequence[str], *, width_mm: float, font_pt: float) -> int:
    """How many names of a legend fit side by side, with the patch of colour before each."""
    longest = max((min(len(name), _LONGEST_NAME) for name in names), default=1)
    entry_mm = (0.55 * longest + 3) * font_pt * 0.3528
    return max(1, min(int(width_mm / 16), int(width_mm / entry_mm)))


def shortened(text: str, most: int) -> str:
    """A file's text with at most so many letters: a figure has no room for more."""
    return text if len(text) <= most else f"{text[: most - 1]}\u2026"


def _colour(shade: Shade) -> str:
    """The colour of a shade; grey where the file's text is none."""
    return shade.colour if is_color_like(shade.colour) else GREY


def _plain(text: str) -> str:
    """A file's text that matplotlib takes neither for mathematics nor for a label that is not to be shown."""
    return f"{' ' if text.startswith('_') else ''}{text}".replace("$", r"\$")
