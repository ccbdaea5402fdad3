"""What was filtered, as text for people and as Python code that does the same. The code is shown, never run by us."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nwb_schema.catalogue.columns import Level
from nwb_schema.filters import EQUAL_WITHIN, Condition

_COMPARED = {"$>:": ">", "$<:": "<", "$>=:": ">=", "$<=:": "<="}
_NEGATED = ("$NOT:", "$STR!=:")


def filter_text(level: Level, steps: list[tuple[str, str]], counts: list[int]) -> str:
    """The steps in order, one a line, each with how many rows it left.

    Parameters
    ----------
    counts
        Of all rows, and of those that were left after each step.
    """
    what = "ROIs" if level == "rois" else "samples"
    lines = [f"all {what}: {counts[0]}"]
    shown = [(" ".join(column.split()), " ".join(expression.split())) for column, expression in steps]
    lines += [f"{column}: {text} -> {left}" for (column, text), left in zip(shown, counts[1:], strict=True)]
    return "\n".join(lines)


def filter_code(folder: Path, level: Level, conditions: list[Condition], also: list[str]) -> str:
    """A Python program that leaves in ``samples`` or ``rois`` (a DataFrame) what the filters leave.

    Parameters
    ----------
    conditions
        See `nwb_schema.filters.parse_filters`.
    also
        Columns that the program needs beyond those of the list.
    """
    more = f", also=[{', '.join(map(_literal, also))}]" if also else ""
    lines = ["import fluorite", "", f"project = fluorite.open_project({_literal(str(folder))})"]
    lines.append(f"{level} = fluorite.{level}(project{more})")
    for condition in conditions:
        mask = _mask(f"{level}[{_literal(condition.column.name)}]", condition)
        lines.append(f"{level} = {level}[{mask}]")
    return "\n".join([*lines, ""])


def _mask(series: str, condition: Condition) -> str:
    """An expression of pandas that is true for the rows that are kept."""
    if condition.modifier in _COMPARED:
        return f"{series} {_COMPARED[condition.modifier]} {condition.operands[0]!r}"
    alternative = _alternative(series, condition)
    mask = " | ".join(f"({alternative(operand)})" for operand in condition.operands)
    return f"~({mask})" if condition.modifier in _NEGATED else mask


def _alternative(series: str, condition: Condition) -> Callable[[str | float], str]:
    if condition.column.kind == "flag":
        return lambda operand: f"{series} == {bool(operand)}"
    if condition.column.kind == "number":
        if condition.modifier == "$STR:":
            texts = f'{series}.notna() & {series}.astype(float).map("{{:.10g}}".format)'
            return lambda operand: f"{texts}.str.contains({_literal(str(operand))}, regex=False)"
        return lambda operand: f"({series} - {operand!r}).abs() <= {EQUAL_WITHIN * abs(float(operand))!r}"
    text = f'{series}.fillna("")'
    if condition.modifier in ("$STR=:", "$STR!=:"):
        return lambda operand: f"{text} == {_literal(str(operand))}"
    return lambda operand: f"{text}.str.casefold().str.contains({_literal(str(operand).casefold())}, regex=False)"


def _literal(text: str) -> str:
    """A Python literal of `text`, in ASCII: whatever it holds, it stays a text."""
    return ascii(text)
