"""The card of the project page that says what waits."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from app.attention import Matter
from app.components.markup import aria


def attention_card(matters: Sequence[Matter]) -> Component:
    """What waits, with links to where it is seen to."""
    entries: list[Component] = [
        html.Li(
            html.A(one.text, href=one.href) if one.href.startswith("#") else dcc.Link(one.text, href=one.href),
            className="is-pressing" if one.pressing else "",
        )
        for one in matters
    ]
    return html.Section(
        [
            html.H2("What waits", id="attention-title"),
            html.Ul(entries, className="attention-list") if entries else html.P("Nothing.", className="empty-hint"),
        ],
        className="card-panel",
        **aria(labelledby="attention-title"),
    )
