"""ROI masks and images as NWB files store them, ours or foreign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema import local_hdf5
from nwb_schema.layout import BACKGROUND_SEGMENTATION, IMAGES, PLANE_SEGMENTATION
from nwb_schema.limits import MAX_MASK_PIXELS, MAX_ROIS, TooLargeError, require_at_most, require_readable

_MAX_DENSE_BYTES = 1 << 30


def find_segmentation(file: h5py.File) -> h5py.Group | None:
    """The table of ROIs: where we put it, or in a foreign or adopted file the first PlaneSegmentation anywhere.

    A sample of ours without ROIs has none, but may have a table of background components.
    """
    table = local_hdf5.local_group(file, PLANE_SEGMENTATION)
    if table is not None:
        return table
    background = f"/{BACKGROUND_SEGMENTATION}"
    return next((found for found in _of_type(file, "PlaneSegmentation") if found.name != background), None)


def find_images(file: h5py.File) -> dict[str, h5py.Dataset]:
    """The 2-D summary images by name, stored as ``(width, height)``."""
    group = local_hdf5.local_group(file, IMAGES) or next(_of_type(file, "Images"), None)
    if group is None:
        return {}
    return {
        name: data
        for name, data in local_hdf5.local_children(group)
        if isinstance(data, h5py.Dataset) and data.ndim == 2 and data.dtype.kind in "biuf"
    }


def _of_type(file: h5py.File, neurodata_type: str) -> Iterator[h5py.Group]:
    processing = local_hdf5.local_group(file, "processing")
    if processing is None:
        return
    # Module, container, object: a PlaneSegmentation lies no deeper than this.
    level: list[h5py.Group] = [processing]
    for _ in range(3):
        groups = [
            child for group in level for _, child in local_hdf5.local_children(group) if isinstance(child, h5py.Group)
        ]
        yield from (group for group in groups if local_hdf5.type_of(group) == neurodata_type)
        level = groups


def accept_flags(table: h5py.Group, n_rois: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """``(is_accepted, evaluated)`` of every ROI.

    Other programs name the first differently and lack the second: there, flags mean that something was evaluated.
    """
    for name in ("is_accepted", "iscell", "Accepted", "is_cell"):
        flags = local_hdf5.local_dataset(table, name)
        if flags is not None and flags.ndim in (1, 2) and flags.shape[0] == n_rois and flags.dtype.kind in "biuf":
            # Suite2p's iscell has the probability in a second column.
            accepted = (np.asarray(flags[()]) if flags.ndim == 1 else np.asarray(flags[:, 0])) > 0
            evaluated = local_hdf5.local_dataset(table, "evaluated")
            if evaluated is None or evaluated.shape != (n_rois,):
                return accepted, np.ones(n_rois, bool)
            require_readable(evaluated, MAX_ROIS, "rows")
            return accepted, np.asarray(evaluated[()], dtype=bool)
    return np.ones(n_rois, bool), np.zeros(n_rois, bool)


def count_rois(table: h5py.Group) -> int:
    """Rows of the table."""
    ids = local_hdf5.local_dataset(table, "id")
    if ids is None or ids.ndim != 1:
        return 0
    require_at_most("the table of ROIs", int(ids.shape[0]), MAX_ROIS, "rows")
    return int(ids.shape[0])


@dataclass(frozen=True)
class StoredMasks:
    """The masks of a PlaneSegmentation, in the form in which they are stored.

    Attributes
    ----------
    n_rois
        Rows of the table.
    row, x, y, z, weight
        One element per pixel: the ROI's row, its position and its weight. `z` is None in 2D.
    """

    n_rois: int
    row: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    z: NDArray[np.int64] | None
    weight: NDArray[np.float32]

    @classmethod
    def of(cls, table: h5py.Group) -> StoredMasks:
        """Read the masks of `table` (``pixel_mask``, ``voxel_mask`` or ``image_mask``), all at once.

        Raises
        ------
        ValueError
            When the table's parts contradict each other or are too large to read.
        """
        for name in ("pixel_mask", "voxel_mask"):
            mask = local_hdf5.local_dataset(table, name)
            index = local_hdf5.local_dataset(table, f"{name}_index")
            if mask is not None and index is not None:
                require_readable(mask, MAX_MASK_PIXELS, "pixels")
                require_readable(index, MAX_ROIS, "rows")
                return cls._ragged(mask[()], np.asarray(index[()], dtype=np.int64))
        dense = local_hdf5.local_dataset(table, "image_mask")
        if dense is not None and dense.ndim == 3:
            return cls._dense(dense)
        nothing = np.empty(0, np.int64)
        return cls(count_rois(table), nothing, nothing, nothing, None, np.empty(0, np.float32))

    @classmethod
    def _ragged(cls, mask: NDArray[Any], ends: NDArray[np.int64]) -> StoredMasks:
        counts = np.diff(ends, prepend=0)
        # A negative end could make the counts overflow, and `repeat` then write where it must not.
        if ends.size and (ends.min() < 0 or counts.min() < 0 or ends[-1] != len(mask)):
            raise ValueError("the index of the ROI masks does not fit the masks")
        names = mask.dtype.names or ()
        z = mask["z"].astype(np.int64) if "z" in names else None
        row = np.repeat(np.arange(ends.size), counts)
        return cls(
            int(ends.size),
            row,
            mask["x"].astype(np.int64),
            mask["y"].astype(np.int64),
            z,
            mask["weight"].astype(np.float32),
        )

    @classmethod
    def _dense(cls, dense: h5py.Dataset) -> StoredMasks:
        if dense.size * dense.dtype.itemsize > _MAX_DENSE_BYTES:
            raise TooLargeError(f"its dense masks {dense.shape} are too large to read at once")
        require_at_most("the table of ROIs", int(dense.shape[0]), MAX_ROIS, "rows")
        images = np.asarray(dense[()])
        require_at_most(str(dense.name), int(np.count_nonzero(images)), MAX_MASK_PIXELS, "pixels")
        row, x, y = np.nonzero(np.nan_to_num(images))
        return cls(int(images.shape[0]), row, x, y, None, images[row, x, y].astype(np.float32))

    def geometry(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """``(area_px, centroid_y, centroid_x, centroid_z)`` of every ROI; the centroid is weighted.

        NaN for an empty mask, and along z in a plane.
        """
        area = np.bincount(self.row, minlength=self.n_rois)
        total = np.bincount(self.row, self.weight, minlength=self.n_rois)
        with np.errstate(invalid="ignore", divide="ignore"):
            centroid_y = np.bincount(self.row, self.weight * self.y, minlength=self.n_rois) / total
            centroid_x = np.bincount(self.row, self.weight * self.x, minlength=self.n_rois) / total
            if self.z is None:
                centroid_z = np.full(self.n_rois, np.nan)
            else:
                centroid_z = np.bincount(self.row, self.weight * self.z, minlength=self.n_rois) / total
        return area, centroid_y, centroid_x, centroid_z

    def footprints(self, shape: tuple[int, ...]) -> sparse.csr_array:
        """``(n_rois, n_pixels)`` float32 with pixels in C order of `shape`.

        Raises
        ------
        ValueError
            When a pixel lies outside `shape`.
        """
        axes = (self.y, self.x) if len(shape) == 2 else (self.y, self.x, self.z if self.z is not None else self.y * 0)
        if any(((axis < 0) | (axis >= size)).any() for axis, size in zip(axes, shape, strict=True)):
            raise ValueError(f"a mask lies outside the frame, which is {' x '.join(map(str, shape))}")
        pixels = np.ravel_multi_index(axes, shape)
        matrix = sparse.csr_array(
            (self.weight, (self.row, pixels)), shape=(self.n_rois, int(np.prod(shape))), dtype=np.float32
        )
        matrix.sort_indices()
        return matrix
