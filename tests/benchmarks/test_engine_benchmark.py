"""The engine's benchmark prints one JSON object with accuracy, seconds and what they compare with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.engine import main
from benchmarks.scoring import score


def test_it_prints_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--frames", "300", "--height", "64", "--width", "88", "--cells", "6"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = report["simulated_2p"]
    assert found["shape"] == [300, 64, 88]
    assert found["n_true"] == 6
    assert found["f1"] > 0.7
    assert found["shift_rms_px"] < 0.2
    assert found["seconds"]["total"] >= found["seconds"]["extraction"] > 0
    assert found["times_floor"] == pytest.approx(found["seconds"]["total"] / found["floor_s"], rel=0.1)
    assert report["calibration_s"] > 0


def test_scores_of_a_perfect_a_moved_and_an_empty_result() -> None:
    rng = np.random.default_rng(0)
    cells = np.zeros((3, 30, 41), np.float32)
    for number, cell in enumerate(cells):
        cell[4 + 8 * number : 10 + 8 * number, 5 + 9 * number : 12 + 9 * number] = 1
    traces = rng.random((3, 50)).astype(np.float32)
    assert score(cells, traces, cells, traces)["f1"] == 1
    moved = np.roll(cells, (2, -3), (1, 2))[::-1]
    found = score(cells, traces, moved, traces[::-1])
    assert (found["f1"], found["trace_corr_median"]) == (1, 1)
    one_wrong = np.concatenate([cells[:2], np.roll(cells[2:], 15, 2)])
    assert score(cells, traces, one_wrong, traces)["precision"] == pytest.approx(2 / 3, abs=1e-3)
    nothing = score(cells, traces, cells[:0], traces[:0])
    assert (nothing["f1"], nothing["trace_corr_median"], nothing["n_found"]) == (0, None, 0)
