"""The form of all parameters: groups as CaImAn has them, help beside each field, presets, files and named sets."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from app.components.markup import aria, clientside, data
from app.field_names import field_words
from app.formatting import count
from app.parameters.form import (
    GROUP_TITLES,
    Reading,
    choices_of,
    key_of,
    read_form,
    rows_by_group,
    texts_of,
)
from app.workspace import Workspace, current_workspace
from nwb_schema.errors import FluoriteError, ParameterError
from nwb_schema.project import Project
from pipeline.parameter_sets import parameter_sets, read_parameter_set, save_parameter_set
from pipeline.parameters import ParameterRow, Parameters
from pipeline.parameters.ideas import IDEAS_COLUMNS, ideas_parameters
from pipeline.parameters.parameters import layered

PRESET_LABELS: Mapping[str, str] = {
    "2p": "Two-photon",
    "1p": "One-photon, miniscope",
    "3d": "Volumes",
}
_LARGEST_FILE = 2**20
FIELD = "parameter"
"""Type of the id of every field."""


def field_id(key: str, kind: str = FIELD) -> dict[str, str]:
    """The id of the field of ``group.name``; Dash cannot have points in it."""
    return {"type": kind, "key": key.replace(".", "/")}


def key_of_id(identifier: Mapping[str, str]) -> str:
    """``group.name`` of a field's id."""
    return identifier["key"].replace("/", ".")


def start_options(project: Project) -> list[dict[str, Any]]:
    """What the form can start from: presets, IDEAS's columns, and the project's own sets."""
    options: list[dict[str, Any]] = [
        {"label": f"Preset: {label}", "value": f"preset:{name}"} for name, label in PRESET_LABELS.items()
    ]
    options += [
        {"label": f"Inscopix IDEAS: {PRESET_LABELS[name].lower()}", "value": f"ideas:{name}"}
        for name in sorted(IDEAS_COLUMNS, reverse=True)
    ]
    options += [
        {
            "label": f"Set: {one.name}" + (" (cannot be read)" if one.parameters is None else ""),
            "value": f"set:{one.name}",
            "disabled": one.parameters is None,
        }
        for one in parameter_sets(project)
    ]
    return options


def parameters_of(project: Project, start: str) -> tuple[str, Parameters]:
    """The preset and the parameters that a value of `start_options` means.

    Raises
    ------
    ParameterError
        When there is no such thing.
    """
    kind, _, name = start.partition(":")
    if kind == "preset":
        return name, Parameters.preset(name)
    if kind == "ideas":
        return name, ideas_parameters(name)
    if kind == "set":
        found = read_parameter_set(project, name)
        assert found.parameters is not None
        return found.preset, found.parameters
    raise ParameterError("start", f"there is no '{start}' to start from", "Choose one of the list.")


def form_stores(preset: str) -> list[Component]:
    """What the browser keeps of the form: the preset with its texts."""
    return [
        dcc.Store(id="parameters-preset", data={"preset": preset, "texts": texts_of(Parameters.preset(preset))}),
        dcc.Store(id="parameters-marked", data=None),
    ]


def form_groups(preset: str, texts: Mapping[str, str]) -> Component:
    """All groups of fields."""
    usual = texts_of(Parameters.preset(preset))
    return html.Div(
        [
            html.Details(
                [
                    html.Summary([html.H2(GROUP_TITLES[group]), html.Code(group)]),
                    html.Div([_field(row, usual, texts) for row in rows], className="parameter-fields"),
                ],
                open=group not in ("online", "extra"),
                className="card-panel parameter-group",
                **data(group=group),
            )
            for group, rows in rows_by_group().items()
        ],
        id="parameters-form",
        **data(preset=preset),
    )


def _field(row: ParameterRow, usual: Mapping[str, str], texts: Mapping[str, str]) -> Component:
    key = key_of(row)
    limits = f"{row.type}{f', {row.range}' if row.range and not row.choices else ''}"
    by = list(row.engines)
    return html.Div(
        [
            html.Label(
                [
                    html.Span([html.Strong(row.name), html.Span(f" {row.unit}" if row.unit else "", className="unit")]),
                    control(row, texts[key]),
                ],
                title=f"{key}: {limits}. From {row.source}.",
            ),
            html.Button(
                f"↺ {usual[key]}",
                type="button",
                className="text-button parameter-back",
                title="Back to the preset",
                **aria(label=f"{row.name} back to the preset"),
                **data(back=key),
            ),
            html.Small(
                [
                    row.help,
                    html.Span(
                        f" Only {'CaImAn' if by == ['caiman'] else 'the built-in engine'}.", className="parameter-by"
                    )
                    if len(by) == 1
                    else None,
                ],
                className="field-hint",
            ),
        ],
        className="parameter-field",
        **data(key=key, modes=" ".join(row.modes), words=f"{key} {row.help}".lower()),
    )


def control(row: ParameterRow, text: str, kind: str = FIELD) -> Component:
    """What a value is typed into or chosen from, with the id `field_id`."""
    identifier = field_id(key_of(row), kind)
    choices = choices_of(row)
    if choices is not None:
        # On the tuning page one value is tried at a time.
        sweeps = len(choices) > 1 and kind == FIELD
        several = [*choices, "; ".join(choices)] if sweeps else choices
        labels = {several[-1]: f"try all {len(choices)}"} if sweeps else {}
        options = [{"label": labels.get(choice, choice), "value": choice} for choice in several]
        return dbc.Select(options, text, id=identifier, size="sm")
    return dbc.Input(id=identifier, type="text", value=text, debounce=True, size="sm", autocomplete="off")


def toolbar(workspace: Workspace, start: str) -> Component:
    """What the form starts from, what is looked for in it, and files."""
    writable = workspace.project.writable
    return html.Section(
        [
            html.Div(
                [
                    html.Label(
                        ["Start from", dbc.Select(start_options(workspace.project), start, id="parameters-start")],
                        className="parameter-start",
                    ),
                    html.Label(
                        [
                            "Search",
                            dbc.Input(
                                id="parameters-search", type="search", placeholder="gSig, noise, background …",
                                autocomplete="off",
                            ),
                        ],
                        className="parameter-search",
                    ),
                    dbc.Switch(id="parameters-only-changed", label="Only what differs", value=False),
                ],
                className="parameter-tools",
            ),
            html.Div(
                [
                    html.Label(
                        [
                            html.Span("Name of the set", className="visually-hidden"),
                            dbc.Input(
                                id="parameters-name", type="text", size="sm", placeholder="Name of a set",
                                maxLength=80, autocomplete="off", disabled=not writable,
                            ),
                        ]
                    ),
                    dbc.Button(
                        "Save in the project", id="parameters-save", size="sm", color="primary", disabled=not writable
                    ),
                    dbc.Switch(id="parameters-replace", label="replace", value=False),
                    html.Span(className="toolbar-gap"),
                    html.Button("Download JSON", id="parameters-download", type="button", className="text-button"),
                    dcc.Upload(
                        html.Button("Load a JSON file…", type="button", className="text-button"),
                        id="parameters-upload", accept=".json", multiple=False, max_size=_LARGEST_FILE,
                    ),
                    dbc.Switch(
                        id="parameters-keep",
                        label="keep my changes",
                        value=False,
                    ),
                ],
                className="parameter-tools",
            ),
            html.Div(id="parameters-said", role="status", className="form-message"),
            dcc.Download(id="parameters-file"),
        ],
        className="card-panel parameter-toolbar",
        **aria(label="Start, search and save"),
    )  # fmt: skip


def summary(reading: Reading) -> list[Component]:
    """What differs from the preset, what is wrong, and how many runs it makes."""
    parts: list[Component] = []
    if reading.errors:
        parts.append(html.H3("Has to be corrected"))
        parts.append(
            html.Ul(
                [
                    html.Li([html.Code(key.rpartition(".")[2]), f" {field_words(text)}"])
                    for key, text in reading.errors.items()
                ],
                className="parameter-errors",
                role="alert",
            )
        )
    differences = reading.differences
    label = PRESET_LABELS[reading.preset].lower()
    if not differences:
        parts.append(html.P(f"As the preset for {label} has it.", className="muted"))
    else:
        parts.append(html.H3(f"{count(len(differences), 'parameter')} unlike the {label} preset"))
        parts.append(
            html.Ul(
                [
                    html.Li([html.Code(key.rpartition(".")[2]), " ", html.B(here), html.Span(f" not {there}")])
                    for key, (here, there) in differences.items()
                ],
                className="parameter-differences",
            )
        )
    if reading.axes:
        names = " \u00d7 ".join(f"{len(values)} {key.rpartition('.')[2]}" for key, values in reading.axes.items())
        parts.append(html.P([html.B(f"{names} = {count(reading.n_runs, 'run')}")], className="notice"))
    return parts


def typed(ids: list[dict[str, str]], values: list[Any]) -> dict[str, str | None]:
    """What is in the fields by ``group.name``; sliders hold numbers."""
    return {key_of_id(one): None if value is None else str(value) for one, value in zip(ids, values, strict=True)}


def uploaded(content: str) -> Mapping[str, Any]:
    """The JSON object of an uploaded file.

    Raises
    ------
    ParameterError
        When it is none.
    """
    remedy = "Load a file that this page or `fluorite params` wrote."
    try:
        values = json.loads(base64.b64decode(content.partition(",")[2], validate=True))
    except (binascii.Error, ValueError) as error:
        raise ParameterError("the file", f"is not JSON ({error})", remedy) from error
    if not isinstance(values, dict):
        raise ParameterError("the file", "holds no JSON object at its top", remedy)
    return values


def loaded(reading: Reading, content: str, name: str, *, keep: bool) -> tuple[str, Parameters]:
    """The preset and the parameters after a file was loaded into the form.

    Parameters
    ----------
    keep
        What was changed in the form counts more than the file; otherwise the file does, and what it leaves out is the
        preset's.

    Raises
    ------
    ParameterError
        When the file cannot be used.
    """
    values = uploaded(content)
    alone = Parameters.preset(reading.preset).updated(values, source=name)
    # A file for another kind of recording starts from that one's preset: what it leaves out should fit it.
    preset = alone.nearest_preset()
    together = layered(reading.overrides() if keep else {}, values, file_wins=not keep, source=name)
    return preset, Parameters.preset(preset).updated(together, source=name)


def register(app: Dash) -> None:
    """Add the form's callbacks."""
    fields = {"type": FIELD, "key": ALL}
    clientside(
        app,
        "markParameters",
        Output("parameters-marked", "data"),
        Input(fields, "value"),
        Input("parameters-preset", "data"),
        Input("parameters-search", "value"),
        Input("parameters-only-changed", "value"),
        State(fields, "id"),
    )

    @app.callback(
        Output(fields, "value"),
        Output("parameters-preset", "data"),
        Output("parameters-said", "children"),
        Output("parameters-said", "className"),
        Output("parameters-upload", "contents"),
        Input("parameters-start", "value"),
        Input("parameters-upload", "contents"),
        Input("parameters-again", "data"),
        State("parameters-upload", "filename"),
        State("parameters-keep", "value"),
        State("parameters-preset", "data"),
        State(fields, "value"),
        State(fields, "id"),
        prevent_initial_call=True,
    )
    def fill(
        start: str,
        content: str | None,
        again: Mapping[str, Any] | None,
        name: str | None,
        keep: bool,
        present: Mapping[str, Any],
        values: list[str | None],
        ids: list[dict[str, str]],
    ) -> tuple[Any, ...]:
        nothing = ([no_update] * len(ids), no_update)
        try:
            if ctx.triggered_id == "parameters-upload":
                if not content:
                    return *nothing, no_update, no_update, no_update
                reading = read_form(present["preset"], typed(ids, values))
                preset, parameters = loaded(reading, content, name or "the file", keep=bool(keep))
                said = f"Loaded {name}, and compared with the preset for {PRESET_LABELS[preset].lower()}."
            elif ctx.triggered_id == "parameters-again":
                if not again:
                    return *nothing, no_update, no_update, no_update
                preset = str(again["preset"])
                parameters = Parameters.preset(preset).updated(again["overrides"])
                said = "Loaded what was used before."
            else:
                preset, parameters = parameters_of(current_workspace().project, start)
                said = ""
        except FluoriteError as error:
            return *nothing, field_words(str(error)), "form-message is-error", None
        texts = texts_of(parameters)
        store = {"preset": preset, "texts": texts_of(Parameters.preset(preset))}
        filled = [texts[key_of_id(identifier)] for identifier in ids]
        return filled, store, said, "form-message is-done", None

    @app.callback(
        Output("parameters-summary", "children"),
        Input(fields, "value"),
        Input("parameters-preset", "data"),
        State(fields, "id"),
    )
    def summarise(values: list[str | None], preset: Mapping[str, Any], ids: list[dict[str, str]]) -> list[Component]:
        return summary(read_form(preset["preset"], typed(ids, values)))

    @app.callback(
        Output("parameters-said", "children", allow_duplicate=True),
        Output("parameters-said", "className", allow_duplicate=True),
        Output("parameters-start", "options"),
        Input("parameters-save", "n_clicks"),
        State("parameters-name", "value"),
        State("parameters-replace", "value"),
        State("parameters-preset", "data"),
        State(fields, "value"),
        State(fields, "id"),
        prevent_initial_call=True,
    )
    def save(
        clicks: int | None,
        name: str | None,
        replace: bool,
        preset: Mapping[str, Any],
        values: list[str | None],
        ids: list[dict[str, str]],
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        project = current_workspace().project
        try:
            parameters = single(read_form(preset["preset"], typed(ids, values)))
            saved = save_parameter_set(project, name or "", parameters, replace=bool(replace))
        except FluoriteError as error:
            return field_words(str(error)), "form-message is-error", no_update
        return f"Saved as the set “{saved.name}”.", "form-message is-done", start_options(project)

    @app.callback(
        Output("parameters-file", "data"),
        Output("parameters-said", "children", allow_duplicate=True),
        Output("parameters-said", "className", allow_duplicate=True),
        Input("parameters-download", "n_clicks"),
        State("parameters-name", "value"),
        State("parameters-preset", "data"),
        State(fields, "value"),
        State(fields, "id"),
        prevent_initial_call=True,
    )
    def download(
        clicks: int | None,
        name: str | None,
        preset: Mapping[str, Any],
        values: list[str | None],
        ids: list[dict[str, str]],
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            return no_update, no_update, no_update
        try:
            parameters = single(read_form(preset["preset"], typed(ids, values)))
        except FluoriteError as error:
            return no_update, field_words(str(error)), "form-message is-error"
        file_name = f"{(name or '').strip() or 'parameters'}.json"
        content = json.dumps(parameters.to_dict(), indent=2) + "\n"
        return {"content": content, "filename": file_name, "type": "application/json"}, "", "form-message"


def single(reading: Reading) -> Parameters:
    """The parameters of a form without errors and without several values.

    Raises
    ------
    ParameterError
        Otherwise: a set has one value of each.
    """
    if reading.errors:
        key, text = next(iter(reading.errors.items()))
        raise ParameterError(key, text.partition(". ")[0], "Correct it first.")
    if reading.axes:
        name = next(iter(reading.axes))
        raise ParameterError(name, "has several values, and a set has one", "Leave one, or start the runs.")
    return reading.parameters
