"""What the browse page asks of the catalogue: pure functions between the page's state and its parts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from app.formatting import moment
from nwb_schema.catalogue import Catalogue
from nwb_schema.catalogue.columns import CatalogueColumn, Level
from nwb_schema.catalogue_columns import TABLE_PREFIX
from nwb_schema.errors import FilterError
from nwb_schema.spreadsheet import inert_cell

_LEVELS: tuple[Level, ...] = ("samples", "rois")
_MOST_VALUES = 200
_LONGEST_STATE = 20_000

# Shown at first; more can be added on the page.
FIRST_COLUMNS: dict[Level, tuple[str, ...]] = {
    "samples": ("name", "subject_id", "session_id", "session_start_time", "n_accepted", "n_rois", "rate_hz",
                "duration_s", "indicator", "location", "engine", "stimuli", "status"),
    "rois": ("name", "subject_id", "session_id", "index", "is_accepted", "curated", "snr", "r_values", "cnn_preds",
             "area_px"),
}  # fmt: skip
FIRST_LISTS: dict[Level, tuple[str, ...]] = {
    "samples": ("subject_id", "indicator", "location"),
    "rois": ("subject_id", "name", "is_accepted"),
}

LABELS = {
    "name": "Sample", "identifier": "Sample's identity",
    "subject_id": "Subject", "session_id": "Session", "session_start_time": "Start",
    "session_description": "Description", "rate_hz": "Rate (Hz)", "n_frames": "Frames", "height": "Height (px)",
    "width": "Width (px)", "depth": "Planes", "duration_s": "Duration (s)", "n_rois": "ROIs", "n_accepted": "Cells",
    "evaluated": "Evaluated", "engine": "Engine", "engine_version": "Engine version", "one_photon": "One-photon",
    "has_movie": "Movie", "movie_problem": "Movie's problem", "parameters_sha256": "Parameters (digest)",
    "input_sha256": "Raw movie (digest)", "configuration_version": "Configuration (version)",
    "reason": "What is wrong", "roi_uuid": "Cell's identity",
    "indicator": "Indicator", "location": "Location", "stimuli": "Stimuli", "status": "Status",
    "is_ours": "Fluorite's", "index": "Cell", "is_accepted": "Accepted", "snr": "SNR", "r_values": "r",
    "cnn_preds": "CNN", "area_px": "Area (px)", "centroid_x": "x (px)", "centroid_y": "y (px)", "curated": "Decided",
    "deleted": "Deleted",
}  # fmt: skip
"""What columns of our own are called on pages. Filters, the address and Python have their names."""


@dataclass(frozen=True)
class Operation:
    """One way to compare, as the menu offers it: Mesmerize's modifiers in words.

    Attributes
    ----------
    modifier
        As it is written in an expression.
    words
        As people read it.
    kinds
        Kinds of columns that take it.
    """

    modifier: str
    words: str
    kinds: tuple[str, ...]


OPERATIONS = (
    Operation("", "contains", ("text",)),
    Operation("$STR=:", "is exactly", ("text",)),
    Operation("$STR!=:", "is not exactly", ("text",)),
    Operation("$NOT:", "does not contain", ("text",)),
    Operation("$>:", "greater than", ("number",)),
    Operation("$>=:", "at least", ("number",)),
    Operation("$<:", "less than", ("number",)),
    Operation("$<=:", "at most", ("number",)),
    Operation("", "equals", ("number",)),
    Operation("$NOT:", "does not equal", ("number",)),
    Operation("$STR:", "has the digits", ("number",)),
    Operation("", "is", ("flag",)),
    Operation("$NOT:", "is not", ("flag",)),
)


@dataclass(frozen=True)
class BrowseState:
    """What the page shows; all of it is in the address.

    Attributes
    ----------
    level
        ``samples`` or ``rois``.
    filters
        ``(column, expression)`` in the order in which they were made.
    lists
        Columns whose distinct values are listed side by side.
    columns
        Columns of the table.
    tab
        Name of the saved filter that it began as, or empty.
    """

    level: Level = "samples"
    filters: tuple[tuple[str, str], ...] = ()
    lists: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    tab: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the browser keeps it."""
        return {
            "level": self.level,
            "filters": [list(pair) for pair in self.filters],
            "lists": list(self.lists),
            "columns": list(self.columns),
            "tab": self.tab,
        }

    def with_filter(self, column: str, expression: str) -> BrowseState:
        """One more filter, the last."""
        return replace(self, filters=(*self.filters, (column, expression)))

    def without_filter(self, position: int) -> BrowseState:
        """All filters but one."""
        return replace(self, filters=(*self.filters[:position], *self.filters[position + 1 :]))

    def with_value(self, column: str, text: str, *, kind: str) -> BrowseState:
        """Choose a value in the list of a column, or no longer: the values chosen there are one filter."""
        start = "$STR=:" if kind == "text" else ""
        for position, (name, expression) in enumerate(self.filters):
            if name == column and _is_choice(expression, start):
                chosen = expression[len(start) :].split("|")
                kept = [value for value in chosen if value != text] if text in chosen else [*chosen, text]
                if not kept:
                    return self.without_filter(position)
                changed = (column, start + "|".join(kept))
                return replace(self, filters=(*self.filters[:position], changed, *self.filters[position + 1 :]))
        return self.with_filter(column, start + text)

    def chosen_values(self, column: str, *, kind: str) -> tuple[str, ...]:
        """The values that are chosen in the list of a column."""
        start = "$STR=:" if kind == "text" else ""
        for name, expression in self.filters:
            if name == column and _is_choice(expression, start):
                return tuple(expression[len(start) :].split("|"))
        return ()


def _is_choice(expression: str, start: str) -> bool:
    return expression.startswith(start) and (bool(start) or not expression.startswith("$"))


def parse_state(sent: Any) -> BrowseState:
    """The state that an address or a browser holds, which may be anything: what is no state is left out."""
    if isinstance(sent, str):
        try:
            sent = json.loads(sent) if len(sent) <= _LONGEST_STATE else {}
        except ValueError:
            sent = {}
    given: Mapping[str, Any] = sent if isinstance(sent, Mapping) else {}
    level: Level = given.get("level") if given.get("level") in _LEVELS else "samples"  # type: ignore[assignment]
    filters = tuple(
        (pair[0], pair[1])
        for pair in _list(given.get("filters"))
        if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
    )
    tab = given.get("tab")
    return BrowseState(
        level=level,
        filters=filters,
        lists=_texts(given.get("lists")),
        columns=_texts(given.get("columns")),
        tab=tab if isinstance(tab, str) else "",
    )


def address(state: BrowseState) -> str:
    """The address of a view, to be sent to a colleague; what is as at first is left out."""
    query: dict[str, str] = {}
    if state.level != "samples":
        query["level"] = state.level
    for name in ("filters", "lists", "columns"):
        value = getattr(state, name)
        if value:
            query[name] = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if state.tab:
        query["tab"] = state.tab
    return f"/browse?{urlencode(query)}" if query else "/browse"


def from_address(query: Mapping[str, str]) -> BrowseState:
    """The state in an address."""
    given: dict[str, Any] = {"level": query.get("level"), "tab": query.get("tab", "")}
    for name in ("filters", "lists", "columns"):
        text = query.get(name, "")
        try:
            given[name] = json.loads(text) if text and len(text) <= _LONGEST_STATE else []
        except ValueError:
            given[name] = []
    return parse_state(given)


@dataclass(frozen=True)
class View:
    """A state with what the project has: only columns that exist, the first ones where none were chosen.

    Attributes
    ----------
    state
        As it is shown.
    columns
        All columns of the level by name.
    """

    state: BrowseState
    columns: Mapping[str, CatalogueColumn] = field(default_factory=dict)

    @classmethod
    def of(cls, catalogue: Catalogue, state: BrowseState) -> View:
        """The view of `state`."""
        columns = {column.name: column for column in catalogue.columns(state.level)}
        configured = [name for name, column in columns.items() if column.definition is not None and column.listed]
        own = [
            name
            for name in configured
            if columns[name].place in (("custom",) if state.level == "samples" else ("table", "roi", "custom"))
        ]
        shown = state.columns or (*FIRST_COLUMNS[state.level], *own)
        lists = state.lists or (*FIRST_LISTS[state.level], *own)
        return cls(
            replace(
                state,
                columns=tuple(name for name in shown if name in columns),
                lists=tuple(name for name in lists if name in columns),
            ),
            columns,
        )

    def kind(self, name: str) -> str:
        """``text``, ``number`` or ``flag``."""
        return self.columns[name].column.kind if name in self.columns else "text"

    def label(self, name: str) -> str:
        """What a column is called on the page."""
        column = self.columns.get(name)
        if column is not None and column.place == "stimulus":
            return f"Periods of {column.key if column.definition is None else column.definition.name}"
        if column is not None and column.definition is None:
            return LABELS.get(name, name.removeprefix(TABLE_PREFIX))
        return LABELS.get(name, name) if column is None else name

    def help(self, name: str) -> str:
        """What a column holds, and what it is called where its name is written."""
        text = self.columns[name].column.help if name in self.columns else ""
        return f"{text} As it is written in filters and Python: {name}".strip()


@dataclass(frozen=True)
class ValueList:
    """The distinct values of one column among what the other filters leave.

    Attributes
    ----------
    column, label
        Which.
    values
        ``(text, how it reads, how many, whether chosen)``; None of `text` is what is unknown, which cannot be chosen.
    more
        How many are not listed.
    """

    column: str
    label: str
    values: tuple[tuple[str | None, str, int, bool], ...]
    more: int = 0


def value_list(catalogue: Catalogue, view: View, column: str) -> ValueList:
    """One of the lists side by side.

    Raises
    ------
    FilterError
    """
    state, kind = view.state, view.kind(column)
    chosen = state.chosen_values(column, kind=kind)
    start = "$STR=:" if kind == "text" else ""
    # What is chosen in this very list does not shorten it: one could else never choose a second value.
    others = [(name, text) for name, text in state.filters if not (name == column and _is_choice(text, start))]
    found = catalogue.values(column, others, level=state.level)
    entries = [
        (_operand(value, kind), _reads(value, kind, column), count, _operand(value, kind) in chosen)
        for value, count in found[:_MOST_VALUES]
    ]
    return ValueList(column, view.label(column), tuple(entries), max(0, len(found) - _MOST_VALUES))


def _operand(value: Any, kind: str) -> str | None:
    """A value as a filter has it; None where it cannot be said in one."""
    if value is None:
        return None
    if kind == "flag":
        return "yes" if value else "no"
    if kind == "number":
        return f"{value:.10g}"
    # A bar separates the values of a filter.
    return None if value == "" or "|" in str(value) else str(value)


def _reads(value: Any, kind: str, column: str) -> str:
    if value is None:
        return "unknown"
    if column == "session_start_time":
        return moment(value)
    if column == "name":
        return str(value).removesuffix(".nwb").removesuffix("_ophys")
    if kind == "number":
        return f"{value:.6g}"
    return ("yes" if value else "no") if kind == "flag" else (str(value) or "(empty)")


def describe_filter(view: View, column: str, expression: str) -> str:
    """A filter in words: ``SNR at least 3``."""
    kind = view.kind(column)
    fitting = [one for one in OPERATIONS if kind in one.kinds and one.modifier and expression.startswith(one.modifier)]
    operation = next(iter(fitting), None) or next(one for one in OPERATIONS if kind in one.kinds and not one.modifier)
    value = expression[len(operation.modifier) :].replace("|", " or ")
    return f"{view.label(column)} {operation.words} {value}"


def grid_page(catalogue: Catalogue, view: View, request: Mapping[str, Any]) -> dict[str, Any]:
    """The rows that the table asks for, as AG Grid's infinite row model wants them.

    Raises
    ------
    FilterError
    """
    start, end = int(request.get("startRow") or 0), int(request.get("endRow") or 100)
    order = _order(view, request)
    names = list(dict.fromkeys((*view.state.columns, *_IDENTIFYING[view.state.level])))
    page = catalogue.page(
        view.state.level, view.state.filters, order_by=order, offset=start, limit=max(0, end - start), columns=names
    )
    return {"rowData": page.rows, "rowCount": page.total}


def _order(view: View, request: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """By what a request of the table sorts: ``(column, descending)``."""
    return [
        (entry["colId"], entry.get("sort") == "desc")
        for entry in request.get("sortModel") or []
        if isinstance(entry, Mapping) and entry.get("colId") in view.columns
    ]


_IDENTIFYING: dict[Level, tuple[str, ...]] = {
    "samples": ("name", "identifier", "status", "reason", "is_ours"),
    "rois": ("name", "identifier", "roi_uuid", "index"),
}


def as_csv(catalogue: Catalogue, view: View, request: Mapping[str, Any] | None = None) -> str:
    """All rows that match as CSV, sorted as the table is; no cell of it is a formula to a spreadsheet program.

    Parameters
    ----------
    request
        What the table asked for last; see `grid_page`.

    Raises
    ------
    FilterError
    """
    last = ("roi_uuid", "identifier") if view.state.level == "rois" else ("identifier",)
    names = list(dict.fromkeys((*view.state.columns, *last)))
    order = _order(view, request or {})
    page = catalogue.page(view.state.level, view.state.filters, order_by=order, columns=names)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([inert_cell(name) for name in names])
    for row in page.rows:
        writer.writerow([_cell(row[name]) for name in names])
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return inert_cell(value) if isinstance(value, str) else value


def check_filter(catalogue: Catalogue, view: View, column: str, expression: str) -> None:
    """Refuse a filter that cannot be.

    Raises
    ------
    FilterError
    """
    if not expression.strip():
        raise FilterError(view.label(column), "the filter has no value", "Type one.")
    catalogue.count(view.state.level, [(column, expression)])


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in _list(value) if isinstance(one, str)))
