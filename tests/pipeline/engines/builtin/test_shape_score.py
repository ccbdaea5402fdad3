"""The judge of footprints' shapes: what it calls a cell, and that it does not matter how a footprint lies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from pipeline.engines.builtin.evaluation import accepted
from pipeline.engines.builtin.shape_score import SIDE, portrait, shape_scores, weights
from pipeline.parameters.groups import Quality

HEIGHT, WIDTH = 60, 84


def images() -> dict[str, np.ndarray]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    disc = ((rows - 30) ** 2 + (columns - 40) ** 2 <= 25).astype(float)
    ring = disc * (1 - 0.7 * np.exp(-((rows - 30) ** 2 + (columns - 40) ** 2) / 8))
    line = (np.abs(rows - 30 - 0.3 * (columns - 40)) < 1.5) * (np.abs(columns - 40) < 16).astype(float)
    pair = disc + ((rows - 30) ** 2 + (columns - 52) ** 2 <= 25)
    cloud = (rows - 30) ** 2 / 1.8 + (columns - 40) ** 2 <= 200
    speck = (np.abs(rows - 30) <= 1) * (np.abs(columns - 40) <= 1).astype(float)
    return {"disc": disc, "ring": ring, "line": line, "pair": pair, "cloud": cloud.astype(float), "speck": speck}


def scores_of(*footprints: np.ndarray, gSig: tuple[int, int] = (4, 4)) -> np.ndarray:
    stacked = sparse.csr_array(np.stack(footprints).reshape(len(footprints), -1).astype(np.float32))
    return shape_scores(stacked, footprints[0].shape, gSig)


@pytest.mark.parametrize(
    ("name", "is_cell"),
    [("disc", True), ("ring", True), ("line", False), ("pair", False), ("cloud", False), ("speck", False)],
)
def test_bodies_are_cells_and_nothing_else_is(name: str, is_cell: bool) -> None:
    score = scores_of(images()[name])[0]
    assert score > 0.8 if is_cell else score < 0.2


def test_a_footprint_may_be_moved_turned_mirrored_and_made_brighter() -> None:
    ring = images()["ring"] * np.linspace(0.7, 1.3, WIDTH)
    one = scores_of(ring)[0]
    others = scores_of(np.roll(ring, (-11, 25), (0, 1)), ring[::-1], 300 * ring)
    np.testing.assert_allclose(others, one, atol=0.02)
    assert scores_of(ring.T)[0] == pytest.approx(one, abs=0.02)


def test_a_shape_is_judged_in_units_of_gsig() -> None:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    large = ((rows - 30) ** 2 + (columns - 40) ** 2 <= 15**2).astype(float)
    assert scores_of(large, gSig=(12, 12))[0] > 0.8
    assert scores_of(large, gSig=(4, 4))[0] < 0.2


def test_portraits_are_centred_and_empty_ones_are_blank() -> None:
    seen = portrait(images()["disc"].astype(np.float32), (HEIGHT, WIDTH), (4, 4))
    assert seen.shape == (SIDE, SIDE)
    assert seen.max() == pytest.approx(1)
    y = (seen.sum(axis=1) @ np.arange(SIDE)) / seen.sum()
    assert y == pytest.approx((SIDE - 1) / 2, abs=0.2)
    assert not portrait(np.zeros((HEIGHT, WIDTH), np.float32), (HEIGHT, WIDTH), (4, 4)).any()
    assert shape_scores(sparse.csr_array((0, HEIGHT * WIDTH), dtype=np.float32), (HEIGHT, WIDTH), (4, 4)).shape == (0,)


def test_the_weights_are_plain_arrays_of_finite_numbers() -> None:
    assert [array.shape for array in weights()] == [(SIDE * SIDE, 24), (24,), (24,), ()]
    assert all(np.isfinite(array).all() for array in weights())


def test_the_shape_takes_part_in_the_rule() -> None:
    rule = Quality(min_SNR=2.5, SNR_lowest=0.5, rval_thr=0.8, use_cnn=True, min_cnn_thr=0.9, cnn_lowest=0.1)
    snr, r_values = np.array([1, 9, 9, 0.5], np.float32), np.zeros(4, np.float32)
    shape = np.array([0.9, 0.1, 0.5, 0.99], np.float32)
    assert accepted(snr, r_values, rule, shape).tolist() == [True, False, True, False]
