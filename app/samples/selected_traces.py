"""The traces of selected cells as the page draws them: what it asks for, and the figure and legend that it gets.

They do not come by a callback of Dash: a click on a cell would pass through it in a quarter of a second.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app.figures.palette import cell_colour
from app.figures.traces import OVERLAID, POINTS_PER_TRACE, Arrangement, CellTraces, shown_panels, trace_figure
from app.samples.store import SampleData
from app.stimuli.shades import sample_shades

# More lines on top of one another cannot be told apart, neither by eye nor by colour: they are stacked.
MOST_OVERLAID = 7
MOST_CELLS = 60
_LEVEL_PX = 22
_FEWEST_POINTS = 250
_SCORE_HELP = (
    "SNR: peak signal-to-noise ratio of the trace. r: the footprint's correlation with the movie at its transients."
)


@dataclass(frozen=True)
class TraceRequest:
    """What a page shows the traces of.

    Attributes
    ----------
    keys
        The selected cells in their order; those beyond `MOST_CELLS` may be left out.
    n_selected
        How many are selected.
    kinds
        Kinds of trace.
    window_s
        The part of the time axis in view, or None for all.
    tables
        Stimuli to shade (`app.stimuli.rows.table_id`).
    arrangement
        How several cells share a panel.
    n_points
        How many points the plot has room for, a line.
    """

    keys: Sequence[str]
    n_selected: int
    kinds: Sequence[str]
    window_s: tuple[float, float] | None = None
    tables: Sequence[str] = ()
    arrangement: Arrangement = field(default=OVERLAID)
    n_points: int = POINTS_PER_TRACE

    @classmethod
    def parse(cls, query: MultiDict[str, str]) -> TraceRequest:
        """The request in an address: ``roi`` and ``kind`` with commas, ``n``, ``from``, ``to``, ``stimuli`` again and
        again, ``stacked``, ``normalised``, ``points``; what is not there, or is nonsense, is left out."""
        keys = [key for key in query.get("roi", "").split(",") if key]
        return cls(
            keys=keys,
            n_selected=max(len(keys), query.get("n", 0, type=int)),
            kinds=[kind for kind in query.get("kind", "").split(",") if kind],
            window_s=window_of(query),
            tables=query.getlist("stimuli"),
            arrangement=Arrangement(stacked="stacked" in query, normalised="normalised" in query),
            n_points=min(max(query.get("points", POINTS_PER_TRACE, type=int), _FEWEST_POINTS), POINTS_PER_TRACE),
        )


def window_of(query: Mapping[str, str]) -> tuple[float, float] | None:
    """The seconds ``from`` and ``to`` of an address, or None where it has none."""
    try:
        start, stop = float(query["from"]), float(query["to"])
    except (KeyError, ValueError):
        return None
    return (start, stop) if math.isfinite(start) and math.isfinite(stop) else None


def drawn_traces(sample: SampleData, asked: TraceRequest) -> dict[str, Any]:
    """``figure``, or a ``message`` about what to do when there is nothing to draw; ``legend``, and ``more`` about the
    cells that it does not list; the least ``height_px`` of the plot, 0 for the usual one.

    More cells than can be told apart on one axis are stacked, whatever is asked for.
    """
    answer: dict[str, Any] = {"figure": None, "message": "", "legend": [], "more": "", "height_px": 0}
    if sample.summary.n_rois == 0:
        return answer | {"message": "No cells were found, so there are no traces."}
    if not sample.trace_kinds:
        return answer | {"message": "This sample has no traces."}
    rows = sample.rows_of(asked.keys)
    if not rows:
        return answer | {"message": "Click a cell in the image or in the table to see its traces."}
    answer |= {"legend": legend(sample, rows[:MOST_OVERLAID]), "more": _others(asked.n_selected, len(rows))}
    if not asked.kinds:
        return answer | {"message": "Choose at least one kind of trace above."}
    cells = cell_traces(sample, asked.keys, asked.kinds)
    arrangement = asked.arrangement
    arranged = replace(arrangement, stacked=arrangement.stacked or len(cells) > MOST_OVERLAID)
    figure = trace_figure(
        cells,
        rate_hz=sample.summary.rate_hz or 1.0,
        kinds=asked.kinds,
        window_s=asked.window_s,
        n_points=asked.n_points,
        shades=sample_shades(sample, asked.tables),
        arrangement=arranged,
    )
    n_levels = len(cells) * len(shown_panels(cells, asked.kinds)) if arranged.stacked else 0
    return answer | {"figure": figure, "height_px": n_levels * _LEVEL_PX + 60 if n_levels else 0}


def cell_traces(sample: SampleData, keys: Sequence[str], kinds: Sequence[str]) -> list[CellTraces]:
    """The traces of the selected cells, coloured by their position in the selection."""
    rows = sample.rows_of(keys)[:MOST_CELLS]
    traces = sample.traces(rows, kinds)
    labels = sample.rois["index"]
    return [
        CellTraces(
            f"Cell {labels[row]}",
            cell_colour(position),
            {kind: values[position] for kind, values in traces.items()},
        )
        for position, row in enumerate(rows)
    ]


def legend(sample: SampleData, rows: Sequence[int]) -> list[dict[str, Any]]:
    """Key, label, colour, state and scores of cells, and what the scores mean; coloured as the traces."""
    entries = []
    for position, row in enumerate(rows):
        roi = sample.rois.iloc[row]
        scores = [f"SNR {roi['snr']:.3g}"] if roi["snr"] == roi["snr"] else []
        scores += [f"r {roi['r_values']:.2f}"] if roi["r_values"] == roi["r_values"] else []
        entries.append(
            {
                "key": str(roi["key"]),
                "label": f"Cell {roi['index']}",
                "colour": cell_colour(position),
                "state": "deleted" if roi["deleted"] else "accepted" if roi["is_accepted"] else "rejected",
                "scores": scores,
                "help": _SCORE_HELP,
            }
        )
    return entries


def _others(n_selected: int, n_known: int) -> str:
    """What is said of the cells that the legend does not list."""
    if n_known <= MOST_OVERLAID:
        return ""
    drawn, more = min(n_selected, MOST_CELLS), n_selected - MOST_CELLS
    text = f"and {drawn - MOST_OVERLAID} more: so many are stacked, the first on top"
    return f"{text}; {more} are not drawn, the heat map below has them all" if more > 0 else text
