"""Edits that a page asks for: from what the browser sends to commits, and back to what the page has to show.

The browser sends a batch of requests at a time and goes on before the answer: committing takes a tenth of a second, and
whoever curates 500 cells does not wait for it. Each request is one edit in the journal, with its own undo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from app.formatting import count
from app.samples.addresses import contours_url
from app.samples.edit_words import cell_numbers, in_cells
from app.samples.new_rois import ACTIONS, NewRoiRequest, made_rois
from app.samples.roi_rows import roi_rows
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Accept, Committed, Delete, Edit, EditConflict, Reject, Tag, commit, redo, undo
from nwb_schema.errors import EditError, FluoriteError
from pipeline.curation.evaluating import evaluate_sample

MAKE: dict[str, Callable[[tuple[str, ...]], Edit]] = {
    "accept": Accept,
    "reject": Reject,
    "delete": Delete,
    "restore": lambda rois: Delete(rois, deleted=False),
}
ALONE = (*ACTIONS, "evaluate", "undo", "redo")
"""What is not sent together with other edits: it reads the sample, or takes back what was before."""

_SHOWN_EDITS = 3


@dataclass(frozen=True)
class Request:
    """One thing that a person did on the page.

    Attributes
    ----------
    action
        ``accept``, ``reject``, ``delete``, ``restore``, ``tag``, ``evaluate``, ``undo`` or ``redo``, or one that makes
        ROIs.
    rois
        ``roi_uuid`` of each ROI that it is about; none for the last three.
    column, value
        Of a tag: the column's permanent key, and the value as it was typed.
    thresholds
        Of an evaluation: parameters of CaImAn's group ``quality``.
    new
        The ROIs that it asks for (`app.samples.new_rois`).
    """

    action: str
    rois: tuple[str, ...] = ()
    column: str = ""
    value: Any = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    new: NewRoiRequest | None = None

    @property
    def is_step(self) -> bool:
        """Whether it goes back or forth in the history."""
        return self.action in ("undo", "redo")

    @classmethod
    def parse(cls, sent: Any) -> Request:
        """What the browser sent, which may be anything.

        Raises
        ------
        EditError
            When it is no request.
        """
        if not isinstance(sent, Mapping) or sent.get("action") not in (*MAKE, "tag", *ALONE):
            raise EditError("page", "sent something that is no edit", "Reload the page.")
        rois, column, value = sent.get("rois") or (), sent.get("column") or "", sent.get("value")
        plain = isinstance(value, (str, int, float, bool)) or value is None
        if not isinstance(rois, Sequence) or not all(isinstance(roi, str) for roi in rois) or not plain:
            raise EditError("page", "sent an edit of no ROIs", "Reload the page.")
        thresholds = sent.get("thresholds") or {}
        if not isinstance(thresholds, Mapping) or not all(isinstance(one, (int, float)) for one in thresholds.values()):
            raise EditError("page", "sent thresholds that are no numbers", "Reload the page.")
        new = NewRoiRequest.parse(sent, tuple(rois)) if sent["action"] in ACTIONS else None
        return cls(sent["action"], tuple(rois), str(column), value, dict(thresholds), new)


def make_edits(
    workspace: Workspace,
    sample: SampleData,
    sent: Sequence[Any],
    *,
    actor: str,
    based_on: str | None,
) -> dict[str, Any]:
    """Commit what a page asks for, in order, and say what it has to show now.

    Edits of others that the page had not seen, and that touch nothing which is changed here, are merged: the answer
    names them. Where both changed the same values nothing is committed, and the answer has a ``conflict``: asked again
    with its version as `based_on`, the same requests are made on top of the others' edits.

    Returns
    -------
    dict
        ``version``: of the sample now. ``rows``: the table's rows that differ from what the page was made from, all of
        them where others edited, too, or where there are new ones. ``made``: keys of the ROIs that came. ``contours``:
        where the outlines are. ``said``: a line for the person, or empty. ``error``, ``conflict``: None, or why
        nothing was done.
    """
    merged = ""
    try:
        requests = [Request.parse(one) for one in sent]
        steps = [one.action for one in requests if one.is_step]
        news = [one.new for one in requests if one.new is not None]
        if not requests or (len(requests) > 1 and any(one.action in ALONE for one in requests)):
            raise EditError("page", "sent no edit, or together with others what has to come alone", "Reload the page.")
        workspace.project.require_writable()
        if news and news[0].is_made(workspace.samples.get(sample.name)):
            return _answer(workspace, sample, None)
        edits = _edits(workspace, sample, requests)
        try:
            done = _commit(workspace, sample, requests, edits, actor=actor, based_on=based_on)
        except EditConflict as conflict:
            if conflict.overlapping or steps:
                return _refusal(workspace, sample, conflict, steps)
            merged = others(conflict, sample.rois)
            done = _commit(workspace, sample, requests, edits, actor=actor, based_on=conflict.version)
    except FluoriteError as error:
        return _answer(workspace, sample, None, error=str(error))
    changed = None
    if not merged and done.outside is None and _only_rois(done):
        changed = {change.target.roi for record in done.records for change in record.changes}
    told = requests[0].action in ALONE
    step = ""
    if told and done.records:
        what = _in_present_cells(workspace, sample, done.records[0].what)
        step = f"{what[:1].upper()}{what[1:]}."
    if told and not done.records:
        step = "Nothing changed."
    said = " ".join(filter(None, [step, merged, str(done.outside or "")]))
    return _answer(workspace, sample, changed, version=done.version, said=said) | {
        "made": made_rois(done) if news else []
    }


def look(workspace: Workspace, sample: SampleData, *, known: str) -> dict[str, Any] | None:
    """What others did to a sample since the page saw version `known`; None when nothing."""
    version = version_in_file(sample)
    return None if version == known else _answer(workspace, sample, None, version=version)


def version_in_file(sample: SampleData) -> str:
    """The version of a sample, for ``based_on``; empty before its first edit, and in a file that cannot be edited."""
    return sample.edits[-1].id if sample.edits else ""


def editable(workspace: Workspace, sample: SampleData) -> str | None:
    """Why this sample cannot be edited, or None."""
    if not sample.summary.is_ours:
        return "Another program wrote this file, so it is only browsed. Adopt it into the project to edit it."
    if not workspace.project.writable:
        return "This project can only be read here, so nothing can be edited."
    return None


def thresholds(sample: SampleData) -> dict[str, float]:
    """The thresholds with which a sample was evaluated, by CaImAn's names, without those of scores that it lacks."""
    quality = sample.quality
    named = {
        "snr": ("min_SNR", "SNR_lowest"),
        "r_values": ("rval_thr", "rval_lowest"),
        "cnn_preds": ("min_cnn_thr", "cnn_lowest"),
    }
    kept = [score for score in named if score != "cnn_preds" or quality.use_cnn]
    return {
        name: float(getattr(quality, name))
        for score in kept
        if sample.rois[score].notna().any()
        for name in named[score]
    }


def tag_columns(workspace: Workspace) -> tuple[ColumnDefinition, ...]:
    """The ROI tag columns that are shown, in the project's order."""
    return tuple(column for column in workspace.project.columns(ColumnKind.ROI_TAG) if not column.hidden)


def _commit(
    workspace: Workspace,
    sample: SampleData,
    requests: Sequence[Request],
    edits: Sequence[Edit],
    *,
    actor: str,
    based_on: str | None,
) -> Committed:
    project, path = workspace.project, sample.path
    if requests[0].is_step:
        step = undo if requests[0].action == "undo" else redo
        return step(project, path, actor=actor, based_on=based_on)
    if requests[0].action == "evaluate":
        return evaluate_sample(project, path, requests[0].thresholds, actor=actor, based_on=based_on)
    return commit(project, path, edits, actor=actor, based_on=based_on)


def _edits(workspace: Workspace, sample: SampleData, requests: Sequence[Request]) -> list[Edit]:
    """The edits of what is no step and no evaluation, which make theirs themselves."""
    columns = {column.key: column for column in workspace.project.columns(ColumnKind.ROI_TAG)}
    return [
        _edit(columns, one) if one.new is None else one.new.edit(workspace.project, sample.path, columns)
        for one in requests
        if not one.is_step and one.action != "evaluate"
    ]


def _edit(columns: Mapping[str, ColumnDefinition], request: Request) -> Edit:
    if request.action != "tag":
        return MAKE[request.action](request.rois)
    column = columns.get(request.column)
    if column is None:
        raise EditError(request.column, "the project has no such tag column any more", "Reload the page.")
    return Tag(request.rois, column, request.value)


def _only_rois(done: Committed) -> bool:
    """Whether the edits changed values of ROIs that were there before, and nothing else."""
    return all(change.target.kind in ("roi", "column") for record in done.records for change in record.changes)


def _refusal(workspace: Workspace, sample: SampleData, conflict: EditConflict, steps: Sequence[str]) -> dict[str, Any]:
    if steps:  # which edit would be taken back is not the one that the person sees as the last
        said = f"{others(conflict, sample.rois)} Nothing was taken back. Look first, then do it again."
        return _answer(workspace, sample, None, version=conflict.version, said=said)
    text = f"{others(conflict, sample.rois)} You both changed {count(len(conflict.overlapping), 'value')}."
    answer = _answer(workspace, sample, None, version=conflict.version)
    return answer | {"conflict": {"text": text, "version": conflict.version}}


def _in_present_cells(workspace: Workspace, sample: SampleData, what: str) -> str:
    """An edit's line with the numbers of cells, also of those that it made."""
    try:
        return in_cells(what, cell_numbers(workspace.samples.get(sample.name).rois))
    except FluoriteError:  # the answer says it
        return what


def others(conflict: EditConflict, rois: pd.DataFrame | None = None) -> str:
    """What others did meanwhile, in a line; with the sample's cells `rois`, these are called by their numbers."""
    numbers = {} if rois is None else cell_numbers(rois)
    shown = [f"{record.actor} {in_cells(record.what, numbers)}" for record in conflict.since[-_SHOWN_EDITS:]]
    more = len(conflict.since) - len(shown)
    return f"Meanwhile {'; '.join(shown)}{f'; and {more} more edits' if more > 0 else ''}."


def _answer(
    workspace: Workspace,
    sample: SampleData,
    changed: set[str] | None,
    *,
    version: str | None = None,
    said: str = "",
    error: str | None = None,
) -> dict[str, Any]:
    """`changed`: keys of the rows to send; None sends all."""
    try:
        fresh = workspace.samples.get(sample.name)
        rois = fresh.rois if changed is None else fresh.rois[fresh.rois["key"].isin(changed)]
        rows = roi_rows(rois, tag_columns(workspace))
        version = version_in_file(fresh) if version is None else version
        contours = contours_url(fresh)
    except FluoriteError as problem:  # the file went away, which is what `error` says already, or is worth saying
        rows, error, version, contours = [], error or str(problem), version or "", contours_url(sample)
    return {
        "rows": rows,
        "all": changed is None,
        "version": version,
        "said": said,
        "error": error,
        "conflict": None,
        "made": [],
        "contours": contours,
    }
