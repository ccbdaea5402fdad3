"""The project browser: samples or cells of the whole project, filtered, sorted, side by side with their values."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from app.browsing.browse import View, address, from_address
from app.browsing.version import project_version
from app.components.browse_grid import browse_grid
from app.components.browse_view import add_filter_form, head, history, switches, value_lists
from app.components.bulk_edit import bulk_edit_bar
from app.workspace import current_workspace


def layout(**query: str) -> Component:
    """The page; its address holds what is shown."""
    workspace = current_workspace()
    workspace.catalogue.refresh()
    view = View.of(workspace.catalogue, from_address(query))
    return html.Main(
        [
            dcc.Store(id="browse-state", data=view.state.to_json()),
            dcc.Store(id="browse-action"),
            dcc.Store(id="browse-changed", data=project_version(workspace)),
            dcc.Store(id="browse-lists", data=value_lists(workspace, view)),
            dcc.Store(id="browse-switches", data=switches(view)),
            dcc.Store(id="browse-address", data=address(view.state)),
            html.Div(head(workspace, view), id="browse-head"),
            add_filter_form(view),
            html.Div(id="browse-panels", className="value-panels"),
            html.Div(history(workspace, view), id="browse-history-wrap"),
            bulk_edit_bar(workspace, view),
            html.Div(browse_grid(workspace, view), id="browse-grid-wrap", className="browse-grid-wrap"),
        ],
        className="page browse-page",
    )
