"""Filter expressions in Mesmerize's syntax, compiled to masks of rows.

====================  ==========================================================================
``at``                text: contains, whatever the case; number: equals; yes/no: ``yes`` or ``no``
``pr|mn``             one or the other; works after every modifier below but the comparisons
``$NOT:at``           not so
``$STR:at``           contains, also for numbers
``$STR=:pr``          equals, with the same case
``$STR!=:pr``         does not equal
``$>:5`` ``$<:5``     numbers greater, less; also ``$>=:`` and ``$<=:``
====================  ==========================================================================

What is unknown is neither greater nor less nor equal to anything; in texts it counts as the empty text. A blank
expression keeps every row. Column names are looked up in a list and values compared with what the rows hold: no part of
a filter is ever executed.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nwb_schema.column_values import ColumnValues, Kind
from nwb_schema.errors import FilterError
from nwb_schema.names import clean_text

Filters = Mapping[str, str] | Sequence[tuple[str, str]] | None
Mask = NDArray[np.bool_]

_MODIFIERS = ("$NOT:", "$STR:", "$STR=:", "$STR!=:", "$>=:", "$<=:", "$>:", "$<:")
_COMPARISONS: dict[str, Callable[..., Mask]] = {
    "$>:": np.greater,
    "$<:": np.less,
    "$>=:": np.greater_equal,
    "$<=:": np.less_equal,
}
_NEGATED = ("$NOT:", "$STR!=:")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YES_NO = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
# Scores are single precision in the file: nobody can type all the digits of 3.1415927410125732.
EQUAL_WITHIN = 1e-6
"""Two numbers are equal that differ by so little, relative to the one that was typed."""


@dataclass(frozen=True)
class Column:
    """A column that may be filtered.

    Attributes
    ----------
    name
        As people write it.
    kind
        What its values are.
    help
        One line on what it holds.
    """

    name: str
    kind: Kind
    help: str = ""


@dataclass(frozen=True)
class Condition:
    """One filter, understood.

    Attributes
    ----------
    column
        What it is about.
    modifier
        One of Mesmerize's, or empty.
    operands
        What the column's values are compared with: texts, numbers or yes/no, one of which has to fit.
    """

    column: Column
    modifier: str
    operands: tuple[str | float, ...]

    def mask(self, values: ColumnValues) -> Mask:
        """Which rows the filter keeps, ``(n_rows,)``."""
        if self.modifier in _COMPARISONS:
            compare = _COMPARISONS[self.modifier]
            return np.asarray(values.known & compare(values.data.astype(np.float64), self.operands[0]), bool)
        kept = self._fitting(values)
        return ~kept if self.modifier in _NEGATED else kept

    def _fitting(self, values: ColumnValues) -> Mask:
        if self.column.kind == "text":
            fits = self._texts_fit(values.words, values)
            found = fits[values.data] if len(fits) else np.zeros(len(values), bool)
            # What is unknown counts as the empty text.
            return np.where(values.known, found, self._texts_fit([""]))
        if self.column.kind == "number" and self.modifier == "$STR:":
            return values.known & _contain(values.number_texts, self._texts())
        kept = np.zeros(len(values), bool)
        for operand in self.operands:
            number = float(operand)
            if self.column.kind == "flag":
                kept |= values.data == bool(number)
            else:
                kept |= np.abs(values.data - number) <= EQUAL_WITHIN * abs(number)
        return kept & values.known

    def _texts_fit(self, texts: Sequence[str], of: ColumnValues | None = None) -> Mask:
        if self.modifier in ("$STR=:", "$STR!=:"):
            wanted = self._texts()
            return np.array([text in wanted for text in texts], bool)
        folded = [text.casefold() for text in texts] if of is None else of.folded
        return _contain(folded, [text.casefold() for text in self._texts()])

    def _texts(self) -> list[str]:
        return [str(operand) for operand in self.operands]


def _contain(texts: Sequence[str], parts: Sequence[str]) -> Mask:
    """Which texts contain any of `parts`."""
    found = np.zeros(len(texts), bool)
    for part in parts:
        found |= np.array([part in text for text in texts], bool)
    return found


def parse_filters(filters: Filters, columns: Mapping[str, Column]) -> list[Condition]:
    """All filters, understood; every one of them has to hold.

    Raises
    ------
    FilterError
        On an unknown column, or an expression that its column cannot take.
    """
    parsed = (parse_filter(find_column(name, columns), expression) for name, expression in filter_pairs(filters))
    return [condition for condition in parsed if condition is not None]


def find_column(name: str, columns: Mapping[str, Column]) -> Column:
    """The column called `name`.

    Raises
    ------
    FilterError
        When there is none, with the most similar name.
    """
    if name in columns:
        return columns[name]
    close = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]}?" if close else f"Columns: {', '.join(columns)}."
    raise FilterError(_short(name), "there is no such column", hint)


def parse_filter(column: Column, expression: str) -> Condition | None:
    """One filter, understood; None for a blank expression, which keeps every row."""
    if not expression.strip():
        return None
    if clean_text(expression) != expression:
        # No text that we store has control characters.
        raise FilterError(column.name, f"{_short(expression)} has control characters", "Type the text again.")
    modifier = next((known for known in _MODIFIERS if expression.startswith(known)), "")
    if not modifier and re.match(r"\$[A-Z<>!=]+:", expression):
        raise FilterError(column.name, f"{_short(expression)} has an unknown modifier", f"Known: {_modifiers()}.")
    values = expression[len(modifier) :].split("|")
    if modifier in _COMPARISONS:
        return Condition(column, modifier, (_bound(column, modifier, values),))
    if column.kind == "text":
        return Condition(column, modifier, tuple(values))
    if column.kind == "flag":
        return Condition(column, modifier, tuple(_answer(column, value) for value in values))
    if modifier == "$STR:":
        return Condition(column, modifier, tuple(value.strip() for value in values))
    return Condition(column, modifier, tuple(_number(column, value) for value in values))


def _answer(column: Column, value: str) -> float:
    answer = _YES_NO.get(value.strip().lower())
    if answer is None:
        raise FilterError(column.name, f"{_short(value)} is neither yes nor no", "Write yes or no.")
    return float(answer)


def _bound(column: Column, modifier: str, values: list[str]) -> float:
    if column.kind != "number":
        raise FilterError(
            column.name, f"{modifier} compares numbers, but the column holds {column.kind}", _hint(column)
        )
    if len(values) > 1:
        raise FilterError(column.name, f"{modifier} takes one number", "Give each bound as a filter of its own.")
    return _number(column, values[0])


def _number(column: Column, value: str) -> float:
    if _NUMBER.fullmatch(value.strip()) is None or not math.isfinite(float(value)):
        raise FilterError(column.name, f"{_short(value)} is not a number", "Write a number such as 2.5, or $>:2.5.")
    return float(value)


def _hint(column: Column) -> str:
    return "Write yes or no." if column.kind == "flag" else "Write a part of the text, or $STR=: and all of it."


def filter_pairs(filters: Filters) -> Iterable[tuple[str, str]]:
    """Filters as ``(column, expression)``, in order."""
    if filters is None:
        return ()
    return filters.items() if isinstance(filters, Mapping) else filters


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _modifiers() -> str:
    return " ".join(_MODIFIERS)
