"""The values of a project's custom columns: from what a person typed to what a sample stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py

from nwb_schema.columns import ColumnDefinition, UnfitValue
from nwb_schema.edits.apply import set_custom
from nwb_schema.edits.lookup import find_column
from nwb_schema.edits.state_reading import read_custom
from nwb_schema.errors import EditError, MetadataError, SampleError


def checked_custom(
    columns: Sequence[ColumnDefinition], values: Mapping[str, Any], *, source: str = "custom columns"
) -> dict[str, Any]:
    """What a sample stores of custom columns: ``{key: value}`` of ``{name: value as typed}``; blank texts are left out.

    Parameters
    ----------
    columns
        The project's custom columns.
    source
        What an error names.

    Raises
    ------
    MetadataError
        When there is no such column, or a value is not of its type or vocabulary.
    """
    checked: dict[str, Any] = {}
    for name, value in values.items():
        try:
            column = find_column(columns, name)
        except EditError as error:
            raise MetadataError(source, f"there is no custom column {error.file}", error.remedy) from error
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        try:
            checked[column.key] = column.check(value.strip() if isinstance(value, str) else value)
        except UnfitValue as error:
            raise MetadataError(
                source, f"{column.name} cannot be {str(value)[:60]!r} ({error})", "Correct it or leave it empty."
            ) from error
    return checked


def write_custom(path: Path, values: Mapping[str, Any]) -> None:
    """Put ``{key: value}`` into a sample that is being written and that nobody else sees yet, and read it back.

    Raises
    ------
    SampleError
        When it does not read back as it was written.
    """
    with h5py.File(path, "r+") as file:
        for key, value in values.items():
            set_custom(file, key, value)
    with h5py.File(path, "r") as file:
        if read_custom(file) != dict(values):
            raise SampleError(path, "the custom columns did not read back as they were written", "Try again.")
