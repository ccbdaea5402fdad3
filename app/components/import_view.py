"""The callbacks of the page for results of other programs: look at what was chosen, import it.

::

    fields ── background `look_at` (progress) ──> import-plan ──> what was found
    "Import" ── background `check_them` (progress) ──> import-checked ── `start` ──> message, jobs

Results of a long recording take seconds to read, so both are background callbacks. The first one runs by itself
whenever a field that it depends on changed; Dash ends the one before.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.adding.import_request import (
    ImportForm,
    check_chosen,
    here_words,
    look,
    said,
    session_words,
    start_checked,
)
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.components import folder_picker
from app.components.import_found import found_view, plan_rows
from app.components.process_form import named
from app.formatting import count
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.foreign.finding import RESULT_ENDINGS
from pipeline.movies import SUPPORTED_EXTENSIONS

_COMMON = ("subject", "frame_rate", "axes", "plane", "channel", "dataset")


def import_stores() -> list[Component]:
    """What the callbacks hand to one another, and the dialogues to pick files."""
    return [
        # A nonce: nobody is given what a background callback found for another page.
        dcc.Store(id="import-visit", data=uuid.uuid4().hex),
        dcc.Store(id="import-plan", data=None),
        dcc.Store(id="import-checked", data=None),
        folder_picker.folder_dialogue("import-results", "Choose results: a file, or a folder"),
        folder_picker.folder_dialogue("import-movie", "Choose their movie", takes_folders=False),
    ]


def _form(typed: Sequence[Any]) -> ImportForm:
    """The form of the values that both background callbacks are called with."""
    results, movie, raw, neuropil, session, *rest = typed
    *common, detail_ids, detail_values, custom_ids, custom_values = rest
    return ImportForm(
        results=results or "",
        movie=movie or "",
        raw=bool(raw),
        neuropil=neuropil or "",
        session=session or "",
        common={
            **dict(zip(_COMMON, common, strict=True)),
            "details": named(detail_ids, detail_values),
            "custom": named(custom_ids, custom_values),
        },
    )


def look_at(report: Callable[[Any], None], visit: str, *typed: Any) -> Any:
    """Background callback: what is at the path that was typed.

    Parameters
    ----------
    visit
        Different for every page, so that nobody is given what was found for another one.
    typed
        The fields, as `_form` takes them.
    """
    form = _form(typed)
    if not form.results.strip():
        return None
    report(["Looking\u2026"])
    try:
        return {"problem": "", "rows": look(background_project(), form, _reporting(report)), "movie": form.movie}
    except FluoriteError as error:
        return {"problem": said(error), "rows": [], "movie": form.movie}


def check_them(
    report: Callable[[Any], None],
    clicks: int | None,
    visit: str,
    plan: Mapping[str, Any] | None,
    selected: Any,
    *typed: Any,
) -> Any:
    """Background callback: look once more at the chosen results; `clicks` and `visit` are different every time."""
    if not clicks or not plan:
        return None
    rows = plan["rows"]
    chosen = [rows[0]["results"]] if len(rows) == 1 else _chosen(selected)
    report(["Looking\u2026"])
    try:
        checked, problem = check_chosen(background_project(), _form(typed), chosen, _reporting(report))
    except FluoriteError as error:
        checked, problem = [], said(error)
    return {"problem": problem, "checked": checked, "nonce": f"{visit}-{clicks}"}


def _reporting(report: Callable[[Any], None]) -> Callable[[int, int], None]:
    return lambda done, total: report([f"{done} of {count(total, 'result')}" if total > 1 else "Reading\u2026"])


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    folder_picker.register(
        app, "import-results", "import-results", _start_folder, endings=RESULT_ENDINGS, words=here_words
    )
    folder_picker.register(app, "import-movie", "import-movie", _start_folder, endings=SUPPORTED_EXTENSIONS)
    details, custom = {"type": "import-detail", "name": ALL}, {"type": "import-custom", "name": ALL}
    fields = ("results", "movie", "raw", "neuropil", "session", *_COMMON)
    known = [State(id_, part) for id_ in (details, custom) for part in ("id", "value")]
    background_callback(
        app,
        look_at,
        Output("import-plan", "data"),
        State("import-visit", "data"),
        *(Input(f"import-{name}", "value") for name in fields),
        *known,
        progress=Output("import-progress", "children"),
        at_rest="",
    )
    background_callback(
        app,
        check_them,
        Output("import-checked", "data"),
        Input("import-start", "n_clicks"),
        State("import-visit", "data"),
        State("import-plan", "data"),
        State("import-grid", "selectedRows"),
        *(State(f"import-{name}", "value") for name in fields),
        *known,
        progress=Output("import-said", "children"),
        at_rest="",
        running=[(Output("import-start", "disabled"), True, False)],
    )

    @app.callback(
        Output("import-found", "children"),
        Output("import-grid", "rowData"),
        Output("import-grid", "selectedRows"),
        Output("import-table", "hidden"),
        Output("import-foot", "hidden"),
        Output("import-raw-field", "className"),
        Output("import-neuropil-field", "className"),
        Output("import-frame_rate", "placeholder"),
        Output("import-session", "placeholder"),
        Output("import-message", "children", allow_duplicate=True),
        Input("import-plan", "data"),
        prevent_initial_call=True,
    )
    def show(plan: Mapping[str, Any] | None) -> tuple[Any, ...]:
        rows = (plan or {}).get("rows", [])
        facts = rows[0]["facts"] if len(rows) == 1 else None
        several = len(rows) > 1
        ready = {"ids": [one["results"] for one in rows if one["state"] == "ready"]}
        raw = bool(facts and plan and plan["movie"].strip() and not facts["raw_refused"])
        return (
            found_view(plan),
            plan_rows(rows) if several else [],
            ready if several else {"ids": []},
            not several,
            not rows,
            "" if raw else "is-hidden",
            "" if facts and not facts["has_traces"] else "is-hidden",
            _rate_hint(facts),
            session_words(rows[0] if len(rows) == 1 else None, (plan or {}).get("movie", "")),
            no_update if plan is None else "",
        )

    @app.callback(
        Output("import-start", "children"),
        Output("import-start", "disabled", allow_duplicate=True),
        Input("import-grid", "selectedRows"),
        Input("import-plan", "data"),
        prevent_initial_call=True,
    )
    def name_button(selected: Any, plan: Mapping[str, Any] | None) -> tuple[str, bool]:
        rows = (plan or {}).get("rows", [])
        if len(rows) == 1:
            return "Import", rows[0]["state"] != "ready"
        chosen = _chosen(selected)
        return (f"Import {count(len(chosen), 'result')}" if chosen else "Import"), not chosen

    @app.callback(
        Output("import-said", "children", allow_duplicate=True),
        Output("import-said", "className"),
        Output("import-message", "children"),
        Output("import-message", "className"),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Output("import-results", "value", allow_duplicate=True),
        Output("import-movie", "value", allow_duplicate=True),
        Output("import-session", "value", allow_duplicate=True),
        Input("import-checked", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def start(found: Mapping[str, Any] | None, actor: str | None) -> tuple[Any, ...]:
        if not found:
            return (no_update,) * 8
        if found["problem"]:
            return found["problem"], "is-error", *(no_update,) * 6
        try:
            jobs = start_checked(current_workspace().project, found["checked"], actor_of(actor))
        except FluoriteError as error:
            return said(error), "is-error", *(no_update,) * 6
        started = f"Started {count(len(jobs), 'job')}: see how far under Jobs."
        # What was chosen is done with; so that nobody imports it twice, the fields that name it are empty again.
        return "", "", started, "form-message is-done", found["nonce"], "", "", ""


def _rate_hint(facts: Mapping[str, Any] | None) -> str:
    """What stands in the empty field for the rate."""
    if facts is None:
        return "from the results"
    if facts["rate_hz"]:
        return f"{facts['rate_hz']:g}, from the {'results' if facts['has_traces'] else 'movie'}"
    return "needed" if facts["has_traces"] else "from the movie"


def _start_folder() -> Any:
    return current_workspace().project.folder.parent


def _chosen(selected: Any) -> list[str]:
    """The paths of the selected rows: of rows, or of ids where a callback has just set them."""
    if isinstance(selected, Mapping):
        return [str(one) for one in selected.get("ids", [])]
    return [str(one["results"]) for one in selected or [] if one.get("state") == "ready"]
