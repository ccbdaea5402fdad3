"""Looking for cells patch by patch, and putting together what was found in each."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.initialisation import Candidates
from pipeline.engines.builtin.merging import joined

Window = tuple[slice, ...]


def patch_windows(field: tuple[int, ...], rf: int, stride: int) -> list[Window]:
    """Squares of ``2 * rf + 1`` pixels that overlap by ``stride``; the last of a row or column ends at the edge.

    In a volume ``(height, width, depth)`` each patch has all planes.
    """
    size = 2 * rf + 1

    def starts(length: int) -> list[int]:
        if length <= size:
            return [0]
        return sorted({*range(0, length - size, max(1, size - 1 - stride)), length - size})

    planes = tuple(slice(0, length) for length in field[2:])
    return [
        (slice(y, min(y + size, field[0])), slice(x, min(x + size, field[1])), *planes)
        for y in starts(field[0])
        for x in starts(field[1])
    ]


def in_patches(
    find: Callable[[Window], Candidates],
    windows: list[Window],
    field: tuple[int, ...],
    *,
    del_duplicates: bool,
    merge_thr: float,
    progress: Callable[[float], None],
) -> Candidates:
    """What `find` finds in each window, in pixels of the whole field.

    A cell where patches overlap is found more than once. With `del_duplicates` only what is closest to the middle of
    its own patch is kept; otherwise what overlaps and agrees in time (`merge_thr`) is merged, halves included.
    """
    footprints: list[sparse.csr_array] = []
    traces: list[NDArray[np.float32]] = []
    middles = np.array([[(part.start + part.stop - 1) / 2 for part in window[:2]] for window in windows])
    for number, window in enumerate(windows):
        found = find(window)
        placed = in_field(found.footprints, window, field)
        kept = np.arange(placed.shape[0])
        if del_duplicates and len(kept):
            away = np.abs(centres(placed, field)[:, None] - middles).max(axis=2)
            kept = np.flatnonzero(away.argmin(axis=1) == number)
        footprints.append(placed[kept])
        traces.append(found.traces[kept])
        progress((number + 1) / len(windows))
    together = sparse.csr_array(sparse.vstack(footprints), dtype=np.float32)
    courses = np.concatenate(traces)
    if del_duplicates or together.shape[0] < 2:
        return Candidates(together, courses)
    norms = np.sqrt(np.asarray(together.multiply(together).sum(axis=1)).ravel()).astype(np.float32)
    unit = sparse.csr_array(sparse.diags_array(1 / norms) @ together, dtype=np.float32)
    merged, merged_traces, _ = joined(unit, courses * norms[:, None], merge_thr)
    peaks = merged.max(axis=1).toarray().astype(np.float32).ravel()
    return Candidates(
        sparse.csr_array(sparse.diags_array(1 / peaks) @ merged, dtype=np.float32), merged_traces * peaks[:, None]
    )


def in_field(footprints: sparse.csr_array, window: Window, field: tuple[int, ...]) -> sparse.csr_array:
    """Footprints ``(n, pixels of the window)`` as ``(n, pixels of the field)``."""
    numbers = np.arange(math.prod(field)).reshape(field)[window].ravel()
    entries = sparse.coo_array(footprints)
    shape = (footprints.shape[0], math.prod(field))
    return sparse.csr_array((entries.data, (entries.row, numbers[entries.col])), shape=shape, dtype=np.float32)


def centres(footprints: sparse.csr_array, field: tuple[int, ...]) -> NDArray[np.float64]:
    """Weighted centres ``(n, 2)`` as ``(y, x)``; no row may be empty."""
    y, x = np.unravel_index(np.arange(math.prod(field)), field)[:2]
    total = np.asarray(footprints.sum(axis=1)).ravel()
    return np.stack([np.asarray(footprints @ axis.astype(np.float64)) / total for axis in (y, x)], axis=1)
