"""Edit a sample: the calls that pages, the command line and scripts use.

How an edit gets into the file, so that a kill at any moment leaves it whole and loses nothing:

1. The sample is locked, and it and the journal are brought into agreement (`nwb_schema.edits.settling`).
2. Arrays that the edit brings or takes out are put on disk (`nwb_schema.edits.contents`).
3. The file is copied under a hidden name; the copy is edited with h5py, closed, opened again, compared with what it has
   to hold, and put on disk. The link to the movie is copied as it is and never followed.
4. The edit is entered in the journal, in one transaction. From here on it is made.
5. The copy takes the file's place (`os.replace`). Who has the old file open keeps reading the old one.
6. The journal notes that the file has it, and the catalogue reads the file.

Killed before 4, nothing has happened but a hidden copy and the arrays of 2, which the next edit removes. Killed between
4 and 5, the next one to lock the sample finds the edit in the journal and not in the file, and commits it. Killed after
5, only the note is made up for. Each edit has a UUID, which the journal and the file's own table of edits have, so none
is made twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nwb_schema.edits.change import Change, Target, inverted, same
from nwb_schema.edits.conflict import EditConflict, OutsideChange
from nwb_schema.edits.edit import Edit, EditWithContent
from nwb_schema.edits.history import Step, history
from nwb_schema.edits.journal import Entry, Journal
from nwb_schema.edits.record import EditKind, EditRecord
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.settling import Clock, Settled, new_record, read_history, remove_unused, settled, write
from nwb_schema.errors import EditError, FluoriteError
from nwb_schema.names import clean_text
from nwb_schema.project import Project
from nwb_schema.publishing import sweep_partials


@dataclass(frozen=True)
class Committed:
    """What came of a commit.

    Attributes
    ----------
    path
        The sample.
    records
        The edits that were made; those that changed nothing are left out.
    version
        The sample's version now: give it as ``based_on`` with the next edit.
    outside
        What was noticed to have happened to the file without us, or None.
    """

    path: Path
    records: tuple[EditRecord, ...]
    version: str
    outside: OutsideChange | None


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def commit(
    project: Project,
    path: Path,
    edits: Edit | Sequence[Edit],
    *,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
    clock: Clock = utc_now,
) -> Committed:
    """Make edits of one sample, all of them or none, and commit them into its file at once.

    Parameters
    ----------
    path
        The sample's file.
    actor
        Who makes them.
    reason
        Why; kept with every one of them.
    based_on
        Version of the sample that the person saw. None: whatever it is now.
    clock
        Tells the time.

    Raises
    ------
    EditConflict
        When others edited the sample since `based_on`.
    EditError
        When an edit cannot be made.
    SampleError
        When the file cannot be read or written.
    """
    wanted = edits if isinstance(edits, Sequence) else (edits,)
    with settled(project, path, clock) as place, _all_or_nothing(place):
        after, records = place.state, []
        for edit in wanted:
            changes = tuple(edit.changes(after))
            if all(change.target.kind == "column" for change in changes):
                continue
            if isinstance(edit, EditWithContent):
                edit.keep(place.contents)
            record = new_record(
                place.state,
                clock,
                actor=_line(actor) or "unknown",
                kind=edit.kind,
                what=edit.describe(),
                reason=clean_text(reason),
                changes=changes,
            )
            records.append(record)
            after = after.applied(changes, [record.id], place.contents)
        _check_version(place, based_on, [change for record in records for change in record.changes])
        if records:
            write(place, records, after)
        return Committed(place.path, tuple(records), after.version, place.outside)


@contextmanager
def _all_or_nothing(place: Settled) -> Iterator[None]:
    """Remove what edits brought (`nwb_schema.edits.contents`) when they turn out not to be made."""
    try:
        yield
    except Exception:
        with suppress(FluoriteError):  # the next one to lock the sample tries again
            remove_unused(place.project, place.journal, place.path, place.state.identifier)
        raise


def undo(
    project: Project,
    path: Path,
    *,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
    clock: Clock = utc_now,
) -> Committed:
    """Take back the last edit of a sample that is not undone; again and again, back to the first.

    Values that were changed from outside since then are left as they are.

    Raises
    ------
    EditError
        When there is nothing to undo. See `commit` for the others.
    """
    return _step(project, path, EditKind.UNDO, actor=actor, reason=reason, based_on=based_on, clock=clock)


def redo(
    project: Project,
    path: Path,
    *,
    actor: str,
    reason: str = "",
    based_on: str | None = None,
    clock: Clock = utc_now,
) -> Committed:
    """Do again what was undone last. A new edit forgets what could be done again.

    Raises
    ------
    EditError
        When there is nothing to do again. See `commit` for the others.
    """
    return _step(project, path, EditKind.REDO, actor=actor, reason=reason, based_on=based_on, clock=clock)


def edits_of(project: Project, path: Path, *, clock: Clock = utc_now) -> tuple[EditRecord, ...]:
    """The whole history of one sample, in order, after bringing it and the journal into agreement."""
    with settled(project, path, clock):
        return read_history(path)


def all_edits(project: Project) -> list[Entry]:
    """The edits of all samples in the order in which they were made, as the journal has them.

    A journal that was lost is made again from the samples first, in which the order is that of each sample alone.
    """
    if not project.journal_path.exists():
        for path in project.sample_paths():
            with suppress(FluoriteError):  # a sample that cannot be read is listed with its reason elsewhere
                edits_of(project, path)
    return Journal(project.journal_path).entries()


def version_of(project: Project, path: Path, *, clock: Clock = utc_now) -> str:
    """The sample's version, for `commit`'s ``based_on``, after bringing it and the journal into agreement."""
    with settled(project, path, clock) as place:
        return place.state.version


def recover(project: Project, *, clock: Clock = utc_now) -> dict[str, FluoriteError | None]:
    """Commit what a killed program left in the journal alone: ``{file name: None, or why it could not be done}``.

    Arrays that it left of edits that it did not get to make are removed.
    """
    results: dict[str, FluoriteError | None] = {}
    if not project.writable:
        return results  # whoever may write here will do it
    sweep_partials(project.edits_dir)
    journal = Journal(project.journal_path)
    for identifier, name in journal.pending_samples().items():
        try:
            path = project.samples_dir / name
            if not path.is_file():
                path = project.find_sample(identifier)
            with settled(project, path, clock):
                results[name] = None
        except FluoriteError as error:
            results[name] = error
    for identifier in journal.announcing_samples():
        with suppress(FluoriteError), settled(project, project.find_sample(identifier), clock):
            pass  # no edit of anybody's waits for it, so it is worth no message when the sample is away
    return results


def _step(
    project: Project, path: Path, kind: EditKind, *, actor: str, reason: str, based_on: str | None, clock: Clock
) -> Committed:
    with settled(project, path, clock) as place, _all_or_nothing(place):
        past = history(read_history(place.path))
        steps = past.done if kind is EditKind.UNDO else past.undone
        if not steps:
            again = "undo" if kind is EditKind.UNDO else "do again"
            raise EditError(path, f"has nothing to {again}", "See what was done with: fluorite log")
        step = steps[-1]
        changes = _still_standing(place.state, step)
        _check_version(place, based_on, changes)
        record = new_record(
            place.state,
            clock,
            actor=_line(actor) or "unknown",
            kind=kind,
            what=f"{'undid' if kind is EditKind.UNDO else 'did again'}: {step.edit.what}",
            reason=clean_text(reason),
            undoes=step.edit.id,
            changes=changes,
        )
        after = place.state.applied(changes, [record.id], place.contents)
        write(place, [record], after)
        return Committed(place.path, (record,), after.version, place.outside)


def _still_standing(state: SampleState, step: Step) -> tuple[Change, ...]:
    """What takes `step` back, without the values that somebody changed from outside meanwhile.

    One thing may be changed several times in a step, so each value is compared with what it is by then.
    """
    now: dict[Target, Any] = {}
    fallen: set[tuple[str, str]] = set()
    found = []
    for change in inverted(step.last.changes):
        target = change.target
        value = now[target] if target in now else state.value(target)
        if not state.has(target) or not same(value, change.before) or (target.kind, target.name) in fallen:
            if target.kind == "times":
                fallen.add(("period", target.name))  # their cells are of other columns
            continue
        now[target] = change.after
        found.append(change)
    return tuple(found)


def _check_version(place: Settled, based_on: str | None, changes: Iterable[Change]) -> None:
    if based_on is None or based_on == place.state.version:
        return
    records = read_history(place.path)
    ids = [record.id for record in records]
    since = records[ids.index(based_on) + 1 :] if based_on in ids else records
    theirs = {change.target for record in since for change in record.changes}
    mine = {change.target for change in changes}
    raise EditConflict(place.path, since, sorted(theirs & mine), place.state.version)


def _line(text: str) -> str:
    return " ".join(clean_text(text).split())
