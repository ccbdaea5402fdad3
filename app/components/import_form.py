"""The form of the page for results of other programs: which ones, their movie, and what is known of the recording."""

from __future__ import annotations

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from app.components.fields import field
from app.components.markup import aria
from app.components.recording_fields import (
    READING_FIELDS,
    custom_fields,
    session_fields,
    subject_fields,
    subject_suggestions,
)
from app.field_names import RAW_LABEL
from app.workspace import Workspace

_KINDS = (
    ("CaImAn", "its HDF5 file (CNMF.save)"),
    ("Suite2p", "its folder, or Fall.mat"),
    ("mesmerize-core", "the batch folder"),
    ("ImageJ, masks", ".roi, RoiSet.zip, .npy, .npz, .json"),
)


def import_form(workspace: Workspace) -> Component:
    """Which results, their movie, and what is known of the recording."""
    return html.Section(
        [
            html.H2("Which results", id="import-title"),
            field(
                "import-results",
                "Results",
                _path("import-results", "/data/mouse1/suite2p"),
                action=_button("import-results-pick"),
            ),
            html.Dl(
                [part for name, what in _KINDS for part in (html.Dt(name), html.Dd(what))], className="import-kinds"
            ),
            html.H2("Their movie"),
            field(
                "import-movie",
                "Movie",
                _path("import-movie", "what lies beside the results"),
                "Motion-corrected, with the very frames that the cells were found in.",
                action=_button("import-movie-pick"),
            ),
            html.Div(
                dbc.Switch(id="import-raw", label=RAW_LABEL, value=False), id="import-raw-field", className="is-hidden"
            ),
            html.Div(
                field(
                    "import-neuropil",
                    "Neuropil to take off",
                    _text("import-neuropil", "none"),
                    "The share of what surrounds each ROI; 0.7 is usual.",
                ),
                id="import-neuropil-field",
                className="is-hidden",
            ),
            html.H2("The recording"),
            html.Div(
                [
                    field("import-subject", "Subject", _text("import-subject", "m1", suggestions="import-subjects")),
                    field("import-session", "Session", _text("import-session", "from the name")),
                    field("import-frame_rate", "Frame rate (Hz)", _text("import-frame_rate", "from the results")),
                    *custom_fields("import", workspace),
                ],
                className="batch-common",
            ),
            subject_suggestions(workspace.project, "import-subjects"),
            _folds(workspace),
            html.Div(id="import-message", role="status", className="form-message"),
        ],
        className="card-panel",
        **aria(labelledby="import-title"),
    )


def _folds(workspace: Workspace) -> Component:
    project = workspace.project
    return html.Div(
        [
            html.Details(
                [
                    html.Summary("Animal and session"),
                    html.P(
                        "Left empty, what the files, the table of subjects and the lab defaults say counts.",
                        className="field-hint",
                    ),
                    html.Div(
                        [*subject_fields("import", project), *session_fields("import", project)],
                        className="batch-common",
                    ),
                ],
                className="form-fold",
            ),
            html.Details(
                [
                    html.Summary("Advanced"),
                    html.P("Only for a movie that does not say how it is to be read.", className="field-hint"),
                    html.Div(
                        [
                            field(f"import-{one.name}", one.label, _text(f"import-{one.name}", one.example))
                            for one in READING_FIELDS
                        ],
                        className="batch-common",
                    ),
                ],
                className="form-fold",
            ),
        ]
    )


def _path(control_id: str, example: str) -> Component:
    return dbc.Input(
        id=control_id, type="text", className="path-input", placeholder=example, debounce=True, autoComplete="off"
    )


def _text(control_id: str, example: str, suggestions: str | None = None) -> Component:
    return dbc.Input(
        id=control_id, type="text", placeholder=example, debounce=True, autoComplete="off", list=suggestions
    )


def _button(control_id: str) -> Component:
    return html.Button("Browse\u2026", id=control_id, type="button", className="text-button")
