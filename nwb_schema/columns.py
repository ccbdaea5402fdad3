"""The columns that a project configures, as in Mesmerize: per ROI, per time period, per sample."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ColumnKind(StrEnum):
    """What a configured column belongs to."""

    ROI_TAG = "roi_tag"
    STIMULUS = "stimulus"
    CUSTOM = "custom"


class ColumnType(StrEnum):
    """What the values of a configured column are."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    YES_NO = "yes/no"

    @property
    def replacement(self) -> Any:
        """The value that samples which lack the column get where the project declares none."""
        return {"text": "untagged", "integer": 0, "decimal": 0.0, "yes/no": False}[self.value]


@dataclass(frozen=True)
class ColumnDefinition:
    """One configured column.

    Attributes
    ----------
    name
        As people write it.
    kind
        ROI tag column, stimulus type or custom column.
    type
        Of its values; a stimulus type's name is a text.
    replacement
        Value in samples that lack the column.
    vocabulary
        The only values allowed, or empty for any.
    hidden
        Not shown, and kept in every sample: nothing is ever deleted by a change of configuration.
    description
        One line for people.
    """

    name: str
    kind: ColumnKind
    type: ColumnType = ColumnType.TEXT
    replacement: Any = "untagged"
    vocabulary: tuple[str, ...] = ()
    hidden: bool = False
    description: str = ""
