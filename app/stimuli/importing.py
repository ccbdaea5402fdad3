"""Tables that a person drops or pastes into the page: read, looked at, and loaded as stimuli."""

from __future__ import annotations

import base64
import binascii
import csv
import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from app.formatting import count
from app.samples.store import SampleData
from app.stimuli.edits import configured_type
from app.stimuli.rows import listed
from app.workspace import Workspace
from nwb_schema.errors import StimulusError
from nwb_schema.stimuli import change_periods, load_stimuli
from nwb_schema.stimulus_columns import Unit, find_columns
from nwb_schema.stimulus_periods import BeyondRule, InvalidRule, OverlapRule, Periods, build_periods
from nwb_schema.stimulus_table import StimulusTable, read_table

_SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
# What the columns of a table are that was pasted without its row of names.
_POSITIONS = {False: ("start", "stop", "name", "colour"), True: ("time", "name", "colour")}


@dataclass(frozen=True)
class SentTable:
    """A file or a piece of a spreadsheet as the browser sent it.

    Attributes
    ----------
    name
        Of the file; its suffix says how it is read.
    content
        Its bytes.
    first_row
        What its first row of values is called in messages; see `nwb_schema.stimulus_table.StimulusTable`.
    """

    name: str
    content: bytes
    first_row: int = 2

    @classmethod
    def of_upload(cls, name: str, data_url: str) -> SentTable:
        """A file that was dropped on the page: ``data:...;base64,...``.

        Raises
        ------
        StimulusError
            When it is no table by its name, or arrived damaged.
        """
        plain = PurePosixPath(name.replace("\\", "/")).name
        if not plain.lower().endswith(_SUFFIXES):
            raise StimulusError(plain, "is no table that can be read", "Give a CSV, TSV or Excel file.")
        try:
            return cls(plain, base64.b64decode(data_url.partition(",")[2], validate=True))
        except binascii.Error as error:
            raise StimulusError(plain, "did not arrive whole", "Drop it once more.") from error

    @classmethod
    def of_paste(cls, text: str, *, moments: bool) -> SentTable:
        """Cells that were copied from a spreadsheet; without a row of names they are start, stop, name, colour."""
        named = with_names(text, moments=moments)
        # Rows are counted as the person sees them, who does not see the names that were put before them.
        name = "pasted.tsv" if _separator(named) == "\t" else "pasted.csv"
        return cls(name, named.encode(), first_row=2 if named == _plain(text) else 1)

    def use(self, action: Callable[[Path], Any]) -> Any:
        """What `action` makes of the table as a file, which is gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="fluorite-table-") as folder:
            path = Path(folder) / self.name
            path.write_bytes(self.content)
            return action(path)

    def read(self) -> StimulusTable:
        """The table.

        Raises
        ------
        StimulusError
            See `nwb_schema.stimulus_table.read_table`.
        """
        table: StimulusTable = self.use(read_table)
        return replace(table, first_row=self.first_row)


def with_names(text: str, *, moments: bool) -> str:
    """Pasted cells with a row of names, which is put before them where their first row starts with numbers.

    >>> with_names("1.5\\t2.5\\tleft", moments=False)
    'start\\tstop\\tname\\n1.5\\t2.5\\tleft'
    """
    text = _plain(text)
    separator = _separator(text)
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    first = rows[0] if rows else []
    if not first or not _is_number(first[0]):
        return text
    positions = _POSITIONS[moments]
    names = [positions[n] if n < len(positions) else f"column {n + 1}" for n in range(max(map(len, rows)))]
    return separator.join(names) + "\n" + text


def _separator(text: str) -> str:
    """What stands between pasted cells: spreadsheets copy tabs, a text file has its own commas or semicolons."""
    return "\t" if "\t" in text else max(",;", key=text.partition("\n")[0].count)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True)
class ImportRules:
    """How a table is to be taken; see `nwb_schema.stimulus_periods.build_periods`.

    Attributes
    ----------
    mapping
        Column by role; roles without one are left out.
    existing
        ``add`` to what the sample has, or ``replace`` it.
    """

    mapping: Mapping[str, str]
    unit: Unit | None
    overlaps: OverlapRule = "keep"
    beyond: BeyondRule = "keep"
    invalid: InvalidRule = "refuse"
    existing: Literal["add", "replace"] = "replace"


@dataclass(frozen=True)
class FoundColumns:
    """What a table has: its columns, what they are taken for, its first rows, and whether its unit has to be said."""

    columns: tuple[str, ...]
    mapping: Mapping[str, str]
    first_rows: tuple[tuple[str, ...], ...]
    unit: Unit | None
    n_rows: int


def look_at_table(table: StimulusTable, *, moments: bool, rows: int = 4) -> FoundColumns:
    """What a table seems to be, for a person to correct."""
    names = tuple(str(name) for name in table.frame.columns)
    try:
        mapping, _ = find_columns(table, {}, [], moments=moments)
    except StimulusError:  # the person says which column it is
        mapping = {}
    start = mapping.get("start", "").lower()
    whole = bool(start) and table.frame[mapping["start"]].dtype.kind == "i"
    unit: Unit | None = "frames" if "frame" in start else None if whole else "seconds"
    if table.in_seconds or start.endswith(("_time", "_s")):
        unit = "seconds"
    shown = tuple(tuple(str(value) for value in row) for row in table.frame.head(rows).itertuples(index=False))
    return FoundColumns(names, mapping, shown, unit, len(table.frame))


def try_table(
    workspace: Workspace, sample: SampleData, table: StimulusTable, key: str, moments: bool, rules: ImportRules
) -> Periods:
    """What loading would put into the sample; nothing is changed.

    Raises
    ------
    FluoriteError
        When loading would be refused.
    """
    column = configured_type(workspace, key)
    return build_periods(
        table,
        type_name=column.name,
        unit=rules.unit,
        rate_hz=sample.summary.rate_hz,
        duration_s=sample.summary.duration_s,
        mapping=rules.mapping,
        vocabulary=column.vocabulary,
        overlaps=rules.overlaps,
        beyond=rules.beyond,
        invalid=rules.invalid,
        moments=moments,
    )


def load_table(
    workspace: Workspace,
    sample: SampleData,
    sent: SentTable,
    key: str,
    moments: bool,
    rules: ImportRules,
    *,
    actor: str,
) -> str:
    """Load the table into the sample, as one edit; says what was done.

    Raises
    ------
    FluoriteError
        When it is refused; the sample is then as it was.
    """
    column = configured_type(workspace, key)
    there = (sample.moments if moments else sample.periods).get(key)
    if rules.existing == "add" and there is not None and not there.empty:
        periods = try_table(workspace, sample, sent.read(), key, moments, rules)
        change_periods(
            workspace.project,
            sample.path,
            column.name,
            added=periods.frame.to_dict("records"),  # type: ignore[arg-type]  # pandas-stubs: keys are texts here
            moments=moments,
            actor=actor,
            reason=f"From {sent.name}.",
        )
        return f"Added {count(len(periods.frame), 'row')} from {sent.name}."
    loaded = sent.use(
        lambda path: load_stimuli(
            workspace.project,
            sample.name,
            path,
            column.name,
            unit=rules.unit,
            mapping=dict(rules.mapping),
            overlaps=rules.overlaps,
            beyond=rules.beyond,
            invalid=rules.invalid,
            moments=moments,
            existing="replace",
            actor=actor,
            reason=f"From {sent.name}.",
        )
    )
    return f"Loaded {count(len(loaded.periods.frame), 'row')} from {sent.name}."


def outcome(periods: Periods) -> tuple[str, Sequence[str], Sequence[str]]:
    """What would come of a table: a line, what is odd about its rows, and what was assumed."""
    frame = periods.frame
    first = "time_s" if "time_s" in frame else "start_s"
    last = float(frame["stop_s"].max() if "stop_s" in frame else frame[first].max())
    names = frame["name"].nunique()
    line = f"{count(len(frame), 'row')}, {float(frame[first].min()):.6g} to {last:.6g} s, {count(names, 'name')}"
    problems = listed([(problem.row, problem.message, problem.outcome) for problem in periods.problems])
    return line, problems, periods.notes
