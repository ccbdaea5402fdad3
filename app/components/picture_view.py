"""Saving what the player shows: a picture, a clip, or the values of an image. ``assets/saving.js`` asks for it.

::

    Save ── savePicture (browser: what is shown) ──> picture-still ── `save_still` ────────────────> picture-saved
                                             └─────> picture-clip ─── background: `save_clip` ──> picture-saved-clip
    picture-saved, picture-saved-clip ── fetchSaved (browser) ──> a download, or why there is none
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.background.callback_project import background_project
from app.components.markup import clientside
from app.samples.saved_pictures import CLIPS, STILL, save_for_download
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError

_KINDS = (
    (".png", "Picture (PNG)"),
    (".mp4", "Clip (MP4)"),
    (".gif", "Clip (GIF)"),
    (".tif", "Values (TIFF)"),
)
_OUTLINES = (("none", "no outlines"), ("accepted", "accepted cells"), ("all", "all cells"))
_SPEEDS = (0.5, 1, 2, 4, 8, 16)
_REPORT_EVERY_S = 0.3


def picture_panel(config: Mapping[str, Any] | None) -> Component:
    """The panel for what `app.components.player_view.player_config` says; hidden where nothing is shown."""
    moving = bool(config and config["has_movie"])
    last = int(config["n_frames"]) if config else 1
    kinds = [(value, label) for value, label in _KINDS if moving or value in STILL]
    return html.Details(
        [
            html.Summary("Save a picture or clip"),
            html.Div(
                [
                    _field("Save", _choice("picture-kind", kinds)),
                    html.Div(
                        [
                            _field("From frame", _number("picture-first", 1, 1, last)),
                            _field("to", _number("picture-last", last, 1, last)),
                            _field("Speed", _choice("picture-speed", _times(_SPEEDS), 1)),
                        ],
                        id="picture-clip-fields",
                        className="display-fields",
                        hidden=True,
                    ),
                    html.Div(
                        [
                            _field("With", _choice("picture-outlines", _OUTLINES)),
                            _field("Size", _choice("picture-enlarge", _times((1, 2, 3, 4)), 2)),
                            dbc.Checkbox(id="picture-scale-bar", label="Scale bar", value=True),
                        ],
                        id="picture-look-fields",
                        className="display-fields",
                    ),
                    html.Button("Save", id="picture-save", type="button", className="btn btn-primary btn-sm"),
                ],
                className="picture-form",
            ),
            html.Div(
                [
                    dbc.Progress(id="picture-progress", value=0, className="job-progress", style={"height": "6px"}),
                    html.Button("Cancel", id="picture-cancel", type="button", className="text-button"),
                ],
                id="picture-running",
                className="picture-running",
                hidden=True,
            ),
            html.P(id="picture-status", className="muted picture-status", role="status"),
            # One without data says that it changed: this starts a process
            dcc.Store("picture-still", data={}),
            dcc.Store("picture-clip", data={}),
            dcc.Store("picture-saved", data=None),
            dcc.Store("picture-saved-clip", data=None),
        ],
        id="picture-panel",
        className="picture-panel",
        hidden=config is None or not config["backgrounds"],
    )


def _field(text: str, control: Component) -> Component:
    return html.Label([html.Span(text, className="control-name"), control], className="display-field")


def _choice(name: str, options: Any, value: Any = None) -> Component:
    values = [{"value": str(one), "label": label} for one, label in options]
    chosen = values[0]["value"] if value is None else str(value)
    return dbc.Select(id=name, options=values, value=chosen, size="sm", className="picture-choice")


def _times(factors: Iterable[float]) -> list[tuple[float, str]]:
    return [(factor, f"{factor:g}\u00d7") for factor in factors]


def _number(name: str, value: int, least: int, most: int) -> Component:
    return dbc.Input(id=name, type="number", min=least, max=most, step=1, value=value, size="sm")


def save_clip(report: Callable[[Any], None], sent: Mapping[str, Any] | None) -> Any:
    """Background callback: save a clip, and say how far it is."""
    if not sent:
        return no_update
    said = 0.0

    def progress(done: float) -> None:
        nonlocal said
        if time.monotonic() - said > _REPORT_EVERY_S:
            said = time.monotonic()
            report([round(100 * done)])

    project = background_project()
    return _answer(Workspace.of(project), sent, CLIPS, progress)


def save_still(workspace: Workspace, sent: Mapping[str, Any]) -> dict[str, str]:
    """Save a picture or values."""
    return _answer(workspace, sent, STILL, lambda done: None)


def _answer(
    workspace: Workspace, sent: Mapping[str, Any], suffixes: tuple[str, ...], progress: Callable[[float], None]
) -> dict[str, str]:
    try:
        sample = workspace.samples.get(str(sent.get("sample")))
    except FluoriteError as error:
        return {"error": str(error)}
    if sent.get("suffix") not in suffixes:
        return {"error": "The page asked for another kind of file. Reload it."}
    return save_for_download(workspace.project, sample, sent, progress)


def register(app: Dash) -> None:
    """Add the panel's callbacks."""
    clientside(
        app,
        "pictureFields",
        Output("picture-clip-fields", "hidden"),
        Output("picture-look-fields", "hidden"),
        Input("picture-kind", "value"),
    )
    clientside(
        app,
        "savePicture",
        Output("picture-still", "data"),
        Output("picture-clip", "data"),
        Input("picture-save", "n_clicks"),
        State("picture-kind", "value"),
        State("picture-first", "value"),
        State("picture-last", "value"),
        State("picture-speed", "value"),
        State("picture-outlines", "value"),
        State("picture-enlarge", "value"),
        State("picture-scale-bar", "value"),
        prevent_initial_call=True,
    )
    clientside(
        app,
        "pictureEnded",
        Output("picture-running", "title"),
        Input("picture-running", "hidden"),
        prevent_initial_call=True,
    )
    app.callback(
        Output("picture-saved-clip", "data"),
        Input("picture-clip", "data"),
        prevent_initial_call=True,
        background=True,
        progress=[Output("picture-progress", "value")],
        progress_default=[0],
        running=[
            (Output("picture-running", "hidden"), False, True),
            (Output("picture-save", "disabled"), True, False),
        ],
        cancel=[Input("picture-cancel", "n_clicks")],
        interval=500,
    )(save_clip)

    @app.callback(Output("picture-saved", "data"), Input("picture-still", "data"), prevent_initial_call=True)
    def answer_still(sent: dict[str, Any] | None) -> Any:
        return save_still(current_workspace(), sent) if sent else no_update

    for store in ("picture-saved", "picture-saved-clip"):
        clientside(
            app,
            "fetchSaved",
            Output("picture-status", "children", allow_duplicate=True),
            Input(store, "data"),
            prevent_initial_call=True,
        )
