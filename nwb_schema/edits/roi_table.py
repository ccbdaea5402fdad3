"""The ROI table as edits see it: its columns that can be edited, and a hash of each mask."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnType, UnfitValue
from nwb_schema.layout import SCORES
from nwb_schema.masks import PIXEL_DTYPE, VOXEL_DTYPE
from nwb_schema.stored_masks import find_segmentation

# Columns that no edit changes; their values are part of the digest of the masks instead.
_FIXED = {"id", "roi_uuid", "pixel_mask", "voxel_mask", "image_mask", *SCORES}


@dataclass(frozen=True)
class StoredColumn:
    """One column of the ROI table: its type, and one value per ROI."""

    type: ColumnType
    values: tuple[Any, ...]

    def retyped(self, type_: ColumnType, replacement: Any) -> StoredColumn:
        """The same values as another type; `replacement` stands for those that have no such form."""
        return StoredColumn(type_, tuple(_converted(value, type_, replacement) for value in self.values))


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


def _converted(value: Any, type_: ColumnType, replacement: Any) -> Any:
    try:
        return replacement if value is None else type_.convert(value)
    except UnfitValue:
        return replacement
