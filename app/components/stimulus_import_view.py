"""The dialogue in which a table is dropped or pasted, looked at and loaded as stimuli."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.fields import choice
from app.components.markup import aria, clientside
from app.formatting import count
from app.stimuli.importing import FoundColumns, ImportRules, SentTable, load_table, look_at_table, outcome, try_table
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError

_LARGEST_FILE = 20_000_000  # bytes; the browser holds it in memory
_ROLES = (
    ("start", "Start"),
    ("stop", "Stop"),
    ("duration", "or duration"),
    ("name", "Name"),
    ("colour", "Colour"),
)
_RULES = (
    ("stimulus-overlaps", "Periods that overlap", (("keep", "keep"), ("refuse", "refuse the table"))),
    (
        "stimulus-beyond",
        "Outside the recording",
        (("keep", "keep"), ("cut", "shorten, or leave out"), ("refuse", "refuse the table")),
    ),
    ("stimulus-invalid", "Rows that are no periods", (("refuse", "refuse the table"), ("leave-out", "leave out"))),
    ("stimulus-existing", "What is there already", (("add", "add to it"), ("replace", "replace it"))),
)


def import_dialogue() -> Component:
    """The dialogue; what it shows of a table comes with the table."""
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Import a table")),
            dbc.ModalBody(
                [
                    html.Div(
                        [
                            dcc.Upload(
                                html.Div(["Drop a CSV, TSV or Excel file, or ", html.Span("choose one")]),
                                id="stimulus-upload",
                                className="stimulus-drop",
                                max_size=_LARGEST_FILE,
                            ),
                            dcc.Textarea(
                                id="stimulus-paste",
                                placeholder="or paste cells of a spreadsheet here",
                                rows=3,
                                className="form-control",
                            ),
                        ],
                        className="stimulus-sources",
                    ),
                    html.Div(id="stimulus-source", className="muted"),
                    html.Div(id="stimulus-preview", className="stimulus-preview"),
                    html.Div(
                        [choice(f"stimulus-role-{role}", label, ()) for role, label in _ROLES],
                        className="stimulus-fields",
                    ),
                    html.Div(
                        [
                            choice(
                                "stimulus-unit",
                                "Times are",
                                (("", "choose"), ("seconds", "seconds"), ("frames", "frames, counted from 0")),
                            ),
                            *(choice(name, label, options) for name, label, options in _RULES),
                        ],
                        className="stimulus-fields",
                    ),
                    html.Div(id="stimulus-outcome", className="stimulus-outcome", **aria(live="polite")),
                ]
            ),
            dbc.ModalFooter(
                [
                    html.Div(id="stimulus-import-problem", className="form-message is-error", role="alert"),
                    dbc.Button("Load", id="stimulus-load", color="primary", disabled=True),
                ]
            ),
            dcc.Store("stimulus-table", data=None),
            dcc.Store("stimulus-pasted", data=None),
            dcc.Store("stimulus-loaded", data=None),
        ],
        id="stimulus-import",
        size="xl",
        is_open=False,
    )


def sent_table(stored: Mapping[str, Any], *, moments: bool) -> SentTable:
    """The table that the page keeps: a file that was dropped, or text that was pasted.

    Raises
    ------
    FluoriteError
        When it is no table.
    """
    if "text" in stored:
        return SentTable.of_paste(str(stored["text"]), moments=moments)
    return SentTable.of_upload(str(stored["name"]), str(stored["content"]))


def preview(found: FoundColumns) -> Component:
    """The first rows of a table."""
    return html.Table(
        [
            html.Thead(html.Tr([html.Th(name) for name in found.columns])),
            html.Tbody([html.Tr([html.Td(value) for value in row]) for row in found.first_rows]),
        ],
        className="edit-table",
    )


def rules_of(roles: Sequence[str | None], unit: str | None, choices: Sequence[Any]) -> ImportRules:
    """What the dialogue's fields say, in the order in which they stand."""
    mapping = {role: column for (role, _), column in zip(_ROLES, roles, strict=True) if column}
    if "stop" in mapping:
        mapping.pop("duration", None)
    return ImportRules(mapping, unit or None, *choices)  # type: ignore[arg-type]  # the fields have no other values


def describe(line: str, problems: Sequence[str], notes: Sequence[str]) -> Component:
    """What would come of a table."""
    return html.Div(
        [
            html.P(html.Strong(line)),
            html.Ul([html.Li(problem) for problem in problems], className="stimulus-problems"),
            html.P(" ".join(notes), className="field-hint"),
        ]
    )


def register(app: Dash) -> None:
    """Add the dialogue's callbacks."""
    clientside(
        app,
        "reloadStimuli",
        Output("stimulus-source", "title"),
        Input("stimulus-loaded", "data"),
        prevent_initial_call=True,
    )
    clientside(
        app,
        "stimulusTarget",
        Output("stimulus-import", "is_open"),
        Output("stimulus-import-target", "data"),
        Input("stimulus-import-open", "n_clicks"),
        Input("stimulus-pasted", "data"),
        Input("stimulus-loaded", "data"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("stimulus-table", "data"),
        Output("stimulus-upload", "contents"),
        Output("stimulus-paste", "value"),
        Input("stimulus-upload", "contents"),
        Input("stimulus-paste", "value"),
        Input("stimulus-pasted", "data"),
        State("stimulus-upload", "filename"),
        prevent_initial_call=True,
    )
    def take(contents: str | None, typed: str | None, pasted: Any, filename: str | None) -> tuple[Any, ...]:
        if ctx.triggered_id == "stimulus-upload" and contents:
            return {"name": filename or "", "content": contents}, None, ""
        if ctx.triggered_id == "stimulus-pasted" and pasted:
            return {"text": pasted["text"]}, no_update, pasted["text"]
        return ({"text": typed} if typed else no_update), no_update, no_update

    roles = [f"stimulus-role-{role}" for role, _ in _ROLES]

    @app.callback(
        Output("stimulus-source", "children"),
        Output("stimulus-preview", "children"),
        *(Output(name, "options") for name in roles),
        *(Output(name, "value") for name in roles),
        Output("stimulus-unit", "value"),
        Input("stimulus-table", "data"),
        State("stimulus-import-target", "data"),
        prevent_initial_call=True,
    )
    def show(stored: dict[str, Any] | None, target: dict[str, Any] | None) -> tuple[Any, ...]:
        unread = (*([[]] * len(roles)), *([""] * len(roles)), "")
        if not stored or not target:
            return ("", None, *unread)
        try:
            sent = sent_table(stored, moments=target["moments"])
            found = look_at_table(sent.read(), moments=target["moments"])
        except FluoriteError as error:
            return (html.Span(str(error), className="is-error"), None, *unread)
        options = [{"label": "\u2013", "value": ""}, *({"label": name, "value": name} for name in found.columns)]
        return (
            f"{sent.name}: {count(found.n_rows, 'row')}",
            preview(found),
            *([options] * len(roles)),
            *(found.mapping.get(role, "") for role, _ in _ROLES),
            found.unit or "",
        )

    fields = [
        *(Input(name, "value") for name in roles),
        Input("stimulus-unit", "value"),
        *(Input(name, "value") for name, _, _ in _RULES),
    ]

    @app.callback(
        Output("stimulus-outcome", "children"),
        Output("stimulus-load", "disabled"),
        *fields,
        Input("stimulus-table", "data"),
        State("stimulus-import-target", "data"),
        prevent_initial_call=True,
    )
    def try_it(*values: Any) -> tuple[Any, bool]:
        *given, stored, target = values
        if not stored or not target or not given[0]:
            return (html.P("Say which column holds the times.", className="muted") if stored else None), True
        if not given[len(roles)]:
            return html.P("Say whether the times are seconds or frames.", className="muted"), True
        workspace = current_workspace()
        try:
            rules = rules_of(given[: len(roles)], given[len(roles)], given[len(roles) + 1 :])
            table = sent_table(stored, moments=target["moments"]).read()
            sample = workspace.samples.get(target["identifier"])
            found = outcome(try_table(workspace, sample, table, target["key"], target["moments"], rules))
        except FluoriteError as error:
            return html.P(str(error), className="is-error"), True
        return describe(*found), False

    @app.callback(
        Output("stimulus-loaded", "data"),
        Output("stimulus-import-problem", "children"),
        Input("stimulus-load", "n_clicks"),
        *(State(field.component_id, "value") for field in fields),
        State("stimulus-table", "data"),
        State("stimulus-import-target", "data"),
        State("actor", "value"),
        running=[(Output("stimulus-load", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def load(clicks: int | None, *values: Any) -> tuple[Any, Any]:
        *given, stored, target, actor = values
        if not clicks or not stored or not target:
            return no_update, no_update
        workspace = current_workspace()
        try:
            said = load_table(
                workspace,
                workspace.samples.get(target["identifier"]),
                sent_table(stored, moments=target["moments"]),
                target["key"],
                target["moments"],
                rules_of(given[: len(roles)], given[len(roles)], given[len(roles) + 1 :]),
                actor=actor_of(actor),
            )
        except FluoriteError as error:
            return no_update, str(error)
        return {"said": said, "serial": clicks}, ""
