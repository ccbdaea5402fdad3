"""Keep ROIs' identities, tags and people's decisions when another result replaces the segmentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment

MIN_IOU = 0.7


@dataclass(frozen=True)
class CarriedOver:
    """Which new ROI is which old one.

    Attributes
    ----------
    old_row
        ``(n_new,)`` row of the old ROI that each new one is, or -1.
    iou
        ``(n_new,)`` intersection over union of the two, 0 for a new one that is none.
    roi_uuids
        One per new ROI: the old one's, or a new one.
    inherited
        ``{column: {new row: value}}``: values that people gave the old ROI, for the new one to have.
    kept
        Rows of old ROIs that are no new one but carry a tag or a decision: they stay with their traces, marked deleted.
    """

    old_row: NDArray[np.int64]
    iou: NDArray[np.float64]
    roi_uuids: tuple[str, ...]
    inherited: Mapping[str, Mapping[int, Any]]
    kept: tuple[int, ...]


def match_rois(
    old: sparse.csr_array, new: sparse.csr_array, min_iou: float = MIN_IOU
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match ROIs by the overlap of their masks, each to one at most, so that the sum of overlaps is the largest.

    Parameters
    ----------
    old, new
        Footprints ``(n_rois, n_pixels)`` of one field of view, pixels in the same order. A pixel belongs to a mask
        where its weight is not 0.
    min_iou
        Pairs that overlap less (intersection over union) are none.

    Returns
    -------
    old_row
        ``(n_new,)`` row of the matching old ROI, or -1.
    iou
        ``(n_new,)`` intersection over union with it, or 0.

    Raises
    ------
    ValueError
        When the two are not of one field of view.
    """
    if old.shape[1] != new.shape[1]:
        raise ValueError(f"the footprints have {old.shape[1]} and {new.shape[1]} pixels: these are different frames")
    old_row = np.full(new.shape[0], -1, np.int64)
    best = np.zeros(new.shape[0])
    iou = _overlaps(old, new, min_iou)
    for new_rows, old_rows in _groups(iou):
        # Pairs below the limit count nothing, so they are chosen only where nothing better is left.
        block = iou[new_rows][:, old_rows].toarray()
        for i, j in zip(*linear_sum_assignment(block, maximize=True), strict=True):
            if block[i, j] > 0:
                old_row[new_rows[i]] = old_rows[j]
                best[new_rows[i]] = block[i, j]
    return old_row, best


def carry_over(
    old: sparse.csr_array,
    old_uuids: Sequence[str],
    given: Mapping[str, Mapping[int, Any]],
    new: sparse.csr_array,
    *,
    min_iou: float = MIN_IOU,
) -> CarriedOver:
    """Give the ROIs of a new result the identities of the old ones that they are, with what people said of them.

    Parameters
    ----------
    old, new
        Footprints, see `match_rois`.
    old_uuids
        ``roi_uuid`` of each old ROI.
    given
        ``{column: {old row: value}}``: only what people gave (see `given_by_people`).
    """
    old_row, iou = match_rois(old, new, min_iou)
    new_row = {int(row): position for position, row in enumerate(old_row) if row >= 0}
    inherited = {
        column: {new_row[row]: value for row, value in values.items() if row in new_row}
        for column, values in given.items()
    }
    carrying = {row for values in given.values() for row in values}
    return CarriedOver(
        old_row=old_row,
        iou=iou,
        roi_uuids=tuple(old_uuids[row] if row >= 0 else str(uuid4()) for row in old_row),
        inherited={column: values for column, values in inherited.items() if values},
        kept=tuple(sorted(carrying - set(new_row))),
    )


def given_by_people(
    columns: Mapping[str, Sequence[Any]],
    *,
    curated: Sequence[bool],
    deleted: Sequence[bool],
    replacements: Mapping[str, Any],
) -> dict[str, dict[int, Any]]:
    """What people said of each ROI: the form that `carry_over` takes.

    Parameters
    ----------
    columns
        Values by column of the ROI table, ``is_accepted`` and the tag columns among them.
    curated, deleted
        Whether a person decided ``is_accepted`` of each ROI, and whether a person deleted it.
    replacements
        Per tag column the value that means that nobody tagged the ROI.
    """
    decided = [row for row, flag in enumerate(curated) if flag]
    given: dict[str, dict[int, Any]] = {
        "is_accepted": {row: columns["is_accepted"][row] for row in decided},
        "curated": dict.fromkeys(decided, True),
        "deleted": {row: True for row, flag in enumerate(deleted) if flag},
    }
    for name, replacement in replacements.items():
        values = columns.get(name, ())
        given[name] = {row: value for row, value in enumerate(values) if value != replacement}
    return {name: values for name, values in given.items() if values}


def _overlaps(old: sparse.csr_array, new: sparse.csr_array, min_iou: float) -> sparse.csr_array:
    """Intersection over union ``(n_new, n_old)`` of the pairs that reach `min_iou`."""
    ours, theirs = _binary(new), _binary(old)
    shared = sparse.coo_array(ours @ theirs.T)
    row, column = shared.coords
    either = ours.sum(axis=1)[row] + theirs.sum(axis=1)[column] - shared.data
    iou = shared.data / either
    enough = iou >= min_iou
    return sparse.csr_array((iou[enough], (row[enough], column[enough])), shape=shared.shape)


def _binary(footprints: sparse.csr_array) -> sparse.csr_array:
    masks = sparse.csr_array(footprints, copy=True)
    masks.sum_duplicates()
    masks.eliminate_zeros()
    masks.data = np.ones(masks.nnz)
    return masks


def _groups(iou: sparse.csr_array) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows and columns that are linked with each other; tens of thousands of ROIs need no dense matrix then."""
    n_new = iou.shape[0]
    both = sparse.block_array([[None, iou], [iou.T, None]], format="csr") if iou.nnz else None
    if both is None:
        return
    _, label = sparse.csgraph.connected_components(both, directed=False)
    order = np.argsort(label, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(label[order])) + 1):
        rows, columns = members[members < n_new], members[members >= n_new] - n_new
        if rows.size and columns.size:
            yield rows, columns
