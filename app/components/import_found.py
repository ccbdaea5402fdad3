"""What the page for results of other programs says of what was found, and the button that imports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_ag_grid as dag
import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from app.adding.import_request import (
    cells_words,
    movie_words,
    program_words,
    recording_words,
    sample_words,
    summary,
)
from app.components.grid_theme import choosing
from app.components.markup import aria


def import_result() -> Component:
    """What was found, and the button; empty until something was chosen."""
    return html.Section(
        [
            html.Div(
                [
                    html.H2("What was found", id="import-found-title"),
                    html.Span(id="import-progress", className="muted", role="status"),
                ],
                className="card-head",
            ),
            html.Div(found_view(None), id="import-found", **aria(live="polite")),
            html.Div(
                dag.AgGrid(
                    id="import-grid",
                    rowData=[],
                    columnDefs=[
                        {"field": "name", "headerName": "Results", "flex": 4, "minWidth": 150, "tooltipField": "name"},
                        {"field": "program", "headerName": "Made by", "width": 130},
                        {"field": "cells", "headerName": "Cells", "width": 96, "type": "rightAligned"},
                        {
                            "field": "fate",
                            "headerName": "Becomes, or why not",
                            "flex": 7,
                            "minWidth": 220,
                            "wrapText": True,
                            "autoHeight": True,
                            "cellClass": "is-wrapped",
                        },
                    ],
                    defaultColDef={"sortable": True, "resizable": True},
                    getRowId="params.data.results",
                    dashGridOptions=choosing(
                        "params.data.state === 'ready'", {"is-refused": "params.data.state === 'refused'"}
                    ),
                    className="fluorite-grid",
                    style={"height": None},
                ),
                id="import-table",
                hidden=True,
            ),
            html.Div(
                [
                    dbc.Button("Import", id="import-start", color="primary", disabled=True),
                    html.Span(id="import-said", role="status"),
                ],
                id="import-foot",
                className="browse-form import-foot",
                hidden=True,
            ),
        ],
        className="card-panel",
        **aria(labelledby="import-found-title"),
    )


def found_view(plan: Mapping[str, Any] | None) -> list[Component]:
    """What was found: of one result all that is known, of several how many."""
    if plan is None:
        return [
            html.Div(
                [
                    html.P("Choose results first.", className="empty-title"),
                    html.P("You see what is in them before anything is made. Your files are only read."),
                ],
                className="empty-hint is-large",
            )
        ]
    rows = plan["rows"]
    if len(rows) != 1:
        problem = html.P(plan["problem"], className="form-message is-error") if plan["problem"] else None
        return [problem or html.P(summary(rows), className="muted")]
    return _one(rows[0], plan["movie"])


def _one(one: Mapping[str, Any], typed_movie: str) -> list[Component]:
    facts = one["facts"]
    parts: list[Component] = []
    if facts is not None:
        lines = [
            ("Made by", program_words(facts)),
            ("Cells", cells_words(facts)),
            ("Recording", recording_words(facts)),
            ("Movie", movie_words(one, typed_movie)),
            ("Becomes", sample_words(one["sample"]) if not one["problem"] else ""),
        ]
        parts.append(
            html.Dl(
                [part for name, text in lines if text for part in (html.Dt(name), html.Dd(text))], className="facts"
            )
        )
    if one["lacks_movie"]:
        parts.append(html.P("They have no traces: choose the movie to read them from.", className="import-asks"))
    elif one["lacks_rate"]:
        parts.append(html.P("How fast was it recorded? Type it into the field Frame rate.", className="import-asks"))
    elif one["problem"]:
        parts.append(html.P(one["problem"], className="form-message is-error"))
    if facts is not None and facts["notes"]:
        parts.append(
            html.Details(
                [html.Summary("What to know of them"), html.Ul([html.Li(note) for note in facts["notes"]])],
                className="form-fold import-notes",
            )
        )
    return parts


def plan_rows(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The table of several results."""
    return [
        {
            **{key: one[key] for key in ("results", "name", "state")},
            "program": program_words(one["facts"]) if one["facts"] else "",
            "cells": _cells(one["facts"]),
            "fate": _without_path(one["problem"], one["results"]) or sample_words(one["sample"]),
        }
        for one in rows
    ]


def _without_path(problem: str, results: str) -> str:
    """A problem beside the results' name: it need not begin with their path."""
    cause = problem.removeprefix(f"{results}: ")
    return f"{cause[:1].upper()}{cause[1:]}"


def _cells(facts: Mapping[str, Any] | None) -> str:
    if facts is None:
        return ""
    return f"{facts['n_rois'] if facts['n_accepted'] is None else facts['n_accepted']:,}"
