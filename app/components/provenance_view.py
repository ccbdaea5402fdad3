"""Where a sample comes from: engine, parameters, input, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from app.components.markup import aria
from app.formatting import ABSENT, duration, frame_size, moment, number
from nwb_schema.reader import SampleSummary


def recording_facts(summary: SampleSummary) -> list[tuple[str, str | None]]:
    """What was recorded."""
    size = f"{frame_size(summary.height, summary.width)} (height first)" if summary.height and summary.width else None
    return [
        ("Subject", summary.subject_id),
        ("Session", summary.session_id),
        ("Start", moment(summary.session_start_time)),
        ("Description", summary.session_description),
        ("Frame", size),
        ("Frames", f"{summary.n_frames:,} at {number(summary.rate_hz)} Hz" if summary.n_frames else None),
        ("Indicator", summary.indicator),
        ("Location", summary.location),
        ("File", summary.path.name),
        ("Identifier", summary.identifier),
    ]


def processing_facts(summary: SampleSummary, provenance: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """What made the cells out of it."""
    seconds = provenance.get("seconds")
    total = sum(seconds.values()) if isinstance(seconds, Mapping) and seconds else None
    return [
        ("Engine", " ".join(part for part in (summary.engine, summary.engine_version) if part) or None),
        ("Fluorite", _text(provenance.get("fluorite_version"))),
        ("Evaluated", "yes" if summary.evaluated else "no: nothing was rejected, nothing was looked at"),
        ("Took", duration(total) if total is not None else None),
        ("Input", _text(provenance.get("input_files"))),
        ("Input SHA-256", summary.input_sha256),
        ("Parameters SHA-256", summary.parameters_sha256),
        ("Recordings begin at frame", _text(provenance.get("boundaries"))),
        ("Job", _text(provenance.get("job_id"))),
    ]


def provenance_card(summary: SampleSummary, provenance: Mapping[str, Any]) -> Component:
    """Recording, processing, notes and parameters."""
    notes = list(summary.notes)
    return html.Section(
        [
            html.H2("Where this comes from", id="provenance-title"),
            html.Div(
                [
                    html.Div([html.H3("Recording"), _facts(recording_facts(summary))]),
                    html.Div([html.H3("Processing"), _facts(processing_facts(summary, provenance))]),
                ],
                className="fact-columns",
            ),
            html.Div([html.H3("Notes"), html.Ul([html.Li(note) for note in notes])]) if notes else None,
            _parameters(provenance.get("parameters")),
        ],
        className="card-panel",
        **aria(labelledby="provenance-title"),
    )


def _facts(facts: Sequence[tuple[str, str | None]]) -> Component:
    rows: list[Component] = []
    for name, value in facts:
        if value and value != ABSENT:
            rows += [
                html.Dt(name, title=_HELP.get(name)),
                html.Dd(value, className="is-code" if "SHA" in name or name in _CODE else None),
            ]
    return html.Dl(rows, className="facts")


_HELP = {"Evaluated": "Whether the found cells were judged by SNR, r and size, and bad ones rejected"}
_CODE = ("Identifier", "Job", "File", "Input")


def _parameters(parameters: Any) -> Component | None:
    if not isinstance(parameters, Mapping) or not parameters:
        return None
    groups = {name: values for name, values in parameters.items() if isinstance(values, Mapping)}
    single = {name: value for name, value in parameters.items() if name not in groups}
    if single:
        groups["other"] = single
    return html.Details(
        [
            html.Summary("Parameters"),
            html.Div(
                [
                    html.Div(
                        [html.H4(group), _facts([(name, _text(value) or "none") for name, value in values.items()])]
                    )
                    for group, values in groups.items()
                ],
                className="parameter-groups",
            ),
        ],
        id="parameters",
    )


def _text(value: Any) -> str | None:
    if value is None or value == "" or value == []:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(item) or "none" for item in value)
    return str(value)
