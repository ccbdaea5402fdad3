from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from nwb_schema.segmentation import Segmentation
from pipeline.outputs.cell_set import CellSet, cell_set_of
from pipeline.variants.comparing import compare_cells, cores, overview_of, parameter_differences

HEIGHT, WIDTH = 30, 50


def disc(y: int, x: int, radius: int = 4) -> np.ndarray:
    ys, xs = np.mgrid[:HEIGHT, :WIDTH]
    return ((ys - y) ** 2 + (xs - x) ** 2 <= radius**2).astype(np.float32)


def cells(*masks: np.ndarray, traces: np.ndarray | None = None) -> CellSet:
    footprints = sparse.csr_array(np.stack(masks).reshape(len(masks), -1))
    everyone = np.ones(len(masks), bool)
    found = Segmentation((HEIGHT, WIDTH), footprints, 10.0, everyone, evaluated=True, denoised=traces)
    return cell_set_of(found)


def test_cells_are_in_both_or_in_one_alone() -> None:
    rng = np.random.default_rng(0)
    traces = rng.normal(size=(3, 200)).astype(np.float32)
    a = cells(disc(8, 8), disc(20, 12), disc(15, 35), traces=traces)
    # Another order, another scale, one moved a little, one somewhere else.
    b = cells(
        5 * disc(15, 36), 3 * disc(8, 8), disc(6, 42), traces=np.stack([-traces[2], 7 * traces[0] + 3, traces[1]])
    )

    found = compare_cells(a, b)

    assert found.pairs.tolist() == [[0, 1], [2, 0]]
    assert found.only_a.tolist() == [1]
    assert found.only_b.tolist() == [2]
    np.testing.assert_allclose(found.correlation, [1, -1], atol=1e-5)
    assert found.overlap[0] == 1
    assert 0.3 < found.overlap[1] < 1
    assert compare_cells(a, b, 0.99).pairs.tolist() == [[0, 1]]


def test_a_faint_skirt_does_not_make_a_cell_another_one() -> None:
    skirt = np.full((HEIGHT, WIDTH), 0.05, np.float32)
    a, b = cells(disc(8, 8)), cells(np.maximum(disc(8, 8), skirt))

    assert compare_cells(a, b).overlap.tolist() == [1.0]
    assert cores(b.footprints).nnz == a.footprints.nnz


def test_other_frames_are_no_match_for_these() -> None:
    other = replace(cells(disc(8, 8)), shape=(WIDTH, HEIGHT))

    with pytest.raises(ValueError, match="different fields of view"):
        compare_cells(cells(disc(8, 8)), other)


def test_only_what_was_set_differently_counts_as_different() -> None:
    ours = {
        "init": {"gSig": [4, 4], "K": None, "normalize_init": True, "ours": 1},
        "quality": {"min_SNR": 2.5},
        "data": {"fr": 7.0, "dims": [30, 50]},
    }
    theirs = {
        "init": {"gSig": [4.0, 4.0], "K": 30, "normalize_init": 1},
        "quality": {"min_SNR": 3, "theirs": 2},
        "data": {"fr": 7.5, "dims": [50, 30]},
    }

    differing, n_others = parameter_differences(ours, theirs)

    assert differing == [("init.K", None, 30), ("quality.min_SNR", 2.5, 3)]
    assert n_others == 2


def test_an_overview_counts_accepted_cells_alone() -> None:
    a, b = cells(disc(8, 8), disc(20, 12)), cells(disc(8, 8), disc(20, 12), disc(6, 42))
    b.table["is_accepted"] = [True, False, True]
    b.table["snr"] = [3.0, 9.0, np.nan]

    found = overview_of(a, {"init": {"K": 5}}, b, {"init": {"K": 6}})

    assert found.n_both == 1
    assert found.median_snr == 3
    assert np.isnan(found.median_r)
    assert found.differing == (("init.K", 5, 6),)
