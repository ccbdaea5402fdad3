"""Starting the chosen movies: each is looked at once more in the background before the first job is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dash import Dash, Input, Output, State, no_update

from app.actor import actor_of
from app.adding.batch_request import BatchForm, check_chosen, said, start_checked
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.components.batch.looking import reporting
from app.formatting import count
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def check_them(
    report: Callable[[Any], None], clicks: int | None, visit: str, selected: Any, found: Mapping[str, Any] | None
) -> Any:
    """Background callback: look once more at the chosen movies.

    Parameters
    ----------
    clicks, visit
        Different every time, as in `app.components.batch.looking.look_at`.
    """
    names = _chosen(selected)
    if not clicks or not names or not found:
        return None
    try:
        checked = check_chosen(background_project(), BatchForm(**found["asked"]), names, reporting(report))
    except FluoriteError as error:
        return {"problem": said(error), "checked": []}
    return {"problem": "", "checked": checked, "nonce": f"{visit}-{clicks}"}


def register(app: Dash) -> None:
    """Check what was chosen, then start it."""
    background_callback(
        app,
        check_them,
        Output("batch-checked", "data"),
        Input("batch-start", "n_clicks"),
        State("batch-visit", "data"),
        State("batch-grid", "selectedRows"),
        State("batch-plan", "data"),
        progress=Output("batch-said", "children"),
        at_rest="",
        running=[(Output("batch-start", "disabled"), True, False)],
    )

    @app.callback(
        Output("batch-start", "children"),
        Output("batch-start", "disabled", allow_duplicate=True),
        Input("batch-grid", "selectedRows"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any) -> tuple[str, bool]:
        chosen = _chosen(selected)
        return (f"Start {count(len(chosen), 'movie')}" if chosen else "Start"), not chosen

    @app.callback(
        Output("batch-said", "children", allow_duplicate=True),
        Output("batch-said", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Output("batch-plan", "data", allow_duplicate=True),
        Output("batch-progress", "children", allow_duplicate=True),
        Input("batch-checked", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def start(found: Mapping[str, Any] | None, actor: str | None) -> tuple[Any, ...]:
        if not found:
            return (no_update,) * 5
        if found["problem"]:
            return found["problem"], "is-error", no_update, no_update, no_update
        try:
            jobs = start_checked(current_workspace().project, found["checked"], actor_of(actor))
        except FluoriteError as error:
            return said(error), "is-error", no_update, no_update, no_update
        started = f"Started {count(len(jobs), 'job')}; they run one after another."
        return "", "", found["nonce"], None, started


def _chosen(selected: Any) -> list[str]:
    """The names of the rows that are selected: as rows, or as ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["name"]) for one in selected or [] if one.get("state") == "ready"]
