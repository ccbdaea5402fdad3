"""A dialogue to pick a folder of the computer that runs the server. Each one has a prefix of its own for its ids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component

from app.adding.folder_listing import FolderListing, list_folder
from app.components.folder_browser import allowed_roots
from app.formatting import count
from nwb_schema.project import CONFIG_NAME


def folder_dialogue(prefix: str, title: str) -> Component:
    """The dialogue, closed; a button with the id ``<prefix>-pick`` opens it."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle(title)),
            dbc.ModalBody(
                [
                    html.Div(
                        [
                            dbc.Input(id=f"{prefix}-at", type="text", debounce=True, className="path-input"),
                            html.Button("Home", id=f"{prefix}-home", type="button", className="text-button"),
                        ],
                        className="browse-head",
                    ),
                    html.Div(id=f"{prefix}-folders", className="browse-folders"),
                    html.Div(id=f"{prefix}-what", className="field-hint", role="status"),
                ]
            ),
            dbc.ModalFooter(dbc.Button("Use this folder", id=f"{prefix}-use", color="primary")),
        ],
        id=f"{prefix}-dialogue",
        size="lg",
        scrollable=True,
        is_open=False,
    )


def folder_buttons(prefix: str, listing: FolderListing) -> list[Component]:
    """One button a folder, the one above first; projects are marked."""
    up = [] if listing.parent is None else [(listing.parent, "\u2191 Parent folder", "is-up")]
    inside = [
        (folder, folder.name, "is-project" if (folder / CONFIG_NAME).is_file() else "") for folder in listing.folders
    ]
    return [
        html.Button(
            label,
            id={"type": f"{prefix}-to", "folder": str(folder)},
            type="button",
            className=f"browse-folder {kind}".strip(),
        )
        for folder, label, kind in [*up, *inside]
    ]


def words(listing: FolderListing) -> str:
    """What is in the folder, in a line."""
    if listing.problem:
        return listing.problem
    project = "This is a project. " if (listing.folder / CONFIG_NAME).is_file() else ""
    return f"{project}{count(len(listing.movies), 'movie')} here."


def register(app: Dash, prefix: str, target: str, start: Callable[[], Path]) -> None:
    """Add the dialogue's callbacks.

    Parameters
    ----------
    target
        Id of the text field that gets the folder.
    start
        Where to begin when that field is empty.
    """

    @app.callback(
        Output(f"{prefix}-dialogue", "is_open"),
        Output(f"{prefix}-at", "value"),
        Output(f"{prefix}-folders", "children"),
        Output(f"{prefix}-what", "children"),
        Input(f"{prefix}-pick", "n_clicks"),
        Input(f"{prefix}-home", "n_clicks"),
        Input(f"{prefix}-at", "value"),
        Input({"type": f"{prefix}-to", "folder": ALL}, "n_clicks"),
        State(target, "value"),
        State(f"{prefix}-dialogue", "is_open"),
        prevent_initial_call=True,
    )
    def look(
        _pick: int | None, _home: int | None, typed: str | None, _to: list[int | None], now: str | None, is_open: bool
    ) -> tuple[Any, ...]:
        asked: Any = ctx.triggered_id
        if not ctx.triggered or not ctx.triggered[0]["value"] or (asked == f"{prefix}-at" and not is_open):
            return (no_update,) * 4
        if isinstance(asked, dict):
            folder = Path(asked["folder"])
        elif asked == f"{prefix}-home":
            folder = Path.home()
        elif asked == f"{prefix}-at":
            folder = Path(typed or start())
        else:
            folder = _nearest(Path(now.strip()).expanduser()) if now and now.strip() else start()
        listing = list_folder(folder, allowed_roots())
        return True, str(listing.folder), folder_buttons(prefix, listing), words(listing)

    @app.callback(
        Output(target, "value", allow_duplicate=True),
        Output(f"{prefix}-dialogue", "is_open", allow_duplicate=True),
        Input(f"{prefix}-use", "n_clicks"),
        State(f"{prefix}-at", "value"),
        prevent_initial_call=True,
    )
    def use(clicks: int | None, folder: str | None) -> tuple[Any, Any]:
        return (folder, False) if clicks and folder else (no_update, no_update)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path.home())
