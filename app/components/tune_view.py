"""The tuning page: look at a movie before it is processed, and choose on it what will be used."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from app.actor import actor_of
from app.components.markup import aria, clientside
from app.components.parameter_run import FROM_FILE, chosen_sample, sample_options
from app.components.parameter_view import (
    PRESET_LABELS,
    control,
    field_id,
    key_of_id,
    parameters_of,
    single,
    start_options,
)
from app.field_names import field_words
from app.figures.graph_config import graph_config
from app.figures.shifts import shifts_figure
from app.formatting import frame_size
from app.parameters.form import ROWS, texts_of
from app.parameters.runs import RunTarget, start_runs
from app.parameters.tuning import (
    CELL_FIELDS,
    DEFAULT_FRAMES,
    MOTION_FIELDS,
    PATCH_FIELDS,
    RESIZES,
    Source,
    fields_of,
    help_of,
    look_request,
    preview_request,
    tuned,
)
from app.parameters.tuning_work import compute_images, compute_motion
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError
from pipeline.parameter_sets import save_parameter_set
from pipeline.parameters import Parameters
from pipeline.tuning.request import parse_look

FIELD = "tune"
"""Type of the id of every parameter's field on this page."""

_IMAGES = (
    ("mean", "Mean", "Mean of every pixel over the frames that were looked at"),
    (
        "correlation",
        "Correlation",
        "How alike a pixel and its neighbours change, through a filter of a cell's size",
    ),
    ("pnr", "PNR", "Peak-to-noise ratio: the highest peak of a pixel over its noise, through the same filter"),
)
_OVERLAYS = (
    ("mask", "mask"),
    ("seeds", "cells at seeds (gSig)"),
    ("patches", "patches"),
    ("crop", "crop"),
)


def source_card(workspace: Workspace, sample: str, movie: str, start: str) -> Component:
    """Which movie, and which part of it."""
    texts = [
        ("axes", "Axes", "TYX"),
        ("dataset", "Dataset", "/mov"),
        ("plane", "Plane", "0"),
        ("channel", "Channel", "0"),
    ]
    return html.Section(
        [
            html.Div(
                [
                    _labelled(
                        "Movie on this computer",
                        dbc.Input(
                            id="tune-movie", type="text", value=movie, className="path-input", autocomplete="off",
                            placeholder="/data/mouse1/recording.tif",
                        ),
                        "is-wide",
                    ),
                    _labelled(
                        "or of a sample",
                        dbc.Select(
                            [{"label": "\u2013", "value": FROM_FILE}, *sample_options(workspace)],
                            sample or FROM_FILE,
                            id="tune-sample",
                        ),
                    ),
                    _labelled(
                        "Start from",
                        dbc.Select(start_options(workspace.project), start, id="tune-start"),
                    ),
                    _labelled(
                        "First frame",
                        dbc.Input(id="tune-first", type="text", value="0", autocomplete="off"),
                        "is-short",
                    ),
                    _labelled(
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
                            _labelled(
                                label,
                                dbc.Input(id=f"tune-{name}", type="text", placeholder=example, autocomplete="off"),
                                "is-short",
                            )
                            for name, label, example in texts
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


def image_card(texts: Mapping[str, str]) -> Component:
    """The image with what is drawn over it, and the thresholds."""
    return html.Section(
        [
            html.Div(
                [
                    dbc.RadioItems(
                        id="tune-image",
                        options=[{"label": label, "value": name} for name, label, _ in _IMAGES],
                        value="mean",
                        inline=True,
                        className="tune-choice",
                    ),
                    dbc.Checklist(
                        id="tune-overlays",
                        options=[{"label": label, "value": name} for name, label in _OVERLAYS],
                        value=["seeds", "crop"],
                        inline=True,
                        className="tune-choice",
                    ),
                ],
                className="tune-choices",
            ),
            html.Div(
                [
                    html.Canvas(
                        id="tune-canvas",
                        tabIndex="0",
                        role="img",
                        **aria(label="Image of the movie with seeds, patches and crop"),
                    ),
                    html.P(
                        "Choose a movie above and press “Look at it”: its mean, correlation and peak-to-noise images "
                        "appear here.",
                        id="tune-empty",
                        className="empty-hint is-large",
                    ),
                ],
                id="tune-stage",
                className="tune-stage",
            ),
            html.Div(
                [
                    html.Div(id="tune-count", className="tune-count", role="status"),
                    html.Div(id="tune-under-pointer", className="muted"),
                ],
                className="tune-readout",
            ),
            html.Div(
                [
                    _slider("init.min_corr", 0, 1, 0.01, texts),
                    _slider("init.min_pnr", 0, 40, 0.25, texts),
                ],
                className="tune-sliders",
            ),
            html.P(id="tune-thresholds-note", className="field-hint"),
        ],
        className="card-panel tune-image-card",
        **aria(label="Images"),
    )


def _slider(key: str, least: float, most: float, step: float, texts: Mapping[str, str]) -> Component:
    name = key.rpartition(".")[2]
    return html.Label(
        [
            html.Span([html.Strong(name), html.Output(id=f"tune-{name}-shown")]),
            dbc.Input(
                id=field_id(key, FIELD), type="range", min=least, max=most, step=step,
                value=texts[key],
                className="form-range",
            ),
        ],
        title=help_of(key),
    )  # fmt: skip


def cells_card(texts: Mapping[str, str]) -> Component:
    """Sizes and patches."""
    return html.Section(
        [
            html.H2("Cells and patches", id="tune-cells-title"),
            html.Div([_field(key, texts) for key in (*CELL_FIELDS, *PATCH_FIELDS)], className="tune-grid"),
            html.Small(
                "The ring at the pointer is gSig, the box gSiz, both to scale. Patches: half-size rf, overlap stride.",
                className="field-hint",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-cells-title"),
    )


def crop_card() -> Component:
    """Crop and resize, as a step before processing."""
    return html.Section(
        [
            html.H2("Crop and resize", id="tune-crop-title"),
            _labelled(
                "Rows, columns (Y0:Y1,X0:X1)",
                dbc.Input(
                    id="tune-crop", type="text", size="sm", placeholder="the whole frame", debounce=True,
                    autocomplete="off",
                ),
            ),
            html.Div(
                [
                    html.Button("Automatic", id="tune-crop-auto", type="button", className="text-button"),
                    html.Button("Whole frame", id="tune-crop-none", type="button", className="text-button"),
                    html.Span(id="tune-crop-said", className="muted", role="status"),
                ]
            ),
            _labelled(
                "Resize",
                dbc.Select(
                    [
                        {"label": "as it is" if one == 1 else f"{one:g} of each side", "value": str(one)}
                        for one in RESIZES
                    ],
                    "1.0",
                    id="tune-resize",
                    size="sm",
                ),
            ),
            html.Small(
                "Drag on the image to draw the rectangle. Automatic leaves out a border that is NaN, never changes, or "
                "was filled in by an earlier motion correction.",
                className="field-hint",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-crop-title"),
    )  # fmt: skip


def motion_card(texts: Mapping[str, str]) -> Component:
    """Motion correction, tried on a few hundred frames."""
    return html.Section(
        [
            html.H2("Motion correction", id="tune-motion-title"),
            html.Div([_field(key, texts) for key in MOTION_FIELDS], className="tune-grid"),
            html.Div(
                [
                    dbc.Button("Try it on 200 frames", id="tune-motion-try", size="sm", color="primary", outline=True),
                    html.Span(id="tune-motion-progress", className="muted", role="status"),
                    html.Button("Cancel", id="tune-motion-cancel", type="button", className="text-button", hidden=True),
                ],
                className="tune-status",
            ),
            html.Div(id="tune-motion-said", role="status"),
            html.Div(
                [
                    html.Figure(
                        [html.Canvas(id=f"tune-{name}"), html.Figcaption(caption)],
                    )
                    for name, caption in (("before", "Mean before"), ("after", "Mean after"))
                ],
                id="tune-motion-images",
                className="tune-motion-images",
                hidden=True,
            ),
            html.Div(id="tune-motion-shifts"),
        ],
        className="card-panel",
        **aria(labelledby="tune-motion-title"),
    )


def use_card(writable: bool) -> Component:
    """From what was chosen to a set of parameters, or to cells."""
    return html.Section(
        [
            html.H2("Use these", id="tune-use-title"),
            html.Div(id="tune-summary", className="parameter-summary"),
            html.Div(
                [
                    _labelled("Subject", dbc.Input(id="tune-subject", type="text", size="sm", autocomplete="off")),
                    _labelled(
                        "Session",
                        dbc.Input(
                            id="tune-session", type="text", size="sm", autocomplete="off", placeholder="from the file"
                        ),
                    ),
                    _labelled(
                        "Frame rate (Hz)",
                        dbc.Input(
                            id="tune-rate", type="text", size="sm", autocomplete="off", placeholder="from the file"
                        ),
                    ),
                    _labelled(
                        "Name of the set",
                        dbc.Input(
                            id="tune-name", type="text", size="sm", maxLength=80, autocomplete="off",
                            disabled=not writable,
                        ),
                    ),
                ],
                className="parameter-run-fields tune-fields",
            ),
            html.Div(id="tune-use-said", role="status", className="form-message"),
            html.Div(
                [
                    dbc.Button("Find the cells", id="tune-run", color="primary", disabled=not writable),
                    dbc.Button(
                        "Save as a set", id="tune-save", color="primary", outline=True, disabled=not writable
                    ),
                ],
                className="tune-buttons",
            ),
        ],
        className="card-panel",
        **aria(labelledby="tune-use-title"),
    )  # fmt: skip


def stores(preset: str, parameters: Parameters) -> list[Component]:
    """What the browser keeps of the page."""
    return [
        dcc.Store(id="tune-base", data={"preset": preset, "texts": texts_of(parameters)}),
        dcc.Store(id="tune-asked", data=None),
        dcc.Store(id="tune-shown", data=None),
        dcc.Store(id="tune-motion-asked", data=None),
        dcc.Store(id="tune-motion-shown", data=None),
        dcc.Store(id="tune-drawn", data=None),
    ]


def _labelled(label: str, field: Component, kind: str = "") -> Component:
    return html.Label([html.Span(label), field], className=f"tune-field {kind}".strip())


def _field(key: str, texts: Mapping[str, str]) -> Component:
    row = ROWS[key]
    return html.Label(
        [
            html.Span([html.Strong(row.name), html.Span(f" {row.unit}" if row.unit else "", className="unit")]),
            control(row, texts[key], FIELD),
        ],
        title=help_of(key),
        className="tune-field",
    )


def register(app: Dash) -> None:
    """Add the page's callbacks."""
    fields = {"type": FIELD, "key": ALL}
    for function, asked, shown, progress, cancel in (
        (compute_images, "tune-asked", "tune-shown", "tune-progress", "tune-cancel"),
        (compute_motion, "tune-motion-asked", "tune-motion-shown", "tune-motion-progress", "tune-motion-cancel"),
    ):
        app.callback(
            Output(shown, "data"),
            Input(asked, "data"),
            prevent_initial_call=True,
            background=True,
            progress=[Output(progress, "children")],
            progress_default=[""],
            # The button stays: pressed again, it asks anew, and the answer to what was asked before does not count.
            running=[(Output(cancel, "hidden"), False, True)],
            cancel=[Input(cancel, "n_clicks")],
            interval=300,
        )(function)
    clientside(
        app,
        "drawTuning",
        Output("tune-drawn", "data"),
        Input("tune-shown", "data"),
        Input("tune-image", "value"),
        Input("tune-overlays", "value"),
        Input("tune-crop", "value"),
        Input(fields, "value"),
        State(fields, "id"),
        State("tune-resize", "value"),
    )
    clientside(app, "drawMotion", Output("tune-motion-images", "hidden"), Input("tune-motion-shown", "data"))
    _register_source(app, fields)
    _register_motion(app, fields)
    _register_use(app, fields)


def _register_source(app: Dash, fields: Any) -> None:
    @app.callback(
        Output(fields, "value"),
        Output("tune-base", "data"),
        Output("tune-thresholds-note", "children"),
        Input("tune-start", "value"),
        State(fields, "id"),
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
        Input("tune-open", "n_clicks"),
        Input(field_id("init.gSig", FIELD), "value"),
        Input("tune-resize", "value"),
        Input("tune-register", "value"),
        State("tune-asked", "data"),
        State("tune-sample", "value"),
        State("tune-movie", "value"),
        State("tune-axes", "value"),
        State("tune-plane", "value"),
        State("tune-channel", "value"),
        State("tune-dataset", "value"),
        State("tune-first", "value"),
        State("tune-n-frames", "value"),
        State("tune-base", "data"),
        State(fields, "value"),
        State(fields, "id"),
    )
    def ask(
        clicks: int | None,
        gsig: str | None,
        resize: str,
        register: bool,
        before: Mapping[str, Any] | None,
        sample: str | None,
        movie: str | None,
        axes: str | None,
        plane: str | None,
        channel: str | None,
        dataset: str | None,
        first: str | None,
        n_frames: str | None,
        base: Mapping[str, Any],
        values: list[Any],
        ids: list[dict[str, str]],
    ) -> tuple[Any, Any, Any]:
        # Until something was looked at, a size alone asks for nothing.
        if not clicks and before is None and not (chosen_sample(sample) or movie):
            return no_update, no_update, no_update
        if not gsig:
            return no_update, no_update, no_update
        sample = chosen_sample(sample)
        source = Source(sample, movie, axes, plane, channel, dataset, first, n_frames, float(resize), bool(register))
        try:
            reading = tuned(base["preset"], base["texts"], typed(ids, values))
            request = look_request(current_workspace(), source, reading).model_dump(mode="json")
        except FluoriteError as error:
            return no_update, field_words(str(error)), "form-message is-error"
        if before is not None and before["request"] == request and not clicks:
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

    @app.callback(
        Output("tune-crop", "value"),
        Output("tune-crop-said", "children"),
        Input("tune-crop-auto", "n_clicks"),
        State("tune-asked", "data"),
        running=[
            (Output("tune-crop-auto", "disabled"), True, False),
            (Output("tune-crop-auto", "children"), "Looking…", "Automatic"),
        ],
        prevent_initial_call=True,
    )
    def crop(clicks: int | None, asked: Mapping[str, Any] | None) -> tuple[Any, Any]:
        if not clicks:
            return no_update, no_update
        if asked is None:
            return no_update, "Look at a movie first."
        # Imported only here: the server itself needs no engine.
        from pipeline.tuning.looking import find_crop

        try:
            found = find_crop(parse_look(asked["request"]))
        except FluoriteError as error:
            return no_update, field_words(str(error))
        return found, "" if found else "There is no dead border."

    @app.callback(
        Output("tune-crop", "value", allow_duplicate=True),
        Output("tune-crop-said", "children", allow_duplicate=True),
        Input("tune-crop-none", "n_clicks"),
        prevent_initial_call=True,
    )
    def whole(clicks: int | None) -> tuple[Any, Any]:
        return ("", "") if clicks else (no_update, no_update)


def _register_motion(app: Dash, fields: Any) -> None:
    @app.callback(
        Output("tune-motion-asked", "data"),
        Output("tune-motion-said", "children"),
        Output("tune-motion-said", "className"),
        Input("tune-motion-try", "n_clicks"),
        State("tune-asked", "data"),
        State("tune-base", "data"),
        State(fields, "value"),
        State(fields, "id"),
        prevent_initial_call=True,
    )
    def ask(
        clicks: int | None,
        asked: Mapping[str, Any] | None,
        base: Mapping[str, Any],
        values: list[Any],
        ids: list[dict[str, str]],
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        if asked is None:
            return no_update, "Look at a movie first.", "notice"
        reading = tuned(base["preset"], base["texts"], typed(ids, values))
        wrong = [f"{key.rpartition('.')[2]} {text}" for key, text in reading.errors.items() if key.startswith("motion")]
        if wrong:
            return no_update, field_words(wrong[0]), "form-message is-error"
        request = preview_request(parse_look(asked["request"])).model_dump(mode="json")
        motion = reading.parameters.motion.model_dump(mode="json")
        return {"request": request, "motion": motion, "nonce": uuid.uuid4().hex}, "", ""

    @app.callback(
        Output("tune-motion-said", "children", allow_duplicate=True),
        Output("tune-motion-said", "className", allow_duplicate=True),
        Output("tune-motion-shifts", "children"),
        Input("tune-motion-shown", "data"),
        prevent_initial_call=True,
    )
    def show(shown: Mapping[str, Any] | None) -> tuple[Any, Any, Any]:
        if not shown:
            return no_update, no_update, no_update
        if "error" in shown:
            return shown["error"], "form-message is-error", None
        graph = dcc.Graph(
            id="tune-shifts",
            figure=shifts_figure(shown["shifts"], shown["first"], shown["limits"]),
            config=graph_config("shifts"),
        )
        label = "Shifts of the frames in pixels, down and to the right"
        return motion_words(shown), "", html.Div(graph, role="img", **aria(label=label))


def motion_words(shown: Mapping[str, Any]) -> list[Component]:
    """What the preview says, in words."""
    before, after = shown["crispness"]
    change = 100 * (after / before - 1) if before > 0 else 0.0
    rows = [
        ("Crispness of the mean", f"{before:,.0f} → {after:,.0f}", f"{change:+.0f} %"),
        ("Frames like their mean (r)", *_two(shown["correlation"])),
        ("Largest shift", f"{max((abs(v) for s in shown['shifts'] for v in s), default=0):.1f} px", ""),
        ("Border that some frame does not show", f"{shown['border_px']} px", "what border_pix could be"),
    ]
    alike = shown["correlation"][1] - shown["correlation"][0]
    if change > 2:
        words = "The mean gets sharper."
    elif change > 0 and alike > 0.005:
        words = "The mean gets a little sharper: there is little motion in this part."
    else:
        words = "The mean does not get sharper: this part does not move, or the correction does not fit it."
    parts: list[Component] = [
        html.P(words),
        html.Table(
            html.Tbody(
                [html.Tr([html.Th(name, scope="row"), html.Td(value), html.Td(more)]) for name, value, more in rows]
            ),
            className="tune-table",
        ),
    ]
    if shown["at_limit"] > 0.02:
        parts.append(
            html.P(
                f"{100 * shown['at_limit']:.0f} % of the frames move as far as max_shifts allows: make it larger.",
                className="notice",
            )
        )
    return parts


def _two(values: Sequence[float]) -> tuple[str, str]:
    return f"{values[0]:.3f} → {values[1]:.3f}", f"{values[1] - values[0]:+.3f}"


def _register_use(app: Dash, fields: Any) -> None:
    from app.components.parameter_view import summary

    @app.callback(
        Output("tune-summary", "children"),
        Input("tune-base", "data"),
        Input(fields, "value"),
        State(fields, "id"),
    )
    def summarise(base: Mapping[str, Any], values: list[Any], ids: list[dict[str, str]]) -> list[Component]:
        return summary(tuned(base["preset"], base["texts"], typed(ids, values)))

    @app.callback(
        Output("tune-use-said", "children"),
        Output("tune-use-said", "className"),
        Output("tune-start", "options"),
        Input("tune-save", "n_clicks"),
        State("tune-name", "value"),
        State("tune-base", "data"),
        State(fields, "value"),
        State(fields, "id"),
        prevent_initial_call=True,
    )
    def save(
        clicks: int | None, name: str | None, base: Mapping[str, Any], values: list[Any], ids: list[dict[str, str]]
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        project = current_workspace().project
        try:
            reading = tuned(base["preset"], base["texts"], typed(ids, values))
            saved = save_parameter_set(project, name or "", single(reading))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        said = [
            f"Saved as the set “{saved.name}”. ",
            dcc.Link("All parameters", href=f"/parameters?start=set:{saved.name}"),
        ]
        return said, "form-message is-done", start_options(project)

    @app.callback(
        Output("tune-use-said", "children", allow_duplicate=True),
        Output("tune-use-said", "className", allow_duplicate=True),
        Output("jobs-submitted", "data", allow_duplicate=True),
        Input("tune-run", "n_clicks"),
        State("tune-sample", "value"),
        State("tune-movie", "value"),
        State("tune-subject", "value"),
        State("tune-session", "value"),
        State("tune-rate", "value"),
        State("tune-crop", "value"),
        State("tune-resize", "value"),
        State("tune-axes", "value"),
        State("tune-plane", "value"),
        State("tune-channel", "value"),
        State("tune-dataset", "value"),
        State("tune-base", "data"),
        State("actor", "value"),
        State(fields, "value"),
        State(fields, "id"),
        running=[(Output("tune-run", "disabled"), True, False)],
        prevent_initial_call=True,
    )
    def run(
        clicks: int | None,
        sample: str | None,
        movie: str | None,
        subject: str | None,
        session: str | None,
        rate: str | None,
        crop: str | None,
        resize: str,
        axes: str | None,
        plane: str | None,
        channel: str | None,
        dataset: str | None,
        base: Mapping[str, Any],
        actor: str | None,
        values: list[Any],
        ids: list[dict[str, str]],
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        target = RunTarget(
            sample=chosen_sample(sample), movie=movie, subject=subject, session=session, rate=rate, crop=crop or "",
            resize=float(resize), axes=axes, plane=plane, channel=channel, dataset=dataset,
        )  # fmt: skip
        try:
            reading = tuned(base["preset"], base["texts"], typed(ids, values))
            single(reading)
            start_runs(current_workspace(), target, reading, actor=actor_of(actor))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        said = ["Started. ", dcc.Link("Watch on the project page", href="/")]
        return said, "form-message is-done", uuid.uuid4().hex


def typed(ids: list[dict[str, str]], values: list[Any]) -> dict[str, str | None]:
    """What is in the fields by ``group.name``; sliders hold numbers."""
    return {key_of_id(one): None if value is None else str(value) for one, value in zip(ids, values, strict=True)}
