"""All that edits can change of one sample, held in memory.

What a commit has to write, what it must read back afterwards, and what somebody changed without us are all answered by
comparing two of these. `nwb_schema.edits.state_reading` reads one from its file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from nwb_schema.columns import ColumnType
from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.roi_table import StoredColumn, read_rois_state
from nwb_schema.edits.times import TimesTable
from nwb_schema.layout import ENGINE_ORIGIN, ORIGIN, PARENTS

DIGEST_FORMAT = "format of the digest"
# Raise it when the same file would give another digest, also because another field can be edited: digests that an older
# version left behind are then not compared.
_DIGEST_VERSION = 4
# What a new ROI has in columns of ours for which nothing is said.
_OF_NEW_ROIS: Mapping[str, Any] = {ORIGIN: ENGINE_ORIGIN, PARENTS: "", "is_accepted": True, "evaluated": True}


@dataclass(frozen=True)
class SampleState:
    """What edits can change of one sample.

    Attributes
    ----------
    identifier
        The sample's.
    roi_uuids
        One per row of the ROI table.
    columns
        Columns of the ROI table that can be edited, by name.
    fields
        Metadata by name (see `nwb_schema.edits.fields`); what the file lacks is None.
    custom
        Custom columns of the sample: ``{key: value}``.
    edit_ids
        ``id`` of every edit in the file, in order.
    masks
        A short hash of the mask of each ROI, in which `mask_digests` sees every change.
    segmentation
        ``object_id`` of the ROI table: another segmentation has another. A sample without ROIs has a name of its own.
    times
        Tables of periods and moments by their path.
    series
        ``object_id`` of each series of behaviour by its name.
    movie
        Where the link to the movie leads, which no edit changes.
    volume
        Whether the frames are volumes, which no edit changes either.
    """

    identifier: str
    roi_uuids: tuple[str, ...]
    columns: Mapping[str, StoredColumn]
    fields: Mapping[str, Any]
    custom: Mapping[str, Any]
    edit_ids: tuple[str, ...]
    masks: tuple[str, ...]
    segmentation: str
    times: Mapping[str, TimesTable]
    series: Mapping[str, str]
    movie: tuple[str, str] | None
    volume: bool = False

    @property
    def version(self) -> str:
        """What tells this state from the one after the next edit: the last edit's ``id``, or empty before the first."""
        return self.edit_ids[-1] if self.edit_ids else ""

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row of each ROI by its ``roi_uuid``."""
        return {roi: row for row, roi in enumerate(self.roi_uuids)}

    def value(self, target: Target) -> Any:
        """The present value of `target`; of a cell whose column is not there, None."""
        if target.kind == "roi":
            column = self.columns.get(target.name)
            row = self.rows.get(target.roi)
            return None if column is None or row is None else column.values[row]
        if target.kind == "column":
            column = self.columns.get(target.name)
            return None if column is None else column.type.value
        if target.kind == "row":
            return True if target.roi in self.rows else None
        if target.kind == "segmentation":
            return self.segmentation
        if target.kind == "series":
            return self.series.get(target.name)
        if target.kind in ("times", "period"):
            table = self.times.get(target.name)
            if table is None or target.kind == "times":
                return None if table is None else table.header()
            cells = table.rows.get(int(target.roi))
            return None if cells is None else list(cells)
        return (self.fields if target.kind == "field" else self.custom).get(target.name)

    def has(self, target: Target) -> bool:
        """Whether there is something in this sample for `target` to be about."""
        return target.kind != "roi" or target.roi in self.rows

    def applied(
        self, changes: Iterable[Change], edit_ids: Iterable[str] = (), contents: Contents | None = None
    ) -> SampleState:
        """This state after `changes`; those of ROIs that the sample lacks change nothing.

        Parameters
        ----------
        contents
            What another segmentation is read from; needed when one of the changes is one.
        """
        columns = {name: list(column.values) for name, column in self.columns.items()}
        types = {name: column.type for name, column in self.columns.items()}
        roi_uuids, masks = list(self.roi_uuids), list(self.masks)
        fields, custom, rows = dict(self.fields), dict(self.custom), dict(self.rows)
        times, series, segmentation = dict(self.times), dict(self.series), self.segmentation
        periods: dict[str, dict[int, Any]] = {}
        for change in changes:
            target = change.target
            if target.kind == "column":
                type_, replacement = ColumnType(change.after[0]), change.after[1]
                if types.get(target.name) is not type_:
                    nothing = [None] * len(roi_uuids)
                    old = StoredColumn(ColumnType.TEXT, tuple(columns.get(target.name, nothing)))
                    columns[target.name] = list(old.retyped(type_, replacement).values)
                    types[target.name] = type_
            elif target.kind == "roi" and target.roi in rows:
                columns[target.name][rows[target.roi]] = change.after
            elif target.kind == "row" and target.roi not in rows:
                rows[target.roi] = len(roi_uuids)
                roi_uuids.append(target.roi)
                masks.append(change.after[2])
                for name, value in new_cells(types, change.after[3]).items():
                    columns[name].append(value)
            elif target.kind == "segmentation":
                if contents is None:
                    raise ValueError("another segmentation cannot be known without its content")
                with contents.opened(change.after) as file:
                    found = read_rois_state(file)
                segmentation, roi_uuids, masks = change.after, list(found.roi_uuids), list(found.masks)
                rows = {roi: row for row, roi in enumerate(roi_uuids)}
                columns = {name: list(column.values) for name, column in found.columns.items()}
                types = {name: column.type for name, column in found.columns.items()}
            elif target.kind == "field":
                fields[target.name] = change.after
            else:
                _set(custom, target, "custom", change.after)
                _set(series, target, "series", change.after)
                _apply_times(times, periods, target, change.after)
        return replace(
            self,
            roi_uuids=tuple(roi_uuids),
            masks=tuple(masks),
            segmentation=segmentation,
            times={name: replace(table, rows=periods.get(name, table.rows)) for name, table in times.items()},
            series=series,
            columns={name: StoredColumn(types[name], tuple(values)) for name, values in columns.items()},
            fields=fields,
            custom=custom,
            edit_ids=(*self.edit_ids, *edit_ids),
        )

    def digest(self) -> dict[str, str]:
        """A short hash of each part, by its name, for finding out later which one was changed from outside."""
        parts: dict[str, Any] = {f"ROI column {name}": column.values for name, column in self.columns.items()}
        parts |= {name: value for name, value in self.fields.items() if value is not None}
        parts |= {f"custom column {name}": value for name, value in self.custom.items()}
        parts |= {f"table {name}": [table.header(), sorted(table.rows.items())] for name, table in self.times.items()}
        parts |= {f"series {name}": value for name, value in self.series.items()}
        parts |= {"ROIs and their masks": [self.segmentation, self.roi_uuids, self.masks]}
        parts |= {"link to the movie": self.movie, DIGEST_FORMAT: _DIGEST_VERSION}
        return {name: short_hash(json.dumps(value).encode()) for name, value in parts.items()}


def new_cells(types: Mapping[str, ColumnType], given: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """What a new ROI has in each column: what its edit gives, else what means that nobody said anything."""
    said = {name: value for name, value in given}
    return {name: said.get(name, _OF_NEW_ROIS.get(name, type_.replacement)) for name, type_ in types.items()}


def short_hash(content: bytes) -> str:
    """What stands for a content in a digest."""
    return hashlib.sha256(content).hexdigest()[:16]


def _set(values: dict[str, Any], target: Target, kind: str, after: Any) -> None:
    if target.kind == kind:
        values.pop(target.name, None)
        if after is not None:
            values[target.name] = after


def _apply_times(times: dict[str, TimesTable], periods: dict[str, dict[int, Any]], target: Target, after: Any) -> None:
    """Apply a change of a table of times to `times`, or of a row to `periods`, which holds the rows of touched ones."""
    name = target.name
    if target.kind == "times":
        table = times.pop(name, None)
        if after is not None:
            rows = {} if table is None else table.rows
            times[name] = replace(TimesTable.from_header(after), rows=rows)
        else:
            periods.pop(name, None)
    elif target.kind == "period" and name in times:
        rows = periods.setdefault(name, dict(times[name].rows))
        rows.pop(int(target.roi), None)
        if after is not None:
            rows[int(target.roi)] = tuple(after)
