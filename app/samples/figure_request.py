"""What the sample page asks for when it wants a figure for a paper, and the figure that it gets."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.samples.heatmap_request import HeatmapRequest
from app.samples.store import SampleData
from app.stimuli.rows import table_id
from nwb_schema.columns import ColumnKind
from nwb_schema.project import Project
from pipeline.figures.journal import DPI, FONT_PT, FORMATS, WIDTHS_MM
from pipeline.figures.raster import ORDERS
from pipeline.figures.sample_figure import MOST_TRACES, WHATS, FigureRequest, sample_figure

_PREVIEW_DPI = 150


@dataclass(frozen=True)
class FigureAnswer:
    """A figure for the page: an address of its own data to show or to save, its name and what it is, in words."""

    content: bytes
    media_type: str
    file_name: str
    said: str

    @property
    def data_uri(self) -> str:
        """The picture as an address."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.content).decode()}"


def parse_request(sent: Any, sample: SampleData) -> FigureRequest:
    """What the browser sent, which may be anything; what cannot be is as by default."""
    given: Mapping[str, Any] = sent if isinstance(sent, dict) else {}
    usual = FigureRequest()
    what = given["what"] if given.get("what") in WHATS else usual.what
    heatmap = HeatmapRequest.parse(given.get("heatmap"))
    selected = tuple(one for one in given.get("selected") or () if isinstance(one, str))
    request = FigureRequest(
        what=what,
        stimuli=_stimuli(given.get("tables"), sample),
        width=given["width"] if given.get("width") in tuple(WIDTHS_MM) else usual.width,
        height_mm=_number(given.get("height")),
        font_pt=min(max(_number(given.get("font")) or usual.font_pt, FONT_PT[0]), FONT_PT[1]),
        dpi=int(given["dpi"]) if str(given.get("dpi")) in map(str, DPI) else usual.dpi,
        file_format=given["format"] if given.get("format") in tuple(FORMATS) else usual.file_format,
    )
    if what == "heatmap":
        return replace(
            request,
            rois=heatmap.keys if heatmap.cells == "listed" else (),
            cells="accepted" if heatmap.cells == "accepted" else "all",
            kinds=(heatmap.kind,),
            scale=heatmap.scale,
            order=heatmap.order if heatmap.order in ORDERS else usual.order,
            tag=heatmap.order.partition(":")[2] or None,
        )
    if what == "image":
        return replace(
            request,
            rois=selected,
            cells="all" if given.get("rejected") else "accepted",
            image=given["image"] if isinstance(given.get("image"), str) else usual.image,
            plane=given["plane"] if isinstance(given.get("plane"), int) else None,
        )
    window = given.get("window")
    seconds = [_number(one) for one in window] if isinstance(window, list) and len(window) == 2 else []
    return replace(
        request,
        rois=selected[:MOST_TRACES],
        kinds=tuple(kind for kind in sample.trace_kinds if kind in (given.get("kinds") or ())),
        stacked=given.get("arrangement") == "stacked",
        normalised=bool(given.get("normalise")),
        window_s=(seconds[0], seconds[1]) if len(seconds) == 2 and None not in seconds else None,  # type: ignore[arg-type]
    )


def draw_figure(
    project: Project,
    sample: SampleData,
    request: FigureRequest,
    *,
    preview: bool,
    report: Callable[[str, float], None] = lambda stage, fraction: None,
) -> FigureAnswer:
    """Draw it, for a preview as a small PNG.

    Raises
    ------
    FluoriteError
        When it cannot be drawn.
    """
    wanted = replace(request, file_format="png", dpi=_PREVIEW_DPI) if preview else request
    names = project.column_names(ColumnKind.STIMULUS)
    drawn = sample_figure(sample.path, wanted, stimulus_names=names, progress=report)
    return FigureAnswer(
        drawn.content,
        FORMATS[wanted.file_format],
        f"{sample.path.stem}_{request.what}.{wanted.file_format}",
        f"{drawn.width_mm:g} x {drawn.height_mm:.0f} mm, type of {request.font_pt:g} pt",
    )


def _stimuli(tables: Any, sample: SampleData) -> tuple[str, ...]:
    """Keys of the stimulus types whose tables are shaded."""
    chosen = tables if isinstance(tables, list) else []
    return tuple(
        key
        for moments, frames in ((False, sample.periods), (True, sample.moments))
        for key in frames
        if table_id(key, moments) in chosen
    )


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
