"""The parts of the browse page and their callbacks.

Whatever is pressed becomes an action (``assets/browse.js`` puts it into ``browse-action``); one callback makes the next
state of it, and everything shown follows the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from app.actor import actor_of
from app.browsing.actions import next_state
from app.browsing.browse import (
    OPERATIONS,
    BrowseState,
    View,
    address,
    as_csv,
    check_filter,
    describe_filter,
    grid_page,
    parse_state,
    value_list,
)
from app.browsing.edits import edit_cell, editable_columns
from app.components.browse_grid import grid_column
from app.components.fields import dialogue, field
from app.components.markup import aria, clientside, data
from app.formatting import count
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FilterError, FluoriteError
from nwb_schema.saved_filters import SavedFilter, save_filter, saved_filters


def head(workspace: Workspace, view: View) -> list[Component]:
    """Tabs, level, count, and the filters that are applied."""
    state = view.state
    total = workspace.catalogue.count(state.level)
    noun = "sample" if state.level == "samples" else "cell"
    try:
        left = workspace.catalogue.count(state.level, state.filters)
        counted, problem = f"{count(left, noun)} of {total:,}" if state.filters else count(left, noun), ""
    except FilterError as error:
        counted, problem = "", str(error)
    return [
        html.Div(
            [html.H1("Browse"), html.Span(counted, id="browse-count", className="muted"), _level_switch(state)],
            className="browse-title",
        ),
        html.Nav(_tabs(workspace, state), className="browse-tabs", **aria(label="Saved filters")),
        html.Div(
            [
                *(
                    html.Span(
                        [
                            describe_filter(view, column, expression),
                            html.Button(
                                "\u00d7",
                                type="button",
                                title="Take this filter away",
                                **data(browse="remove", value=str(position)),
                                **aria(label=f"Take away: {describe_filter(view, column, expression)}"),
                            ),
                        ],
                        className="filter-chip",
                        title=f"{column}={expression}",
                    )
                    for position, (column, expression) in enumerate(state.filters)
                ),
                html.Button("Clear", type="button", className="text-button", **data(browse="clear"))
                if state.filters
                else html.Span("No filters: everything is listed.", className="muted"),
            ],
            className="filter-chips",
        ),
        html.P(problem, className="form-message is-error", role="alert"),
    ]


def _level_switch(state: BrowseState) -> Component:
    return html.Div(
        [
            html.Button(
                label,
                type="button",
                className="segment",
                **data(browse="level", value=value),
                **aria(pressed="true" if state.level == value else "false"),
            )
            for value, label in (("samples", "Samples"), ("rois", "Cells"))
        ],
        className="segmented",
        role="group",
        **aria(label="What is listed"),
    )


def _tabs(workspace: Workspace, state: BrowseState) -> list[Component]:
    try:
        saved = saved_filters(workspace.project)
    except FilterError as error:
        return [html.P(str(error), className="form-message is-error")]
    tabs: list[Component] = [_tab("All", "", not state.tab)]
    for one in saved:
        tabs.append(_tab(one.name, one.name, one.name == state.tab, title=one.description or None))
    tabs.append(
        html.Button(
            "Save as tab\u2026",
            type="button",
            id="browse-save-open",
            className="text-button",
            title="Keep these filters under a name, for everybody who opens this project",
            disabled=not state.filters or not workspace.project.writable,
            **data(browse="save"),
        )
    )
    return tabs


def _tab(label: str, name: str, current: bool, title: str | None = None) -> Component:
    parts: list[Component | str] = [label]
    return html.Span(
        [
            html.Button(
                parts,
                type="button",
                className="browse-tab",
                title=title or "",
                **data(browse="tab", value=name),
                **aria(pressed="true" if current else "false"),
            ),
            html.Button(
                "\u00d7",
                type="button",
                className="tab-close",
                title=f"Forget the tab {label}; what it lists stays",
                **data(browse="forget", value=name),
                **aria(label=f"Forget the tab {label}"),
            )
            if name and current
            else None,
        ],
        className="browse-tab-wrap",
    )


def add_filter_form(view: View) -> Component:
    """Column, comparison and value: nobody has to know the modifiers, and who does can type them."""
    return html.Div(
        [
            dcc.Dropdown(
                id="browse-column",
                options=_column_options(view),
                placeholder="Filter by\u2026",
                className="browse-column",
            ),
            dbc.Select(id="browse-operation", options=[], size="sm", className="browse-operation"),
            dbc.Input(
                id="browse-value",
                type="text",
                size="sm",
                placeholder="value, or one | another",
                className="browse-value-input",
                autocomplete="off",
            ),
            dbc.Button("Add filter", id="browse-add", size="sm", color="primary"),
            html.Span(id="browse-problem", className="browse-problem", role="alert"),
            html.Div(
                [
                    _menu("Value lists", "list"),
                    _menu("Columns", "column"),
                    html.Button(
                        "CSV", type="button", id="browse-csv", className="text-button", title="All rows as CSV"
                    ),
                    html.Button(
                        "Copy link",
                        type="button",
                        className="text-button",
                        title="The address of this view, to send to somebody",
                        **data(browse="link"),
                    ),
                    dcc.Download(id="browse-download"),
                ],
                className="browse-tools",
            ),
            _save_dialogue(),
        ],
        className="browse-form",
        id="browse-form",
    )


def _column_options(view: View) -> list[dict[str, str]]:
    return [
        {"label": view.label(name), "value": name, "title": view.help(name)}
        for name, column in view.columns.items()
        if column.listed
    ]


def switches(view: View) -> dict[str, Any]:
    """What the two menus of columns offer, as ``assets/browse.js`` draws it: what is ticked, and all columns."""
    return {
        "columns": [
            [name, view.label(name), view.help(name)] for name, column in view.columns.items() if column.listed
        ],
        "list": list(view.state.lists),
        "column": list(view.state.columns),
    }


def _menu(label: str, action: str) -> Component:
    """A menu of columns to tick; the browser fills it when it is opened."""
    return html.Details(
        [html.Summary(label, className="btn btn-light btn-sm"), html.Div(className="menu-list", role="menu")],
        className="column-menu",
        **data(menu=action),
    )


def _save_dialogue() -> Component:
    return dialogue(
        "browse-save-dialogue",
        "Save as tab",
        [
            html.P("The filters are kept in the project under this name, with the order in which they were made."),
            field(
                "browse-save-name",
                "Name",
                dbc.Input(id="browse-save-name", type="text", maxLength=100, placeholder="Good cells of m1"),
            ),
            html.Div(id="browse-save-problem", className="form-message is-error", role="alert"),
        ],
        dbc.Button("Save", id="browse-save", color="primary"),
    )


def value_lists(workspace: Workspace, view: View) -> dict[str, Any]:
    """The lists of values side by side, as ``assets/browse.js`` draws them, or what is wrong with the filters.

    They are drawn by the browser itself because as components of Dash, a thousand of them, they took half a second.
    """
    try:
        return {"lists": [asdict(value_list(workspace.catalogue, view, name)) for name in view.state.lists]}
    except FilterError as error:
        return {"problem": f"{error} Take the filter away."}


def history(workspace: Workspace, view: View) -> Component | None:
    """The history of the filters as text and as code."""
    try:
        text = workspace.catalogue.history(view.state.level, view.state.filters)
        code = workspace.catalogue.code(view.state.level, view.state.filters)
    except FilterError:  # the lists say what is wrong
        return None
    return html.Details(
        [
            html.Summary("Filter history, and as Python"),
            html.Div(
                [html.Pre(text, id="browse-history"), html.Pre(code, id="browse-code")],
                className="history-columns",
            ),
        ],
        className="browse-history",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    clientside(app, "showAddress", Output("browse-head", "title"), Input("browse-address", "data"))
    clientside(
        app,
        "reloadRows",
        Output("browse-grid-wrap", "title"),
        Input("browse-state", "data"),
        prevent_initial_call=True,
    )
    clientside(app, "drawValueLists", Output("browse-panels", "title"), Input("browse-lists", "data"))
    clientside(app, "watchBrowse", Output("browse-history-wrap", "title"), Input("browse-changed", "data"))
    clientside(app, "offerColumns", Output("browse-form", "title"), Input("browse-switches", "data"))

    @app.callback(
        Output("browse-operation", "options"),
        Output("browse-operation", "value"),
        Input("browse-column", "value"),
        State("browse-state", "data"),
        prevent_initial_call=True,
    )
    def offer(column: str | None, sent: Any) -> tuple[Any, Any]:
        if not column:
            return [], None
        view = View.of(current_workspace().catalogue, parse_state(sent))
        fitting = [one for one in OPERATIONS if view.kind(column) in one.kinds]
        return [{"label": one.words, "value": one.modifier} for one in fitting], fitting[0].modifier

    @app.callback(
        Output("browse-state", "data"),
        Output("browse-problem", "children"),
        Output("browse-value", "value"),
        Input("browse-action", "data"),
        Input("browse-add", "n_clicks"),
        Input("browse-value", "n_submit"),
        State("browse-state", "data"),
        State("browse-column", "value"),
        State("browse-operation", "value"),
        State("browse-value", "value"),
        prevent_initial_call=True,
    )
    def act(
        action: Mapping[str, Any] | None,
        _clicks: Any,
        _submit: Any,
        sent: Any,
        column: str | None,
        operation: str | None,
        value: str | None,
    ) -> tuple[Any, Any, Any]:
        workspace, state = current_workspace(), parse_state(sent)
        try:
            if ctx.triggered_id == "browse-action":
                return next_state(workspace, state, action or {}).to_json(), "", no_update
            if not column:
                return no_update, "Choose a column first.", no_update
            typed = (value or "").strip()
            # Who knows the modifiers types them, whatever the menu says.
            expression = typed if typed.startswith("$") else f"{operation or ''}{typed}"
            check_filter(workspace.catalogue, View.of(workspace.catalogue, state), column, expression if typed else "")
            return state.with_filter(column, expression).to_json(), "", ""
        except FluoriteError as error:
            return no_update, str(error), no_update

    @app.callback(
        Output("browse-head", "children"),
        Output("browse-lists", "data"),
        Output("browse-history-wrap", "children"),
        Output("browse-address", "data"),
        Input("browse-state", "data"),
        Input("browse-changed", "data"),
        prevent_initial_call=True,
    )
    def show(sent: Any, _version: str | None) -> tuple[Any, ...]:
        workspace = current_workspace()
        state = parse_state(sent)
        view = View.of(workspace.catalogue, state)
        return head(workspace, view), value_lists(workspace, view), history(workspace, view), address(state)

    # Apart from the above: a filter changes no columns, and the table would take its columns as new ones.
    @app.callback(
        Output("browse-switches", "data"),
        Output("browse-grid", "columnDefs"),
        Output("browse-column", "options"),
        Output("bulk-column", "options"),
        Output("bulk-column", "value"),
        Output("bulk-bar", "hidden"),
        Input("browse-state", "data"),
        Input("browse-changed", "data"),
        State("browse-switches", "data"),
        State("bulk-column", "value"),
        prevent_initial_call=True,
    )
    def show_columns(sent: Any, _version: str | None, before: Any, bulk: str | None) -> tuple[Any, ...]:
        workspace = current_workspace()
        view = View.of(workspace.catalogue, parse_state(sent))
        now = switches(view)
        if now == before:
            raise PreventUpdate
        editable = editable_columns(workspace, view)
        return (
            now,
            [grid_column(view, name, editable=name in editable) for name in view.state.columns],
            _column_options(view),
            [{"label": view.label(name), "value": name} for name in editable],
            bulk if bulk in editable else next(iter(editable), None),
            not editable,
        )

    @app.callback(
        Output("browse-grid", "getRowsResponse"),
        Input("browse-grid", "getRowsRequest"),
        State("browse-state", "data"),
        prevent_initial_call=True,
    )
    def rows(request: Mapping[str, Any] | None, sent: Any) -> Any:
        if request is None:
            return no_update
        workspace = current_workspace()
        try:
            return grid_page(workspace.catalogue, View.of(workspace.catalogue, parse_state(sent)), request)
        except FilterError:  # the head of the page says what is wrong
            return {"rowData": [], "rowCount": 0}

    @app.callback(
        Output("browse-download", "data"),
        Input("browse-csv", "n_clicks"),
        State("browse-state", "data"),
        State("browse-grid", "getRowsRequest"),
        prevent_initial_call=True,
    )
    def download(_clicks: Any, sent: Any, request: Mapping[str, Any] | None) -> Any:
        workspace = current_workspace()
        view = View.of(workspace.catalogue, parse_state(sent))
        try:
            content = as_csv(workspace.catalogue, view, request or {})
        except FilterError:  # the head of the page says what is wrong
            return no_update
        return {"content": content, "filename": f"{view.state.level}.csv", "type": "text/csv"}

    @app.callback(
        Output("browse-save-dialogue", "is_open"),
        Output("browse-save-problem", "children"),
        Output("browse-action", "data"),
        Input("browse-save", "n_clicks"),
        Input("browse-save-name", "n_submit"),
        State("browse-save-name", "value"),
        State("browse-state", "data"),
        prevent_initial_call=True,
    )
    def save(_saved: Any, _submitted: Any, name: str | None, sent: Any) -> tuple[Any, Any, Any]:
        state, given = parse_state(sent), " ".join((name or "").split())
        try:
            save_filter(current_workspace().project, SavedFilter(given, state.level, state.filters))
        except FluoriteError as error:
            return no_update, str(error), no_update
        return False, "", {"action": "tab", "value": given}

    @app.callback(
        Output("bulk-said", "children"),
        Input("browse-grid", "cellValueChanged"),
        State("browse-state", "data"),
        State("actor", "value"),
        prevent_initial_call=True,
    )
    def edit(changed: Sequence[Mapping[str, Any]] | None, sent: Any, actor: str | None) -> Any:
        if not changed:
            return no_update
        workspace = current_workspace()
        view = View.of(workspace.catalogue, parse_state(sent))
        try:
            return [edit_cell(workspace, view, one, actor=actor_of(actor)) for one in changed][-1]
        except FluoriteError as error:
            return html.Span(str(error), className="is-error", **data(failed="true"))
