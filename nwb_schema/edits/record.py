"""One edit as it is remembered, in the journal and in the sample's own table of edits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nwb_schema.edits.change import Change


class EditKind(StrEnum):
    """What sort of edit it was."""

    ACCEPT = "accept"
    REJECT = "reject"
    TAG = "tag"
    DELETE = "delete"
    RESTORE = "restore"
    ADD = "add"
    MERGE = "merge"
    SPLIT = "split"
    EVALUATE = "evaluate"
    SEGMENTATION = "segmentation"
    STIMULI = "stimuli"
    BEHAVIOUR = "behaviour"
    FIELD = "field"
    CUSTOM = "custom"
    UNDO = "undo"
    REDO = "redo"
    OUTSIDE = "outside"
    """Not ours: somebody changed the file without us, and this is where it was noticed."""


@dataclass(frozen=True)
class EditRecord:
    """One edit.

    Attributes
    ----------
    id
        UUID.
    sample
        The sample's identifier.
    at
        When, ISO 8601 in UTC. What counts for the order is the order of the records, not the clock.
    actor
        Who.
    kind, what
        What was done, in a word and in a line.
    reason
        Why, as the person said it, or empty.
    undoes
        `id` of the edit that an undo took back or a redo did again, else empty.
    changes
        Every value that it changed.
    """

    id: str
    sample: str
    at: str
    actor: str
    kind: EditKind
    what: str
    reason: str = ""
    undoes: str = ""
    changes: tuple[Change, ...] = ()
