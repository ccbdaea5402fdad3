"""The smallest parts of an edit: one value of one thing in a sample, before and after."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

Value = str | int | float | bool | list[str] | None
"""What a changed thing may hold; None where it is absent."""

TargetKind = Literal["roi", "field", "custom", "column"]


@dataclass(frozen=True, order=True)
class Target:
    """What a change is about.

    Attributes
    ----------
    kind
        ``roi``: a cell of the ROI table; ``field``: metadata of the subject, the session or the imaging; ``custom``: a
        custom column of the sample; ``column``: a column of the ROI table, as a whole.
    name
        Of the column or field.
    roi
        ``roi_uuid``, for a cell of the ROI table.
    """

    kind: TargetKind
    name: str
    roi: str = ""


@dataclass(frozen=True)
class Change:
    """One value, before and after.

    Applying it sets `after`, whatever is there; so applying it twice is the same as once. For a ``column``, `after` is
    the type, replacement value and description of a column that the sample lacked (`before` is None) or had with
    another type.
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

    A column that they made stays, holding its replacement value everywhere: that is what a sample without it means.
    """
    return tuple(change.inverted() for change in reversed(list(changes)) if change.target.kind != "column")


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
        if not (isinstance(row, list) and len(row) == 5 and row[0] in ("roi", "field", "custom", "column")):
            raise ValueError("holds something that is no change")
        kind, roi, name, before, after = row
        if not isinstance(roi, str) or not isinstance(name, str):
            raise ValueError("holds a change of something without a name")
        changes.append(Change(Target(kind, name, roi), before, after))
    return tuple(changes)
