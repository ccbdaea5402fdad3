"""One value for many rows of the browse page: a background callback, with progress, that can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from app.actor import actor_of
from app.background.callback_project import background_project
from app.background.callbacks import background_callback
from app.browsing.browse import View, parse_state
from app.browsing.edits import editable_columns, set_value
from app.components.markup import clientside
from app.workspace import Workspace
from nwb_schema.catalogue import Catalogue
from nwb_schema.errors import FluoriteError


def bulk_edit_bar(workspace: Workspace, view: View) -> Component:
    """Give all selected rows, or all that match, one value."""
    options = [{"label": view.label(name), "value": name} for name in editable_columns(workspace, view)]
    return html.Div(
        [
            html.Span("Set", className="control-name"),
            dbc.Select(id="bulk-column", options=options, size="sm", value=options[0]["value"] if options else None),
            html.Span("to", className="control-name"),
            dbc.Input(id="bulk-value", type="text", size="sm", placeholder="value", autocomplete="off"),
            html.Span("in", className="control-name"),
            dbc.Select(
                id="bulk-scope",
                options=[
                    {"label": "the selected rows", "value": "selected"},
                    {"label": "all that match", "value": "all"},
                ],
                value="selected",
                size="sm",
            ),
            dbc.Button("Apply", id="bulk-apply", size="sm", color="secondary", outline=True),
            dbc.Button("Stop", id="bulk-stop", size="sm", color="link", className="is-hidden"),
            html.Span(id="bulk-progress", className="muted"),
            html.Span(id="bulk-said", role="status"),
            # One without data says that it changed: this starts a process
            dcc.Store(id="bulk-nonce", data=""),
        ],
        id="bulk-bar",
        className="bulk-bar",
        hidden=not options,
    )


def bulk_edit(
    report: Callable[[Any], None],
    nonce: str | None,
    sent: Any,
    column: str | None,
    value: str | None,
    scope: str,
    selected: Sequence[Mapping[str, Any]] | None,
    actor: str | None,
) -> tuple[Any, Any]:
    """Background callback: give the rows the value; says what was done, and makes the page read its rows again."""
    if not nonce or not column:
        return "", sent
    project = background_project()
    catalogue = Catalogue(project)
    state = parse_state(sent)
    view = View.of(catalogue, state)
    try:
        rows: Sequence[Mapping[str, Any]] = selected if isinstance(selected, list) else []
        if scope == "all":
            names = ("name", "roi_uuid") if state.level == "rois" else ("name",)
            rows = catalogue.page(state.level, state.filters, columns=names).rows
        said = set_value(
            project,
            catalogue,
            view,
            rows,
            column,
            value or "",
            actor=actor_of(actor),
            progress=lambda done, of: report(f"{done} of {of} samples"),
        )
    except FluoriteError as error:
        said = str(error)
    return said, state.to_json()


def register(app: Dash) -> None:
    """Add the callbacks of the bar."""
    clientside(
        app, "bulkNonce", Output("bulk-nonce", "data"), Input("bulk-apply", "n_clicks"), prevent_initial_call=True
    )
    background_callback(
        app,
        bulk_edit,
        Output("bulk-said", "children", allow_duplicate=True),
        Output("browse-state", "data", allow_duplicate=True),
        # A nonce in the key of the background callback: nobody is given what was made for another page.
        Input("bulk-nonce", "data"),
        State("browse-state", "data"),
        State("bulk-column", "value"),
        State("bulk-value", "value"),
        State("bulk-scope", "value"),
        State("browse-grid", "selectedRows"),
        State("actor", "value"),
        progress=Output("bulk-progress", "children"),
        running=[
            (Output("bulk-apply", "disabled"), True, False),
            (Output("bulk-stop", "className"), "", "is-hidden"),
        ],
        cancel=Input("bulk-stop", "n_clicks"),
        interval_ms=1000,
    )
