"""Filter expressions in Mesmerize's syntax, compiled to parameterised SQL.

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
expression keeps every row. Column names come from a list of ours and values are bound as parameters: no part of a
filter is ever executed.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from nwb_schema.errors import FilterError
from nwb_schema.names import clean_text

Filters = Mapping[str, str] | Sequence[tuple[str, str]] | None
Clause = tuple[str, list[str | float]]

_MODIFIERS = ("$NOT:", "$STR:", "$STR=:", "$STR!=:", "$>=:", "$<=:", "$>:", "$<:")
_COMPARISONS = {"$>:": ">", "$<:": "<", "$>=:": ">=", "$<=:": "<="}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_YES_NO = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
# Scores are single precision in the file: nobody can type all the digits of 3.1415927410125732.
_RELATIVE_TOLERANCE = 1e-6


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
    kind: Literal["text", "number", "flag"]
    help: str = ""


def compile_filters(filters: Filters, columns: Mapping[str, Column]) -> Clause:
    """All filters together as one SQL condition and its parameters; every filter has to hold.

    Raises
    ------
    FilterError
        On an unknown column, or an expression that its column cannot take.
    """
    clauses: list[str] = []
    parameters: list[str | float] = []
    for name, expression in _pairs(filters):
        sql, values = compile_filter(find_column(name, columns), expression)
        if sql:
            clauses.append(f"({sql})")
            parameters += values
    return " AND ".join(clauses) or "1", parameters


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


def compile_filter(column: Column, expression: str) -> Clause:
    """One filter as an SQL condition and its parameters; an empty condition for a blank expression."""
    if not expression.strip():
        return "", []
    if clean_text(expression) != expression:
        # SQLite's LIKE stops at a NUL, and no text that we store has control characters.
        raise FilterError(column.name, f"{_short(expression)} has control characters", "Type the text again.")
    modifier = next((known for known in _MODIFIERS if expression.startswith(known)), "")
    if not modifier and re.match(r"\$[A-Z<>!=]+:", expression):
        raise FilterError(column.name, f"{_short(expression)} has an unknown modifier", f"Known: {_modifiers()}.")
    values = expression[len(modifier) :].split("|")
    if modifier in _COMPARISONS:
        return _comparison(column, modifier, values)
    compiler: Callable[[Column, str, str], Clause] = {"text": _text, "number": _number, "flag": _flag}[column.kind]
    alternatives = [compiler(column, modifier, value) for value in values]
    sql = " OR ".join(clause for clause, _ in alternatives)
    negated = modifier in ("$NOT:", "$STR!=:")
    return f"NOT ({sql})" if negated else sql, [value for _, bound in alternatives for value in bound]


def _text(column: Column, modifier: str, value: str) -> Clause:
    name = f"coalesce({_quoted(column)}, '')"
    if modifier in ("$STR=:", "$STR!=:"):
        return f"{name} = ?", [value]
    if value.isascii():
        pattern = re.sub(r"([%_\\])", r"\\\1", value)
        return f"{name} LIKE ? ESCAPE '\\'", [f"%{pattern}%"]
    # SQLite's LIKE knows the case of ASCII letters alone; `casefold` is registered by the catalogue.
    return f"instr(casefold({name}), ?) > 0", [value.casefold()]


def _number(column: Column, modifier: str, value: str) -> Clause:
    name = _quoted(column)
    if modifier == "$STR:":
        return f"instr(coalesce(printf('%.10g', {name}), ''), ?) > 0", [value.strip()]
    number = _parse(column, value)
    # An unknown value is not equal to a number, rather than unknown: NOT must keep it.
    return f"coalesce(abs({name} - ?) <= ?, 0)", [number, _RELATIVE_TOLERANCE * abs(number)]


def _flag(column: Column, modifier: str, value: str) -> Clause:
    answer = _YES_NO.get(value.strip().lower())
    if answer is None:
        raise FilterError(column.name, f"{_short(value)} is neither yes nor no", "Write yes or no.")
    return f"coalesce({_quoted(column)} = ?, 0)", [float(answer)]


def _comparison(column: Column, modifier: str, values: list[str]) -> Clause:
    if column.kind != "number":
        raise FilterError(
            column.name, f"{modifier} compares numbers, but the column holds {column.kind}", _hint(column)
        )
    if len(values) > 1:
        raise FilterError(column.name, f"{modifier} takes one number", "Give each bound as a filter of its own.")
    return f"coalesce({_quoted(column)} {_COMPARISONS[modifier]} ?, 0)", [_parse(column, values[0])]


def _parse(column: Column, value: str) -> float:
    if _NUMBER.fullmatch(value.strip()) is None or not math.isfinite(float(value)):
        raise FilterError(column.name, f"{_short(value)} is not a number", "Write a number such as 2.5, or $>:2.5.")
    return float(value)


def _hint(column: Column) -> str:
    return "Write yes or no." if column.kind == "flag" else "Write a part of the text, or $STR=: and all of it."


def _quoted(column: Column) -> str:
    # `index` is a word of SQL. The name is one of ours, never the user's text.
    return f'"{column.name}"'


def _pairs(filters: Filters) -> Iterable[tuple[str, str]]:
    if filters is None:
        return ()
    return filters.items() if isinstance(filters, Mapping) else filters


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


def _modifiers() -> str:
    return " ".join(_MODIFIERS)
