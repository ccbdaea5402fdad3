"""The page's parts for the stimuli of a sample: time line, names, table. ``assets/stimuli.js`` brings them to life."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.fields import dialogue, field
from app.components.grid_theme import THEME
from app.components.markup import aria, clientside, data
from app.stimuli.edits import add_stimulus_type
from app.stimuli.rows import table_id
from app.workspace import current_workspace
from nwb_schema.errors import FluoriteError


def stimulus_editor(state: dict[str, Any] | None) -> list[Component | None]:
    """Time line and table; `state` is what `app.stimuli.rows.stimulus_state` says, None for an empty page."""
    refused = state["refused"] if state else None
    return [
        dcc.Store("stimulus-config", data=state),
        html.P(refused, className="notice") if refused else None,
        html.Section([*_type_bar(), *_timeline()], className="card-panel stimulus-card", **aria(label="Time line")),
        html.Section(
            [*_table_bar(), _grid(), html.Ul(id="stimulus-problems", className="stimulus-problems")],
            className="card-panel stimulus-card",
            **aria(label="Table of the stimuli"),
        ),
        _type_dialogue(),
        dcc.Store("stimulus-type-done", data=None),
    ]


def _type_bar() -> list[Component]:
    return [
        html.Div(
            [
                html.Div(id="stimulus-types", className="segmented", role="group", **aria(label="Stimulus type")),
                html.Button("+ New type", type="button", id="stimulus-type-open", className="text-button"),
                html.Div(
                    [
                        _segment("kind", "periods", "Periods", "Each has a start and a stop"),
                        _segment("kind", "moments", "Moments", "Each has one time: a lick, a reward, a pulse"),
                    ],
                    className="segmented is-small",
                    role="group",
                    **aria(label="Periods or moments"),
                ),
                html.Div(
                    [
                        _segment("unit", "seconds", "Seconds", "Show and type times in seconds"),
                        _segment("unit", "frames", "Frames", "Show and type times in frames, counted from 0"),
                    ],
                    className="segmented is-small",
                    role="group",
                    **aria(label="Unit of the times"),
                ),
                html.Div(
                    [
                        _button("undo", "Undo", "Take back the last edit of this sample (Z)", "Z"),
                        _button("redo", "Redo", "Do again what was undone (Shift+Z)", "\u21e7Z"),
                    ],
                    className="curation-group",
                ),
                html.Span(id="stimulus-status", className="curation-status", role="status"),
            ],
            className="curation-row",
        ),
        html.Div(id="stimulus-note", className="curation-note", hidden=True, role="alert"),
    ]


def _timeline() -> list[Component]:
    return [
        html.Div(id="stimulus-timeline", className="stimulus-timeline"),
        html.Div(
            [
                html.Div(id="stimulus-names", className="stimulus-names", role="group", **aria(label="Names")),
                html.Span(id="stimulus-hint", className="field-hint"),
                html.Div(
                    [
                        _button("zoom-out", "\u2212", "Zoom out (\u2212)"),
                        _button("zoom-in", "+", "Zoom in (+, or the wheel with the control key)"),
                        _button("zoom-fit", "Fit", "The whole recording; once more, also what lies beyond (0)"),
                    ],
                    className="curation-group",
                ),
            ],
            className="curation-row stimulus-below",
        ),
    ]


def _table_bar() -> list[Component]:
    return [
        html.Div(
            [
                html.H2(id="stimulus-title"),
                html.Span(id="stimulus-count", className="muted"),
                html.Div(
                    [
                        _button("add", "Add row", "Add one after the last (N)", "N"),
                        _button("remove", "Delete rows", "Delete the selected rows (Delete)", "Del"),
                    ],
                    className="curation-group",
                ),
                html.Div(
                    [
                        html.Button(
                            "Import or paste",
                            id="stimulus-import-open",
                            className="curation-button",
                            type="button",
                            title="A CSV, TSV or Excel file, or cells of a spreadsheet",
                        ),
                        html.Button(
                            "Copy to samples",
                            id="stimulus-copy-open",
                            className="curation-button",
                            type="button",
                            title="Put this table into other samples of the project",
                        ),
                    ],
                    className="curation-group",
                ),
            ],
            className="curation-row",
        ),
    ]


def _grid() -> Component:
    """The table; its columns and rows come from the script, which has the truth of the page."""
    return dag.AgGrid(
        id="stimulus-grid",
        rowData=[],
        columnDefs=[],
        defaultColDef={"sortable": True, "resizable": True, "minWidth": 80, "flex": 1},
        getRowId="'' + params.data.id",
        dashGridOptions={
            "theme": THEME,
            "rowSelection": {"mode": "multiRow", "checkboxes": True, "headerCheckbox": True},
            "selectionColumnDef": {"width": 44, "maxWidth": 44, "pinned": "left"},
            "rowHeight": 32,
            "headerHeight": 36,
            "animateRows": False,
            "suppressColumnMoveAnimation": True,
            "suppressFieldDotNotation": True,
            "stopEditingWhenCellsLoseFocus": True,
            # A text of the grid's language and no overlay of our own: that would be a string to evaluate.
            "localeText": {
                "noRowsToShow": "Nothing yet: drag in the lane above, add a row, or import or paste a table."
            },
        },
        className="fluorite-grid",
        style={"height": "max(280px, calc(100vh - 560px))", "width": "100%"},
    )


def _button(action: str, label: str, title: str, key: str = "") -> Component:
    children: list[Any] = [label, html.Kbd(key, **aria(hidden="true"))] if key else [label]
    return html.Button(children, type="button", className="curation-button", title=title, **data(stimulus=action))


def _segment(action: str, value: str, label: str, title: str) -> Component:
    return html.Button(
        label,
        type="button",
        className="segment",
        title=title,
        **data(stimulus=action, value=value),
        **aria(pressed="false"),
    )


def _type_dialogue() -> Component:
    return dialogue(
        "stimulus-type-dialogue",
        "New stimulus type",
        [
            html.P("A stimulus type is a table of its own in every sample of this project."),
            field(
                "stimulus-type-name",
                "Name",
                dbc.Input(id="stimulus-type-name", type="text", placeholder="orientation", maxLength=60),
            ),
            field(
                "stimulus-type-vocabulary",
                "Allowed names (optional)",
                dbc.Input(id="stimulus-type-vocabulary", type="text", placeholder="left, right, blank"),
                "Separated by commas. Empty: any name.",
            ),
            html.Div(id="stimulus-type-problem", className="form-message is-error", role="alert"),
        ],
        dbc.Button("Add", id="stimulus-type-add", color="primary"),
    )


def register(app: Dash) -> None:
    """Add the callbacks of time line and table."""
    clientside(app, "mountStimuli", Output("stimulus-timeline", "title"), Input("stimulus-config", "data"))
    clientside(
        app,
        "reloadStimuli",
        Output("stimulus-title", "title"),
        Input("stimulus-type-done", "data"),
        prevent_initial_call=True,
    )
    clientside(
        app,
        "selectStimuli",
        Output("stimulus-count", "title"),
        Input("stimulus-grid", "selectedRows"),
        prevent_initial_call=True,
    )

    @app.callback(
        Output("stimulus-type-dialogue", "is_open"),
        Output("stimulus-type-problem", "children"),
        Output("stimulus-type-done", "data"),
        Output("stimulus-type-name", "value"),
        Input("stimulus-type-open", "n_clicks"),
        prevent_initial_call=True,
    )
    def open_dialogue(clicks: int | None) -> tuple[Any, ...]:
        return bool(clicks), "", no_update, ""

    @app.callback(
        Output("stimulus-type-dialogue", "is_open", allow_duplicate=True),
        Output("stimulus-type-problem", "children", allow_duplicate=True),
        Output("stimulus-type-done", "data", allow_duplicate=True),
        Input("stimulus-type-add", "n_clicks"),
        State("stimulus-type-name", "value"),
        State("stimulus-type-vocabulary", "value"),
        prevent_initial_call=True,
    )
    def add(clicks: int | None, name: str | None, vocabulary: str | None) -> tuple[Any, ...]:
        if not clicks:
            return no_update, no_update, no_update
        try:
            column = add_stimulus_type(current_workspace(), name, vocabulary)
        except FluoriteError as error:
            return True, str(error), no_update
        return False, "", {"show": table_id(column.key, False), "serial": clicks}
