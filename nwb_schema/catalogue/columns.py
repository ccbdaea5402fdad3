"""Which columns a project's catalogue has: ours, those that the project configures, and what else its files hold.

A name means one column. Ours come first; a configured ROI tag or custom column has its own name unless one of ours has
it (a later version may bring one), and is then called ``tag:NAME`` or ``custom:NAME``, which works always. The
number of periods of a stimulus type is ``stimulus:NAME``, a column that only ROI tables have ``table:NAME``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from nwb_schema.catalogue_columns import ROI_COLUMNS, SAMPLE_COLUMNS, TABLE_PREFIX, TAKEN_NAMES
from nwb_schema.column_values import Kind
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.configuration import Configuration
from nwb_schema.errors import FilterError
from nwb_schema.filters import Column

Place = Literal["sample", "custom", "stimulus", "roi", "table"]
Level = Literal["samples", "rois"]
_NOTHING: Mapping[str, Kind] = MappingProxyType({})

_KINDS: dict[ColumnType, Kind] = {
    ColumnType.TEXT: "text",
    ColumnType.INTEGER: "number",
    ColumnType.DECIMAL: "number",
    ColumnType.YES_NO: "flag",
}
_PREFIXES = {ColumnKind.ROI_TAG: "tag", ColumnKind.CUSTOM: "custom", ColumnKind.STIMULUS: "stimulus"}


@dataclass(frozen=True)
class CatalogueColumn:
    """One column.

    Attributes
    ----------
    column
        Its name, the kind of its values, and what it holds.
    place
        Where its values are: in the list of samples, among their custom columns or stimuli, or in the ROI tables.
    key
        Its name there.
    definition
        How the project configures it; None for the others.
    listed
        Whether lists show it. Hidden columns can be filtered by all the same.
    """

    column: Column
    place: Place
    key: str
    definition: ColumnDefinition | None = None
    listed: bool = True

    @property
    def name(self) -> str:
        """As people write it."""
        return self.column.name

    @property
    def level(self) -> Level:
        """Whether each sample or each ROI has a value of its own."""
        return "rois" if self.place in ("roi", "table") else "samples"


class CatalogueColumns:
    """The columns of samples and of ROIs by name, in the order of lists."""

    def __init__(self, columns: Iterable[CatalogueColumn]) -> None:
        self._columns = tuple(columns)
        # An ROI has its own `evaluated`, a sample another.
        self._of_samples = {one.name: one for one in self._columns if one.level == "samples"}
        self._of_rois = self._of_samples | {one.name: one for one in self._columns if one.level == "rois"}

    def of(self, level: Level) -> Mapping[str, CatalogueColumn]:
        """What this level can be filtered and sorted by: of ROIs, also what their samples have."""
        return self._of_samples if level == "samples" else self._of_rois

    def find(self, name: str, level: Level) -> CatalogueColumn:
        """The column called `name`, with or without the prefix of its kind.

        Raises
        ------
        FilterError
            When there is none, with the most similar name.
        """
        columns = self.of(level)
        if name in columns:
            return columns[name]
        for column in columns.values():
            definition = column.definition
            if definition is not None and name == f"{_PREFIXES[definition.kind]}:{definition.name}":
                return column
        if level == "samples" and name in self._of_rois:
            raise FilterError(name, "is a column of ROIs, not of samples", "List ROIs instead: fluorite rois DIR.")
        close = difflib.get_close_matches(name, columns, n=1, cutoff=0.5)
        short = repr(name if len(name) <= 60 else f"{name[:57]}...")
        raise FilterError(
            short,
            "there is no such column",
            f"Did you mean {close[0]}?" if close else f"Columns: {', '.join(columns)}.",
        )


def catalogue_columns(
    configuration: Configuration, table_columns: Mapping[str, Kind] = _NOTHING, stimuli: Iterable[str] = ()
) -> CatalogueColumns:
    """The columns of a project.

    Parameters
    ----------
    table_columns
        All columns of ROI tables, those that are not ours with `TABLE_PREFIX`, and what they hold.
    stimuli
        Keys of all stimulus types that any sample has.
    """
    found = [CatalogueColumn(column, "sample", name) for name, column in SAMPLE_COLUMNS.items()]
    taken = set(TAKEN_NAMES)
    keys: dict[ColumnKind, set[str]] = {kind: set() for kind in ColumnKind}
    for definition in configuration.columns:
        keys[definition.kind].add(definition.key)
        name = definition.name
        if definition.kind is ColumnKind.STIMULUS or name.casefold() in taken:
            name = f"{_PREFIXES[definition.kind]}:{name}"
        taken.add(name.casefold())
        found.append(_configured(definition, name))
    for key in sorted(set(stimuli) - keys[ColumnKind.STIMULUS]):
        name = _free(f"stimulus:{key}", taken)
        found.append(CatalogueColumn(_periods_column(name, key), "stimulus", key))
    found += [CatalogueColumn(column, "roi", name) for name, column in ROI_COLUMNS.items()]
    for table_name, kind in table_columns.items():
        key = table_name.removeprefix(TABLE_PREFIX)
        if table_name != key and key not in keys[ColumnKind.ROI_TAG]:
            column = Column(_free(table_name, taken), kind, f"Column {key} of the ROI tables.")
            found.append(CatalogueColumn(column, "table", key, listed=False))
    return CatalogueColumns(found)


def _configured(definition: ColumnDefinition, name: str) -> CatalogueColumn:
    listed = not definition.hidden
    if definition.kind is ColumnKind.STIMULUS:
        return CatalogueColumn(_periods_column(name, definition.name), "stimulus", definition.key, definition, listed)
    place: Place = "table" if definition.kind is ColumnKind.ROI_TAG else "custom"
    what = "ROI tag" if place == "table" else "Custom column"
    column = Column(name, _KINDS[definition.type], definition.description or f"{what} {definition.name}.")
    return CatalogueColumn(column, place, definition.key, definition, listed)


def _periods_column(name: str, type_name: str) -> Column:
    return Column(name, "number", f"How many periods and moments of {type_name} the sample has.")


def _free(name: str, taken: set[str]) -> str:
    number, candidate = 1, name
    while candidate.casefold() in taken:
        number += 1
        candidate = f"{name} {number}"
    taken.add(candidate.casefold())
    return candidate
