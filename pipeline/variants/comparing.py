"""Two results for one movie, cell by cell: which cells both have, how alike their traces are, what was set differently.

Cells are matched as the CaImAn paper matches them to its consensus: footprints cut at 20 % of their peak, one to one so
that the sum of overlaps is largest (`nwb_schema.edits.identity.match_rois`), with an overlap (intersection over union)
above 0.3 unless told otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.edits.identity import match_rois
from pipeline.outputs.cell_set import CellSet

LEAST_OVERLAP = 0.3
"""Giovannucci et al. 2019, eLife 8:e38173: a Jaccard distance below 0.7."""
CORE_SHARE = 0.2
"""Of a footprint's peak: what is fainter is its skirt, which differs from method to method."""
_TRACES = ("denoised", "raw", "dff")
# What a file says of itself rather than what somebody set.
_NO_SETTINGS = frozenset({"data.fnames", "data.dims", "data.caiman_version", "data.last_commit", "data.fr"})


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sets of cells, A and B, of one field of view.

    Attributes
    ----------
    pairs
        ``(n_both, 2)``: rows in A and in B of the cells that both have, in the order of A.
    overlap
        ``(n_both,)``: intersection over union.
    correlation
        ``(n_both,)``: Pearson correlation of their traces (of the first kind that both have); NaN where unknown.
    only_a, only_b
        Rows of those that the other does not have.
    """

    pairs: NDArray[np.intp]
    overlap: NDArray[np.float64]
    correlation: NDArray[np.float64]
    only_a: NDArray[np.intp]
    only_b: NDArray[np.intp]


def compare_cells(a: CellSet, b: CellSet, least_overlap: float = LEAST_OVERLAP) -> Comparison:
    """Which cells A and B have in common.

    Raises
    ------
    ValueError
        When they are not of one field of view.
    """
    if a.shape != b.shape:
        raise ValueError(f"frames of {a.shape} and {b.shape} are different fields of view")
    row_in_a, overlap = match_rois(cores(a.footprints), cores(b.footprints), least_overlap)
    matched = np.flatnonzero(row_in_a >= 0)
    matched = matched[np.argsort(row_in_a[matched], kind="stable")]
    pairs = np.stack([row_in_a[matched], matched], axis=1).astype(np.intp)
    kind = next((kind for kind in _TRACES if kind in a.kinds and kind in b.kinds), None)
    correlation = np.full(len(pairs), np.nan)
    if kind is not None and len(pairs) and a.n_frames == b.n_frames:
        correlation = _correlations(a.read_traces(kind, pairs[:, 0]), b.read_traces(kind, pairs[:, 1]))
    return Comparison(
        pairs=pairs,
        overlap=overlap[matched],
        correlation=correlation,
        only_a=np.setdiff1d(np.arange(len(a.table)), pairs[:, 0]),
        only_b=np.setdiff1d(np.arange(len(b.table)), pairs[:, 1]),
    )


def cores(footprints: sparse.csr_array, share: float = CORE_SHARE) -> sparse.csr_array:
    """Footprints ``(n_rois, n_pixels)`` without the pixels fainter than `share` of their peak."""
    kept = sparse.csr_array(footprints, copy=True)
    lengths = np.diff(kept.indptr)
    peaks = np.zeros(len(lengths), kept.data.dtype)
    rows = np.repeat(np.arange(len(lengths)), lengths)
    np.maximum.at(peaks, rows, kept.data)
    kept.data[kept.data < share * peaks[rows]] = 0
    kept.eliminate_zeros()
    return kept


@dataclass(frozen=True)
class Overview:
    """One result next to the sample, in a line.

    Attributes
    ----------
    n_both
        Its accepted cells that the sample has, too.
    median_snr, median_r
        Of its accepted cells; NaN where unknown.
    differing
        ``(group.name, value in the sample, value here)`` of what was set differently.
    """

    n_both: int
    median_snr: float
    median_r: float
    differing: tuple[tuple[str, Any, Any], ...]


def overview_of(sample: CellSet, parameters: Mapping[str, Any], other: CellSet, theirs: Mapping[str, Any]) -> Overview:
    """How a result (`other`, made with `theirs`) differs from the sample."""
    ours, accepted = (cells.rows(np.flatnonzero(cells.accepted)) for cells in (sample, other))
    matched, _ = match_rois(cores(ours.footprints), cores(accepted.footprints), LEAST_OVERLAP)
    return Overview(
        n_both=int((matched >= 0).sum()),
        median_snr=_median(accepted, "snr"),
        median_r=_median(accepted, "r_values"),
        differing=tuple(parameter_differences(parameters, theirs)[0]),
    )


def _median(cells: CellSet, score: str) -> float:
    values = cells.table[score].to_numpy(np.float64)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else float("nan")


def parameter_differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[list[tuple[str, Any, Any]], int]:
    """What was set differently.

    Parameters
    ----------
    a, b
        By group, JSON-able (`pipeline.results.read_parameters`).

    Returns
    -------
    differing
        ``(group.name, value in A, value in B)`` of those that both know.
    n_others
        How many only one of them knows: engines have parameters of their own.
    """
    ours, theirs = _flat(a), _flat(b)
    both = [name for name in ours if name in theirs]
    differing = [(name, ours[name], theirs[name]) for name in both if not _same(ours[name], theirs[name])]
    return differing, len(set(ours) ^ set(theirs))


def _flat(parameters: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        f"{group}.{name}": value
        for group, members in parameters.items()
        for name, value in (members.items() if isinstance(members, Mapping) else ())
    }
    return {name: value for name, value in names.items() if name not in _NO_SETTINGS}


def _same(one: Any, other: Any) -> bool:
    """Equal, whatever HDF5 made of it: a pair is a list, yes is 1."""
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(_same(x, y) for x, y in zip(one, other, strict=True))
    if isinstance(one, (bool, int, float)) and isinstance(other, (bool, int, float)):
        return bool(np.isclose(float(one), float(other), rtol=1e-9, atol=0))
    return bool(one == other)


def _correlations(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """Row by row; NaN where one of them never changes."""
    centred = [values - values.mean(axis=1, keepdims=True, dtype=np.float64) for values in (one, other)]
    norms = [np.sqrt((values**2).sum(axis=1)) for values in centred]
    product = norms[0] * norms[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(product > 0, (centred[0] * centred[1]).sum(axis=1) / product, np.nan)
