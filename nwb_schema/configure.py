"""Change a project's configuration: each function here is one change, made whole or refused.

The page, the command line and notebooks call the same functions. No change touches a sample: a hidden column keeps its
values, a renamed one its key, and a replacement value is put in when a sample that lacks the column is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from nwb_schema import configuration as changes
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configuration import Configuration
from nwb_schema.configuration_file import change_configuration
from nwb_schema.project import Project
from nwb_schema.stored_values import stored_values


def add_column(project: Project, column: ColumnDefinition) -> Configuration:
    """Add a column; see `nwb_schema.configuration.add_column`."""
    return _apply(project, lambda old: changes.add_column(old, column))


def rename_column(project: Project, name: str, new_name: str, kind: ColumnKind | None = None) -> Configuration:
    """Give a column another name; its values stay its own."""
    return _apply(project, lambda old: changes.rename_column(old, name, new_name, kind))


def hide_column(project: Project, name: str, kind: ColumnKind | None = None) -> Configuration:
    """Take a column out of sight; every sample keeps its values."""
    return _apply(project, lambda old: changes.set_hidden(old, name, True, kind))


def show_column(project: Project, name: str, kind: ColumnKind | None = None) -> Configuration:
    """Show a hidden column again."""
    return _apply(project, lambda old: changes.set_hidden(old, name, False, kind))


def reorder(project: Project, names: Sequence[str], kind: ColumnKind | None = None) -> Configuration:
    """Show these columns first, in this order."""
    return _apply(project, lambda old: changes.reorder(old, names, kind))


def set_vocabulary(project: Project, name: str, values: Iterable[str], kind: ColumnKind | None = None) -> Configuration:
    """Allow only these values from now on; empty allows any. `outside_vocabulary` tells what samples hold already."""
    words = tuple(values)
    return _apply(project, lambda old: changes.set_vocabulary(old, name, words, kind))


def outside_vocabulary(project: Project, name: str, kind: ColumnKind | None = None) -> dict[str, list[str]]:
    """Values that the vocabulary of a column lacks, ``{sample: values}``; they stay as they are."""
    column = project.configuration().find(name, kind)
    found: dict[str, list[str]] = {}
    for sample, value in stored_values(project, column):
        if not column.allows(value):
            found.setdefault(sample, []).append(str(value))
    return found


def set_replacement(project: Project, name: str, value: Any, kind: ColumnKind | None = None) -> Configuration:
    """Give another value to samples that lack the column."""
    return _apply(project, lambda old: changes.set_replacement(old, name, value, kind))


def set_description(project: Project, name: str, text: str, kind: ColumnKind | None = None) -> Configuration:
    """Describe a column in one line."""
    return _apply(project, lambda old: changes.set_description(old, name, text, kind))


def change_type(
    project: Project, name: str, new: ColumnType, *, replacement: Any = None, kind: ColumnKind | None = None
) -> Configuration:
    """Give a column another type; refused where a value in any sample does not convert, naming the samples.

    Raises
    ------
    ConfigurationError
        See `nwb_schema.configuration.change_type`.
    """
    return _apply(
        project,
        lambda old: changes.change_type(
            old, name, new, replacement=replacement, kind=kind, stored=lambda column: stored_values(project, column)
        ),
    )


def set_lab_defaults(project: Project, values: Mapping[str, Any]) -> Configuration:
    """Set lab defaults (`nwb_schema.lab_defaults.DEFAULT_FIELDS`); None or an empty text removes one."""
    return _apply(project, lambda old: changes.set_defaults(old, values))


def _apply(project: Project, change: Callable[[Configuration], Configuration]) -> Configuration:
    return change_configuration(project.config_path, change)
