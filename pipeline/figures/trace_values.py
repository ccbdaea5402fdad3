"""The traces of cells as they are drawn: which kinds there are, at one scale or each at its own, on top of one another.

Everything here is time-aligned: a trace is ``(n_frames,)``, and sample `i` is at ``i / rate_hz`` seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxDownsampler

from nwb_schema.reader import read_traces

RESIDUAL = "residual"
LABELS = {"raw": "Raw", "denoised": "Denoised", RESIDUAL: "Residual", "dff": "ΔF/F", "deconvolved": "Spikes"}
"""What people call the kinds of trace, in the order in which they are offered."""

# Stacked traces keep a little room between one's highest and the next one's lowest value.
_ROOM = 1.06


def drawable_kinds(stored: Collection[str]) -> tuple[str, ...]:
    """The kinds that can be drawn of a sample that has the kinds `stored`: these, and what is computed from them."""
    found = {*stored, *([RESIDUAL] if {"raw", "denoised"} <= set(stored) else [])}
    return tuple(kind for kind in LABELS if kind in found)


def read_kinds(path: Path, kinds: Collection[str], rows: Sequence[int]) -> dict[str, NDArray[np.float32]]:
    """Traces ``(len(rows), n_frames)`` of a sample by kind; `kinds` are some of its `drawable_kinds`.

    The residual is what the fit leaves of the raw trace: raw - denoised, CaImAn's YrA.
    """
    needed = dict.fromkeys(kind for kind in kinds if kind != RESIDUAL)
    if RESIDUAL in kinds:
        needed |= dict.fromkeys(("raw", "denoised"))
    read = {kind: read_traces(path, kind, rows) for kind in needed}
    if RESIDUAL in kinds:
        read[RESIDUAL] = read["raw"] - read["denoised"]
    return {kind: read[kind] for kind in kinds}


def visible_samples(
    values: NDArray[np.floating], rate_hz: float, window_s: tuple[float, float] | None, n_points: int
) -> NDArray[np.intp]:
    """Numbers of the samples that draw `values` ``(n_frames,)`` well in a window of time, in order.

    The lowest and the highest value of every stretch of time are kept, so no spike is lost. (LTTB and MinMaxLTTB, which
    look smoother, do lose some: with 500 points the highest of 10,000 values.) One sample on either side of the window
    is kept, so that lines leave the plot instead of ending in it.
    """
    start, stop = 0, len(values)
    if window_s is not None:
        start = min(max(int(np.floor(window_s[0] * rate_hz)) - 1, 0), len(values))
        stop = min(max(int(np.ceil(window_s[1] * rate_hz)) + 2, start), len(values))
    count = stop - start
    if count <= n_points:
        return np.arange(start, stop)
    part = np.ascontiguousarray(values[start:stop], dtype=np.float32)
    gaps = ~np.isfinite(part)
    if gaps.any():  # the downsampler's result is undefined with NaN: gaps are drawn as such, sample by sample
        part = np.where(gaps, np.float32(np.nanmin(np.where(gaps, np.nan, part)) if not gaps.all() else 0), part)
    n_extremes = max(2, (n_points - 2) // 2 * 2)
    kept = MinMaxDownsampler().downsample(part, n_out=n_extremes)  # type: ignore[no-untyped-call]
    return np.unique(np.concatenate([[0], kept, [count - 1]])).astype(np.intp) + start


def spans_of(cells: Sequence[Mapping[str, NDArray[np.floating]]], kinds: Collection[str]) -> NDArray[np.float64]:
    """Lowest and highest value ``(n_cells, 2)`` of each cell over some kinds; 0 and 1 where it has no finite one."""
    found = np.tile([0.0, 1.0], (len(cells), 1))
    for row, traces in enumerate(cells):
        values = [traces[kind][np.isfinite(traces[kind])] for kind in kinds if kind in traces]
        values = [finite for finite in values if finite.size]
        if values:
            found[row] = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    return found


def placements(
    spans: NDArray[np.float64], *, stacked: bool, normalised: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and offset ``(n_cells,)`` of each cell: what is drawn is ``values * scale + offset``.

    Parameters
    ----------
    spans
        Lowest and highest value of each cell ``(n_cells, 2)``; see `spans_of`.
    stacked
        Each cell on a level of its own, on which its lowest value lies: the first on top, the last at zero.
    normalised
        Each cell from 0 to 1; otherwise all at one scale, so that heights can be compared.
    """
    low, high = spans[:, 0], spans[:, 1]
    # Traces are float32: a smaller range than theirs can hold is no range, and dividing by it would overflow.
    smallest = np.abs(spans).max(axis=1) * np.finfo(np.float32).eps + np.finfo(np.float32).tiny
    heights = np.where(high - low > smallest, high - low, 1.0)
    scale = 1.0 / heights if normalised else np.ones(len(spans))
    offset = -low * scale if normalised or stacked else np.zeros(len(spans))
    if stacked:
        offset = offset + level_height(spans, normalised=normalised) * np.arange(len(spans))[::-1]
    return scale, offset


def level_height(spans: NDArray[np.float64], *, normalised: bool) -> float:
    """How far the levels of a stack are apart, in what is drawn."""
    heights = spans[:, 1] - spans[:, 0]
    return _ROOM * (1.0 if normalised else float(heights.max(initial=0.0)) or 1.0)
