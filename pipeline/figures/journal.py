"""Pages of a journal: exact sizes, small type, text that stays text, and metadata that lead back to the data.

A figure is as wide as the column that it is made for, to the tenth of a millimetre: whatever scales it afterwards
scales its type, too. Nothing here uses pyplot, whose state belongs to the whole process.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from nwb_schema.errors import FluoriteError
from nwb_schema.provenance import canonical_json
from nwb_schema.publishing import partial_path, publish_over

WIDTHS_MM = {"single": 89.0, "1.5": 120.0, "double": 183.0}
"""Columns of most journals (Nature, Cell, eLife and others within 2 mm)."""

FORMATS = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}
FONT_PT = (5.0, 8.0)
DPI = (150, 300, 600, 1200)
_HEIGHT_MM = (15.0, 247.0)
_MM_PER_INCH = 25.4
# Journals want Arial or Helvetica; Liberation Sans is as wide, letter for letter. What is not there is not asked for,
# so that what was measured is what is drawn.
_FONTS = ("Arial", "Helvetica", "Liberation Sans", "DejaVu Sans")


class FigureError(FluoriteError):
    """A figure that cannot be made as it was asked for, or a file that is none of ours."""


@dataclass(frozen=True)
class Page:
    """What a figure is drawn on.

    Attributes
    ----------
    width_mm, height_mm
        The size of the figure with everything in it.
    font_pt
        Size of the type, from 5 to 8 points.
    dpi
        Dots per inch of a PNG, and of pictures within an SVG or PDF.
    """

    width_mm: float
    height_mm: float
    font_pt: float = 7.0
    dpi: int = 300

    def __post_init__(self) -> None:
        low, high = FONT_PT
        if not low <= self.font_pt <= high:
            raise FigureError("figure", f"type of {self.font_pt:g} pt", f"Choose from {low:g} to {high:g} pt.")
        if not min(WIDTHS_MM.values()) / 3 <= self.width_mm <= max(WIDTHS_MM.values()):
            raise FigureError("figure", f"a width of {self.width_mm:g} mm", "Choose from 30 to 183 mm.")
        low, high = _HEIGHT_MM
        if not low <= self.height_mm <= high:
            raise FigureError("figure", f"a height of {self.height_mm:g} mm", f"Choose from {low:g} to {high:g} mm.")
        if self.dpi not in DPI:
            raise FigureError("figure", f"{self.dpi} dpi", f"Choose one of {', '.join(map(str, DPI))}.")


def style(page: Page) -> Any:
    """Matplotlib's settings for a page; hold them while drawing and saving (``matplotlib.rc_context``)."""
    small = max(FONT_PT[0], page.font_pt - 1)
    known = {entry.name for entry in font_manager.fontManager.ttflist}
    return {
        # By their names, because of a generic family matplotlib takes one font alone: the last has the letters of most
        # languages, and files hold names in any of them.
        "font.family": [*(name for name in _FONTS if name in known), "DejaVu Sans"],
        "font.size": page.font_pt,
        "axes.titlesize": page.font_pt,
        "axes.labelsize": page.font_pt,
        "xtick.labelsize": small,
        "ytick.labelsize": small,
        "legend.fontsize": small,
        "axes.linewidth": 0.5,
        "lines.linewidth": 0.6,
        "patch.linewidth": 0.5,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2.0,
        "ytick.major.size": 2.0,
        "xtick.major.pad": 1.5,
        "ytick.major.pad": 1.5,
        "axes.labelpad": 2.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "figure.constrained_layout.use": True,
        "figure.constrained_layout.h_pad": 0.02,
        "figure.constrained_layout.w_pad": 0.02,
        "figure.constrained_layout.hspace": 0.02,
        "figure.constrained_layout.wspace": 0.02,
        "image.interpolation": "nearest",
        "svg.fonttype": "none",  # text that can be edited, not outlines of letters
        "svg.hashsalt": "fluorite",  # the same figure is the same file
        "pdf.fonttype": 42,
        "path.simplify": True,
        "path.simplify_threshold": 0.05,
    }


def new_figure(page: Page) -> Figure:
    """An empty figure of the page's size."""
    return Figure(figsize=(page.width_mm / _MM_PER_INCH, page.height_mm / _MM_PER_INCH), dpi=page.dpi)


def saved(figure: Figure, file_format: str, page: Page, record: Mapping[str, Any]) -> bytes:
    """The figure as a file of a format of `FORMATS`, with `record` in its metadata.

    The same figure and record give the same bytes: no time of day is in the file.

    Parameters
    ----------
    record
        JSON-able: what the figure shows, and what made it. `read_record` gets it back.
    """
    if file_format not in FORMATS:
        raise FigureError("figure", f"no format is called {file_format!r}", f"Choose one of {', '.join(FORMATS)}.")
    text = canonical_json(record)
    software = f"Fluorite {record.get('fluorite_version', '')}".strip()
    title = str(record.get("title", ""))
    metadata: dict[str, Any]
    if file_format == "svg":
        metadata = {"Title": title, "Creator": software, "Date": None, "Description": text}
        metadata |= {"Identifier": str(record.get("sample_identifier", "")), "Source": str(record.get("sample", ""))}
    elif file_format == "png":
        metadata = {"Title": title, "Software": software, "Description": text}
    else:
        metadata = {"Title": title, "Creator": software, "CreationDate": None, "Subject": text}
    target = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(target, format=file_format, dpi=page.dpi, metadata=metadata, facecolor="white")
    if file_format == "svg":
        # As wide, letter for letter, and what journals want: whoever opens the file may have it.
        return target.getvalue().replace(b"'Liberation Sans'", b"Arial, Helvetica, 'Liberation Sans'")
    return target.getvalue()


def write(target: Path, content: bytes) -> None:
    """Put a figure into the file `target`, whole or not at all; a file of that name is replaced.

    Raises
    ------
    FigureError
        When it cannot be written.
    """
    temporary = partial_path(target.parent)
    try:
        temporary.write_bytes(content)
        publish_over(temporary, target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise FigureError(target, f"cannot be written ({error})", "Choose a folder that you can write in.") from error


def read_record(path: Path) -> dict[str, Any]:
    """What an SVG or PNG of ours says of itself: sample, cells, parameters and how it was drawn.

    Raises
    ------
    FigureError
        When it is no figure of ours, or its metadata were removed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FigureError(path, f"cannot be read ({error})", "Name an SVG or PNG that Fluorite made.") from error
    text = _png_text(content) if content.startswith(b"\x89PNG") else _svg_text(content)
    try:
        found = json.loads(text or "")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise FigureError(path, "has no metadata of Fluorite", "Programs that edit figures may remove them.")
    return found


def _svg_text(content: bytes) -> str | None:
    found = re.search(rb"<dc:description>(.*?)</dc:description>", content, flags=re.DOTALL)
    return html.unescape(found.group(1).decode("utf-8", "replace")) if found else None


def _png_text(content: bytes) -> str | None:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            return str(image.info.get("Description", ""))
    except (OSError, ValueError, SyntaxError):  # what Pillow raises on damaged files
        return None
