"""`fluorite process --engine caiman` with the real CaImAn: what it saved is what the sample has."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

from fluorite.cli import main
from nwb_schema.reader import read_footprints, read_images, read_rois, read_traces
from pipeline.movies import open_movie
from tests.conftest import CAIMAN_PYTHON

PARAMETERS = {
    "twophoton": {"gSig": 4, "rf": 32, "stride": 10, "K": 10, "p": 1, "tsub": 1, "merge_thr": 0.85, "min_SNR": 2.0},
    "onephoton": {"gSig": 5, "gSiz": 21, "rf": 48, "stride": 24, "min_corr": 0.8, "min_pnr": 6, "gSig_filt": 5},
}


@pytest.mark.skipif(CAIMAN_PYTHON is None, reason="needs a real CaImAn: set FLUORITE_CAIMAN_PYTHON to its interpreter")
@pytest.mark.parametrize(("name", "preset"), [("twophoton", "2p"), ("onephoton", "1p")])
def test_footprints_and_traces_are_those_that_caiman_saved(
    tmp_path: Path, shared_data: Path, caiman_python: Path, monkeypatch: pytest.MonkeyPatch, name: str, preset: str
) -> None:
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(caiman_python))
    (tmp_path / "parameters.json").write_text(json.dumps(PARAMETERS[name]))
    CliRunner().invoke(main, ["init", str(tmp_path / "project")])
    movie = shared_data / "movies" / f"{name}.tif"
    done = CliRunner().invoke(
        main,
        ["process", str(movie), "--project", str(tmp_path / "project"), "--engine", "caiman", "--preset", preset,
         "--params", str(tmp_path / "parameters.json"), "--json"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    assert report["engine"] == "caiman"
    assert report["n_accepted"] >= 10

    with h5py.File(report["results"]) as file:
        stored = file["estimates/A"]
        parts = tuple(stored[part][:] for part in ("data", "indices", "indptr"))
        saved = sparse.csc_array(parts, shape=tuple(stored["shape"][:])).toarray().T
        denoised, residual = file["estimates/C"][:], file["estimates/YrA"][:]
        accepted = file["estimates/idx_components"][:]
        height, width = file["params/data/dims"][:]
    sample = Path(report["sample"])
    in_c_order = saved.reshape(-1, width, height).transpose(0, 2, 1).reshape(len(saved), -1)
    np.testing.assert_allclose(read_footprints(sample).toarray(), in_c_order.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(read_traces(sample, "denoised"), denoised.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(read_traces(sample, "raw"), (denoised + residual).astype(np.float32), rtol=1e-5)
    assert set(np.flatnonzero(read_rois(sample)["is_accepted"])) == set(accepted)
    # In the raw movie's units: CaImAn itself stores it without the minimum.
    raw = open_movie(movie)
    mean = raw.read(0, raw.shape[0]).mean(axis=0)
    assert np.median(read_images(sample)["mean"] / mean) == pytest.approx(1, abs=0.01)
