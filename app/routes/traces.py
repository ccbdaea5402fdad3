"""The traces of selected cells by address, as a table to download."""

from __future__ import annotations

import math

from flask import Blueprint, Response, request

from app.components.trace_panel import MOST_CELLS
from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError, SampleError
from pipeline.figures.trace_table import trace_csv

traces = Blueprint("traces", __name__)


@traces.route("/traces/<identifier>.csv")
def table(identifier: str) -> Response:
    """The traces of the kinds ``kind`` of the cells ``roi``, from ``from`` to ``to`` seconds (without them, all)."""
    sample = current_workspace().samples.get(identifier)
    rows = sample.rows_of(request.args.get("roi", "").split(","))[:MOST_CELLS]
    kinds = [kind for kind in request.args.get("kind", "").split(",") if kind in sample.trace_kinds]
    if not rows or not kinds:
        raise SampleError(sample.path, "no traces were asked for", "Select a cell and a kind of trace.")
    found = sample.traces(rows, kinds)
    columns = {_title(sample, row, kind): found[kind][position] for position, row in enumerate(rows) for kind in kinds}
    answer = Response(trace_csv(columns, sample.summary.rate_hz or 1.0, _window()), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{sample.path.stem}_traces.csv")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@traces.errorhandler(FluoriteError)
def refuse(error: FluoriteError) -> tuple[str, int, dict[str, str]]:
    """Say in words why there is no such table."""
    return f"{error}\n", 404, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}


def _title(sample: SampleData, row: int, kind: str) -> str:
    """The cell as people call it here, and as it is called for ever, as far as commands need it."""
    roi = sample.rois.iloc[row]
    return f"cell_{roi['index']}_{kind}_{str(roi['key'])[:8]}"


def _window() -> tuple[float, float] | None:
    """The seconds in the address, or None where it has none."""
    try:
        start, stop = float(request.args["from"]), float(request.args["to"])
    except (KeyError, ValueError):
        return None
    return (start, stop) if math.isfinite(start) and math.isfinite(stop) else None
