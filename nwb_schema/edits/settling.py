"""Bring a sample and the journal into agreement before anything is done with either.

An edit is entered in the journal first and its file is replaced second. So after a kill or a power cut

- between the two, the journal has an edit that the file lacks: it is committed now;
- after the replacement, both have it and only the note of that is missing: it is made now.

Every edit has a UUID, and one whose UUID the file has is never applied again. When the journal was lost, it is filled
from the file; when an older copy of the file took its place, the edits that it lacks are applied to it; when the file
differs from how we left it, that is entered as an edit of kind ``outside``.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import replacing
from nwb_schema.edits.change import Change
from nwb_schema.edits.conflict import OutsideChange
from nwb_schema.edits.contents import Contents, named_by
from nwb_schema.edits.edits_table import read_records
from nwb_schema.edits.journal import Journal, Seen
from nwb_schema.edits.kept import keep_of
from nwb_schema.edits.record import EditKind, EditRecord
from nwb_schema.edits.roi_table import read_rois_state
from nwb_schema.edits.sample_state import DIGEST_FORMAT, SampleState
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError, FluoriteError
from nwb_schema.file_lock import file_lock
from nwb_schema.project import Project
from nwb_schema.reader import open_sample

Clock = Callable[[], datetime]
_log = logging.getLogger("fluorite")


@dataclass(frozen=True)
class Settled:
    """A sample that agrees with the journal and is locked.

    Attributes
    ----------
    project, path, journal
        Where it is.
    stamp
        What tells this state of the file from any other.
    state
        What it holds.
    outside
        What was noticed to have happened without us, or None.
    """

    project: Project
    path: Path
    journal: Journal
    stamp: str
    state: SampleState
    outside: OutsideChange | None

    @property
    def contents(self) -> Contents:
        """The arrays that the sample's edits brought and took out."""
        return _contents(self.project, self.journal, self.state.identifier)


@contextmanager
def settled(project: Project, path: Path, clock: Clock) -> Iterator[Settled]:
    """Lock the sample `path` and bring it and the journal into agreement.

    Raises
    ------
    EditError
        When it is being edited by another program, or two files have its identifier.
    SampleError
        When it cannot be read or is not ours.
    """
    # A symbolic link stays one: what is replaced is the file that it leads to.
    path = path.resolve()
    with file_lock(path, EditError), Journal(project.journal_path).kept_open():
        yield _settle(project, path, clock)


def read_history(path: Path, *, changes: bool = True) -> tuple[EditRecord, ...]:
    """Every edit in the file, in order; without `changes`, theirs are left out, which is faster."""
    with open_sample(path) as file:
        return read_records(file, changes=changes)


def remove_unused(project: Project, journal: Journal, path: Path, identifier: str) -> None:
    """Remove contents that were put on disk for edits that neither the journal nor the file has.

    The caller holds the lock of the sample, so nobody is about to make such an edit.
    """
    announced = journal.announced(identifier)
    if not announced:
        return
    records = [*(entry.record for entry in journal.entries(identifier)), *read_history(path)]
    named = named_by(change for record in records for change in record.changes)
    contents = _contents(project, journal, identifier)
    for name in announced - named:
        with suppress(OSError):  # it stays announced, and the next one tries again
            contents.drop(name)
            journal.forget_announced(identifier, [name])
    journal.forget_announced(identifier, announced & named)


def new_record(
    state: SampleState,
    clock: Clock,
    *,
    actor: str,
    kind: EditKind,
    what: str,
    reason: str = "",
    undoes: str = "",
    changes: tuple[Change, ...] = (),
) -> EditRecord:
    """A record of an edit of `state` that is made now."""
    at = clock().astimezone(UTC).isoformat(timespec="milliseconds")
    return EditRecord(str(uuid.uuid4()), state.identifier, at, actor, kind, what, reason, undoes, changes)


def write(place: Settled, records: Sequence[EditRecord], after: SampleState) -> None:
    """Commit `records`: a checked copy on disk, an entry in the journal, and the copy takes the file's place.

    An exception means that nothing was changed.
    """
    digest = after.digest()
    contents = place.contents
    keep_of(place.path, place.state, [change for record in records for change in record.changes], contents)
    with replacing.edited_copy(place.path, place.stamp, place.state, after, records, contents) as temporary:
        place.journal.add(place.path.name, records, digest)
        try:
            replacing.replace(temporary, place.path)
        except OSError:
            place.journal.withdraw(records)
            raise
    _note(place.project, place.journal, place.path, after, digest)


def _contents(project: Project, journal: Journal, identifier: str) -> Contents:
    return Contents(project.edits_dir, identifier, partial(journal.announce, identifier))


def _settle(project: Project, path: Path, clock: Clock) -> Settled:
    journal = Journal(project.journal_path)
    stamp = replacing.stamp_of(path) if path.exists() else ""
    state = read_state(path)
    _refuse_twins(project, path, state)
    remove_unused(project, journal, path, state.identifier)
    seen = journal.seen(state.identifier)
    last = seen.get(state.version)
    if last is not None and last.stamp == stamp and not journal.has_pending(state.identifier):
        return Settled(project, path, journal, stamp, state, None)

    entries = journal.entries(state.identifier)
    known, there = {entry.record.id for entry in entries}, set(state.edit_ids)
    unknown = tuple(record for record in read_history(path) if record.id not in known)
    missing = [entry for entry in entries if entry.record.id not in there]
    digest = state.digest()
    comparable = last is not None and last.digest.get(DIGEST_FORMAT) == digest[DIGEST_FORMAT]
    parts = replacing.differing_parts(dict(last.digest), digest) if last is not None and comparable else ()
    outside = OutsideChange(
        parts,
        applied_again=tuple(entry.record for entry in missing if entry.committed),
        taken_in=tuple(record for record in unknown if record.kind is not EditKind.OUTSIDE) if known else (),
    )
    if unknown:
        journal.take_in(path.name, unknown)
    records = [entry.record for entry in missing]
    if outside.parts or outside.applied_again:
        what = str(OutsideChange(outside.parts, outside.applied_again))
        records.append(new_record(state, clock, actor="unknown", kind=EditKind.OUTSIDE, what=what))
    if records:
        state = _catch_up(project, journal, path, stamp, state, records)
    else:
        _note(project, journal, path, state, digest)
    return Settled(project, path, journal, replacing.stamp_of(path), state, outside if str(outside) else None)


def _catch_up(
    project: Project, journal: Journal, path: Path, stamp: str, state: SampleState, records: list[EditRecord]
) -> SampleState:
    """Commit what the file lacks. What was noticed goes into the file first: a kill then leaves no second notice."""
    ids = [record.id for record in records]
    contents = _contents(project, journal, state.identifier)
    changes = applicable(state, [c for record in records for c in record.changes], contents)
    after = state.applied(changes, ids, contents)
    keep_of(path, state, changes, contents, again=False)
    with replacing.edited_copy(path, stamp, state, after, records, contents) as temporary:
        replacing.replace(temporary, path)
    journal.take_in(path.name, [record for record in records if record.kind is EditKind.OUTSIDE])
    _note(project, journal, path, after, after.digest())
    return after


def applicable(state: SampleState, changes: Iterable[Change], contents: Contents) -> list[Change]:
    """Those of `changes` that are about something that the sample has."""
    columns, rois = set(state.columns), set(state.roi_uuids)
    found = []
    for change in changes:
        target = change.target
        if target.kind == "column":
            columns.add(target.name)
        elif target.kind == "row":
            rois.add(target.roi)
        elif target.kind == "segmentation":
            with contents.opened(change.after) as file:
                other = read_rois_state(file)
            columns, rois = set(other.columns), set(other.roi_uuids)
        if target.kind != "roi" or (target.roi in rois and target.name in columns):
            found.append(change)
    return found


def _note(project: Project, journal: Journal, path: Path, state: SampleState, digest: dict[str, str]) -> None:
    """Note that file and journal agree, and have the catalogue read the file."""
    try:
        journal.settled(state.identifier, state.version, Seen(digest, replacing.stamp_of(path)))
        Catalogue(project).refresh_file(path)
    except FluoriteError as error:
        # The edit is in the file and in the journal; this is done again the next time anybody looks.
        _log.warning("%s", error)


def _refuse_twins(project: Project, path: Path, state: SampleState) -> None:
    twins = Catalogue(project).twins(path.name, state.identifier)
    if twins:
        raise EditError(
            path,
            f"has the same identifier as {', '.join(twins)}, so neither can be edited",
            "Keep one of them in the samples folder.",
        )
