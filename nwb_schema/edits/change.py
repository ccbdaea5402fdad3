"""The smallest parts of an edit: one value of one thing in a sample, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

Value = str | int | float | bool | list[str] | None
"""What a changed thing may hold; None where it is absent."""

TargetKind = Literal["roi", "field", "custom", "column", "row", "segmentation", "times", "period", "series"]
_KINDS = frozenset(get_args(TargetKind))
_STAYING = ("column", "row")


@dataclass(frozen=True, order=True)
class Target:
    """What a change is about.

    Attributes
    ----------
    kind
        ``roi``: a cell of the ROI table; ``field``: metadata of the subject, the session or the imaging; ``custom``: a
        custom column of the sample; ``column``: a column of the ROI table, as a whole; ``row``: an ROI that the table
        lacks; ``segmentation``: all ROIs, with their traces and images; ``times``: a table of periods or moments, and
        ``period``: one of its rows; ``series``: one measured beside the movie.
    name
        Of the column, field or series; of a table of times its path.
    roi
        ``roi_uuid``, for a row of the ROI table or a cell of it; the row's ``id`` in a table of times.
    """

    kind: TargetKind
    name: str
    roi: str = ""


@dataclass(frozen=True)
class Change:
    """One value, before and after.

    Applying it sets `after`, whatever is there; so applying it twice is the same as once. For a ``column``, `after` is
    the type, replacement value and description of a column that the sample lacked (`before` is None) or had with
    another type. For a ``row``, `after` is what `nwb_schema.edits.new_rois` describes; for a ``segmentation`` or
    ``series`` its ``object_id``, under which its arrays are kept (`nwb_schema.edits.contents`); for ``times`` the
    header of the table and for a ``period`` its cells (`nwb_schema.edits.times`).
    """

    target: Target
    before: Any
    after: Any

    def inverted(self) -> Change:
        """The change that takes this one back."""
        return Change(self.target, self.after, self.before)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same and of the same type: 1, 1.0 and yes are three values."""
    return type(one) is type(other) and bool(one == other)


def inverted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that take these back, last one first.

    A column that they made stays, holding its replacement value everywhere: that is what a sample without it means. So
    does a row: it is made as a deleted one, and a change of its own brings it to life and is taken back.
    """
    return tuple(change.inverted() for change in reversed(list(changes)) if change.target.kind not in _STAYING)


def encode(changes: Iterable[Change]) -> str:
    """JSON text: a list of ``[kind, roi_uuid, name, before, after]``.

    It has no braces, also not in people's texts, because nwbinspector takes a column with ``{a: b}`` for a table that
    somebody forgot to unpack.
    """
    rows = [[c.target.kind, c.target.roi, c.target.name, c.before, c.after] for c in changes]
    text = json.dumps(rows, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("{", "\\u007b").replace("}", "\\u007d")


def decode(text: str) -> tuple[Change, ...]:
    """What `encode` wrote.

    Raises
    ------
    ValueError
        When it is something else.
    """
    rows = json.loads(text or "[]")
    if not isinstance(rows, list):
        raise ValueError("is not a list of changes")
    changes = []
    for row in rows:
        if not (isinstance(row, list) and len(row) == 5 and row[0] in _KINDS):
            raise ValueError("holds something that is no change")
        kind, roi, name, before, after = row
        if not isinstance(roi, str) or not isinstance(name, str):
            raise ValueError("holds a change of something without a name")
        changes.append(Change(Target(kind, name, roi), before, after))
    return tuple(changes)
