"""The engine's benchmark prints one JSON object with accuracy, seconds and what they compare with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from fluorite.cli import main
from pipeline.benchmarks.scoring import score

SMALL = ["--frames", "300", "--height", "64", "--width", "88", "--cells", "6"]


def test_it_prints_one_json_object() -> None:
    done = CliRunner().invoke(main, ["bench", "engine", *SMALL, "--json"])
    assert done.exit_code == 0, done.output
    measured = json.loads(done.stdout)["movies"]["sim"]
    ours = measured["ours"]
    assert measured["shape"] == [300, 64, 88]
    assert ours["n_true"] == 6
    assert ours["f1"] > 0.7
    assert ours["recall_active"] == ours["recall"], "every simulated cell is active"
    assert ours["shift_rms_px"] < 0.2
    assert ours["seconds"]["total"] >= ours["seconds"]["extraction"] > 0
    assert ours["times_floor"] == pytest.approx(ours["seconds"]["total"] / measured["floor_s"], rel=0.1)
    assert ours["calibrations"] == pytest.approx(ours["seconds"]["total"] / ours["calibration_s"], rel=0.1)


def test_volumes_are_measured_as_planes_are() -> None:
    volumes = ["--movie", "sim3d", "--frames", "160", "--height", "128", "--width", "150", "--cells", "5"]
    done = CliRunner().invoke(main, ["bench", "engine", *volumes, "--json"])
    assert done.exit_code == 0, done.output
    measured = json.loads(done.stdout)["movies"]["sim3d"]
    assert measured["shape"] == [160, 32, 37, 12]
    assert measured["ours"]["f1"] > 0.7
    assert measured["ours"]["shift_rms_px"] < 0.2
    refused = CliRunner().invoke(main, ["bench", "engine", "--movie", "sim3d", "--against", "caiman"])
    assert refused.exit_code == 1
    assert "sim3d is of volumes" in refused.stderr


def test_a_recording_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["bench", "engine", "--movie", "cortex", "--shared", str(tmp_path)])
    assert done.exit_code == 1
    assert "cortex_2p.tif" in done.stderr
    assert "--shared" in done.stderr


def test_scores_of_a_perfect_a_moved_and_an_empty_result() -> None:
    rng = np.random.default_rng(0)
    cells = np.zeros((3, 30, 41), np.float32)
    for number, cell in enumerate(cells):
        cell[4 + 8 * number : 10 + 8 * number, 5 + 9 * number : 12 + 9 * number] = 1
    traces = rng.random((3, 50)).astype(np.float32)
    volumes = np.stack([np.zeros_like(cells), cells, cells, np.zeros_like(cells)], axis=3)
    assert score(volumes, traces, np.roll(volumes, (2, -3, 1), (1, 2, 3)), traces)["f1"] == 1
    assert score(volumes, traces, np.roll(volumes[:, ::-1], 9, 2), traces)["f1"] < 1
    assert score(cells, traces, cells, traces)["f1"] == 1
    moved = np.roll(cells, (2, -3), (1, 2))[::-1]
    found = score(cells, traces, moved, traces[::-1])
    assert (found["f1"], found["trace_corr_median"]) == (1, 1)
    one_wrong = np.concatenate([cells[:2], np.roll(cells[2:], 15, 2)])
    assert score(cells, traces, one_wrong, traces)["precision"] == pytest.approx(2 / 3, abs=1e-3)
    one_missing = score(cells, traces, cells[:2], traces[:2], np.array([True, False, False]))
    assert (one_missing["recall"], one_missing["recall_active"]) == (pytest.approx(2 / 3, abs=1e-3), 1)
    nothing = score(cells, traces, cells[:0], traces[:0])
    assert (nothing["f1"], nothing["trace_corr_median"], nothing["n_found"]) == (0, None, 0)
