"""Looking at the movies of the folder in the background: what becomes of each."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from dash import ALL, Dash, Input, Output, State, dcc
from dash.development.base_component import Component

from app.adding.batch_request import BatchForm, in_field_words, plan, said
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.components import folder_picker
from app.components.process_form import named
from app.formatting import count
from nwb_schema.errors import FluoriteError

_COMMON = ("preset", "engine", "subject", "frame_rate", "parameters", "axes", "plane", "channel", "dataset")


def batch_stores() -> list[Component]:
    """What the callbacks hand to one another, and the dialogue to pick the folder."""
    return [
        # With the number of clicks a nonce: nobody is given what a background callback found for another page.
        dcc.Store(id="batch-visit", data=uuid.uuid4().hex),
        dcc.Store(id="batch-plan", data=None),
        dcc.Store(id="batch-checked", data=None),
        folder_picker.folder_dialogue("batch", "Choose the folder with the movies"),
    ]


def look_at(report: Callable[[Any], None], clicks: int | None, visit: str, *typed: Any) -> Any:
    """Background callback: what becomes of every movie of the folder.

    Parameters
    ----------
    clicks, visit
        Different every time, so that nobody is given what was found for another page.
    typed
        Folder and pattern, the fields of `_COMMON`, and ids and values of details and custom columns.
    """
    if not clicks:
        return None
    folder, pattern, *common, detail_ids, detail_values, custom_ids, custom_values = typed
    asked: dict[str, Any] = {
        "folder": folder or "",
        "pattern": pattern or "",
        "common": {
            **dict(zip(_COMMON, common, strict=True)),
            "details": named(detail_ids, detail_values),
            "custom": named(custom_ids, custom_values),
        },
    }
    try:
        form = BatchForm(asked["folder"], asked["pattern"], asked["common"])
        planned = plan(background_project(), form, reporting(report))
    except FluoriteError as error:
        return {"problem": said(error), "rows": [], "fields": []}
    rows = [in_field_words(one.as_dict()) for one in planned]
    fields = list(dict.fromkeys(name for one in rows for name in one["fields"]))
    return {"problem": "", "rows": rows, "fields": fields, "asked": asked}


def reporting(report: Callable[[Any], None]) -> Callable[[int, int], None]:
    """What tells the page how many movies were looked at."""
    return lambda done, total: report([f"{done} of {count(total, 'movie')}"])


def register(app: Dash) -> None:
    """Look when the button is pressed."""
    details, custom = {"type": "batch-detail", "name": ALL}, {"type": "batch-custom", "name": ALL}
    background_callback(
        app,
        look_at,
        Output("batch-plan", "data"),
        Input("batch-look", "n_clicks"),
        State("batch-visit", "data"),
        State("batch-folder", "value"),
        State("batch-pattern", "value"),
        *(State(f"batch-{name}", "value") for name in _COMMON),
        State(details, "id"),
        State(details, "value"),
        State(custom, "id"),
        State(custom, "value"),
        progress=Output("batch-progress", "children"),
        at_rest="",
        running=[
            (Output("batch-look", "disabled"), True, False),
            (Output("batch-stop", "className"), "text-button", "text-button is-hidden"),
        ],
        cancel=Input("batch-stop", "n_clicks"),
    )
