"""Which movie is looked at, and which part of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.background.callbacks import background_callback
from app.components.markup import aria
from app.components.parameter_view import PRESET_LABELS, field_id, key_of_id, parameters_of, start_options
from app.components.recording_fields import READING_FIELDS
from app.components.run_fields import FROM_FILE, chosen_sample, sample_options
from app.components.tune.fields import FIELD, FIELDS, TYPED, labelled, reading_of
from app.components.tune.images import EMPTY, LOOKING
from app.field_names import field_words
from app.formatting import frame_size
from app.parameters.form import texts_of
from app.parameters.tuning import DEFAULT_FRAMES, Source, fields_of, look_request
from app.parameters.tuning_work import compute_images
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.parameters import Parameters


def source_card(workspace: Workspace, sample: str, movie: str, start: str) -> Component:
    """Which movie, and which part of it."""
    return html.Section(
        [
            html.Div(
                [
                    labelled(
                        "Movie on this computer",
                        dbc.Input(
                            id="tune-movie", type="text", value=movie, className="path-input", autocomplete="off",
                            placeholder="/data/mouse1/recording.tif",
                        ),
                        "is-wide",
                    ),
                    labelled(
                        "or of a sample",
                        dbc.Select(
                            [{"label": "\u2013", "value": FROM_FILE}, *sample_options(workspace)],
                            sample or FROM_FILE,
                            id="tune-sample",
                        ),
                        "is-sample",
                    ),
                    labelled(
                        "Start from",
                        dbc.Select(start_options(workspace.project), start, id="tune-start"),
                    ),
                    labelled(
                        "First frame",
                        dbc.Input(id="tune-first", type="text", value="0", autocomplete="off"),
                        "is-short",
                    ),
                    labelled(
                        "Frames",
                        dbc.Input(id="tune-n-frames", type="text", value=str(DEFAULT_FRAMES), autocomplete="off"),
                        "is-short",
                    ),
                    dbc.Switch(
                        id="tune-register",
                        label="correct motion first",
                        value=True,
                        className="tune-switch",
                    ),
                    dbc.Button("Look at it", id="tune-open", color="primary"),
                ],
                className="tune-source tune-fields",
            ),
            html.Details(
                [
                    html.Summary("Only for a file that does not say how it is to be read"),
                    html.Div(
                        [
                            labelled(
                                one.label,
                                dbc.Input(
                                    id=f"tune-{one.name}", type="text", placeholder=one.example, autocomplete="off"
                                ),
                                "is-short",
                            )
                            for one in READING_FIELDS
                        ],
                        className="tune-source tune-fields",
                    ),
                ],
                className="form-fold",
            ),
            html.Div(
                [
                    html.Span(id="tune-said", role="status"),
                    html.Span(id="tune-progress", className="muted", role="status"),
                    html.Button("Cancel", id="tune-cancel", type="button", className="text-button", hidden=True),
                ],
                className="tune-status",
            ),
        ],
        className="card-panel",
        **aria(label="Movie"),
    )  # fmt: skip


def source_stores(preset: str, parameters: Parameters) -> list[Component]:
    """What the fields started from, what was asked for last, and what came back."""
    return [
        dcc.Store(id="tune-base", data={"preset": preset, "texts": texts_of(parameters)}),
        dcc.Store(id="tune-asked", data={}),  # one without data says that it changed, and a process starts
        dcc.Store(id="tune-shown", data=None),
    ]


def register(app: Dash) -> None:
    """Fill the fields, and look at a movie in the background."""
    background_callback(
        app,
        compute_images,
        Output("tune-shown", "data"),
        Input("tune-asked", "data"),
        progress=Output("tune-progress", "children"),
        at_rest="",
        # The button stays: pressed again, it asks anew, and the answer to what was asked before does not count.
        running=[
            (Output("tune-cancel", "hidden"), False, True),
            (Output("tune-empty", "children"), LOOKING, EMPTY),
        ],
        cancel=Input("tune-cancel", "n_clicks"),
    )

    @app.callback(
        Output(FIELDS, "value"),
        Output("tune-base", "data"),
        Output("tune-thresholds-note", "children"),
        Input("tune-start", "value"),
        State(FIELDS, "id"),
    )
    def fill(start: str, ids: list[dict[str, str]]) -> tuple[Any, ...]:
        try:
            preset, parameters = parameters_of(current_workspace().project, start)
        except FluoriteError:
            return [no_update] * len(ids), no_update, no_update
        texts = fields_of(parameters)
        note = (
            ""
            if preset == "1p"
            else f"{PRESET_LABELS[preset]}: cells are not looked for by these thresholds; they show where activity is."
        )
        return [texts[key_of_id(one)] for one in ids], {"preset": preset, "texts": texts_of(parameters)}, note

    @app.callback(
        Output("tune-asked", "data"),
        Output("tune-said", "children"),
        Output("tune-said", "className"),
        inputs={
            "clicks": Input("tune-open", "n_clicks"),
            "gsig": Input(field_id("init.gSig", FIELD), "value"),
            "resize": Input("tune-resize", "value"),
            "register": Input("tune-register", "value"),
            "before": State("tune-asked", "data"),
            "where": {
                **{
                    name: State(f"tune-{name}", "value")
                    for name in ("sample", "movie", "first", *(one.name for one in READING_FIELDS))
                },
                "n_frames": State("tune-n-frames", "value"),
            },
            "sent": dict(TYPED),
        },
    )
    def ask(
        clicks: int | None,
        gsig: str | None,
        resize: str,
        register: bool,
        before: Mapping[str, Any],
        where: Mapping[str, str | None],
        sent: Mapping[str, Any],
    ) -> tuple[Any, Any, Any]:
        chosen = {**where, "sample": chosen_sample(where["sample"])}
        # Until something was looked at, a size alone asks for nothing.
        if not clicks and not before and not (chosen["sample"] or chosen["movie"]):
            return no_update, no_update, no_update
        if not gsig:
            return no_update, no_update, no_update
        source = Source(**chosen, resize=float(resize), register=bool(register))
        try:
            request = look_request(current_workspace(), source, reading_of(sent)).model_dump(mode="json")
        except FluoriteError as error:
            return no_update, field_words(str(error)), "form-message is-error"
        if before and before["request"] == request and not clicks:
            return no_update, "", ""
        return {"request": request, "nonce": uuid.uuid4().hex}, "", ""

    @app.callback(
        Output("tune-said", "children", allow_duplicate=True),
        Output("tune-said", "className", allow_duplicate=True),
        Output(field_id("init.min_pnr", FIELD), "max"),
        Input("tune-shown", "data"),
        prevent_initial_call=True,
    )
    def say(shown: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
        if not shown:
            return no_update, no_update, no_update
        if "error" in shown:
            return shown["error"], "form-message is-error", no_update
        text = (
            f"{shown['name']}: {frame_size(shown['raw_height'], shown['raw_width'])}, {shown['n_frames']:,} frames; "
            f"looked at {shown['looked_at']:,} of them"
        )
        if (shown["height"], shown["width"]) != (shown["raw_height"], shown["raw_width"]):
            text += f", reduced to {frame_size(shown['height'], shown['width'])}"
        return f"{text}.", "muted", max(20, shown["pnr_max"])
