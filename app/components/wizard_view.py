"""The wizard that makes a new project, one short page a step. Nothing is written before the last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.components import folder_picker
from app.components.default_fields import default_fields, default_label
from app.components.fields import field
from app.components.process_form import named
from app.home.new_project import TypedColumn, configured, create_project, place_of
from app.home.project_servers import ProjectServers
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.errors import FluoriteError

STEPS = ("Name and place", "Tags of cells", "Stimuli", "Columns of samples", "Lab defaults", "Look and make")
_KIND_STEPS = {1: ColumnKind.ROI_TAG, 2: ColumnKind.STIMULUS, 3: ColumnKind.CUSTOM}
_TEXTS = {
    ColumnKind.ROI_TAG: (
        "What do you want to say of every single cell? Each of these becomes a column that you fill in cell by cell.",
        (("cell_type", "pyramidal, interneuron"), ("region", ""), ("layer", "L1, L2/3, L4, L5, L6")),
    ),
    ColumnKind.STIMULUS: (
        "What happens for a while during a recording? Each becomes a table of periods, drawn on a time line.",
        (("odour", ""), ("grating", ""), ("running", ""), ("tone", "")),
    ),
    ColumnKind.CUSTOM: (
        "What do you want to say of a whole recording? You are asked for it whenever you add one.",
        (("drug_state", "control, drug, washout"), ("genotype_group", ""), ("stage", "")),
    ),
}


def wizard() -> Component:
    """The dialogue, closed, at its first step."""
    return html.Div(
        [
            dbc.Modal(
                [
                    dbc.ModalHeader(dbc.ModalTitle("New project")),
                    dbc.ModalBody(
                        [
                            html.Ol(step_list(0), id="wizard-steps", className="wizard-steps"),
                            *(
                                html.Div(
                                    content, id=f"wizard-step-{number}", className="wizard-step", hidden=number > 0
                                )
                                for number, content in enumerate(_contents())
                            ),
                            html.Div(id="wizard-said", role="alert", className="form-message"),
                        ]
                    ),
                    dbc.ModalFooter(
                        [
                            dbc.Button("Back", id="wizard-back", color="light", disabled=True),
                            dbc.Button("Next", id="wizard-next", color="primary"),
                        ]
                    ),
                ],
                id="wizard",
                size="lg",
                is_open=False,
                backdrop="static",
            ),
            dcc.Store(id="wizard-at", data=0),
            dcc.Store(id="wizard-columns", data=[]),
            folder_picker.folder_dialogue("place", "Choose where to make it"),
        ]
    )


def step_list(at: int) -> list[Component]:
    """The steps, with the present one marked."""
    return [
        html.Li(name, className="is-now" if number == at else "is-done" if number < at else "")
        for number, name in enumerate(STEPS)
    ]


def _contents() -> list[list[Component]]:
    return [
        [
            field(
                "wizard-name",
                "Name",
                dbc.Input(id="wizard-name", type="text", placeholder="Odours 2026", autoComplete="off", maxLength=80),
            ),
            field(
                "wizard-parent",
                "Make it in",
                dbc.Input(id="wizard-parent", type="text", className="path-input", value=str(Path.home())),
                hint="A new folder is made there. The disk needs room for your movies.",
                action=html.Button("Browse\u2026", id="place-pick", type="button", className="text-button"),
            ),
            html.P(id="wizard-place", className="muted"),
        ],
        *(_columns_step(kind) for kind in _KIND_STEPS.values()),
        [
            html.P("What most recordings of your lab have in common. It is filled in where nothing else says it."),
            html.Div(default_fields("wizard-default", {}), className="details-grid"),
        ],
        [html.Div(id="wizard-summary")],
    ]


def _columns_step(kind: ColumnKind) -> list[Component]:
    text, examples = _TEXTS[kind]
    typed = kind is not ColumnKind.STIMULUS
    return [
        html.P(text),
        html.Div(id={"type": "wizard-list", "kind": kind.value}, className="filter-chips wizard-chips"),
        html.Div(
            [
                dbc.Input(id={"type": "wizard-name", "kind": kind.value}, type="text", size="sm", placeholder="Name"),
                dbc.Select(
                    id={"type": "wizard-type", "kind": kind.value},
                    options=[one.value for one in ColumnType],
                    value=ColumnType.TEXT.value,
                    size="sm",
                    className="" if typed else "is-hidden",
                ),
                dbc.Input(
                    id={"type": "wizard-words", "kind": kind.value},
                    type="text",
                    size="sm",
                    placeholder="allowed values: a, b (optional)",
                    className="is-wide" if typed else "is-hidden",
                ),
                dbc.Button(
                    "Add", id={"type": "wizard-add", "kind": kind.value}, size="sm", color="primary", outline=True
                ),
            ],
            className="browse-form",
        ),
        html.Div(
            [
                html.Span("For example ", className="muted"),
                *(
                    html.Button(
                        name,
                        id={"type": "wizard-example", "kind": kind.value, "name": name, "words": words},
                        type="button",
                        className="text-button",
                    )
                    for name, words in examples
                ),
            ],
            className="batch-examples wizard-examples",
        ),
        html.Small("You can add, rename and hide them at any time later.", className="field-hint"),
    ]


def chips(columns: Sequence[Mapping[str, str]], kind: ColumnKind) -> list[Component]:
    """The columns of a kind so far, each with a button to take it out again."""
    return [
        html.Span(
            [
                column["name"],
                html.Span(
                    f" {column['words'] or ('' if column['type'] == ColumnType.TEXT.value else column['type'])}",
                    className="muted",
                ),
                html.Button(
                    "\u00d7",
                    id={"type": "wizard-remove", "name": column["name"], "kind": kind.value},
                    type="button",
                    title=f"Take {column['name']} out",
                ),
            ],
            className="filter-chip",
        )
        for column in columns
        if column["kind"] == kind.value
    ]


def summary(
    name: str | None, folder: str, columns: Sequence[Mapping[str, str]], defaults: Mapping[str, str | None]
) -> list[Component]:
    """What will be made."""
    rows = [("Name", name or ""), ("Folder", folder)]
    for number, kind in _KIND_STEPS.items():
        names = "; ".join(
            f"{column['name']}: {column['words']}" if column["words"] else column["name"]
            for column in columns
            if column["kind"] == kind.value
        )
        rows.append((STEPS[number], names or "none yet"))
    given = [f"{default_label(key)} {text}" for key, text in defaults.items() if (text or "").strip()]
    rows.append((STEPS[4], ", ".join(given) or "none yet"))
    return [
        html.Table(
            html.Tbody([html.Tr([html.Th(key), html.Td(value)]) for key, value in rows]), className="wizard-table"
        )
    ]


def register(app: Dash, servers: ProjectServers) -> None:
    """Add the wizard's callbacks."""
    last = len(STEPS) - 1

    @app.callback(
        Output("wizard", "is_open"),
        Input("home-new", "n_clicks"),
        prevent_initial_call=True,
    )
    def open_wizard(clicks: int | None) -> bool:
        return bool(clicks)

    @app.callback(
        Output("wizard-place", "children"),
        Input("wizard-name", "value"),
        Input("wizard-parent", "value"),
    )
    def say_place(name: str | None, parent: str | None) -> str:
        if not (name or "").strip():
            return ""
        try:
            return f"It will be {place_of(name, parent)}"
        except FluoriteError as error:
            return str(error)

    @app.callback(
        Output("wizard-columns", "data"),
        Output("wizard-said", "children", allow_duplicate=True),
        Output("wizard-said", "className", allow_duplicate=True),
        Output({"type": "wizard-name", "kind": ALL}, "value"),
        Output({"type": "wizard-words", "kind": ALL}, "value"),
        Input({"type": "wizard-add", "kind": ALL}, "n_clicks"),
        Input({"type": "wizard-name", "kind": ALL}, "n_submit"),
        Input({"type": "wizard-example", "kind": ALL, "name": ALL, "words": ALL}, "n_clicks"),
        Input({"type": "wizard-remove", "name": ALL, "kind": ALL}, "n_clicks"),
        State({"type": "wizard-name", "kind": ALL}, "id"),
        State({"type": "wizard-name", "kind": ALL}, "value"),
        State({"type": "wizard-type", "kind": ALL}, "value"),
        State({"type": "wizard-words", "kind": ALL}, "value"),
        State("wizard-columns", "data"),
        prevent_initial_call=True,
    )
    def change_columns(
        _add: Any,
        _enter: Any,
        _example: Any,
        _remove: Any,
        ids: Sequence[Mapping[str, str]],
        names: Sequence[str | None],
        types: Sequence[str],
        words: Sequence[str | None],
        columns: list[dict[str, str]],
    ) -> tuple[Any, ...]:
        asked: Any = ctx.triggered_id
        keep = [no_update] * len(ids)
        if not isinstance(asked, dict) or not ctx.triggered[0]["value"]:
            return no_update, no_update, no_update, keep, keep
        kind = asked["kind"]
        if asked["type"] == "wizard-remove":
            left = [one for one in columns if (one["kind"], one["name"]) != (kind, asked["name"])]
            return left, "", "form-message", keep, keep
        at = [one["kind"] for one in ids].index(kind)
        if asked["type"] == "wizard-example":
            # Into the fields and not at once onto the list: who likes the name may want other values.
            return (
                no_update,
                "",
                "form-message",
                [asked["name"] if number == at else no_update for number in range(len(ids))],
                [asked["words"] if number == at else no_update for number in range(len(ids))],
            )
        new = TypedColumn(kind, " ".join((names[at] or "").split()), types[at], words[at] or "")
        wanted = [*columns, asdict(new)]
        try:
            configured([TypedColumn(**one) for one in wanted], {})
        except FluoriteError as error:
            return no_update, _without_source(error), "form-message is-error", keep, keep
        empty = ["" if number == at else no_update for number in range(len(ids))]
        return wanted, "", "form-message", empty, empty

    @app.callback(
        Output({"type": "wizard-list", "kind": ALL}, "children"),
        Input("wizard-columns", "data"),
        State({"type": "wizard-list", "kind": ALL}, "id"),
    )
    def show_columns(columns: list[dict[str, str]], ids: Sequence[Mapping[str, str]]) -> list[Any]:
        return [chips(columns, ColumnKind(one["kind"])) for one in ids]

    @app.callback(
        *(Output(f"wizard-step-{number}", "hidden") for number in range(len(STEPS))),
        Output("wizard-at", "data"),
        Output("wizard-steps", "children"),
        Output("wizard-back", "disabled"),
        Output("wizard-next", "children"),
        Output("wizard-summary", "children"),
        Output("wizard-said", "children"),
        Output("wizard-said", "className"),
        Output("home-go", "data", allow_duplicate=True),
        Input("wizard-next", "n_clicks"),
        Input("wizard-back", "n_clicks"),
        State("wizard-at", "data"),
        State("wizard-name", "value"),
        State("wizard-parent", "value"),
        State("wizard-columns", "data"),
        State({"type": "wizard-name", "kind": ALL}, "value"),
        State({"type": "wizard-default", "name": ALL}, "id"),
        State({"type": "wizard-default", "name": ALL}, "value"),
        running=[(Output("wizard-next", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def go(
        _next: Any,
        _back: Any,
        at: int,
        name: str | None,
        parent: str | None,
        columns: list[dict[str, str]],
        unadded: Sequence[str | None],
        ids: Sequence[Mapping[str, str]],
        values: Sequence[str | None],
    ) -> tuple[Any, ...]:
        typed = [TypedColumn(**one) for one in columns]
        defaults = named(ids, values)
        forward = ctx.triggered_id == "wizard-next"
        said, folder = "", ""
        url: Any = no_update
        to = min(max(at + (1 if forward else -1), 0), last)
        try:
            if forward:
                folder = str(place_of(name, parent))
                configured(typed, defaults)
            if forward and at == last:
                project = create_project(name, parent, typed, defaults)
                url = servers.open(project.folder)
        except FluoriteError as error:
            said, to = str(error), at
        # The steps of columns follow the first one. Who forgets Add there would miss the column only much later.
        waiting = (unadded[at - 1] or "").strip() if 0 < at <= len(unadded) else ""
        if forward and waiting and not said:
            said, to = f"“{waiting}” is typed but not added: press Add, or empty the field.", at
        return (
            *(number != to for number in range(len(STEPS))),
            to,
            step_list(to),
            to == 0,
            "Make the project" if to == last else "Next",
            summary(name, folder, columns, defaults) if to == last and folder else no_update,
            said,
            "form-message is-error" if said else "form-message",
            url,
        )


def _without_source(error: FluoriteError) -> str:
    """The cause and the remedy: which file is meant, goes without saying before there is one."""
    return f"{error.cause[:1].upper()}{error.cause[1:]}. {error.remedy}"
