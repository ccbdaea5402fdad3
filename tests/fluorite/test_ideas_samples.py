"""Both sample parameter files of the IDEAS page run as they are, on either engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import pytest
import tifffile
from click.testing import CliRunner

from fluorite.cli import main
from pipeline.simulate import simulate_movie
from tests.pipeline.parameters.ideas_samples import ONE_PHOTON, TWO_PHOTON

SAMPLES = {"1p": ONE_PHOTON, "2p": TWO_PHOTON}


def process(folder: Path, preset: str, engine: str) -> dict[str, Any]:
    """What `process --json` says of a small movie that does not say its rate: the file's `fr` counts."""
    sample = SAMPLES[preset]
    rate_hz = sample["data"]["fr"]
    simulation = simulate_movie(
        preset, n_frames=300, height=80, width=96, n_cells=10, rate_hz=rate_hz, seed=6, motion_px=1.0
    )  # type: ignore[arg-type]
    tifffile.imwrite(folder / "movie.tif", simulation.frames)
    (folder / "sample.json").write_text(json.dumps(sample))
    assert CliRunner().invoke(main, ["init", str(folder / "project")]).exit_code == 0
    done = CliRunner().invoke(
        main,
        ["process", str(folder / "movie.tif"), "--project", str(folder / "project"), "--preset", preset,
         "--params", str(folder / "sample.json"), "--engine", engine, "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    return dict(report)


def check(report: dict[str, Any], preset: str) -> None:
    """Everything that the file says is in the parameters that the result was made with."""
    assert report["n_rois"] > 0
    with h5py.File(report["results"]) as file:
        params = file["params"]
        assert float(params["data/fr"][()]) == SAMPLES[preset]["data"]["fr"]
        for name in ("gSig", "tsub", "ssub", "nb"):
            expected = SAMPLES[preset]["init"][name]
            found = params["init"][name][()]
            assert found.tolist() == expected, name
        assert params["motion/max_shifts"][()].tolist() == SAMPLES[preset]["motion"]["max_shifts"]
        assert float(params["quality/min_SNR"][()]) == SAMPLES[preset]["quality"]["min_SNR"]


@pytest.mark.parametrize("preset", ["1p", "2p"])
def test_the_samples_run_on_the_builtin_engine(tmp_path: Path, preset: str) -> None:
    report = process(tmp_path, preset, "builtin")

    assert report["engine"] == "builtin"
    check(report, preset)
    notes = " ".join(report["notes"])
    # What this engine does not use and the preset has otherwise is said.
    assert ("dxy" in notes) == (preset == "2p")


@pytest.mark.parametrize("preset", ["1p", "2p"])
def test_the_samples_run_on_caiman(
    tmp_path: Path, caiman_python: Path, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(caiman_python))

    report = process(tmp_path, preset, "caiman")

    assert report["engine"] == "caiman"
    check(report, preset)
