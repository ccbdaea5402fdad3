"""A dialogue to pick movies from the folders of the computer that runs the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.adding.folder_listing import FolderListing, list_folder
from app.workspace import current_workspace


def allowed_roots() -> list[Path]:
    """The folders that may be shown. One person on their own computer may see what they may see; with logins, this is
    where it gets narrower."""
    return [Path(Path.cwd().anchor)]


def browser_dialogue() -> Component:
    """The dialogue, closed."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Choose movies")),
            dbc.ModalBody(
                [
                    html.Div(
                        [
                            dbc.Input(id="browse-folder", type="text", debounce=True, className="path-input"),
                            html.Button("Home", id="browse-home", type="button", className="text-button"),
                            html.Button("Project", id="browse-project", type="button", className="text-button"),
                        ],
                        className="browse-head",
                    ),
                    html.Div(id="browse-folders", className="browse-folders"),
                    dcc.Checklist(id="browse-movies", options=[], value=[], className="browse-movies"),
                    html.Div(id="browse-problem", className="field-hint", role="status"),
                ]
            ),
            dbc.ModalFooter(dbc.Button("Use these", id="browse-use", color="primary")),
        ],
        id="browse",
        size="lg",
        scrollable=True,
        is_open=False,
    )


def folder_buttons(listing: FolderListing) -> list[Component]:
    """One button a folder, the one above first."""
    up = [] if listing.parent is None else [(listing.parent, "↑ Parent folder")]
    return [
        html.Button(
            label,
            id={"type": "browse-to", "folder": str(folder)},
            type="button",
            className="browse-folder" + (" is-up" if folder == listing.parent else ""),
        )
        for folder, label in [*up, *((folder, folder.name) for folder in listing.folders)]
    ]


def movie_options(movies: Sequence[Path]) -> list[dict[str, str]]:
    """One option a movie."""
    return [{"label": f" {path.name}", "value": str(path)} for path in movies]


def add_paths(present: str | None, chosen: Sequence[str]) -> str:
    """The paths in the form's field, with the chosen ones added once each."""
    lines = [line.strip() for line in (present or "").splitlines() if line.strip()]
    return "\n".join([*lines, *(path for path in chosen if path not in lines)])


def register(app: Dash) -> None:
    """Add the dialogue's callbacks."""

    @app.callback(
        Output("browse", "is_open"),
        Output("browse-folder", "value"),
        Output("browse-folders", "children"),
        Output("browse-movies", "options"),
        Output("browse-movies", "value"),
        Output("browse-problem", "children"),
        Input("browse-open", "n_clicks"),
        Input("browse-home", "n_clicks"),
        Input("browse-project", "n_clicks"),
        Input("browse-folder", "value"),
        Input({"type": "browse-to", "folder": ALL}, "n_clicks"),
        State("browse", "is_open"),
        prevent_initial_call=True,
    )
    def browse(
        _open: int | None,
        _home: int | None,
        _project: int | None,
        typed: str | None,
        _clicks: list[int | None],
        is_open: bool,
    ) -> tuple[Any, ...]:
        asked: Any = ctx.triggered_id
        if not ctx.triggered or not ctx.triggered[0]["value"]:
            return (no_update,) * 6
        project_parent = current_workspace().project.folder.parent
        if isinstance(asked, dict):
            folder = Path(asked["folder"])
        elif asked == "browse-home":
            folder = Path.home()
        elif asked == "browse-folder":
            if not is_open:
                return (no_update,) * 6
            folder = Path(typed or project_parent)
        elif asked == "browse-open":
            folder = Path(typed) if typed else project_parent
        else:
            folder = project_parent
        listing = list_folder(folder, allowed_roots())
        nothing = "No movie in this folder." if not listing.files else ""
        return (
            True,
            str(listing.folder),
            folder_buttons(listing),
            movie_options(listing.files),
            [],
            listing.problem or nothing,
        )

    @app.callback(
        Output("process-movies", "value", allow_duplicate=True),
        Output("browse", "is_open", allow_duplicate=True),
        Input("browse-use", "n_clicks"),
        State("browse-movies", "value"),
        State("process-movies", "value"),
        prevent_initial_call=True,
    )
    def use(clicks: int | None, chosen: list[str], present: str | None) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        return add_paths(present, chosen), False
