"""The cells of a sample with footprints and traces, and which of them a preview shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

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


class Traces(Protocol):
    """The traces of some cells, wherever they are; those of a long recording are not all held in memory."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which kinds there are (`nwb_schema.reader.TRACE_KINDS`)."""
        ...

    def read(self, kind: str, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """Traces ``(len(rows), n_frames)``."""
        ...


@dataclass(frozen=True)
class StoredTraces:
    """Those of a sample, read from its file each time."""

    path: Path
    kinds: tuple[str, ...]

    def read(self, kind: str, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return read_traces(self.path, kind, rows.tolist()) if len(rows) else np.zeros((0, 0), np.float32)


@dataclass(frozen=True)
class HeldTraces:
    """Those of a results file, in memory: ``(n_cells, n_frames)`` by kind."""

    held: Mapping[str, NDArray[np.float32]]

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.held)

    def read(self, kind: str, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        return self.held[kind][rows]


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
    n_frames
        Number of frames of the traces; 0 without any.
    traces, trace_rows
        Where the traces are, and ``(n_cells,)`` the row of each cell there; `read_traces` reads them.
    images
        Summary images ``(height, width)`` by name.
    """

    shape: tuple[int, int]
    rate_hz: float
    table: pd.DataFrame
    footprints: sparse.csr_array
    n_frames: int
    traces: Traces
    trace_rows: NDArray[np.intp]
    images: Mapping[str, NDArray[np.float32]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of trace that there are."""
        return self.traces.kinds

    def read_traces(self, kind: str, rows: Sequence[int] | NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """Traces ``(n, n_frames)`` of the cells `rows`, in their order, or of all."""
        wanted = self.trace_rows if rows is None else self.trace_rows[np.asarray(rows, dtype=np.intp)]
        return self.traces.read(kind, wanted)

    @property
    def names(self) -> list[str]:
        """What the cells are called in files: ``C12`` is the cell number 12."""
        return [f"C{number}" for number in self.table["index"]]

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """``(n_cells,)``: which of them count as cells."""
        return self.table["is_accepted"].to_numpy(bool)

    def rows(self, rows: NDArray[np.intp]) -> CellSet:
        """Some of the cells."""
        return replace(
            self,
            table=self.table.iloc[rows].reset_index(drop=True),
            footprints=sparse.csr_array(self.footprints[rows]),
            trace_rows=self.trace_rows[rows],
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
    kinds = trace_kinds(path)
    return CellSet(
        shape=(summary.height, summary.width),
        rate_hz=summary.rate_hz,
        table=table.iloc[kept].reset_index(drop=True),
        footprints=sparse.csr_array(footprints[kept]),
        n_frames=(summary.n_frames or 0) if kinds else 0,
        traces=StoredTraces(path, kinds),
        trace_rows=kept,
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


def cell_set_of(
    segmentation: Segmentation,
    images: Mapping[str, NDArray[np.float32]] | None = None,
    kinds: Sequence[str] = TRACE_KINDS,
) -> CellSet:
    """The cells of a results file, which nobody has curated.

    Parameters
    ----------
    images
        Those of the sample whose movie it is of, where the file's own do not suffice.
    kinds
        Of trace, that are kept.
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
    traces = {kind: getattr(segmentation, kind) for kind in kinds}
    return CellSet(
        shape=(height, width),
        rate_hz=segmentation.rate_hz,
        table=table,
        footprints=footprints,
        n_frames=segmentation.n_frames or 0,
        traces=HeldTraces({kind: values for kind, values in traces.items() if values is not None}),
        trace_rows=np.arange(n_rois),
        images={**(images or {}), **segmentation.images},
    )
