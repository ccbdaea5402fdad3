"""The card of the project page that says what waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria
from app.home.attention import Matter, matters
from app.workspace import current_workspace


def attention_card(waiting: Sequence[Matter]) -> Component:
    """What waits, with links to where it is seen to."""
    return html.Section(
        [
            html.H2("What waits", id="attention-title"),
            html.Div(attention_list(waiting), id="attention"),
            dcc.Store(id="attention-of", data=""),
        ],
        className="card-panel",
        **aria(labelledby="attention-title"),
    )


def attention_list(waiting: Sequence[Matter]) -> Component:
    """One entry a matter."""
    entries: list[Component] = [
        html.Li(
            html.A(one.text, href=one.href) if one.href.startswith("#") else dcc.Link(one.text, href=one.href),
            className="is-pressing" if one.pressing else "",
        )
        for one in waiting
    ]
    return html.Ul(entries, className="attention-list") if entries else html.P("Nothing.", className="empty-hint")


def register(app: Dash) -> None:
    """Look anew at what waits whenever a job ended: a sample more, or a failure more."""

    @app.callback(
        Output("attention", "children"),
        Output("attention-of", "data"),
        Input("jobs-state", "data"),
        State("attention-of", "data"),
        prevent_initial_call=True,
    )
    def refresh(jobs: Sequence[Mapping[str, Any]], seen: str) -> tuple[Any, Any]:
        # A running job says several times a second how far it is, which changes nothing here.
        ended = " ".join(f"{job['id']}:{job['state']}" for job in jobs if not job["active"])
        if ended == seen:
            return no_update, no_update
        catalogue = current_workspace().catalogue
        catalogue.refresh()
        return attention_list(matters(catalogue, jobs)), ended
