"""What edits did in the words of the page, which calls cells by number; the journal has the start of their key."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

# Of an edit of cells, what comes before a value that people typed: "undid: tagged ROI 8b8b4564".
_DONE = re.compile(r"(?:(?:undid|did again): )?(?:accepted|rejected|deleted|restored|tagged|added|merged|split) [^:]*")
_ONE = re.compile(r"\bROI ([0-9a-f]{8})\b")
_SEVERAL = re.compile(r"\b(\d+) ROIs\b(?: \(([0-9a-f, .]+)\))?")


def cell_numbers(rois: pd.DataFrame) -> dict[str, int]:
    """The number of each cell by the start of its key, where no two start alike; `rois` has ``key`` and ``index``."""
    starts = rois["key"].astype(str).str[:8]
    alone = ~starts.duplicated(keep=False)
    return {start: int(index) for start, index in zip(starts[alone], rois["index"][alone], strict=True)}


def in_cells(what: str, numbers: Mapping[str, int]) -> str:
    """The line of an edit (`nwb_schema.edits.record.EditRecord`) with the numbers of cells in place of their keys.

    A cell that is not among the `numbers` (`cell_numbers`) keeps its key.
    """
    done = _DONE.match(what)
    if done is None:
        return what

    def one(found: re.Match[str]) -> str:
        start = found[1]
        return f"cell {numbers[start]}" if start in numbers else found[0]

    def several(found: re.Match[str]) -> str:
        listed = ", ".join(str(numbers.get(start, start)) for start in found[2].split(", ")) if found[2] else ""
        return f"{found[1]} cells" + (f" ({listed})" if listed else "")

    return _SEVERAL.sub(several, _ONE.sub(one, done[0])) + what[done.end() :]
