"""The traces of selected cells by address: as the page draws them, and as a table to download."""

from __future__ import annotations

from flask import Blueprint, Response, request
from plotly.io.json import to_json_plotly

from app.samples.selected_traces import MOST_CELLS, TraceRequest, drawn_traces, window_of
from app.samples.store import SampleData
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError, SampleError
from pipeline.figures.trace_table import trace_csv

traces = Blueprint("traces", __name__)


@traces.route("/traces/<identifier>.json")
def drawn(identifier: str) -> Response:
    """Figure and legend (`app.samples.selected_traces.drawn_traces`) of what the address asks for."""
    found = drawn_traces(current_workspace().samples.get(identifier), TraceRequest.parse(request.args))
    answer = Response(to_json_plotly(found), mimetype="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


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
    answer = Response(trace_csv(columns, sample.summary.rate_hz or 1.0, window_of(request.args)), mimetype="text/csv")
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
