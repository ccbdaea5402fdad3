"""The benchmark of online mode says how fast it was, next to the batch engine."""

from __future__ import annotations

import json

from click.testing import CliRunner

from fluorite.cli import main


def test_it_prints_one_json_object() -> None:
    size = ["--frames", "300", "--height", "56", "--width", "72", "--cells", "5"]
    done = CliRunner().invoke(main, ["bench", "online", *size, "--json"])
    assert done.exit_code == 0, done.output
    measured = json.loads(done.stdout)["movies"]["sim"]
    online = measured["online"]
    assert measured["shape"] == [300, 56, 72]
    assert online["n_true"] == 5
    assert online["f1"] > 0.6
    assert online["frames_per_s"] > 0
    assert 0 < online["latency_ms"]["median"] <= online["latency_ms"]["p95"] <= online["latency_ms"]["longest"]
    assert measured["f1_over_batch"] == round(online["f1"] - measured["batch"]["f1"], 4)
