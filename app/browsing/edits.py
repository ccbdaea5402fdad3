"""Edits from the browse page: one cell of the table, or one value for many rows, each through the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.browsing.browse import View
from app.formatting import count
from app.workspace import Workspace
from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Edit, SetCustom, SetField, Tag, commit
from nwb_schema.errors import EditError, FluoriteError
from nwb_schema.project import Project

# Columns of the list that are metadata which can be edited, by the name that edits know them by.
_FIELDS = {
    "session_description": "session.session_description",
    "indicator": "imaging.indicator",
    "location": "imaging.location",
}
_SHOWN_PROBLEMS = 3


def editable_columns(workspace: Workspace, view: View) -> tuple[str, ...]:
    """The columns whose values can be changed from here."""
    if not workspace.project.writable:
        return ()
    return tuple(name for name in view.state.columns if _is_editable(view, name))


def _is_editable(view: View, name: str) -> bool:
    column = view.columns[name]
    if view.state.level == "samples":
        return column.place == "custom" or name in _FIELDS
    return column.definition is not None and column.definition.kind is ColumnKind.ROI_TAG


def edit_cell(workspace: Workspace, view: View, changed: Mapping[str, Any], *, actor: str) -> str:
    """Make the edit that a cell of the table was given; says what was done.

    Raises
    ------
    FluoriteError
        When it cannot be made; nothing is changed then.
    """
    name, row = str(changed.get("colId")), changed.get("data")
    if name not in view.columns or not isinstance(row, Mapping):
        raise EditError("page", "sent something that is no edit", "Reload the page.")
    set_value(workspace.project, workspace.catalogue, view, [row], name, changed.get("value"), actor=actor)
    return f"Saved: {view.label(name)} of {row.get('name')}."


def set_value(
    project: Project,
    catalogue: Catalogue,
    view: View,
    rows: Iterable[Mapping[str, Any]],
    name: str,
    value: Any,
    *,
    actor: str,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> str:
    """Give one value to many rows, one commit a sample; says how many there were.

    Parameters
    ----------
    rows
        With at least ``name`` (of the sample's file), and ``roi_uuid`` on the level of ROIs.
    progress
        Called with the number of samples done, and of all.

    Raises
    ------
    EditError
        When no row could be changed, or some could not: which, and why. The others are changed.
    """
    if not _is_editable(view, name):
        raise EditError(view.label(name), "cannot be changed here", "Choose a tag column, a custom column or a field.")
    by_sample: dict[str, list[str]] = {}
    for row in rows:
        by_sample.setdefault(str(row["name"]), []).append(str(row.get("roi_uuid") or ""))
    if not by_sample:
        raise EditError("rows", "none is selected", "Select rows, or choose all that match.")
    problems: list[str] = []
    n_rows = 0
    for number, (sample, rois) in enumerate(by_sample.items()):
        progress(number, len(by_sample))
        try:
            commit(project, project.samples_dir / sample, _edit(view, name, rois, value), actor=actor)
            n_rows += len(rois)
        except FluoriteError as error:
            problems.append(str(error))
    progress(len(by_sample), len(by_sample))
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        said = " ".join(problems[:_SHOWN_PROBLEMS]) + (f" And {more} more." if more > 0 else "")
        raise EditError(view.label(name), f"{count(n_rows, 'row')} changed; {said}", "The others are as they were.")
    noun = "sample" if view.state.level == "samples" else "cell"
    return f"Set {view.label(name)} of {count(n_rows, noun)}."


def _edit(view: View, name: str, rois: Sequence[str], value: Any) -> Edit:
    definition: ColumnDefinition | None = view.columns[name].definition
    if definition is None:
        return SetField(_FIELDS[name], value)
    if definition.kind is ColumnKind.ROI_TAG:
        return Tag(tuple(rois), definition, value)
    return SetCustom(definition, value)
