"""The stimuli of a sample in the form in which the browser gets them: one table a type, and what is odd about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd

from app.figures.palette import drawable_colour
from app.formatting import count
from app.samples.curation import editable, version_in_file
from app.samples.roi_rows import plain
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import StimulusError
from nwb_schema.reader import SampleSummary
from nwb_schema.stimulus_periods import PALETTE, build_periods
from nwb_schema.stimulus_table import StimulusTable

_PERIOD_COLUMNS = ("start_s", "stop_s", "name", "colour")
_MOMENT_COLUMNS = ("time_s", "name", "colour")
_SHOWN_PROBLEMS = 20
_KINDS = {"b": "yes/no", "i": "number", "u": "number", "f": "number"}


def table_id(key: str, moments: bool) -> str:
    """What a table is called on the page: a type may have periods and moments."""
    return f"{'moments' if moments else 'periods'}:{key}"


def stimulus_types(workspace: Workspace) -> tuple[ColumnDefinition, ...]:
    """The stimulus types that are shown, in the project's order."""
    return tuple(column for column in workspace.project.columns(ColumnKind.STIMULUS) if not column.hidden)


def stimulus_state(workspace: Workspace, sample: SampleData) -> dict[str, Any]:
    """All that the page has to know of a sample: its length, its version, and its tables."""
    summary = sample.summary
    return {
        "identifier": sample.name,
        "version": version_in_file(sample),
        "refused": editable(workspace, sample),
        "rate_hz": plain(summary.rate_hz),
        "duration_s": plain(summary.duration_s),
        "palette": list(PALETTE),
        "tables": stimulus_tables(workspace, sample),
    }


def stimulus_tables(
    workspace: Workspace, sample: SampleData, only: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """One dictionary a table, those of `only` (`table_id`) or all.

    Each configured type has two, periods and moments, which may be empty; then come those that another program left in
    the file and that the project has no type for: they are only shown.
    """
    types = stimulus_types(workspace)
    stored: dict[bool, Mapping[str, pd.DataFrame]] = {False: sample.periods, True: sample.moments}
    wanted = [(column.key, moments, column) for column in types for moments in (False, True)]
    configured = {column.key for column in workspace.project.columns(ColumnKind.STIMULUS)}
    foreign = [(key, moments, None) for moments in stored for key in stored[moments] if key not in configured]
    return [
        _table(key, moments, column, stored[moments].get(key), sample.summary)
        for key, moments, column in (*wanted, *foreign)
        if only is None or table_id(key, moments) in only
    ]


def _table(
    key: str, moments: bool, column: ColumnDefinition | None, frame: pd.DataFrame | None, summary: SampleSummary
) -> dict[str, Any]:
    own = _MOMENT_COLUMNS if moments else _PERIOD_COLUMNS
    frame = pd.DataFrame({name: [] for name in own}) if frame is None else frame
    return {
        "id": table_id(key, moments),
        "key": key,
        "name": key if column is None else column.name,
        "moments": moments,
        "editable": column is not None,
        "vocabulary": [] if column is None else list(column.vocabulary),
        "extras": [
            {"name": name, "kind": _KINDS.get(frame[name].to_numpy().dtype.kind, "text")}
            for name in map(str, frame.columns)
            if name not in own
        ],
        "rows": _rows(frame),
        "problems": _problems(frame, own, summary, moments, () if column is None else column.vocabulary),
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in frame.columns]
    return [
        # "id" is last: a table of another program may have a column of that name.
        {name: plain(value) for name, value in zip(names, row, strict=True)}
        | {"colour": drawable_colour(str(row[names.index("colour")])), "row": position, "id": int(number)}
        for position, (number, row) in enumerate(
            zip(frame.index, frame.itertuples(index=False, name=None), strict=True), start=1
        )
    ]


def _problems(
    frame: pd.DataFrame, own: Sequence[str], summary: SampleSummary, moments: bool, vocabulary: Sequence[str]
) -> list[str]:
    """What is odd about the rows, in the words that loading a table has for it."""
    if frame.empty:
        return []
    roles: dict[str, str] = {"start": own[0], "name": "name", **({} if moments else {"stop": own[1]})}
    table = StimulusTable(frame[list(roles.values())].reset_index(drop=True), "the table", first_row=1)
    try:
        found = build_periods(
            table,
            type_name="",
            unit="seconds",
            rate_hz=summary.rate_hz,
            duration_s=summary.duration_s,
            mapping=roles,
            vocabulary=vocabulary,
            invalid="leave-out",
            moments=moments,
        ).problems
    except StimulusError as error:
        return [str(error.cause)]
    return listed([(problem.row, problem.message, "") for problem in found])


def listed(problems: Sequence[tuple[int, str, Literal["", "kept", "cut", "left out"]]]) -> list[str]:
    """Problems as lines, each with its row and what was done with it; of many, the first ones."""
    lines = [f"Row {row} {message}{f': {outcome}' if outcome else ''}." for row, message, outcome in problems]
    more = len(lines) - _SHOWN_PROBLEMS
    return [*lines[:_SHOWN_PROBLEMS], f"And {count(more, 'more row')} like these."] if more > 0 else lines
