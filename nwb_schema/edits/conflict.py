"""Two people edited one sample, or it was changed from outside: what the second of them has to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nwb_schema.edits.change import Target
from nwb_schema.edits.record import EditRecord
from nwb_schema.errors import EditError


class EditConflict(EditError):
    """The sample was edited since the person last saw it. Nothing was changed.

    Give `version` as ``based_on`` and commit the same edits again to have them on top of the others' (merge); forget
    them to discard.

    Attributes
    ----------
    since
        The edits that the person has not seen, in order.
    overlapping
        What both change; empty when a merge takes nothing back of what the others did.
    version
        The sample's version now.
    """

    def __init__(self, path: Path, since: Sequence[EditRecord], overlapping: Sequence[Target], version: str) -> None:
        self.path = path
        self.since = tuple(since)
        self.overlapping = tuple(overlapping)
        self.version = version
        last = f"; the last: {since[-1].actor} {since[-1].what}" if since else ""
        both = f", {len(overlapping)} of whose values you change too" if overlapping else ""
        super().__init__(
            path,
            f"was edited since you opened it ({len(since)} edits{both}{last})",
            "Look at the changes, then make yours again on top of them, or discard yours.",
        )

    def __reduce__(self) -> tuple[type[EditConflict], tuple[Path, tuple[EditRecord, ...], tuple[Target, ...], str]]:  # type: ignore[override]
        return (type(self), (self.path, self.since, self.overlapping, self.version))


@dataclass(frozen=True)
class OutsideChange:
    """What was noticed to have happened to a sample's file without us.

    Attributes
    ----------
    parts
        Names of what differs from how we left it.
    applied_again
        Edits of the journal that the file lacked, because an older copy took its place; it has them again now.
    taken_in
        Edits that the file has and the journal lacked, because they were made in another copy of the project.
    """

    parts: tuple[str, ...] = ()
    applied_again: tuple[EditRecord, ...] = ()
    taken_in: tuple[EditRecord, ...] = ()

    def __str__(self) -> str:
        said = []
        if self.parts:
            said.append(f"changed outside Fluorite: {', '.join(self.parts)}")
        if self.applied_again:
            said.append(f"an older copy of the file lacked {len(self.applied_again)} edits, which it has again now")
        if self.taken_in:
            said.append(f"{len(self.taken_in)} edits were made in another copy of the project")
        return "; ".join(said)
