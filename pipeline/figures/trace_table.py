"""Traces as a table for spreadsheet programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from nwb_schema.spreadsheet import inert_cell

_ROWS_AT_ONCE = 1_000


def trace_csv(
    columns: Mapping[str, NDArray[np.floating]], rate_hz: float, window_s: tuple[float, float] | None = None
) -> Iterator[str]:
    """Lines of a CSV file, some at a time: the time in seconds, then one column a trace; unknown values are empty.

    Parameters
    ----------
    columns
        Traces ``(n_frames,)`` by the title of their column; none of these becomes a formula in a spreadsheet program.
    window_s
        The part to write, or None for all.
    """
    titles = [inert_cell(title) for title in columns]
    yield ",".join(_quoted(title) for title in ("time_s", *titles)) + "\r\n"
    n_frames = max((len(values) for values in columns.values()), default=0)
    start, stop = 0, n_frames
    if window_s is not None:
        start = min(max(int(np.ceil(window_s[0] * rate_hz)), 0), n_frames)
        stop = min(max(int(np.floor(window_s[1] * rate_hz)) + 1, start), n_frames)
    for first in range(start, stop, _ROWS_AT_ONCE):
        last = min(first + _ROWS_AT_ONCE, stop)
        times = (np.arange(first, last) / rate_hz).tolist()
        block = np.stack([_part(values, first, last) for values in columns.values()], axis=1).tolist()
        yield "".join(
            f"{time:.6f}," + ",".join("" if value != value else f"{value:.7g}" for value in row) + "\r\n"
            for time, row in zip(times, block, strict=True)
        )


def _part(values: NDArray[np.floating], first: int, last: int) -> NDArray[np.float64]:
    """Some frames of a trace; those that it does not have are unknown."""
    part = np.full(last - first, np.nan)
    there = values[first:last]
    part[: len(there)] = there
    return part


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\r\n') else cell
