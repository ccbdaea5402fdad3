"""The benchmark of the pages finds everything that it waits for; how long it takes is not tested."""

from __future__ import annotations

from pathlib import Path

from pipeline.benchmarks.viewer import Size, benchmark


def test_everything_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    size = Size(n_samples=2, n_rois=24, n_frames=60, n_open=1, play_s=0.3)

    report = benchmark(size, folder=tmp_path, repeats=1)

    assert (report["n_samples"], report["n_rois"]) == (3, 72)
    assert len(report["goals"]) == 8
    assert all(goal["measured"] > 0 for goal in report["goals"])
    assert report["sample"]["heatmap_ms"] > 0
    assert list(tmp_path.iterdir()) == []
