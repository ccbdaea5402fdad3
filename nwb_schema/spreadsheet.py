"""Cells of a CSV file that spreadsheet programs leave alone."""

from __future__ import annotations

import re

# A spreadsheet program takes a cell that starts so for a formula; an apostrophe before it makes it text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def inert_cell(cell: str) -> str:
    """A text as a cell that no program takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain_cell(cell: str) -> str:
    """The text that `inert_cell` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
