"""What the browse page shows after something was pressed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from app.browsing.browse import BrowseState, View
from app.workspace import Workspace
from nwb_schema.saved_filters import find_saved, remove_filter


def next_state(workspace: Workspace, state: BrowseState, action: Mapping[str, Any]) -> BrowseState:
    """What the page shows after something was pressed.

    Raises
    ------
    FilterError
    """
    kind, value = action.get("action"), str(action.get("value") or "")
    if kind == "value":
        view = View.of(workspace.catalogue, state)
        column = str(action.get("column") or "")
        return state.with_value(column, value, kind=view.kind(column))
    if kind == "remove" and value.isdigit():
        return state.without_filter(int(value))
    if kind == "clear":  # what then is listed is no tab's
        return replace(state, filters=(), tab="")
    if kind == "level" and value in ("samples", "rois"):
        # What samples are filtered by holds for their cells, too; the other way round, an ROI's columns do not.
        known = {column.name for column in workspace.catalogue.columns(value)}  # type: ignore[arg-type]
        kept = tuple(pair for pair in state.filters if pair[0] in known)
        return BrowseState(level=value, filters=kept)  # type: ignore[arg-type]
    if kind == "tab":
        if not value:
            return BrowseState(level=state.level)
        saved = find_saved(workspace.project, value)
        return BrowseState(level=saved.level, filters=saved.filters, tab=saved.name)
    if kind == "forget":
        remove_filter(workspace.project, value)
        return replace(state, tab="")
    if kind in ("list", "column"):
        view = View.of(workspace.catalogue, state)
        shown = view.state.lists if kind == "list" else view.state.columns
        changed = tuple(name for name in shown if name != value) if value in shown else (*shown, value)
        return replace(view.state, lists=changed) if kind == "list" else replace(view.state, columns=changed)
    return state
