"""When another result replaces the segmentation, ROIs stay who they are. Frames are 24 x 40."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from nwb_schema.edits.identity import carry_over, given_by_people, match_rois

HEIGHT, WIDTH = 24, 40


def boxes(*corners: tuple[int, int, int, int]) -> sparse.csr_array:
    """Footprints of rectangles ``(y, x, height, width)``."""
    dense = np.zeros((len(corners), HEIGHT, WIDTH), np.float32)
    for mask, (y, x, height, width) in zip(dense, corners, strict=True):
        mask[y : y + height, x : x + width] = 0.5
    return sparse.csr_array(dense.reshape(len(corners), -1))


def test_overlap_decides_and_70_percent_is_enough() -> None:
    old = boxes((2, 3, 10, 10), (2, 25, 10, 10))
    # 7 of 10 rows, cut off: 70 of 100 pixels. 6 of 10: 60 of 100.
    new = boxes((2, 25, 6, 10), (2, 3, 7, 10), (14, 30, 5, 5))

    row, iou = match_rois(old, new)
    assert row.tolist() == [-1, 0, -1]
    assert iou.tolist() == pytest.approx([0, 0.7, 0])
    assert match_rois(old, new, 0.6)[0].tolist() == [1, 0, -1]


def test_the_transposed_frame_is_another_frame() -> None:
    old = boxes((2, 30, 6, 4))
    swapped = sparse.csr_array(old.toarray().reshape(HEIGHT, WIDTH).T.reshape(1, -1))
    assert match_rois(old, swapped)[0].tolist() == [-1]
    with pytest.raises(ValueError, match="different frames"):
        match_rois(old, sparse.csr_array((1, 7)))


def test_the_best_match_of_all_wins_not_the_first() -> None:
    old = boxes((2, 3, 10, 10), (2, 4, 10, 10))
    new = boxes((2, 4, 10, 10), (2, 3, 10, 10))
    assert match_rois(old, new)[0].tolist() == [1, 0]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_no_assignment_is_better(seed: int) -> None:
    chance = np.random.default_rng(seed)

    def some(count: int) -> sparse.csr_array:
        return boxes(*((*chance.integers(0, 3, 2).tolist(), *chance.integers(7, 10, 2).tolist()) for _ in range(count)))

    old, new = some(4), some(3)
    masks = [matrix.toarray() > 0 for matrix in (old, new)]
    table = np.array([[(a & b).sum() / (a | b).sum() for b in masks[0]] for a in masks[1]])
    table[table < 0.7] = 0
    best = max(sum(table[i, j] for i, j in enumerate(order)) for order in itertools.permutations(range(4), 3))

    row, iou = match_rois(old, new)
    assert iou.sum() == pytest.approx(best)
    matched = row[row >= 0]
    assert len(set(matched.tolist())) == len(matched)
    assert all(value >= 0.7 for value in iou[row >= 0])


def test_tags_and_decisions_go_with_the_identity_and_unmatched_ones_stay() -> None:
    old = boxes((2, 3, 8, 8), (2, 20, 8, 8), (13, 3, 8, 8), (13, 20, 8, 8))
    new = boxes((13, 20, 8, 8), (2, 3, 8, 8), (2, 30, 4, 4))
    given = given_by_people(
        {"is_accepted": [False, True, True, True], "quality": ["good", "bad", "untagged", "untagged"]},
        curated=[True, False, True, False],
        deleted=[False, False, False, True],
        replacements={"quality": "untagged", "grade": 0},
    )
    assert given == {
        "is_accepted": {0: False, 2: True},
        "curated": {0: True, 2: True},
        "deleted": {3: True},
        "quality": {0: "good", 1: "bad"},
    }

    carried = carry_over(old, ["a", "b", "c", "d"], given, new)
    assert carried.old_row.tolist() == [3, 0, -1]
    assert carried.roi_uuids[:2] == ("d", "a")
    assert carried.roi_uuids[2] not in "abcd"
    assert carried.inherited == {
        "is_accepted": {1: False},
        "curated": {1: True},
        "deleted": {0: True},
        "quality": {1: "good"},
    }
    assert carried.kept == (1, 2), "b is tagged and c was decided; neither is lost"


def test_volumes_and_empty_results() -> None:
    volume = np.zeros((1, 6, 9, 4), np.float32)
    volume[0, 1:4, 2:7, 1:3] = 1
    flat = sparse.csr_array(volume.reshape(1, -1))
    assert match_rois(flat, flat)[0].tolist() == [0]
    assert match_rois(flat, sparse.csr_array((0, flat.shape[1])))[0].tolist() == []
    nothing = sparse.csr_array((2, flat.shape[1]), dtype=np.float32)
    assert match_rois(nothing, nothing)[0].tolist() == [-1, -1]
