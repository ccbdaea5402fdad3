"""The cells of a sample with footprints and traces, and which of them a preview shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import SampleError
from nwb_schema.layout import DELETED, SCORES
from nwb_schema.reader import (
    TRACE_KINDS,
    read_footprints,
    read_images,
    read_rois,
    read_summary,
    read_traces,
    trace_kinds,
)
from nwb_schema.segmentation import Segmentation
from pipeline.viewing.contours import flatten_depth

PREVIEWED_CELLS = 20
"""As many as the previews of IDEAS highlight."""


@dataclass(frozen=True)
class CellSet:
    """The cells of a sample, without those that people deleted.

    Attributes
    ----------
    shape
        ``(height, width)``; a volume is seen from above.
    rate_hz
        Frames per second.
    table
        One row a cell, as `nwb_schema.reader.read_rois` has it; ``index`` is its number on every page.
    footprints
        ``(n_cells, height * width)``, pixels in C order.
    traces
        ``(n_cells, n_frames)`` by kind (`nwb_schema.reader.TRACE_KINDS`).
    images
        Summary images ``(height, width)`` by name.
    """

    shape: tuple[int, int]
    rate_hz: float
    table: pd.DataFrame
    footprints: sparse.csr_array
    traces: Mapping[str, NDArray[np.float32]]
    images: Mapping[str, NDArray[np.float32]]

    @property
    def names(self) -> list[str]:
        """What the cells are called in files: ``C12`` is the cell number 12."""
        return [f"C{number}" for number in self.table["index"]]

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """``(n_cells,)``: which of them count as cells."""
        return self.table["is_accepted"].to_numpy(bool)

    @property
    def n_frames(self) -> int:
        """Number of frames of the traces; 0 without any."""
        return next((traces.shape[1] for traces in self.traces.values()), 0)

    def rows(self, rows: NDArray[np.intp]) -> CellSet:
        """Some of the cells."""
        return CellSet(
            self.shape,
            self.rate_hz,
            self.table.iloc[rows].reset_index(drop=True),
            sparse.csr_array(self.footprints[rows]),
            {kind: traces[rows] for kind, traces in self.traces.items()},
            self.images,
        )


def read_cell_set(path: Path) -> CellSet:
    """The cells of the sample `path`.

    Raises
    ------
    SampleError
        When it cannot be read, or does not say how large a frame is or at which rate it was recorded.
    """
    summary = read_summary(path)
    if not (summary.height and summary.width):
        raise SampleError(path, "does not say how large a frame is", "Its masks cannot be placed in an image.")
    if not summary.rate_hz:
        raise SampleError(path, "does not say its imaging rate", "Ask whoever wrote the file.")
    table = read_rois(path)
    kept = np.flatnonzero(~table[DELETED].to_numpy(bool))
    footprints = read_footprints(path)
    if summary.depth:
        footprints = flatten_depth(footprints, summary.depth)
    there = trace_kinds(path)
    return CellSet(
        shape=(summary.height, summary.width),
        rate_hz=summary.rate_hz,
        table=table.iloc[kept].reset_index(drop=True),
        footprints=sparse.csr_array(footprints[kept]),
        traces={kind: read_traces(path, kind)[kept] for kind in TRACE_KINDS if kind in there},
        images=read_images(path),
    )


def previewed_rows(snr: NDArray[np.floating], count: int = PREVIEWED_CELLS) -> NDArray[np.intp]:
    """Up to `count` cells across the range of SNRs, the highest first: at even steps of their ranks, ends included.

    IDEAS draws them at random; even steps show the same range, and the same cells each time.

    Parameters
    ----------
    snr
        ``(n_cells,)``; cells without one come last, in their own order.
    """
    order = np.argsort(-np.where(np.isfinite(snr), snr, -np.inf), kind="stable")
    if len(order) <= count:
        return order
    return order[np.unique(np.linspace(0, len(order) - 1, count).round().astype(np.intp))]


def cell_set_of(segmentation: Segmentation, images: Mapping[str, NDArray[np.float32]] | None = None) -> CellSet:
    """The cells of a results file, which nobody has curated.

    Parameters
    ----------
    images
        Those of the sample whose movie it is of, where the file's own do not suffice.
    """
    n_rois, (height, width, *depth) = segmentation.n_rois, segmentation.shape
    footprints = segmentation.footprints
    if depth:
        footprints = flatten_depth(footprints, depth[0])
    unknown = np.full(n_rois, np.nan, np.float32)
    scores = {name: getattr(segmentation, name) for name in SCORES}
    table = pd.DataFrame(
        {
            "index": np.arange(n_rois),
            "is_accepted": segmentation.accepted.astype(bool),
            **{name: unknown if values is None else values for name, values in scores.items()},
            DELETED: np.zeros(n_rois, bool),
        }
    )
    traces = {kind: getattr(segmentation, kind) for kind in TRACE_KINDS}
    return CellSet(
        shape=(height, width),
        rate_hz=segmentation.rate_hz,
        table=table,
        footprints=footprints,
        traces={kind: values for kind, values in traces.items() if values is not None},
        images={**(images or {}), **segmentation.images},
    )
