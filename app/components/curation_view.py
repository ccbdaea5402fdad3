"""The bar above the table of cells: decide, tag, undo, and what is shown. ``assets/curation.js`` brings it to life."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.components.fields import choice, dialogue, field
from app.components.markup import aria, clientside, data
from app.configuration_changes import new_column
from app.samples.curation import editable, tag_columns, thresholds, version_in_file
from app.samples.roi_rows import tag_field
from app.samples.store import SampleData
from app.workspace import Workspace, current_workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.errors import FluoriteError

# Which cells the table lists: value and label.
_SHOWN = (
    ("all", "All cells"),
    ("undecided", "Undecided"),
    ("accepted", "Accepted"),
    ("rejected", "Rejected"),
)
_TYPES = (
    (ColumnType.TEXT.value, "texts"),
    (ColumnType.YES_NO.value, "yes or no"),
    (ColumnType.INTEGER.value, "whole numbers"),
    (ColumnType.DECIMAL.value, "numbers"),
)


def curation_config(workspace: Workspace, sample: SampleData) -> dict[str, Any]:
    """What the script needs to know."""
    return {
        "identifier": sample.name,
        "version": version_in_file(sample),
        "refused": editable(workspace, sample),
        "columns": [_column(column) for column in tag_columns(workspace)],
        # Shapes are drawn on frames; a volume has none.
        "flat": bool(sample.summary.height and sample.summary.width and not sample.summary.depth),
        "volume": bool(sample.summary.depth),
        "thresholds": thresholds(sample),
    }


def _column(column: ColumnDefinition) -> dict[str, Any]:
    values = ["yes", "no"] if column.type is ColumnType.YES_NO else list(column.vocabulary)
    return {
        "key": column.key,
        "field": tag_field(column),
        "name": column.name,
        "type": column.type.value,
        "values": values,
        "closed": bool(values),
        "replacement": column.replacement,
    }


def curation_bar(config: dict[str, Any] | None) -> Component:
    """The bar; without a sample, an empty one."""
    if config is None:  # Dash only asks which ids the page has
        config = {"refused": None, "columns": []}
    refused = config["refused"]
    return html.Div(
        [
            dcc.Store("curation-config", data=config if "version" in config else None),
            html.P(refused, className="notice") if refused else None,
            html.Div(
                [
                    html.Div(
                        [
                            _button("accept", "Accept", "A", "Accept the selected cells (A)", "is-accept"),
                            _button("reject", "Reject", "R", "Reject the selected cells (R)", "is-reject"),
                            _button("delete", "Delete", "Del", "Mark the selected cells deleted (Delete)"),
                        ],
                        className="curation-group",
                    ),
                    html.Div(
                        [
                            _button("undo", "Undo", "Z", "Take back the last edit of this sample (Z)"),
                            _button("redo", "Redo", "\u21e7Z", "Do again what was undone (Shift+Z)"),
                        ],
                        className="curation-group",
                    ),
                    html.Span(id="curation-progress", className="curation-progress muted"),
                    html.Span(id="curation-status", className="curation-status", role="status"),
                ],
                className="curation-row",
                hidden=bool(refused),
            ),
            html.Div(_tag_controls(config["columns"]), className="curation-row curation-tags", hidden=bool(refused)),
            html.Details(
                [
                    html.Summary("Evaluate by other thresholds"),
                    html.Div(id="threshold-controls", className="threshold-controls"),
                ],
                className="thresholds",
                hidden=bool(refused) or not config.get("thresholds"),
            ),
            html.Div(id="curation-note", className="curation-note", hidden=True, role="alert"),
            html.Div(
                [
                    _labelled(
                        "Search cells", dbc.Input(id="roi-search", type="search", placeholder="Search cells", size="sm")
                    ),
                    html.Div(
                        [
                            html.Button(
                                label,
                                type="button",
                                className="segment",
                                **data(curate="show", value=value),
                                **aria(pressed="true" if value == "all" else "false"),
                            )
                            for value, label in _SHOWN
                        ],
                        className="segmented is-small",
                        role="group",
                        **aria(label="Which cells are listed"),
                    ),
                    html.Button(
                        "Deleted",
                        type="button",
                        className="segment is-alone",
                        title="List deleted cells, too",
                        **data(curate="deleted"),
                        **aria(pressed="false"),
                    ),
                    html.Button("Shortcuts", type="button", className="text-button", title="?", **data(curate="help")),
                ],
                className="curation-row",
            ),
        ],
        id="curation",
        className="curation",
    )


def _button(action: str, label: str, key: str, title: str, kind: str = "") -> Component:
    return html.Button(
        [label, html.Kbd(key, **aria(hidden="true"))],
        type="button",
        className=f"curation-button {kind}".strip(),
        title=title,
        **data(curate=action),
    )


def _labelled(label: str, field: Component) -> Component:
    """A field whose label only screen readers need."""
    return html.Label([html.Span(label, className="visually-hidden"), field], className="bare-label")


def _tag_controls(columns: Sequence[dict[str, Any]]) -> list[Component]:
    add = html.Button(
        "+ Tag column",
        type="button",
        id="tag-column-open",
        className="text-button",
        title="Add a tag column to this project: what you want to note of every cell, such as cell type",
    )
    if not columns:
        return [html.Span("No tag columns yet.", className="muted"), add]
    return [
        html.Span("Tag", className="control-name"),
        html.Div(id="tag-columns", className="segmented", role="group", **aria(label="Tag column (C: the next one)")),
        html.Div(id="tag-values", className="tag-values", role="group", **aria(label="Value for the selected cells")),
        _labelled(
            "Another value for the selected cells",
            dbc.Input(
                id="tag-value", type="text", size="sm", placeholder="other value (T)", maxLength=200, autocomplete="off"
            ),
        ),
        add,
    ]


SHORTCUTS = (
    ("Cells", (
        ("J, N, \u2193", "next cell of the list"),
        ("K, P, \u2191", "previous cell"),
        ("Shift+J / Shift+K", "add the next / previous cell to the selection"),
        ("Ctrl+A", "select all cells that are listed"),
        ("Esc", "select none"),
    )),
    ("Decide", (
        ("A", "accept, and go to the next cell"),
        ("R", "reject, and go to the next cell"),
        ("Del, X", "mark deleted"),
        ("1 \u2026 9", "give the value of that number in the tag column"),
        ("C", "next tag column"),
        ("T", "type a value"),
        ("Z / Shift+Z", "undo / redo, without end"),
    )),
    ("New cells", (
        ("D, E, F", "draw a polygon, an ellipse, free-hand"),
        ("Enter", "close what is drawn; again: save it"),
        ("Esc", "discard what is drawn; again: stop drawing"),
        ("M", "merge the selected cells"),
        ("S", "split the selected cell"),
        ("L", "draw a line that cuts it"),
    )),
    ("Movie", (
        ("Space", "play or pause"),
        ("\u2190 \u2192", "one frame; with Shift ten"),
        ("B", "play at the best event of the cell"),
        ("Home / End", "first / last frame"),
        ("+ / \u2212 / 0", "zoom in / out / whole image"),
        ("U", "measure a distance in the image"),
        (", / .", "previous / next plane of a volume"),
    )),
    ("Here", (("?", "this sheet"),)),
)  # fmt: skip
"""What the keyboard does, as ``assets/keys.js`` has it."""


def curation_dialogues() -> list[Component]:
    """What the bar opens."""
    return [_shortcut_sheet(), _column_dialogue(), dcc.Store("tag-column-done", data=None)]


def _shortcut_sheet() -> Component:
    return dbc.Modal(
        [
            dbc.ModalHeader(dbc.ModalTitle("Keyboard")),
            dbc.ModalBody(
                [
                    html.Section(
                        [
                            html.H3(title),
                            html.Dl(
                                [
                                    part
                                    for keys, meaning in entries
                                    for part in (html.Dt(html.Kbd(keys)), html.Dd(meaning))
                                ]
                            ),
                        ]
                    )
                    for title, entries in SHORTCUTS
                ],
                className="shortcut-columns",
            ),
        ],
        id="shortcuts",
        size="lg",
        is_open=False,
    )


def _column_dialogue() -> Component:
    return dialogue(
        "tag-column-dialogue",
        "New tag column",
        [
            html.P("A tag column holds one value for every cell, in all samples of this project."),
            field(
                "tag-column-name",
                "Name",
                dbc.Input(id="tag-column-name", type="text", placeholder="cell_type", maxLength=60),
            ),
            choice("tag-column-type", "Values", _TYPES),
            field(
                "tag-column-vocabulary",
                "Allowed values (optional)",
                dbc.Input(id="tag-column-vocabulary", type="text", placeholder="neuron, astrocyte, unsure"),
                "Separated by commas. The keys 1 to 9 give them in this order.",
            ),
            html.Div(id="tag-column-problem", className="form-message is-error", role="alert"),
        ],
        dbc.Button("Add", id="tag-column-add", color="primary"),
    )


def register(app: Dash) -> None:
    """Add the bar's callbacks."""
    clientside(app, "mountCuration", Output("curation", "title"), Input("curation-config", "data"))
    clientside(app, "reloadPage", Output("tag-column-problem", "title"), Input("tag-column-done", "data"))

    @app.callback(
        Output("tag-column-dialogue", "is_open"),
        Input("tag-column-open", "n_clicks"),
        prevent_initial_call=True,
    )
    def open_dialogue(clicks: int | None) -> bool:
        return bool(clicks)

    @app.callback(
        Output("tag-column-done", "data"),
        Output("tag-column-problem", "children"),
        Input("tag-column-add", "n_clicks"),
        State("tag-column-name", "value"),
        State("tag-column-type", "value"),
        State("tag-column-vocabulary", "value"),
        prevent_initial_call=True,
    )
    def add(clicks: int | None, name: str | None, type_: str, vocabulary: str | None) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        try:
            new_column(current_workspace().project, ColumnKind.ROI_TAG, name, type_, vocabulary)
        except FluoriteError as error:
            return no_update, str(error)
        return clicks, ""
