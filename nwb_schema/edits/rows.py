"""Add ROIs to the ROI table of an open sample: a row in every column, and a trace in every series.

Only ever in a copy of the sample (`nwb_schema.edits.replacing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema import local_hdf5
from nwb_schema.edits.roi_table import StoredColumn, mask_digests
from nwb_schema.edits.sample_state import new_cells
from nwb_schema.layout import FLUORITE, TRACE_KINDS
from nwb_schema.masks import SparseImageMasks, ragged_mask
from nwb_schema.stored_masks import count_rois, find_segmentation
from nwb_schema.stored_traces import find_series


@dataclass(frozen=True, eq=False)
class RoiArrays:
    """Masks and traces of some ROIs.

    Attributes
    ----------
    shape
        ``(height, width)``, or ``(height, width, depth)`` for a volume.
    footprints
        ``(n_rois, n_pixels)`` float32, pixels in C order of `shape`.
    traces
        ``(n_rois, n_frames)`` float32 by kind (`nwb_schema.layout.TRACE_KINDS`); a kind that is left out is unknown.
    """

    shape: tuple[int, ...]
    footprints: sparse.csr_array
    traces: Mapping[str, NDArray[np.float32]]

    def digests(self) -> tuple[str, ...]:
        """The hash of each mask as it will be in the file."""
        return mask_digests(*ragged_mask(self.footprints, self.shape))

    def write(self, file: h5py.File) -> None:
        """Fill the content of an edit (`nwb_schema.edits.contents`)."""
        file["shape"] = np.asarray(self.shape, np.int64)
        for name in ("indptr", "indices", "data"):
            file[name] = getattr(self.footprints, name)
        for kind, traces in self.traces.items():
            file.create_dataset(f"traces/{kind}", data=traces, compression="gzip", shuffle=True)

    @classmethod
    def read(cls, file: h5py.File) -> RoiArrays:
        """What `write` wrote."""
        shape = tuple(file["shape"][()].tolist())
        parts = tuple(file[name][()] for name in ("data", "indices", "indptr"))
        footprints = sparse.csr_array(parts, shape=(len(parts[2]) - 1, int(np.prod(shape))))
        return cls(shape, footprints, {kind: data[()] for kind, data in file.get("traces", {}).items()})


@dataclass(frozen=True)
class NewRow:
    """One ROI to add: its identity, which of the arrays' ROIs it is, and what it has in the columns."""

    roi_uuid: str
    position: int
    cells: Sequence[Sequence[Any]]


def add_rows(file: h5py.File, columns: Mapping[str, StoredColumn], arrays: RoiArrays, rows: Sequence[NewRow]) -> None:
    """Add `rows` to the end of the ROI table of an open sample.

    Parameters
    ----------
    columns
        The table's columns that edits can change, as they are in the file.

    Raises
    ------
    ValueError
        When the table cannot take them: another size of frame or number of frames, or no ragged masks.
    """
    table = find_segmentation(file)
    if table is None:
        raise ValueError("it has no table of ROIs")
    shape = local_hdf5.local_dataset(file, f"{FLUORITE}/frame_shape")
    if shape is not None and tuple(shape[()].tolist()) != arrays.shape:
        raise ValueError(f"its frames are {shape[()].tolist()}, the new ROIs' {list(arrays.shape)}")
    n_rois = count_rois(table)
    chosen = sparse.csr_array(arrays.footprints[[row.position for row in rows]])
    written = {"id", *_add_masks(table, chosen, arrays.shape)}
    _append(table, "id", np.arange(n_rois, n_rois + len(rows), dtype=np.int64))
    types = {name: column.type for name, column in columns.items()}
    cells = [new_cells(types, row.cells) for row in rows]
    for name in (local_hdf5.as_text(name) for name in table.attrs["colnames"]):
        if name in written:
            continue
        data = table[name]
        if name == "roi_uuid":
            values: Any = np.array([row.roi_uuid for row in rows], dtype=object)
        elif name in columns:
            values = np.array([np.nan if cell[name] is None else cell[name] for cell in cells], dtype=data.dtype)
        elif f"{name}_index" in table:
            ends = table[f"{name}_index"]
            _append(table, f"{name}_index", np.full(len(rows), ends[-1] if ends.size else 0))
            continue
        else:
            values = _nothing(data, len(rows))
        _append(table, name, values)
    for kind in TRACE_KINDS:
        _add_traces(file, kind, arrays, rows, n_rois)


def _add_masks(table: h5py.Group, footprints: sparse.csr_array, shape: tuple[int, ...]) -> set[str]:
    """Add the masks in every form in which the table has them; returns the columns that are done."""
    ragged = "pixel_mask" if len(shape) == 2 else "voxel_mask"
    if ragged not in table or f"{ragged}_index" not in table:
        raise ValueError(f"its ROIs have no {ragged}, so none can be added")
    mask, ends = ragged_mask(footprints, shape)
    stored, index = table[ragged], table[f"{ragged}_index"]
    first = stored.shape[0]
    _append(table, ragged, mask.astype(stored.dtype))
    new_ends = ends + np.uint64(first)
    # The index is as narrow as its values were when it was written.
    if np.iinfo(index.dtype).max < int(new_ends.max(initial=0)):
        _rebuilt(table, f"{ragged}_index", index[()].astype(np.uint64))
    _append(table, f"{ragged}_index", new_ends)
    dense = table.get("image_mask")
    if dense is not None and dense.ndim == 3 and len(shape) == 2:
        first = dense.shape[0]
        _grow(table, "image_mask", footprints.shape[0])
        for chunk in SparseImageMasks(footprints, (shape[0], shape[1])):
            rows, x, y = chunk.selection
            table["image_mask"][rows.start + first : rows.stop + first, x, y] = chunk.data
        return {ragged, "image_mask"}
    return {ragged}


def _add_traces(file: h5py.File, kind: str, arrays: RoiArrays, rows: Sequence[NewRow], n_rois: int) -> None:
    series = find_series(file, kind)
    data = None if series is None else local_hdf5.local_dataset(series, "data")
    if series is None or data is None or data.ndim != 2:
        return
    n_frames, n_there = data.shape
    traces = arrays.traces.get(kind)
    if traces is None:
        traces = np.full((len(arrays.footprints.indptr) - 1, n_frames), np.nan, np.float32)
    if traces.shape[1] != n_frames:
        raise ValueError(f"its {kind} traces have {n_frames} frames, the new ROIs' {traces.shape[1]}")
    _grow(series, "data", len(rows), axis=1)
    series["data"][:, n_there:] = traces[[row.position for row in rows]].T
    if "rois" in series:
        _append(series, "rois", np.arange(n_rois, n_rois + len(rows), dtype=np.int64))


def _append(group: h5py.Group, name: str, values: NDArray[Any]) -> None:
    first = group[name].shape[0]
    _grow(group, name, len(values))
    group[name][first:] = values


def _grow(group: h5py.Group, name: str, n: int, axis: int = 0) -> None:
    """Lengthen a dataset; one that another program wrote with a fixed size is written anew."""
    data = group[name]
    size = data.shape[axis] + n
    if data.maxshape[axis] is not None and data.maxshape[axis] < size:
        data = _rebuilt(group, name, data[()], axis)
    data.resize(size, axis=axis)


def _rebuilt(group: h5py.Group, name: str, values: NDArray[Any], axis: int = 0) -> h5py.Dataset:
    """The dataset again with `values`, able to grow; its attributes stay."""
    old = group[name]
    attributes, dtype = dict(old.attrs), old.dtype if values.dtype == old.dtype else values.dtype
    maxshape = tuple(None if number == axis else size for number, size in enumerate(values.shape))
    del group[name]
    data = group.create_dataset(name, data=values, dtype=dtype, maxshape=maxshape, compression="gzip", shuffle=True)
    data.attrs.update(attributes)
    return data


def _nothing(data: h5py.Dataset, n: int) -> NDArray[Any]:
    """What `n` rows hold in a column of which nothing is known: not a number, zero or no text."""
    shape = (n, *data.shape[1:])
    if h5py.check_string_dtype(data.dtype) is not None:
        return np.full(shape, "", dtype=object)
    return np.full(shape, np.nan if data.dtype.kind == "f" else 0).astype(data.dtype)
