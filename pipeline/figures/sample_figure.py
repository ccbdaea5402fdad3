"""A figure of a sample, from what was asked for to the bytes of a file; page, command and notebooks call this."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nwb_schema import reader
from nwb_schema.edits.settling import read_history
from nwb_schema.layout import DELETED
from nwb_schema.provenance import jsonable
from nwb_schema.sample_summary import SampleSummary
from nwb_schema.stimuli import read_events, read_stimuli
from pipeline.figures import journal
from pipeline.figures.drawing import MOST_NAMES, Cell, draw_heatmap, draw_image, draw_traces, names_per_row
from pipeline.figures.journal import FigureError, Page
from pipeline.figures.palette import cell_colour
from pipeline.figures.raster import ORDERS, SCALES, raster
from pipeline.figures.shades import Shade, shades_of
from pipeline.figures.trace_values import LABELS, drawable_kinds, read_kinds
from pipeline.progress import Progress
from pipeline.version import __version__
from pipeline.viewing.contours import Bodies, flatten_depth, outlines

What = Literal["traces", "heatmap", "image"]
WHATS: tuple[What, ...] = ("traces", "heatmap", "image")
Cells = Literal["accepted", "all"]
MOST_TRACES = 60
_MOST_OVERLAID = 7
_FIRST_TRACES = 5
_MOST_PIXELS_PER_INCH = 600


@dataclass(frozen=True)
class FigureRequest:
    """A figure as it was asked for.

    Attributes
    ----------
    what
        ``traces``, ``heatmap`` or ``image`` (a summary image with the outlines of the cells).
    rois
        ``roi_uuid`` of the cells; none: the clearest ones for traces, and those of `cells` otherwise. In an image these
        are the ones that are named.
    cells
        ``accepted`` or ``all`` that are not deleted.
    kinds
        Kinds of trace; a heat map shows the first one. None of them: what suits the figure.
    stacked, normalised
        See `pipeline.figures.trace_values.placements`.
    window_s
        The part of the recording, in seconds, or None for all.
    scale, order
        Of a heat map, see `pipeline.figures.raster`.
    tag
        The key of a tag column by whose values a heat map is sorted, instead of `order`.
    image
        Name of a summary image.
    plane
        Of a volume, which plane of it; None: all planes, seen from above.
    stimuli
        Keys of the stimulus types to shade; None for all that the sample has.
    width
        A column of `pipeline.figures.journal.WIDTHS_MM`, or millimetres.
    height_mm
        None: as suits the figure.
    font_pt, dpi, file_format
        See `pipeline.figures.journal`.
    """

    what: What = "traces"
    rois: tuple[str, ...] = ()
    cells: Cells = "accepted"
    kinds: tuple[str, ...] = ()
    stacked: bool = True
    normalised: bool = False
    window_s: tuple[float, float] | None = None
    scale: str = "z"
    order: str = "snr"
    tag: str | None = None
    image: str = "mean"
    plane: int | None = None
    stimuli: tuple[str, ...] | None = None
    width: str | float = "single"
    height_mm: float | None = None
    font_pt: float = 7.0
    dpi: int = 300
    file_format: str = "svg"

    @property
    def width_mm(self) -> float:
        """The width in millimetres."""
        try:
            return journal.WIDTHS_MM[self.width] if isinstance(self.width, str) else float(self.width)
        except KeyError:
            names = ", ".join(journal.WIDTHS_MM)
            raise FigureError("figure", f"no width is called {self.width!r}", f"Choose one of {names}.") from None


@dataclass(frozen=True)
class SampleFigure:
    """A figure as a file.

    Attributes
    ----------
    content
        The file's bytes.
    record
        What is in its metadata: sample, cells, digest of the parameters, and the request.
    width_mm, height_mm
        Its size.
    """

    content: bytes
    record: dict[str, Any]
    width_mm: float
    height_mm: float


def sample_figure(
    path: Path,
    request: FigureRequest,
    *,
    stimulus_names: Mapping[str, str] | None = None,
    progress: Progress = lambda stage, fraction: None,
) -> SampleFigure:
    """Draw a figure of the sample at `path`.

    Parameters
    ----------
    stimulus_names
        What types of stimuli are called, by the keys under which the file has them; by their keys where none is given.

    Raises
    ------
    FigureError
        When it cannot be drawn as it is asked for.
    SampleError
        When the sample cannot be read.
    """
    if request.window_s is not None and not request.window_s[0] < request.window_s[1]:
        raise FigureError("figure", "the time begins after its end", "Give the earlier second first.")
    progress("Reading", 0.0)
    summary, rois = reader.read_summary(path), reader.read_rois(path)
    rows = _rows(path, rois, request)
    shades = [] if request.what == "image" else _shades(path, request.stimuli, stimulus_names or {})
    # Only for its size: what is wrong with it is said before anything is read.
    height_mm = request.height_mm or _usual_height_mm(path, request, len(rows), shades, summary)
    page = Page(request.width_mm, min(max(height_mm, 15.0), 247.0), request.font_pt, request.dpi)
    with matplotlib.rc_context(journal.style(page)):
        figure = journal.new_figure(page)
        progress("Drawing", 0.3)
        if request.what == "traces":
            _traces(figure, path, summary, rois, rows, request, shades)
        elif request.what == "heatmap":
            _heatmap(figure, path, summary, rois, rows, request, shades, progress)
        else:
            _image(figure, path, rois, rows, request)
        progress("Saving", 0.8)
        record = _record(path, summary, rois, rows, request, page)
        return SampleFigure(
            journal.saved(figure, request.file_format, page, record), record, page.width_mm, page.height_mm
        )


def _rows(path: Path, rois: pd.DataFrame, request: FigureRequest) -> list[int]:
    """Row numbers of the cells in the figure."""
    if request.rois:
        # Files of other programs have no roi_uuid: their cells are called by their row.
        numbers = {roi or f"row-{row}": row for row, roi in enumerate(rois["roi_uuid"])}
        unknown = [roi for roi in request.rois if roi not in numbers]
        if unknown:
            raise FigureError(path, f"has no ROI {unknown[0]!r}", "List them with: fluorite rois DIR")
        rows = [numbers[roi] for roi in dict.fromkeys(request.rois)]
    else:
        wanted = ~rois[DELETED].to_numpy(dtype=bool)
        if request.cells == "accepted" or request.what == "traces":
            wanted &= rois["is_accepted"].to_numpy(dtype=bool)
        rows = [int(row) for row in np.flatnonzero(wanted)]
        if request.what == "traces":
            snr = rois["snr"].to_numpy(dtype=float)
            rows = sorted(rows, key=lambda row: -np.nan_to_num(snr[row], nan=-np.inf))[:_FIRST_TRACES]
    if not rows and request.what != "image":
        raise FigureError(path, "has no such cells", "Accept some, or name them.")
    if request.what == "traces" and len(rows) > MOST_TRACES:
        raise FigureError(
            path, f"traces of {len(rows)} cells cannot be told apart", f"Choose at most {MOST_TRACES}, or a heat map."
        )
    return rows


def _kinds(path: Path, request: FigureRequest) -> list[str]:
    there = drawable_kinds(reader.trace_kinds(path))
    unknown = [kind for kind in request.kinds if kind not in there]
    if unknown or not there:
        known = ", ".join(there) or "none at all"
        raise FigureError(path, f"has no traces called {(unknown or ['raw'])[0]!r}", f"It has: {known}.")
    usual = ("raw", "denoised") if request.what == "traces" else ("denoised",)
    return list(request.kinds) or [kind for kind in usual if kind in there] or [there[0]]


def _shades(path: Path, wanted: tuple[str, ...] | None, names: Mapping[str, str]) -> list[Shade]:
    found = []
    for moments, tables in ((False, read_stimuli(path)), (True, read_events(path))):
        for key, frame in tables.items():
            if not frame.empty and (wanted is None or key in wanted):
                found.extend(shades_of(frame, names.get(key, key), moments=moments, colour=lambda text: text))
    return found


def _usual_height_mm(
    path: Path, request: FigureRequest, n_rows: int, shades: Sequence[Shade], summary: SampleSummary
) -> float:
    """What suits the figure: room for its rows and type, or the shape of the image."""
    line_mm = request.font_pt * 0.3528 * 1.3
    if request.what == "image":
        if not (summary.height and summary.width):
            return request.width_mm
        um_y, um_x = reader.read_pixel_size_um(path) or (1.0, 1.0)
        return request.width_mm * summary.height * um_y / (summary.width * um_x)
    around = 4 * line_mm
    if shades:
        names = [shade.name for shade in shades]
        per_row = names_per_row(names, width_mm=request.width_mm, font_pt=request.font_pt)
        around += (0.5 + math.ceil(len(names[:MOST_NAMES]) / per_row)) * line_mm
    if request.what == "heatmap":
        return around + min(max(25.0, n_rows * 0.6), 120.0)
    n_panels = len({kind if kind != "raw" else "denoised" for kind in _kinds(path, request)})
    each = max(1, n_rows) * max(line_mm, 4.0) + 2 if request.stacked else 24.0
    return around + n_panels * each


def _traces(
    figure: Any,
    path: Path,
    summary: SampleSummary,
    rois: pd.DataFrame,
    rows: Sequence[int],
    request: FigureRequest,
    shades: Sequence[Shade],
) -> None:
    kinds = _kinds(path, request)
    read = read_kinds(path, kinds, rows)
    cells = [
        Cell(str(rois["index"][row]), {kind: read[kind][position] for kind in kinds})
        for position, row in enumerate(rows)
    ]
    draw_traces(
        figure,
        cells,
        rate_hz=summary.rate_hz or 1.0,
        kinds=kinds,
        stacked=request.stacked or len(cells) > _MOST_OVERLAID,
        normalised=request.normalised,
        window_s=request.window_s,
        shades=shades,
    )


def _heatmap(
    figure: Any,
    path: Path,
    summary: SampleSummary,
    rois: pd.DataFrame,
    rows: Sequence[int],
    request: FigureRequest,
    shades: Sequence[Shade],
    progress: Progress,
) -> None:
    if request.scale not in SCALES or request.order not in ORDERS:
        raise FigureError(
            "figure",
            f"a heat map cannot be of scale {request.scale!r} and sorted by {request.order!r}",
            f"Scales: {', '.join(SCALES)}; orders: {', '.join(ORDERS)}.",
        )
    if request.tag is not None and request.tag not in rois.columns:
        raise FigureError(path, f"no cell has a value in {request.tag!r}", "Sort by something else.")
    kind = _kinds(path, request)[0]
    found = raster(
        read_kinds(path, [kind], rows)[kind],
        rate_hz=summary.rate_hz or 1.0,
        n_columns=int(figure.get_figwidth() * min(request.dpi, _MOST_PIXELS_PER_INCH)),
        scale=request.scale,
        order=request.order,
        snr=rois["snr"].to_numpy(dtype=float)[list(rows)],
        tags=None if request.tag is None else [str(rois[request.tag][row]) for row in rows],
        window_s=request.window_s,
        progress=progress,
    )
    title = LABELS[kind] if request.scale == "plain" else f"{LABELS[kind]}, {SCALES[request.scale].lower()}"
    labels = [str(rois["index"][rows[row]]) for row in found.rows.tolist()]
    draw_heatmap(figure, found, labels, value_title=title, shades=shades)


def _image(figure: Any, path: Path, rois: pd.DataFrame, rows: Sequence[int], request: FigureRequest) -> None:
    image = _summary_image(path, request.image, request.plane)
    height, width = image.shape
    depth, footprints = reader.read_summary(path).depth, reader.read_footprints(path)
    if depth and request.plane is not None:
        shapes = Bodies.of(footprints, (height, width, depth)).outlines(request.plane)
    else:
        shapes = outlines(flatten_depth(footprints, depth) if depth else footprints, (height, width))
    named = set(rows) if request.rois else set()
    accepted, deleted = rois["is_accepted"].to_numpy(dtype=bool), rois[DELETED].to_numpy(dtype=bool)
    drawn = [
        ("accepted" if accepted[row] else "rejected", shape)
        for row, shape in enumerate(shapes)
        if row not in named and not deleted[row] and (accepted[row] or request.cells == "all")
    ]
    highlighted = [
        (str(rois["index"][row]), cell_colour(position), shapes[row])
        for position, row in enumerate(rows)
        if row in named
    ]
    draw_image(figure, image, drawn, pixel_size_um=reader.read_pixel_size_um(path), highlighted=highlighted)


def _summary_image(path: Path, name: str, plane: int | None) -> NDArray[np.float32]:
    """``(height, width)``, of a volume from above or of one plane."""
    images = reader.read_images(path) if plane is None else reader.read_plane_images(path)
    what = "no summary image" if plane is None else "no planes of a summary image"
    if name not in images:
        known = ", ".join(sorted(images)) or "none at all"
        raise FigureError(path, f"has {what} called {name!r}", f"It has: {known}.")
    if plane is None:
        image = images[name]
    elif 0 <= plane < images[name].shape[2]:
        image = images[name][..., plane]
    else:
        raise FigureError(path, f"has no plane {plane}", f"Its planes are 0 to {images[name].shape[2] - 1}.")
    if image.size == 0:
        raise FigureError(path, f"its summary image {name!r} is empty", "Choose another one.")
    return image


def _record(
    path: Path,
    summary: SampleSummary,
    rois: pd.DataFrame,
    rows: Sequence[int],
    request: FigureRequest,
    page: Page,
) -> dict[str, Any]:
    """What leads from the figure back to its data, and what makes it again."""
    history = read_history(path) if summary.is_ours else ()
    titles = {"traces": "Traces", "heatmap": "Heat map", "image": "Cells"}
    resolved = replace(request, height_mm=page.height_mm, width=page.width_mm)
    return {
        "title": f"{titles[request.what]} of {path.stem}",
        "sample": path.name,
        "sample_identifier": summary.identifier,
        "last_edit": history[-1].id if history else None,
        "roi_uuids": [rois["roi_uuid"][row] for row in rows],
        "rows": list(rows),
        "engine": summary.engine,
        "engine_version": summary.engine_version,
        "parameters_sha256": summary.parameters_sha256,
        "input_sha256": summary.input_sha256,
        "fluorite_version": __version__,
        "matplotlib_version": matplotlib.__version__,
        "figure": jsonable(asdict(resolved)),
    }
