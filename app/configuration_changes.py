"""What the configuration page changes: from a cell of a table to one call of `nwb_schema.configure`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.errors import ConfigurationError
from nwb_schema.lab_defaults import DEFAULT_FIELDS
from nwb_schema.project import Project
from nwb_schema.subjects import SUBJECT_FIELDS, change_subject, read_subjects

KINDS = {
    ColumnKind.ROI_TAG: ("Tag columns", "One value for every cell, such as its type."),
    ColumnKind.STIMULUS: ("Stimulus types", "Each is a table of periods or moments in every sample, such as odours."),
    ColumnKind.CUSTOM: ("Custom columns", "One value for every sample, such as a drug or a behaviour score."),
}


def column_rows(project: Project, kind: ColumnKind) -> list[dict[str, Any]]:
    """The columns of a kind, one row each, in the order in which they are shown."""
    return [
        {
            "key": column.key,
            "name": column.name,
            "type": column.type.value,
            "vocabulary": ", ".join(column.vocabulary),
            "replacement": _words(column.replacement),
            "description": column.description,
            "shown": not column.hidden,
        }
        for column in project.columns(kind)
    ]


def change_columns(project: Project, kind: ColumnKind, edited: Iterable[Mapping[str, Any]]) -> None:
    """Change what was edited in the table of columns.

    Raises
    ------
    ConfigurationError
    """
    for one in edited:
        change_column(project, kind, one["data"]["key"], one["colId"], one["value"])


def change_column(project: Project, kind: ColumnKind, key: str, field: str, value: Any) -> None:
    """Change one thing of a column.

    Raises
    ------
    ConfigurationError
        When it cannot be changed so; nothing is changed then.
    """
    column = _find(project, kind, key)
    name, text = column.name, "" if value is None else str(value).strip()
    if field == "name":
        configure.rename_column(project, name, text, kind)
    elif field == "type":
        # The old replacement value is of the old type.
        configure.change_type(project, name, ColumnType(text), kind=kind)
    elif field == "vocabulary":
        configure.set_vocabulary(project, name, words(text), kind)
    elif field == "replacement":
        configure.set_replacement(project, name, text, kind)
    elif field == "description":
        configure.set_description(project, name, text, kind)
    elif field == "shown":
        (configure.show_column if value else configure.hide_column)(project, name, kind)
    else:
        raise ConfigurationError(name, f"has no {field!r} that can be changed", "Reload the page.")


def move_column(project: Project, kind: ColumnKind, key: str, by: int) -> None:
    """Show a column earlier (`by` < 0) or later among those of its kind; at the ends nothing happens."""
    names = [column.name for column in project.columns(kind)]
    at = names.index(_find(project, kind, key).name)
    to = min(max(at + by, 0), len(names) - 1)
    if to != at:
        names.insert(to, names.pop(at))
        configure.reorder(project, names, kind)


def new_column(project: Project, kind: ColumnKind, name: str | None, type_: str | None, vocabulary: str | None) -> None:
    """Add a column.

    Raises
    ------
    ConfigurationError
        When it has no name, the name is taken, or its values are not of its type.
    """
    configure.add_column(project, column_of(kind, name, type_ or ColumnType.TEXT.value, vocabulary))


def column_of(kind: ColumnKind, name: str | None, type_: str, vocabulary: str | None) -> ColumnDefinition:
    """The column that somebody typed.

    Raises
    ------
    ConfigurationError
        When it has no name, or a list of allowed values that are not texts.
    """
    given = " ".join((name or "").split())
    if not given:
        raise ConfigurationError("column", "it has no name", "Type one, such as cell_type.")
    allowed = words(vocabulary)
    if allowed and type_ != ColumnType.TEXT.value:
        raise ConfigurationError(given, "only texts can have a list of allowed values", "Leave the list empty.")
    return ColumnDefinition(given, kind, ColumnType(type_), vocabulary=allowed)


def words(text: str | None) -> tuple[str, ...]:
    """Values separated by commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip()))


def default_texts(project: Project) -> dict[str, str]:
    """The lab defaults as they are typed."""
    defaults = project.configuration().defaults
    return {name: _words(defaults.get(name)) for name in DEFAULT_FIELDS}


def set_defaults(project: Project, texts: Mapping[str, str | None]) -> None:
    """Set lab defaults as they were typed; empty ones are removed.

    Raises
    ------
    ConfigurationError
    """
    configure.set_lab_defaults(project, typed_defaults(texts))


def typed_defaults(texts: Mapping[str, str | None]) -> dict[str, Any]:
    """Lab defaults from what was typed, as `nwb_schema.configuration.set_defaults` takes them."""
    values: dict[str, Any] = {name: text or "" for name, text in texts.items()}
    if "experimenter" in values:
        # A name has a comma of its own ("Doe, Jane"), so several people are separated by semicolons.
        values["experimenter"] = [part.strip() for part in values["experimenter"].split(";") if part.strip()]
    return values


def subject_rows(project: Project) -> list[dict[str, str]]:
    """The subjects, one row each."""
    return [
        {name: values.get(name, "") for name in SUBJECT_FIELDS}
        for values in read_subjects(project.subjects_path).values()
    ]


def change_subjects_cells(project: Project, edited: Iterable[Mapping[str, Any]]) -> None:
    """Change what was edited in the table of subjects.

    Raises
    ------
    MetadataError
    """
    for one in edited:
        value = one["value"]
        values = {one["colId"]: "" if value is None else str(value)}
        change_subject(project.subjects_path, one["data"]["subject_id"], values)


def _find(project: Project, kind: ColumnKind, key: str) -> ColumnDefinition:
    found = next((column for column in project.columns(kind) if column.key == key), None)
    if found is None:
        raise ConfigurationError(key, "there is no such column any more", "Reload the page.")
    return found


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(str(part) for part in value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
