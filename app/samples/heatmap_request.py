"""What the sample page asks for when it wants a heat map, and the heat map that it gets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.figures.heatmap import heatmap_figure
from app.formatting import count
from app.samples.curation import tag_columns
from app.samples.roi_rows import roi_rows, tag_field
from app.samples.store import SampleData
from app.stimuli.shades import sample_shades
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition
from nwb_schema.errors import SampleError
from nwb_schema.layout import DELETED
from pipeline.figures.raster import ORDERS, SCALES, raster
from pipeline.figures.trace_values import LABELS

CELLS = {"accepted": "Accepted", "all": "All", "listed": "Listed in the table"}
_TAG_ORDER = "tag:"
_FEWEST_COLUMNS, _MOST_COLUMNS = 100, 1_200


@dataclass(frozen=True)
class HeatmapRequest:
    """A heat map as somebody asked for it.

    Attributes
    ----------
    cells, keys
        Of `CELLS`; `keys` are the cells of ``listed``.
    kind, scale
        The kind of trace, and of `pipeline.figures.raster.SCALES`.
    order
        Of `pipeline.figures.raster.ORDERS`, or ``tag:`` and the key of a tag column.
    tables
        The tables of stimuli to show.
    n_columns
        How many columns the screen has.
    """

    cells: str = "accepted"
    keys: tuple[str, ...] = ()
    kind: str = "denoised"
    scale: str = "z"
    order: str = "snr"
    tables: tuple[str, ...] = ()
    n_columns: int = 1_000

    @classmethod
    def parse(cls, sent: Any) -> HeatmapRequest:
        """What the browser sent, which may be anything; what cannot be is as by default."""
        given = sent if isinstance(sent, dict) else {}
        width = given.get("width")
        order = given.get("order")
        known = order in tuple(ORDERS) or (isinstance(order, str) and order.startswith(_TAG_ORDER))
        return cls(
            cells=given["cells"] if given.get("cells") in tuple(CELLS) else cls.cells,
            keys=_texts(given.get("keys")),
            kind=given["kind"] if given.get("kind") in tuple(LABELS) else cls.kind,
            scale=given["scale"] if given.get("scale") in tuple(SCALES) else cls.scale,
            order=str(order) if known else cls.order,
            tables=_texts(given.get("tables")),
            n_columns=min(max(int(width), _FEWEST_COLUMNS), _MOST_COLUMNS)
            if isinstance(width, (int, float)) and np.isfinite(width)
            else cls.n_columns,
        )


@dataclass(frozen=True)
class HeatmapAnswer:
    """A heat map for the page.

    Attributes
    ----------
    figure
        Plotly's figure as JSON-able data.
    keys, labels
        The cell of each row, the first on top.
    said
        What it shows, in words.
    """

    figure: dict[str, Any]
    keys: tuple[str, ...]
    labels: tuple[str, ...]
    said: str


def order_options(columns: Sequence[ColumnDefinition]) -> list[dict[str, str]]:
    """What rows can be sorted by."""
    tags = [{"label": column.name, "value": f"{_TAG_ORDER}{column.key}"} for column in columns]
    return [*({"label": label, "value": value} for value, label in ORDERS.items()), *tags]


def asked_rows(sample: SampleData, request: HeatmapRequest) -> list[int]:
    """Row numbers of the cells that are asked for; deleted ones only where the table lists them."""
    if request.cells == "listed":
        return sample.rows_of(request.keys)
    wanted = ~sample.rois[DELETED].to_numpy(dtype=bool)
    if request.cells == "accepted":
        wanted &= sample.rois["is_accepted"].to_numpy(dtype=bool)
    return [int(row) for row in np.flatnonzero(wanted)]


def draw_heatmap(
    workspace: Workspace,
    sample: SampleData,
    request: HeatmapRequest,
    report: Callable[[str, float], None] = lambda stage, fraction: None,
) -> HeatmapAnswer:
    """Read the traces that are asked for and draw them.

    Raises
    ------
    SampleError
        When there are no such cells or traces.
    """
    rows = asked_rows(sample, request)
    if not rows:
        raise SampleError(sample.path, f"has no cells that are {CELLS[request.cells].lower()}", "Choose other cells.")
    if request.kind not in sample.trace_kinds:
        raise SampleError(sample.path, f"has no traces called {LABELS[request.kind]}", "Choose another kind of trace.")
    report("Reading traces", 0.0)
    traces = sample.traces(rows, [request.kind])[request.kind]
    tags = _tags(workspace, sample, request.order, rows)
    found = raster(
        traces,
        rate_hz=sample.summary.rate_hz or 1.0,
        n_columns=request.n_columns,
        scale=request.scale,
        order=request.order if request.order in ORDERS else "snr",
        snr=sample.rois["snr"].to_numpy(dtype=float)[rows],
        tags=tags,
        progress=lambda stage, fraction: report(stage.capitalize(), fraction),
    )
    report("Drawing", 1.0)
    in_rows = [rows[row] for row in found.rows.tolist()]
    labels = tuple(str(sample.rois["index"][row]) for row in in_rows)
    kind = LABELS[request.kind]
    title = kind if request.scale == "plain" else f"{kind}, {SCALES[request.scale].lower()}"
    figure = heatmap_figure(found, labels, value_title=title, shades=sample_shades(sample, request.tables))
    each = f"; each column is the mean of {found.column_s:.3g} s" if len(found.values.T) < traces.shape[1] else ""
    return HeatmapAnswer(
        figure.to_plotly_json(),
        tuple(str(sample.rois["key"][row]) for row in in_rows),
        labels,
        f"{count(len(rows), 'cell')}{each}. Click a row to select its cell and to see the moment.",
    )


def _tags(workspace: Workspace, sample: SampleData, order: str, rows: Sequence[int]) -> list[str] | None:
    """The value of the tag that is sorted by for each row, as the table shows it."""
    column = next((one for one in tag_columns(workspace) if order == f"{_TAG_ORDER}{one.key}"), None)
    if column is None:
        return None
    listed = roi_rows(sample.rois, [column])
    values = (listed[row][tag_field(column)] for row in rows)
    return [
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value) for value in values
    ]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
