"""Making a project from what a person typed: everything is checked before the folder is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.configuration_changes import column_of, typed_defaults
from nwb_schema import configuration as changes
from nwb_schema.columns import ColumnKind, ColumnType
from nwb_schema.configuration import Configuration
from nwb_schema.configuration_file import change_configuration
from nwb_schema.errors import ProjectError
from nwb_schema.names import clean_text, sanitise
from nwb_schema.project import CONFIG_NAME, Project

_LONGEST_NAME = 80


@dataclass(frozen=True)
class TypedColumn:
    """A column as it was typed.

    Attributes
    ----------
    kind, name, type
        As `nwb_schema.columns.ColumnDefinition` has them, as texts.
    words
        The allowed values, separated by commas; empty allows any.
    """

    kind: str
    name: str
    type: str = ColumnType.TEXT.value
    words: str = ""


def configured(
    columns: Sequence[TypedColumn], defaults: Mapping[str, str | None], start: Configuration | None = None
) -> Configuration:
    """The configuration with these columns and lab defaults.

    Raises
    ------
    ConfigurationError
        When a column or a default cannot be as it was typed.
    """
    configuration = start or Configuration(source="New project")
    for column in columns:
        made = column_of(ColumnKind(column.kind), column.name, column.type, column.words)
        configuration = changes.add_column(configuration, made)
    return changes.set_defaults(configuration, typed_defaults(defaults))


def place_of(name: str | None, parent: str | None) -> Path:
    """The folder of a new project.

    Raises
    ------
    ProjectError
        When it has no name, or cannot be made there.
    """
    wanted = " ".join(clean_text(name or "").split())
    if not wanted or len(wanted) > _LONGEST_NAME:
        raise ProjectError("Name", f"it has to have 1 to {_LONGEST_NAME} characters", "Type a name, such as Odours.")
    typed = (parent or "").strip()
    if not typed:
        raise ProjectError("Place", "no folder was chosen", "Press Browse, or type the folder to make it in.")
    above = Path(typed).expanduser().resolve()
    if not above.is_dir():
        raise ProjectError(above, "there is no such folder", "Choose one that is there.")
    if (above / CONFIG_NAME).is_file():
        raise ProjectError(above, "is a project itself", "Choose the folder above it.")
    folder = above / sanitise(wanted)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError(folder, "is there already", "Choose another name or place.")
    return folder


def create_project(
    name: str | None, parent: str | None, columns: Sequence[TypedColumn], defaults: Mapping[str, str | None]
) -> Project:
    """Make the project, configured.

    Raises
    ------
    ProjectError
        When something cannot be as it was typed (then nothing is made), or the folder cannot be written.
    """
    folder = place_of(name, parent)
    configured(columns, defaults)
    project = Project.create(folder, name=" ".join((name or "").split()))
    change_configuration(project.config_path, lambda old: configured(columns, defaults, old))
    return project
