"""All that edits can change of one sample, read from its file at once and held in memory.

What a commit has to write, what it must read back afterwards, and what somebody changed without us are all answered by
comparing two of these.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnType, UnfitValue
from nwb_schema.edits import edits_table
from nwb_schema.edits.change import Change, Target
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.fields import STORED, Field
from nwb_schema.edits.times import TimesTable, read_times
from nwb_schema.errors import SampleError
from nwb_schema.layout import BEHAVIOUR, CUSTOM_COLUMNS, ENGINE_ORIGIN, FLUORITE, ORIGIN, PARENTS, SCORES
from nwb_schema.linked_movie import movie_link
from nwb_schema.masks import PIXEL_DTYPE, VOXEL_DTYPE
from nwb_schema.reader import open_sample
from nwb_schema.stored_masks import find_segmentation

DIGEST_FORMAT = "format of the digest"
# Raise it when the same file would give another digest, also because another field can be edited: digests that an older
# version left behind are then not compared.
_DIGEST_VERSION = 3
# Columns that no edit changes; their values are part of the digest of the masks instead.
_FIXED = {"id", "roi_uuid", "pixel_mask", "voxel_mask", "image_mask", *SCORES}
# What a new ROI has in columns of ours for which nothing is said.
_OF_NEW_ROIS: Mapping[str, Any] = {ORIGIN: ENGINE_ORIGIN, PARENTS: "", "is_accepted": True, "evaluated": True}


@dataclass(frozen=True)
class StoredColumn:
    """One column of the ROI table: its type, and one value per ROI."""

    type: ColumnType
    values: tuple[Any, ...]

    def retyped(self, type_: ColumnType, replacement: Any) -> StoredColumn:
        """The same values as another type; `replacement` stands for those that have no such form."""
        return StoredColumn(type_, tuple(_converted(value, type_, replacement) for value in self.values))


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
        return {name: _hash(json.dumps(value).encode()) for name, value in parts.items()}


def read_state(path: Path) -> SampleState:
    """What edits can change of the sample `path`.

    Raises
    ------
    SampleError
        Also when the file is not one of ours, which is only browsed.
    """
    with open_sample(path) as file:
        if local_hdf5.local_group(file, FLUORITE) is None:
            raise SampleError(path, "was not written by Fluorite, so it is only browsed", "Adopt it into the project.")
        rois = read_rois_state(file)
        identifier = local_hdf5.text(file, "identifier") or ""
        return SampleState(
            identifier=identifier,
            roi_uuids=rois.roi_uuids,
            columns=rois.columns,
            fields={name: _read_field(file, field) for name, field in STORED.items()},
            custom=read_custom(file),
            edit_ids=edits_table.read_ids(file),
            masks=rois.masks,
            segmentation=rois.segmentation or f"none-{_hash(identifier.encode())}",
            times=read_times(file),
            series=_read_series(file),
            movie=_movie(file),
        )


@dataclass(frozen=True)
class RoisState:
    """The part of a `SampleState` that another segmentation replaces."""

    roi_uuids: tuple[str, ...]
    columns: Mapping[str, StoredColumn]
    masks: tuple[str, ...]
    segmentation: str


def read_rois_state(file: h5py.File) -> RoisState:
    """What an open sample, or the content of an edit, holds of ROIs."""
    table = find_segmentation(file)
    if table is None:
        return RoisState((), {}, (), "")
    roi_uuids = local_hdf5.texts(table, "roi_uuid")
    identity = local_hdf5.as_text(table.attrs.get("object_id", ""))
    return RoisState(roi_uuids, _read_columns(table, len(roi_uuids)), _stored_digests(table, len(roi_uuids)), identity)


def new_cells(types: Mapping[str, ColumnType], given: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """What a new ROI has in each column: what its edit gives, else what means that nobody said anything."""
    said = {name: value for name, value in given}
    return {name: said.get(name, _OF_NEW_ROIS.get(name, type_.replacement)) for name, type_ in types.items()}


def plain_values(data: h5py.Dataset) -> tuple[ColumnType, tuple[Any, ...]] | None:
    """Type and values of a one-dimensional column, or None when it is not stored as one of our four types.

    A decimal that is not a number reads as None.
    """
    if data.ndim != 1:
        return None
    if h5py.check_string_dtype(data.dtype) is not None:
        return ColumnType.TEXT, tuple(local_hdf5.as_text(item) for item in data[()])
    if data.dtype == np.bool_:
        return ColumnType.YES_NO, tuple(data[()].tolist())
    if data.dtype == np.int64:
        return ColumnType.INTEGER, tuple(data[()].tolist())
    if data.dtype == np.float64:
        return ColumnType.DECIMAL, tuple(None if math.isnan(value) else value for value in data[()].tolist())
    return None


def field_path(file: h5py.File, field: Field) -> str:
    """Path of the dataset of `field`; the optical channel may have any name."""
    before, star, after = field.place.partition("/*")
    if not star:
        return field.place
    plane = local_hdf5.local_group(file, before)
    channels = [] if plane is None else [name for name, node in local_hdf5.local_children(plane) if _is_channel(node)]
    return f"{before}/{channels[0] if channels else 'OpticalChannel'}{after}"


def _converted(value: Any, type_: ColumnType, replacement: Any) -> Any:
    try:
        return replacement if value is None else type_.convert(value)
    except UnfitValue:
        return replacement


def _is_channel(node: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "OpticalChannel"


def _read_columns(table: h5py.Group, n_rois: int) -> dict[str, StoredColumn]:
    columns = {}
    for name in (local_hdf5.as_text(name) for name in table.attrs.get("colnames", ())):
        if name in _FIXED:
            continue
        data = local_hdf5.local_dataset(table, name)
        if data is None:
            raise KeyError(f"its ROI table names a column {name!r} that is not there")
        found = plain_values(data)
        if found is not None and len(found[1]) == n_rois and f"{name}_index" not in table:
            columns[name] = StoredColumn(*found)
    return columns


def _read_field(file: h5py.File, field: Field) -> Any:
    path = field_path(file, field)
    if field.type == "texts":
        return list(local_hdf5.texts(file, path)) or None
    if field.type == "text":
        return local_hdf5.text(file, path)
    number = local_hdf5.scalar(file, path)
    return None if number is None or not math.isfinite(number) else float(number)


def read_custom(file: h5py.File) -> dict[str, Any]:
    """The values of the custom columns that an open sample has, by their keys."""
    table = local_hdf5.local_group(file, CUSTOM_COLUMNS)
    if table is None:
        return {}
    found = {}
    for name in (local_hdf5.as_text(name) for name in table.attrs.get("colnames", ())):
        data = local_hdf5.local_dataset(table, name)
        plain = None if data is None else plain_values(data)
        if plain is not None and len(plain[1]) == 1:
            found[name] = plain[1][0]
    return found


def mask_digests(mask: NDArray[Any], ends: NDArray[Any]) -> tuple[str, ...]:
    """A short hash of each ROI's part of NWB's ragged ``pixel_mask`` or ``voxel_mask``.

    Parameters
    ----------
    mask, ends
        See `nwb_schema.masks.ragged_mask`.
    """
    dtype = VOXEL_DTYPE if "z" in (mask.dtype.names or ()) else PIXEL_DTYPE
    content = np.ascontiguousarray(mask.astype(dtype, copy=False)).view(np.uint8).data
    bounds = [0, *(np.asarray(ends, np.int64) * dtype.itemsize).tolist()]
    return tuple(
        hashlib.blake2b(content[start:stop], digest_size=8).hexdigest() for start, stop in itertools.pairwise(bounds)
    )


def _stored_digests(table: h5py.Group, n_rois: int) -> tuple[str, ...]:
    for name in ("pixel_mask", "voxel_mask"):
        mask = local_hdf5.local_dataset(table, name)
        index = local_hdf5.local_dataset(table, f"{name}_index")
        if mask is not None and index is not None and mask.dtype.names is not None and index.shape == (n_rois,):
            return mask_digests(mask[()], index[()])
    return ("",) * n_rois  # a dense mask of another program's; no edit changes it


def _read_series(file: h5py.File) -> dict[str, str]:
    module = local_hdf5.local_group(file, BEHAVIOUR)
    return {
        name: local_hdf5.as_text(node.attrs.get("object_id", ""))
        for name, node in (() if module is None else local_hdf5.local_children(module))
        if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "TimeSeries"
    }


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


def _movie(file: h5py.File) -> tuple[str, str] | None:
    link = movie_link(file)
    return None if link is None else (str(link.filename), str(link.path))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
