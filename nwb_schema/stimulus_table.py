"""Tables of stimulus periods as people have them: CSV, TSV, Excel, a DataFrame, or the intervals of an NWB file."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api import types

from nwb_schema.errors import StimulusError
from nwb_schema.interval_tables import read_columns, tables_of
from nwb_schema.names import clean_text
from nwb_schema.reader import open_sample

_EXCEL = (".xlsx", ".xlsm")
_INTEGER = re.compile(r"[+-]?(0|[1-9]\d{0,17})")
_YES_NO = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class StimulusTable:
    """A table as it was found.

    Attributes
    ----------
    frame
        One row per period; column names are texts, cells are typed: int64, float64, bool or text.
    name
        What it is called in messages.
    first_row
        Number of the first period's row in messages: 2 in a file, below the row of names.
    in_seconds
        Whether its times are known to be seconds.
    notes
        What was left out on reading, one sentence each.
    """

    frame: pd.DataFrame
    name: str
    first_row: int = 2
    in_seconds: bool = False
    notes: tuple[str, ...] = ()


def read_table(source: Path | pd.DataFrame, *, part: str | None = None) -> StimulusTable:
    """Read a table.

    Parameters
    ----------
    source
        A file (``.csv``, ``.tsv``, ``.txt``, ``.xlsx``, ``.nwb``) or a DataFrame.
    part
        Which sheet of an Excel file, or which intervals of an NWB file; the first sheet, or ``trials``.

    Raises
    ------
    StimulusError
        When it cannot be read, has no rows, or two columns of one name.
    """
    if isinstance(source, pd.DataFrame):
        table = StimulusTable(source.reset_index(drop=True), "the table", first_row=1)
    elif not source.is_file():
        raise StimulusError(source, "there is no such file", "Give a CSV, TSV, Excel or NWB file.")
    elif source.suffix.lower() == ".nwb":
        table = _read_intervals(source, part)
    elif source.suffix.lower() in _EXCEL:
        table = StimulusTable(_read_excel(source, part), source.name)
    else:
        table = StimulusTable(_read_text(source), source.name)
    frame = table.frame
    names = [clean_text(str(name)).strip() for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise StimulusError(table.name, f"has two columns called {twice[0]!r}", "Give one of them another name.")
    if frame.empty:
        raise StimulusError(table.name, "has no rows", "Give a table with one row for each period.")
    typed = {name: _typed(frame.iloc[:, position]) for position, name in enumerate(names) if name}
    return StimulusTable(pd.DataFrame(typed), table.name, table.first_row, table.in_seconds, table.notes)


def _read_intervals(path: Path, name: str | None) -> StimulusTable:
    """One table of intervals of any NWB file: ``trials`` where `name` is not given."""
    with open_sample(path) as file:
        tables = tables_of(file, "TimeIntervals")
        if name is None and len(tables) == 1:
            (name,) = tables
        name = "trials" if name is None else name
        if name not in tables:
            listed = ", ".join(tables) or "none at all"
            raise StimulusError(path, f"has no intervals called {name!r}", f"It has: {listed}.")
        columns, skipped = read_columns(tables[name])
    notes = (f"Left out, because they hold more than one value a row: {', '.join(skipped)}.",) if skipped else ()
    return StimulusTable(pd.DataFrame(columns), f"{path.name} {name}", 1, True, notes)


def _read_text(path: Path) -> pd.DataFrame:
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline()
        separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=header.count)
        # Nothing is interpreted here: a stimulus may well be called NA or 007.
        return pd.read_csv(
            path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig", skip_blank_lines=False
        )
    except (OSError, UnicodeDecodeError, ValueError) as error:
        cause = " ".join(str(error).split())[:200]
        raise StimulusError(path, f"cannot be read as a table ({cause})", "Save it as CSV in UTF-8.") from error


def _read_excel(path: Path, sheet: str | None) -> pd.DataFrame:
    try:
        # As with text: a cell that holds the text 007 stays one.
        return pd.read_excel(
            path, sheet_name=0 if sheet is None else sheet, dtype=object, keep_default_na=False, engine="openpyxl"
        )
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        cause = " ".join(str(error).split())[:200]
        raise StimulusError(path, f"cannot be read as an Excel file ({cause})", "Save it as CSV.") from error


def _typed(column: pd.Series[Any]) -> pd.Series[Any]:
    """The column as whole numbers, decimals, yes/no or texts: the first of them that loses nothing."""
    if types.is_bool_dtype(column):
        return column.astype(bool)
    if types.is_integer_dtype(column) and not column.isna().any():
        return column.astype("int64")
    if types.is_float_dtype(column):
        return column.astype("float64")
    texts = [_text(value) for value in column]
    filled = [text for text in texts if text]
    if filled and all(_INTEGER.fullmatch(text) for text in filled):
        if len(filled) == len(texts):
            return pd.Series([int(text) for text in texts], dtype="int64")
        return pd.Series([float(text) if text else float("nan") for text in texts], dtype="float64")
    if filled and all(_is_decimal(text) for text in filled):
        return pd.Series([float(text) if text else float("nan") for text in texts], dtype="float64")
    if filled and len(filled) == len(texts) and all(text.lower() in _YES_NO for text in filled):
        return pd.Series([_YES_NO[text.lower()] for text in texts], dtype=bool)
    return pd.Series(texts, dtype=object)


def _text(value: Any) -> str:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    return clean_text(str(value)).strip()


def _is_decimal(text: str) -> bool:
    # An id such as 007 is no number, and 1_000 is what Python alone reads as one.
    return re.fullmatch(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?|nan", text, re.IGNORECASE) is not None and (
        any(digit in text for digit in "0123456789") or text.lower() == "nan"
    )
