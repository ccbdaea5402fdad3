"""The fields of the tuning page: those of parameters, and what is typed into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ALL, Input, State, html
from dash.development.base_component import Component

from app.components.parameter_view import control, typed
from app.parameters.form import ROWS, Reading
from app.parameters.tuning import help_of, tuned

FIELD = "tune"
"""Type of the id of every parameter's field on this page."""
FIELDS: dict[str, Any] = {"type": FIELD, "key": ALL}
TYPED: Mapping[str, Input | State] = {
    "base": State("tune-base", "data"),
    "values": State(FIELDS, "value"),
    "ids": State(FIELDS, "id"),
}
"""What a callback takes to know what is typed; `reading_of` reads it."""


def reading_of(sent: Mapping[str, Any]) -> Reading:
    """The parameters that the page shows, from the values of `TYPED`."""
    return tuned(sent["base"]["preset"], sent["base"]["texts"], typed(sent["ids"], sent["values"]))


def labelled(label: str, field: Component, kind: str = "") -> Component:
    """A field inside its label; `kind` is a class of its own width."""
    return html.Label([html.Span(label), field], className=f"tune-field {kind}".strip())


def parameter_field(key: str, texts: Mapping[str, str]) -> Component:
    """The field of ``group.name`` with its help."""
    row = ROWS[key]
    return html.Label(
        [
            html.Span([html.Strong(row.name), html.Span(f" {row.unit}" if row.unit else "", className="unit")]),
            control(row, texts[key], FIELD),
        ],
        title=help_of(key),
        className="tune-field",
    )
