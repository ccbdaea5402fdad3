"""A control with its label: how every form and dialogue shows what can be filled in."""

from __future__ import annotations

from collections.abc import Sequence

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component


def field(
    control_id: str, label: str, control: Component, hint: str | None = None, action: Component | None = None
) -> Component:
    """A control with its label above and a hint below."""
    head: list[Component] = [html.Label(label, htmlFor=control_id)]
    if action is not None:
        head.append(action)
    parts: list[Component] = [html.Div(head, className="field-head"), control]
    if hint is not None:
        parts.append(html.Small(hint, className="field-hint"))
    return html.Div(parts, className="field")


def labelled(label: str, control: Component, title: str = "") -> Component:
    """A control inside its label: for ids that are no plain text, which a label cannot name."""
    return html.Label([html.Span(label), control], className="field-labelled", title=title or None)


def choice(control_id: str, label: str, options: Sequence[tuple[str, str]]) -> Component:
    """A menu of ``(value, text)``, with the first of them chosen."""
    return field(
        control_id,
        label,
        dbc.Select(
            id=control_id,
            options=[{"label": text, "value": value} for value, text in options],
            value=options[0][0] if options else "",
            # What stands for an empty value; the option itself is not shown then.
            placeholder=dict(options).get("", "\u2013"),
            size="sm",
        ),
    )


def dialogue(dialogue_id: str, title: str, body: Sequence[Component], button: Component, size: str = "") -> Component:
    """A window over the page with one button at its end, closed until somebody opens it."""
    return dbc.Modal(
        [dbc.ModalHeader(dbc.ModalTitle(title)), dbc.ModalBody(list(body)), dbc.ModalFooter(button)],
        id=dialogue_id,
        size=size or None,
        is_open=False,
    )
