"""Edits of stimuli that a page asks for, and copies of them in other samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from app.formatting import count
from app.samples.curation import others, version_in_file
from app.samples.edit_words import cell_numbers, in_cells
from app.samples.store import SampleData
from app.stimuli.rows import stimulus_state, stimulus_tables, table_id
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configure import add_column
from nwb_schema.edits import Committed, EditConflict, redo, undo
from nwb_schema.errors import ConfigurationError, EditError, FluoriteError
from nwb_schema.stimuli import change_periods, load_stimuli
from nwb_schema.stimulus_periods import BeyondRule

_STEPS = {"undo": undo, "redo": redo}


@dataclass(frozen=True)
class PeriodsRequest:
    """One thing that a person did to a table of stimuli.

    Attributes
    ----------
    action
        ``change``, ``undo`` or ``redo``.
    key, moments
        Of a change: the stimulus type's permanent key, and whether its moments are meant.
    changed, removed, added
        See `nwb_schema.stimuli.change_periods`.
    """

    action: str
    key: str = ""
    moments: bool = False
    changed: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    removed: tuple[int, ...] = ()
    added: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def parse(cls, sent: Any) -> PeriodsRequest:
        """What the browser sent, which may be anything.

        Raises
        ------
        EditError
            When it is no request.
        """
        try:
            if sent["action"] in _STEPS:
                return cls(sent["action"])
            if sent["action"] != "change":
                raise ValueError(sent["action"])
            changed = {int(number): _values(values) for number, values in (sent.get("changed") or {}).items()}
            removed = tuple(int(number) for number in sent.get("removed") or ())
            added = tuple(_values(values) for values in sent.get("added") or ())
            return cls("change", str(sent["key"]), bool(sent.get("moments")), changed, removed, added)
        except (TypeError, KeyError, ValueError, AttributeError) as error:
            raise EditError("page", "sent something that is no edit", "Reload the page.") from error


def _values(sent: Any) -> dict[str, Any]:
    if not all(value is None or isinstance(value, (str, int, float, bool)) for value in sent.values()):
        raise ValueError("not a plain value")
    return {str(name): value for name, value in sent.items()}


def edit_stimuli(
    workspace: Workspace, sample: SampleData, sent: Any, *, actor: str, based_on: str | None
) -> dict[str, Any]:
    """Commit what a page asks for, and say what it has to show now.

    Edits of others are merged or asked about as in `app.samples.curation.make_edits`.

    Returns
    -------
    dict
        ``version``: of the sample now. ``tables``: those that may differ from what the page has. ``added``: ``id`` of
        each row that was added, in the order of the request. ``said``, ``error``, ``conflict``: as in `make_edits`.
    """
    merged = ""
    try:
        request = PeriodsRequest.parse(sent)
        try:
            done = _commit(workspace, sample, request, actor, based_on)
        except EditConflict as conflict:
            if request.action in _STEPS:
                said = f"{others(conflict, sample.rois)} Nothing was taken back. Look first, then do it again."
                return _answer(workspace, sample, said=said)
            if conflict.overlapping:
                text = f"{others(conflict, sample.rois)} You both changed {count(len(conflict.overlapping), 'value')}."
                asked = {"text": text, "version": conflict.version}
                return _answer(workspace, sample) | {"conflict": asked}
            merged = others(conflict, sample.rois)
            done = _commit(workspace, sample, request, actor, conflict.version)
    except FluoriteError as error:
        return _answer(workspace, sample, error=str(error))
    only = None
    if request.action == "change" and not merged and done.outside is None:
        only = [table_id(request.key, request.moments)]
    step = ""
    if request.action in _STEPS and done.records:
        step = in_cells(done.records[0].what, cell_numbers(sample.rois))
    said = " ".join(filter(None, [f"{step[:1].upper()}{step[1:]}." if step else "", merged, str(done.outside or "")]))
    changes = [change for record in done.records for change in record.changes]
    added = [int(change.target.roi) for change in changes if change.target.kind == "period" and change.before is None]
    return _answer(workspace, sample, only=only, said=said) | {"added": added if request.added else []}


def look_at_stimuli(workspace: Workspace, sample: SampleData, *, known: str | None) -> dict[str, Any] | None:
    """The whole state of a sample, or None when it is still of version `known`."""
    return None if version_in_file(sample) == known else stimulus_state(workspace, sample)


def add_stimulus_type(workspace: Workspace, name: str | None, vocabulary: str | None) -> ColumnDefinition:
    """Add a stimulus type to the project; its allowed names are separated by commas.

    Raises
    ------
    ConfigurationError
        When it has no name, or there is one of that name.
    """
    given = " ".join((name or "").split())
    if not given:
        raise ConfigurationError("stimulus type", "it has no name", "Type one, such as orientation.")
    words = [word.strip() for word in (vocabulary or "").split(",")]
    column = ColumnDefinition(
        given, ColumnKind.STIMULUS, ColumnType.TEXT, vocabulary=tuple(dict.fromkeys(filter(None, words)))
    )
    return add_column(workspace.project, column).find(given, ColumnKind.STIMULUS)


def configured_type(workspace: Workspace, key: str) -> ColumnDefinition:
    """The stimulus type of that permanent key.

    Raises
    ------
    EditError
        When the project has none.
    """
    for column in workspace.project.columns(ColumnKind.STIMULUS):
        if column.key == key:
            return column
    raise EditError(key, "is no stimulus type of this project", "Add it as one: New type.")


@dataclass(frozen=True)
class Copied:
    """What came of copying to one sample: its name, whether it has the stimuli now, and a line about it."""

    sample: str
    done: bool
    said: str


def copy_stimuli(
    workspace: Workspace,
    sample: SampleData,
    key: str,
    targets: Sequence[str],
    *,
    moments: bool = False,
    existing: Literal["refuse", "replace"] = "refuse",
    beyond: BeyondRule = "keep",
    actor: str,
) -> list[Copied]:
    """Put a sample's stimuli of one type into others, each as an edit of its own; one that refuses stops none.

    Raises
    ------
    EditError
        When this sample has none, or no other sample was chosen.
    """
    column = configured_type(workspace, key)
    frame = (sample.moments if moments else sample.periods).get(key)
    if frame is None or frame.empty:
        raise EditError(column.name, "this sample has none to copy", "Add some first.")
    if not targets:
        raise EditError(column.name, "no sample was chosen", "Choose the samples that are to get them.")
    done = []
    for target in targets:
        name = target
        try:
            name = workspace.project.find_sample(target).name
            loaded = load_stimuli(
                workspace.project,
                target,
                frame,
                column.name,
                unit="seconds",
                mapping={"start": "time_s"} if moments else {"start": "start_s", "stop": "stop_s"},
                moments=moments,
                existing=existing,
                beyond=beyond,
                actor=actor,
                reason=f"Copied from {sample.path.name}.",
            )
        except FluoriteError as error:
            done.append(Copied(name, False, str(error)))
            continue
        left_out = sum(problem.outcome == "left out" for problem in loaded.periods.problems)
        odd = f", {count(left_out, 'row')} left out" if left_out else ""
        done.append(Copied(name, True, f"{count(len(loaded.periods.frame), 'row')}{odd}"))
    return done


def _commit(
    workspace: Workspace, sample: SampleData, request: PeriodsRequest, actor: str, based_on: str | None
) -> Committed:
    project, path = workspace.project, sample.path
    project.require_writable()
    if request.action in _STEPS:
        return _STEPS[request.action](project, path, actor=actor, based_on=based_on)
    return change_periods(
        project,
        path,
        configured_type(workspace, request.key).name,
        changed=request.changed,
        removed=request.removed,
        added=request.added,
        moments=request.moments,
        actor=actor,
        based_on=based_on,
    )


def _answer(
    workspace: Workspace,
    sample: SampleData,
    *,
    only: Sequence[str] | None = None,
    said: str = "",
    error: str | None = None,
) -> dict[str, Any]:
    version, tables = "", []
    try:
        fresh = workspace.samples.get(sample.name)
        version, tables = version_in_file(fresh), stimulus_tables(workspace, fresh, only)
    except FluoriteError as problem:  # the file went away, which is what `error` says already, or is worth saying
        error = error or str(problem)
    return {"version": version, "tables": tables, "added": [], "said": said, "error": error, "conflict": None}
