"""What is known of a sample, as a form shows it, and the edits that a changed form asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.formatting import count
from app.samples.curation import others
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Edit, EditConflict, SetCustom, SetField, commit
from nwb_schema.edits.fields import FIELDS, MOMENTS, NOT_GIVEN, SESSION_START, Field
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.errors import EditError
from nwb_schema.moments import date_text, moment_text, parse_moment
from nwb_schema.pixel_size import pixel_size_text
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier, read_summary
from nwb_schema.subjects import read_subjects
from pipeline.jobs import Job
from pipeline.parameter_sets import read_parameter_set

_LABELS = {
    "subject.date_of_birth": "Date of birth",
    "session.session_start_time": "Recorded at",
    "session.session_description": "Description",
    "session.experiment_description": "Experiment",
    "session.related_publications": "Publications",
    "imaging.location": "Place in the brain",
    "imaging.excitation_lambda_nm": "Excitation (nm)",
    "imaging.emission_lambda_nm": "Emission (nm)",
    "imaging.pixel_size_um": "Pixel size (\u00b5m)",
}
_EXAMPLES = {
    "subject.age": "90 days, or P90D",
    "subject.sex": "M, F, O (other) or U (unknown)",
    "subject.species": "Mus musculus",
    "subject.weight": "0.025 kg",
    "subject.date_of_birth": "2026-01-15",
    "session.session_start_time": "2026-03-01 14:30",
    "session.experimenter": "Doe, Jane; Roe, Max",
    "imaging.indicator": "GCaMP6f",
    "imaging.location": "VISp",
    "imaging.excitation_lambda_nm": "920",
    "imaging.emission_lambda_nm": "510",
    "imaging.pixel_size_um": "1.2, or x, y: 1.2, 1.1; of a volume x, y, z",
}
_NEEDED = ("subject.species",)
"""Fields without a placeholder that publishing needs."""
GROUPS = {"subject": "Animal", "session": "Session", "imaging": "Imaging"}
"""The first part of a field's name, and what people call what it is about."""


@dataclass(frozen=True)
class ShownField:
    """One field of the form.

    Attributes
    ----------
    name
        Its name in `nwb_schema.edits.fields.FIELDS`.
    group, label, example
        What people read.
    text
        What the sample has, as it would be typed; empty where a placeholder stands.
    missing
        Whether nobody gave it although publishing needs it.
    stand_in
        What stands for it meanwhile, where that says something: typing it confirms it.
    """

    name: str
    group: str
    label: str
    example: str
    text: str
    missing: bool
    stand_in: str = ""


def shown_fields(state: SampleState) -> list[ShownField]:
    """Every field that can be edited, with what the sample has."""
    not_given = state.fields.get(NOT_GIVEN.name) or []
    source = state.fields.get("fluorite.session_start_time_source")
    found = []
    for name, field in FIELDS.items():
        group, _, plain = name.partition(".")
        assumed = name == "session.session_start_time" and source in ("file date", "import")
        unsaid = name in _NEEDED and not state.fields.get(name)
        missing = field.placeholder_name in not_given or assumed or unsaid
        known = as_text(field, state.fields.get(name))
        label, example = _LABELS.get(name, plain.replace("_", " ").capitalize()), _EXAMPLES.get(name, "")
        stand_in = known if assumed else ""
        found.append(ShownField(name, GROUPS[group], label, example, "" if missing else known, missing, stand_in))
    return found


def as_text(field: Field, value: Any) -> str:
    """A stored value as it would be typed."""
    if value is None:
        return ""
    if field.type == "texts":
        return "; ".join(value)
    if field.type == "spacing":
        return pixel_size_text(value)
    if field.name in MOMENTS:
        return _moment_text(field.name, str(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _moment_text(name: str, stored: str) -> str:
    """A stored date as people write it; as it is where another program wrote what is none."""
    try:
        moment = parse_moment(stored)
        return moment_text(moment) if name == SESSION_START else date_text(moment)
    except ValueError:
        return stored


def edits_of(
    shown: Mapping[str, str],
    typed: Mapping[str, str | None],
    custom_shown: Mapping[str, str],
    custom_typed: Mapping[str, Any],
    columns: Sequence[ColumnDefinition],
) -> list[Edit]:
    """One edit for each field that was changed.

    Parameters
    ----------
    shown, typed
        Fields by their names: what the form showed, and what it has now.
    custom_shown, custom_typed
        The same of custom columns, by the columns' names.
    """
    edits: list[Edit] = []
    for name, text in typed.items():
        value = (text or "").strip()
        if value == shown.get(name, "") or name not in FIELDS:
            continue
        if FIELDS[name].type == "texts":
            edits.append(SetField(name, [part.strip() for part in value.split(";") if part.strip()] or None))
        else:
            edits.append(SetField(name, value or None))
    by_name = {column.name: column for column in columns}
    for name, given in custom_typed.items():
        value = str(given or "").strip()
        if value == custom_shown.get(name, ""):
            continue
        if name not in by_name:
            raise EditError(name, "the project has no such custom column any more", "Reload the page.")
        edits.append(SetCustom(by_name[name], value or None))
    return edits


def save_details(
    project: Project, path: Path, edits: Sequence[Edit], *, actor: str, reason: str = "", based_on: str | None = None
) -> str:
    """Commit the edits, and say in a line what was done; what others did to other values meanwhile is merged.

    Raises
    ------
    FluoriteError
        When an edit cannot be made, or others changed the same values.
    """
    if not edits:
        return "Nothing was changed."
    project.require_writable()
    merged = ""
    try:
        done = commit(project, path, edits, actor=actor, reason=reason, based_on=based_on)
    except EditConflict as conflict:
        # The list of placeholders changes with every field that had one, so two people may well change it.
        if any(target.name != NOT_GIVEN.name for target in conflict.overlapping):
            raise EditError(
                path.name, f"others changed the same. {others(conflict)}", "Reload the page, look, and change it again."
            ) from conflict
        merged = " " + others(conflict)
        done = commit(project, path, edits, actor=actor, reason=reason, based_on=conflict.version)
    if not done.records:
        return f"Nothing was changed.{merged}"
    return f"Saved: {count(len(done.records), 'change')}.{merged}"


def from_subjects_table(project: Project, path: Path) -> dict[str, str]:
    """What the project's table of subjects says of the sample's animal, by the names of the fields.

    Raises
    ------
    FluoriteError
        When the table cannot be read, or does not have this animal.
    """
    subject = read_summary(path).subject_id or ""
    row = read_subjects(project.subjects_path).get(subject.strip())
    if row is None:
        raise EditError(
            project.subjects_path.name,
            f"the table of subjects does not have {subject!r}",
            "Add the animal on the configuration page.",
        )
    return {f"subject.{name}": value for name, value in row.items() if f"subject.{name}" in FIELDS}


def custom_columns(project: Project) -> tuple[ColumnDefinition, ...]:
    """The custom columns that are shown."""
    return project.configuration().of_kind(ColumnKind.CUSTOM, hidden=False)


def custom_texts(columns: Sequence[ColumnDefinition], state: SampleState) -> dict[str, str]:
    """What the sample has in each column, as it would be typed, by the columns' names."""
    texts = {}
    for column in columns:
        value = state.custom.get(column.key)
        texts[column.name] = (
            "" if value is None else ("yes" if value else "no") if isinstance(value, bool) else f"{value}"
        )
    return texts


def start_again(
    project: Project,
    path: Path,
    *,
    preset: str,
    parameters: str | None,
    engine: str,
    reason: str,
    actor: str,
) -> Job:
    """Start to find the cells of a sample anew, in its registered movie.

    Parameters
    ----------
    preset
        What the parameters change; blank for those that the sample was made with.
    parameters
        Name of one of the project's sets of parameters; blank changes nothing.

    Raises
    ------
    FluoriteError
        Anything that would stop the job right at its start.
    """
    # Imported only here: the engine's libraries would double the memory of every dashboard.
    from pipeline.process import check_request, submit_recording
    from pipeline.variants.requesting import variant_request

    project.require_writable()
    name = (parameters or "").strip()
    chosen = read_parameter_set(project, name) if name else None
    request = variant_request(
        project,
        read_identifier(path),
        None if chosen is None or chosen.parameters is None else chosen.parameters.to_dict(),
        preset=preset.strip() or None,
        label=f"{path.stem.removesuffix('_ophys')} again{f': {name}' if name else ''}",
        changes_file="parameters" if chosen is None else str(chosen.path),
        engine=engine,
        into=True,
        reason=reason,
    )
    check_request(project, request)
    return submit_recording(project, request, actor=actor)
