"""Doubles: of two components on one cell, one stays."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pipeline.engines.builtin.cnmfe.duplicates import without_duplicates
from pipeline.engines.builtin.model import Model, unit_norm


def model_of(images: np.ndarray, strength: list[float]) -> Model:
    n = len(images)
    rng = np.random.default_rng(0)
    traces = (rng.random((n, 50)) * np.array(strength)[:, None]).astype(np.float32)
    footprints, _ = unit_norm(sparse.csr_array(images.reshape(n, 20 * 26).astype(np.float32)))
    nothing, each = np.zeros((0, footprints.shape[1]), np.float32), np.zeros(n, np.float32)
    return Model(footprints, traces, nothing, np.zeros((0, 50), np.float32), traces, traces, each[:, None], *[each] * 4)


def test_of_two_on_one_place_the_more_active_one_stays() -> None:
    images = np.zeros((4, 20, 26))
    images[0, 2:8, 2:8] = images[1, 2:8, 3:8] = 1  # one cell, found twice
    images[2, 2:8, 7:13] = 1  # touches both, and is another cell
    images[3, 12:18, 12:18] = 1
    assert without_duplicates(model_of(images, [1, 5, 1, 1])).tolist() == [1, 2, 3]
    assert without_duplicates(model_of(images, [5, 1, 1, 1])).tolist() == [0, 2, 3]
    assert without_duplicates(model_of(images[:0], [])).tolist() == []
