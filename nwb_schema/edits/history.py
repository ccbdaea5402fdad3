"""What can be undone and done again, worked out from the edits alone.

Undoing is an edit too, so nothing is ever taken out of the history. The last edit that is not undone can be undone; the
last one that was undone can be done again, until another edit is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nwb_schema.edits.record import EditKind, EditRecord


@dataclass(frozen=True)
class Step:
    """One edit of people's on one of the two stacks.

    Attributes
    ----------
    edit
        The edit itself.
    last
        What was done about it last: itself, or the undo or redo of it. Taking this back is the next step.
    """

    edit: EditRecord
    last: EditRecord


@dataclass(frozen=True)
class History:
    """The two stacks; the next step of each is its last."""

    done: tuple[Step, ...]
    undone: tuple[Step, ...]


def history(records: Iterable[EditRecord]) -> History:
    """The stacks after `records`, which are in order."""
    done: list[Step] = []
    undone: list[Step] = []
    for record in records:
        if record.kind is EditKind.UNDO:
            _move(record, done, undone)
        elif record.kind is EditKind.REDO:
            _move(record, undone, done)
        elif record.kind is not EditKind.OUTSIDE:
            done.append(Step(record, record))
            undone.clear()
    return History(tuple(done), tuple(undone))


def taken_back(records: Iterable[EditRecord]) -> frozenset[str]:
    """`id` of every edit that an undo took back and no redo made again, also where newer edits came since."""
    found: set[str] = set()
    for record in records:
        if record.kind is EditKind.UNDO:
            found.add(record.undoes)
        elif record.kind is EditKind.REDO:
            found.discard(record.undoes)
    return frozenset(found)


def _move(record: EditRecord, source: list[Step], target: list[Step]) -> None:
    # Not always the last: two copies of a sample that were edited separately may have come together.
    for position in range(len(source) - 1, -1, -1):
        if source[position].edit.id == record.undoes:
            target.append(Step(source.pop(position).edit, record))
            return
