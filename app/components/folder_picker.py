"""A dialogue to pick a folder or a file of the computer that runs the server.

Each one has a prefix of its own for its ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, html, no_update
from dash.development.base_component import Component

from app.adding.folder_listing import FolderListing, list_folder
from app.components.folder_browser import allowed_roots
from app.formatting import count
from nwb_schema.project import CONFIG_NAME
from pipeline.movies import SUPPORTED_EXTENSIONS

_MOST_FILES = 500
"""A folder with more files than this is gone through faster by typing the name."""


def folder_dialogue(prefix: str, title: str, *, takes_folders: bool = True) -> Component:
    """The dialogue, closed; a button with the id ``<prefix>-pick`` opens it.

    Parameters
    ----------
    takes_folders
        Whether a folder can be used; else only the files that `register` was told to list.
    """
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
                    html.Div(id=f"{prefix}-files", className="browse-files"),
                    html.Div(id=f"{prefix}-what", className="field-hint", role="status"),
                ]
            ),
            dbc.ModalFooter(
                dbc.Button("Use this folder", id=f"{prefix}-use", color="primary"),
                className="" if takes_folders else "is-hidden",
            ),
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


def file_buttons(prefix: str, listing: FolderListing) -> list[Component]:
    """One button a file, which chooses it."""
    return [
        html.Button(
            file.name,
            id={"type": f"{prefix}-file", "file": str(file)},
            type="button",
            className="browse-folder is-file",
        )
        for file in listing.files[:_MOST_FILES]
    ]


def movie_words(listing: FolderListing) -> str:
    """What is in the folder, in a line."""
    project = "This is a project. " if (listing.folder / CONFIG_NAME).is_file() else ""
    return f"{project}{count(len(listing.files), 'movie')} here."


def register(
    app: Dash,
    prefix: str,
    target: str,
    start: Callable[[], Path],
    *,
    endings: Sequence[str] = (),
    words: Callable[[FolderListing], str] = movie_words,
) -> None:
    """Add the dialogue's callbacks.

    Parameters
    ----------
    target
        Id of the text field that gets the folder.
    start
        Where to begin when that field is empty.
    endings
        Of the names of the files that can be chosen, in small letters; none when not given.
    words
        What to say of a folder that can be listed.
    """

    @app.callback(
        Output(f"{prefix}-dialogue", "is_open"),
        Output(f"{prefix}-at", "value"),
        Output(f"{prefix}-folders", "children"),
        Output(f"{prefix}-files", "children"),
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
            return (no_update,) * 5
        if isinstance(asked, dict):
            folder = Path(asked["folder"])
        elif asked == f"{prefix}-home":
            folder = Path.home()
        elif asked == f"{prefix}-at":
            folder = Path(typed or start())
        else:
            folder = _nearest(Path(now.strip()).expanduser()) if now and now.strip() else start()
        listing = list_folder(folder, allowed_roots(), endings or SUPPORTED_EXTENSIONS)
        files = file_buttons(prefix, listing) if endings else []
        said = listing.problem or words(listing)
        return True, str(listing.folder), folder_buttons(prefix, listing), files, said

    @app.callback(
        Output(target, "value", allow_duplicate=True),
        Output(f"{prefix}-dialogue", "is_open", allow_duplicate=True),
        Input(f"{prefix}-use", "n_clicks"),
        State(f"{prefix}-at", "value"),
        prevent_initial_call=True,
    )
    def use(clicks: int | None, folder: str | None) -> tuple[Any, Any]:
        return (folder, False) if clicks and folder else (no_update, no_update)

    if not endings:
        return

    @app.callback(
        Output(target, "value", allow_duplicate=True),
        Output(f"{prefix}-dialogue", "is_open", allow_duplicate=True),
        Input({"type": f"{prefix}-file", "file": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def take(_clicks: list[int | None]) -> tuple[Any, Any]:
        asked: Any = ctx.triggered_id
        pressed = isinstance(asked, dict) and ctx.triggered[0]["value"]
        return (asked["file"], False) if pressed else (no_update, no_update)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path.home())
