"""All that edits can change of one sample, read from its file at once and held in memory.

What a commit has to write, what it must read back afterwards, and what somebody changed without us are all answered by
comparing two of these.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
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
from nwb_schema.edits.fields import FIELDS, NOT_GIVEN, Field
from nwb_schema.errors import SampleError
from nwb_schema.layout import CUSTOM_COLUMNS, FLUORITE, PLANE_SEGMENTATION, SCORES
from nwb_schema.linked_movie import movie_link
from nwb_schema.reader import open_sample

DIGEST_FORMAT = "format of the digest"
# Raise it when the same file would give another digest, also because another field can be edited: digests that an older
# version left behind are then not compared.
_DIGEST_VERSION = 1
# Columns that no edit changes; their values are part of the digest of the masks instead.
_FIXED = {"id", "roi_uuid", "evaluated", "pixel_mask", "voxel_mask", "image_mask", *SCORES}


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
        SHA-256 of the ROIs' identities and masks, which no edit changes.
    movie
        Where the link to the movie leads, which no edit changes.
    """

    identifier: str
    roi_uuids: tuple[str, ...]
    columns: Mapping[str, StoredColumn]
    fields: Mapping[str, Any]
    custom: Mapping[str, Any]
    edit_ids: tuple[str, ...]
    masks: str
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
        return (self.fields if target.kind == "field" else self.custom).get(target.name)

    def has(self, target: Target) -> bool:
        """Whether there is something in this sample for `target` to be about."""
        return target.kind != "roi" or target.roi in self.rows

    def applied(self, changes: Iterable[Change], edit_ids: Iterable[str] = ()) -> SampleState:
        """This state after `changes`; those of ROIs that the sample lacks change nothing."""
        columns = {name: list(column.values) for name, column in self.columns.items()}
        types = {name: column.type for name, column in self.columns.items()}
        nothing = (None,) * len(self.roi_uuids)
        fields, custom, rows = dict(self.fields), dict(self.custom), self.rows
        for change in changes:
            target = change.target
            if target.kind == "column":
                type_, replacement = ColumnType(change.after[0]), change.after[1]
                if types.get(target.name) is not type_:
                    old = StoredColumn(ColumnType.TEXT, tuple(columns.get(target.name, nothing)))
                    columns[target.name] = list(old.retyped(type_, replacement).values)
                    types[target.name] = type_
            elif target.kind == "roi" and target.roi in rows:
                columns[target.name][rows[target.roi]] = change.after
            elif target.kind == "field":
                fields[target.name] = change.after
            elif target.kind == "custom":
                custom[target.name] = change.after
                if change.after is None:
                    del custom[target.name]
        return replace(
            self,
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
        parts |= {"ROIs and their masks": self.masks, "link to the movie": self.movie, DIGEST_FORMAT: _DIGEST_VERSION}
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
        table = local_hdf5.local_group(file, PLANE_SEGMENTATION)
        roi_uuids = () if table is None else local_hdf5.texts(table, "roi_uuid")
        return SampleState(
            identifier=local_hdf5.text(file, "identifier") or "",
            roi_uuids=roi_uuids,
            columns={} if table is None else _read_columns(table, len(roi_uuids)),
            fields={name: _read_field(file, field) for name, field in (FIELDS | {NOT_GIVEN.name: NOT_GIVEN}).items()},
            custom=_read_custom(file),
            edit_ids=edits_table.read_ids(file),
            masks="" if table is None else _hash_masks(table, roi_uuids),
            movie=_movie(file),
        )


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


def _read_custom(file: h5py.File) -> dict[str, Any]:
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


def _hash_masks(table: h5py.Group, roi_uuids: tuple[str, ...]) -> str:
    digest = hashlib.sha256("\n".join(roi_uuids).encode("utf-8", "surrogatepass"))
    for name in ("pixel_mask", "pixel_mask_index", "voxel_mask", "voxel_mask_index"):
        data = local_hdf5.local_dataset(table, name)
        if data is not None:
            digest.update(_bytes(data[()]))
    return digest.hexdigest()[:16]


def _bytes(values: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def _movie(file: h5py.File) -> tuple[str, str] | None:
    link = movie_link(file)
    return None if link is None else (str(link.filename), str(link.path))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
