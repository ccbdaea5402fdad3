"""The traces of many cells as one picture: a row a cell, a column a stretch of time.

Values are scaled cell by cell over the whole recording, then averaged to as many columns as a screen or a page has: of
500 cells x 10,000 frames no display shows more than a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from pipeline.figures.shades import in_order
from pipeline.progress import Progress

SCALES = {"z": "z-score", "own": "Each 0 to 1", "plain": "As it is"}
"""How values are scaled: each cell by its own mean and standard deviation, by its own range, or not at all."""

ORDERS = {"snr": "SNR", "peak": "Time of peak", "similarity": "Similarity", "file": "Number"}
"""What rows are sorted by, besides the values of a tag: the highest SNR first, the earliest peak first, cells that
change together next to one another, and as the sample numbers them."""

# Leaves in their best order take time that grows with the square of their number; without it, only branches are turned.
_MOST_ORDERED = 1_500
# As many columns say how alike two cells are.
_COMPARED_COLUMNS = 1_000


@dataclass(frozen=True, eq=False)
class Raster:
    """A picture of many traces.

    Attributes
    ----------
    values
        ``(n_rows, n_columns)`` float32, NaN where nothing is known.
    rows
        ``(n_rows,)``: which of the given traces each row is.
    column_s, start_s
        Seconds that a column covers, and where the first one begins.
    groups
        Where rows are sorted by a tag: its values in order, and how many rows have each.
    """

    values: NDArray[np.float32]
    rows: NDArray[np.intp]
    column_s: float
    start_s: float = 0.0
    groups: tuple[tuple[str, int], ...] = ()


def raster(
    traces: NDArray[np.floating],
    *,
    rate_hz: float,
    n_columns: int,
    scale: str = "z",
    order: str = "snr",
    snr: NDArray[np.floating] | None = None,
    tags: Sequence[str] | None = None,
    window_s: tuple[float, float] | None = None,
    progress: Progress = lambda stage, fraction: None,
) -> Raster:
    """Make the picture of traces.

    Parameters
    ----------
    traces
        ``(n_cells, n_frames)``, of one kind.
    n_columns
        At most this many columns.
    scale, order
        Of `SCALES` and `ORDERS`; `order` counts only without `tags`.
    snr
        ``(n_cells,)``, for sorting by it; NaN comes last.
    tags
        A text for each cell: rows are sorted by these, and within one by SNR.
    window_s
        The part to show, in seconds, or None for all. Values are scaled over the whole recording all the same.
    """
    if scale not in SCALES or order not in ORDERS:
        raise ValueError(f"scale must be of {tuple(SCALES)} and order of {tuple(ORDERS)}, not {scale!r} and {order!r}")
    n_cells, n_frames = traces.shape
    first, last = 0, n_frames
    if window_s is not None:
        first = min(max(int(np.floor(window_s[0] * rate_hz)), 0), max(0, n_frames - 1))
        last = min(max(int(np.ceil(window_s[1] * rate_hz)), first + 1), n_frames)
    progress("scaling", 0.0)
    scaled = np.empty((n_cells, last - first), np.float32)
    for row in range(n_cells):
        scaled[row] = rescaled(traces[row], scale)[first:last]
        if row % 50 == 0:
            progress("scaling", row / max(1, n_cells))
    columns = binned(scaled, n_columns)
    progress("sorting", 0.0)
    groups: tuple[tuple[str, int], ...] = ()
    if tags is not None:
        rows, groups = by_tag(tags, snr)
    else:
        rows = row_order(columns, order, snr)
    size = bin_size(last - first, n_columns)
    progress("sorting", 1.0)
    return Raster(np.ascontiguousarray(columns[rows]), rows, size / rate_hz, first / rate_hz, groups)


def rescaled(trace: NDArray[np.floating], scale: str) -> NDArray[np.float32]:
    """One trace ``(n_frames,)`` on a scale of `SCALES`; a constant one is zero, and what is unknown stays so."""
    values = np.asarray(trace, dtype=np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    known = values[~np.isnan(values)]
    if scale == "plain" or not known.size:
        return values.astype(np.float32)
    base = known.mean() if scale == "z" else known.min()
    size = known.std() if scale == "z" else known.max() - base
    return ((values - base) / (size if size > 0 else 1.0)).astype(np.float32)


def bin_size(n_frames: int, n_columns: int) -> int:
    """How many frames become one column, so that there are at most `n_columns`."""
    return max(1, -(-n_frames // max(1, n_columns)))


def binned(values: NDArray[np.float32], n_columns: int) -> NDArray[np.float32]:
    """Means of consecutive frames ``(n_rows, <= n_columns)`` of ``(n_rows, n_frames)``; unknown values do not count.

    All columns are of equally many frames; the last one of what is left.
    """
    size = bin_size(values.shape[1], n_columns)
    if size == 1:
        return values
    starts = np.arange(0, values.shape[1], size)
    known = np.isfinite(values)
    counts = np.add.reduceat(known, starts, axis=1, dtype=np.int64)
    sums = np.add.reduceat(np.where(known, values, 0), starts, axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(counts > 0, sums / counts, np.nan).astype(np.float32)


def row_order(columns: NDArray[np.float32], order: str, snr: NDArray[np.floating] | None = None) -> NDArray[np.intp]:
    """Row numbers in an order of `ORDERS`; of equals the earlier row comes first, and those of which nothing is known
    last."""
    n_rows = len(columns)
    if order == "snr" and snr is not None:
        return np.argsort(-np.where(np.isnan(snr), -np.inf, snr), kind="stable")
    known = np.isfinite(columns).any(axis=1) if columns.size else np.zeros(n_rows, bool)
    if order == "peak":
        highest = np.where(np.isfinite(columns), columns, -np.inf).argmax(axis=1) if columns.size else np.arange(n_rows)
        return np.argsort(np.where(known, highest, columns.shape[1]), kind="stable")
    if order == "similarity":
        return by_similarity(columns)
    return np.arange(n_rows)


def by_similarity(columns: NDArray[np.float32]) -> NDArray[np.intp]:
    """Rows ``(n_rows, n_columns)`` in the order of the leaves of a tree: average linkage of 1 - correlation.

    Rows that do not change, which correlate with nothing, come last.
    """
    shown = binned(columns, _COMPARED_COLUMNS)
    filled = np.where(np.isfinite(shown), shown, 0).astype(np.float64)
    changing = np.flatnonzero(np.ptp(filled, axis=1) > 0) if filled.shape[1] else np.array([], dtype=np.intp)
    still = np.setdiff1d(np.arange(len(columns)), changing)
    if len(changing) > 2:
        distances = np.clip(pdist(filled[changing], metric="correlation"), 0, 2)
        tree = linkage(distances, method="average", optimal_ordering=len(changing) <= _MOST_ORDERED)
        changing = changing[leaves_list(tree)]
    return np.concatenate([changing, still]).astype(np.intp)


def by_tag(
    tags: Sequence[str], snr: NDArray[np.floating] | None = None
) -> tuple[NDArray[np.intp], tuple[tuple[str, int], ...]]:
    """Row numbers by value of a tag and within one by SNR, and the values in order with how many rows have each."""
    names = sorted(set(tags), key=in_order)
    place = {name: number for number, name in enumerate(names)}
    numbers = np.array([place[tag] for tag in tags], dtype=np.intp)
    falling = np.zeros(len(numbers)) if snr is None else -np.where(np.isnan(snr), -np.inf, snr)
    counts = np.bincount(numbers, minlength=len(names))
    return np.lexsort((falling, numbers)), tuple(zip(names, counts.tolist(), strict=True))


def colour_limits(values: NDArray[np.floating]) -> tuple[float, float]:
    """Values of the darkest and the brightest colour: a few extreme ones do not take the contrast from the rest."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = (float(edge) for edge in np.percentile(finite, [1.0, 99.5]))
    return (low, high) if high > low else (low, low + 1.0)
