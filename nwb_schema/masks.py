"""ROI masks between their two forms: sparse footprints (ours) and ragged masks (NWB)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from hdmf.data_utils import AbstractDataChunkIterator, DataChunk
from numpy.typing import NDArray
from scipy import sparse

PIXEL_DTYPE = np.dtype([("x", "u4"), ("y", "u4"), ("weight", "f4")])
VOXEL_DTYPE = np.dtype([("x", "u4"), ("y", "u4"), ("z", "u4"), ("weight", "f4")])
_TILE = 64


def ragged_mask(footprints: sparse.csr_array, shape: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[np.uint64]]:
    """NWB's ``pixel_mask`` (``voxel_mask`` for a volume) of all ROIs, and the end of each ROI in it.

    Parameters
    ----------
    footprints
        ``(n_rois, n_pixels)``, pixels in C order of `shape`.
    shape
        ``(height, width)`` or ``(height, width, depth)``.

    Returns
    -------
    mask
        ``(n_nonzero,)`` records x, y, (z,) weight.
    ends
        ``(n_rois,)`` index of the record after each ROI's last.
    """
    coordinates = np.unravel_index(footprints.indices, shape)
    mask = np.empty(footprints.nnz, dtype=PIXEL_DTYPE if len(shape) == 2 else VOXEL_DTYPE)
    mask["y"], mask["x"] = coordinates[0], coordinates[1]
    if len(shape) == 3:
        mask["z"] = coordinates[2]
    mask["weight"] = footprints.data
    return mask, footprints.indptr[1:].astype(np.uint64)


class SparseImageMasks(AbstractDataChunkIterator):
    """NWB's dense ``image_mask`` ``(n_rois, width, height)`` that costs only the tiles in which an ROI lies.

    roiextractors and others read masks in this form alone. HDF5 stores no chunk that nothing was written to and reads
    it as zeros; so only the bounding box of each ROI is written, and 500 masks of 512 x 512 need no gigabyte of memory.
    """

    def __init__(self, footprints: sparse.csr_array, shape: tuple[int, int]) -> None:
        self._footprints = footprints
        self._height, self._width = shape
        self._chunks = self._boxes()

    @property
    def chunk_shape(self) -> tuple[int, int, int]:
        """Chunks of the dataset in the file."""
        return (1, min(_TILE, self._width), min(_TILE, self._height))

    def _boxes(self) -> Iterator[DataChunk]:
        for row in range(self._footprints.shape[0]):
            span = slice(self._footprints.indptr[row], self._footprints.indptr[row + 1])
            pixels = self._footprints.indices[span]
            if pixels.size == 0:
                continue
            y, x = np.divmod(pixels, self._width)
            box = np.zeros((x.max() - x.min() + 1, y.max() - y.min() + 1), np.float32)
            box[x - x.min(), y - y.min()] = self._footprints.data[span]
            where = np.s_[row : row + 1, int(x.min()) : int(x.max()) + 1, int(y.min()) : int(y.max()) + 1]
            yield DataChunk(data=box[np.newaxis], selection=where)

    def __iter__(self) -> SparseImageMasks:
        return self

    def __next__(self) -> DataChunk:
        return next(self._chunks)

    def recommended_chunk_shape(self) -> tuple[int, int, int]:
        """See `chunk_shape`."""
        return self.chunk_shape

    def recommended_data_shape(self) -> tuple[int, int, int]:
        """Shape of the whole dataset."""
        return (int(self._footprints.shape[0]), self._width, self._height)

    @property
    def dtype(self) -> np.dtype[np.float32]:
        """float32."""
        return np.dtype(np.float32)

    @property
    def maxshape(self) -> tuple[None, int, int]:
        """ROIs may be added later."""
        return (None, self._width, self._height)
