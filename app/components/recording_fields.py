"""Fields that several forms share: what is known of a recording, the project's custom columns, parameters and engine.

The ids are ``{"type": "<form>-detail", "name": ...}`` and ``{"type": "<form>-custom", "name": ...}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from app.adding.recording_details import SESSION_DETAILS, SUBJECT_DETAILS, Detail, default_texts
from app.components.fields import labelled
from app.workspace import Workspace
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.errors import EngineError, FluoriteError, MetadataError
from nwb_schema.project import Project
from nwb_schema.subjects import read_subjects
from pipeline.engines.caiman.installation import find_python
from pipeline.parameter_sets import parameter_sets


@dataclass(frozen=True)
class ReadingField:
    """A field that says how a movie is read: its name, and what people read beside, in and about it."""

    name: str
    label: str
    example: str
    help: str


READING_FIELDS = (
    ReadingField("axes", "Axes", "TYX", "The order of the axes: time, slice Z, channel C, height Y, width X"),
    ReadingField("dataset", "Dataset", "/mov", "The dataset of the movie in an HDF5 or NWB file"),
    ReadingField("plane", "Plane", "0", "Which plane of several, from 0"),
    ReadingField("channel", "Channel", "0", "Which channel of several, from 0"),
)
"""Only for a movie whose file does not say it."""
PRESETS = [
    {"label": "Two-photon (CNMF)", "value": "2p"},
    {"label": "One-photon, miniscope (CNMF-E)", "value": "1p"},
    {"label": "Volume of several planes (CNMF in 3D)", "value": "3d"},
]
_MOST_SUGGESTED = 60
NOTHING = " "
"""The value of a choice that chooses nothing: an empty one is what a select shows as its placeholder."""
_NOT_GIVEN = "\u2013"


def engine_options(project: Project) -> list[dict[str, Any]]:
    """The engines; CaImAn can be chosen where an interpreter with it is."""
    try:
        find_python(project)
        caiman: dict[str, Any] = {"label": "CaImAn", "value": "caiman"}
    except EngineError:
        caiman = {"label": "CaImAn (not found here)", "value": "caiman", "disabled": True}
    return [{"label": "Automatic", "value": "auto"}, {"label": "Built-in", "value": "builtin"}, caiman]


def parameter_options(project: Project, none: str = "of the kind of recording") -> list[dict[str, str]]:
    """The project's sets of parameters, after `none` of them."""
    return [
        {"label": none, "value": NOTHING},
        *({"label": one.name, "value": one.name} for one in parameter_sets(project) if one.problem is None),
    ]


def subject_suggestions(project: Project, list_id: str) -> Component:
    """The ids of the table of subjects, for the field that names `list_id` as its list."""
    try:
        ids = list(read_subjects(project.subjects_path))
    except MetadataError:
        ids = []  # the configuration page says what is wrong with the table
    return html.Datalist([html.Option(value=subject) for subject in ids], id=list_id)


def detail_fields(form: str, project: Project, details: Sequence[Detail]) -> list[Component]:
    """One field for each of `details`; a lab default stands where nothing is typed, and says so."""
    defaults = default_texts(project)
    return [_detail(form, detail, defaults) for detail in details]


def _detail(form: str, detail: Detail, defaults: Mapping[str, str]) -> Component:
    default = defaults.get(detail.name)
    return labelled(
        detail.label,
        dbc.Input(
            id={"type": f"{form}-detail", "name": detail.name},
            type="text",
            size="sm",
            placeholder=f"{default} (lab default)" if default else detail.example,
            autoComplete="off",
        ),
        title=f"Left empty, the lab default {default} is taken." if default else f"Such as {detail.example}.",
    )


def subject_fields(form: str, project: Project) -> list[Component]:
    """What is asked of the animal."""
    return detail_fields(form, project, SUBJECT_DETAILS)


def session_fields(form: str, project: Project) -> list[Component]:
    """What is asked of the session."""
    return detail_fields(form, project, SESSION_DETAILS)


def custom_fields(
    form: str, workspace: Workspace, values: Mapping[str, Any] | None = None, *, disabled: bool = False
) -> list[Component]:
    """One field for each custom column that is shown.

    Parameters
    ----------
    values
        What is there already, by the column's key.
    """
    columns = workspace.project.configuration().of_kind(ColumnKind.CUSTOM, hidden=False)
    return [_custom(form, workspace, column, (values or {}).get(column.key), disabled) for column in columns]


def _custom(form: str, workspace: Workspace, column: ColumnDefinition, value: Any, disabled: bool) -> Component:
    id_ = {"type": f"{form}-custom", "name": column.name}
    words = column.vocabulary if column.type is ColumnType.TEXT else ()
    if column.type is ColumnType.YES_NO:
        words = ("yes", "no")
    text = "" if value is None else ("yes" if value else "no") if isinstance(value, bool) else str(value)
    hint = column.description or f"{column.type.value}; not given: {_shown(column.replacement)}"
    if words:
        choices = dict.fromkeys((*words, *((text,) if text else ())))
        options = [{"label": _NOT_GIVEN, "value": NOTHING}, *({"label": word, "value": word} for word in choices)]
        return labelled(column.name, dbc.Select(options, text or NOTHING, id=id_, size="sm", disabled=disabled), hint)
    list_id = f"{form}-values-{column.key}"
    control = dbc.Input(
        id=id_,
        type="text",
        size="sm",
        value=text,
        placeholder=_shown(column.replacement),
        autoComplete="off",
        list=list_id,
        disabled=disabled,
    )
    return html.Div([labelled(column.name, control, hint), _used_values(workspace, column, list_id)])


def _used_values(workspace: Workspace, column: ColumnDefinition, list_id: str) -> Component:
    """What other samples have in the column, so that nobody spells it in two ways."""
    try:
        used = [value for value, _ in workspace.catalogue.values(column.name) if value not in (None, "")]
    except FluoriteError:
        used = []
    return html.Datalist([html.Option(value=_shown(value)) for value in used[:_MOST_SUGGESTED]], id=list_id)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
