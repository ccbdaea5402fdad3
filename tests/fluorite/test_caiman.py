"""The real CaImAn, where `FLUORITE_CAIMAN_PYTHON` names an interpreter that has it; without it, a quick refusal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from scipy import sparse

from fluorite.cli import main
from nwb_schema.reader import read_footprints, read_images, read_rois, read_traces
from pipeline.engines.caiman.installation import child_environment
from pipeline.movies import open_movie
from pipeline.results import read_results
from pipeline.results_file import seen_from_above
from pipeline.simulate import Simulation, simulate_movie, write_simulation
from pipeline.simulate_volumes import simulate_volumes

PRESETS = {"twophoton": "2p", "onephoton": "1p", "cortex_2p": "2p"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert CliRunner().invoke(main, ["init", str(tmp_path / "project")]).exit_code == 0
    return tmp_path / "project"


def process(movie: Path, project: Path, *options: str | Path) -> dict[str, Any]:
    done = CliRunner().invoke(main, ["process", str(movie), "--project", str(project), "--json", *map(str, options)])
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    return dict(report)


@pytest.mark.parametrize("name", list(PRESETS))
def test_footprints_and_traces_are_those_that_caiman_saved(
    project: Path, shared_data: Path, caiman_python: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(caiman_python))
    movie = shared_data / "movies" / f"{name}.tif"

    report = process(
        movie, project, "--engine", "caiman", "--preset", PRESETS[name],
        "--params", shared_data / "caiman" / f"{name}_caiman.params.json",
    )  # fmt: skip

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
    assert_close_to_the_recorded_run(Path(report["results"]), shared_data / "caiman" / f"{name}_caiman.hdf5")


def assert_close_to_the_recorded_run(now: Path, recorded: Path) -> None:
    """Nearly every cell of the recorded run is found again; other versions of NumPy and SciPy round differently."""
    ours, theirs = read_results(now), read_results(recorded)
    assert ours.n_frames == theirs.n_frames

    def unit(cells: Any) -> Any:
        chosen = cells.footprints[np.flatnonzero(cells.accepted)].toarray()
        return chosen / np.linalg.norm(chosen, axis=1, keepdims=True)

    overlap = unit(theirs) @ unit(ours).T
    best = overlap.argmax(axis=1)
    found = overlap.max(axis=1) > 0.8
    assert found.mean() > 0.8
    assert ours.denoised is not None
    assert theirs.denoised is not None
    a, b = theirs.denoised[theirs.accepted], ours.denoised[ours.accepted]
    same = [np.corrcoef(a[row], b[best[row]])[0, 1] for row in np.flatnonzero(found)]
    assert np.median(same) > 0.98


@pytest.mark.parametrize("options", [["--preset", "3d"], ["--online"]], ids=["volumes", "online"])
def test_volumes_and_frames_as_they_come_go_to_caiman(
    project: Path, tmp_path: Path, caiman_python: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    monkeypatch.setenv("FLUORITE_CAIMAN_PYTHON", str(caiman_python))
    if "3d" in options:
        simulation = simulate_volumes(
            n_frames=300, rate_hz=10.0, height=26, width=34, depth=7, n_cells=4, radius_px=4.0, seed=2
        )
    else:
        simulation = simulate_movie("2p", n_frames=600, rate_hz=10.0, height=64, width=80, n_cells=8, seed=3)
    write_simulation(simulation, tmp_path / "movie.tif")

    report = process(tmp_path / "movie.tif", project, "--engine", "caiman", *options)

    assert report["engine"] == ("caiman" if "3d" in options else "caiman-online")
    sample, saved = Path(report["sample"]), read_results(Path(report["results"]))
    assert saved.n_rois > 0
    np.testing.assert_allclose(read_footprints(sample).toarray(), saved.footprints.toarray(), rtol=1e-6)
    np.testing.assert_allclose(read_traces(sample, "denoised"), saved.denoised, rtol=1e-6)  # type: ignore[arg-type]
    # In the raw movie's units, here too.
    images = np.median(read_images(sample)["mean"]) / np.median(
        seen_from_above({"mean": mean_of(simulation)})[0]["mean"]
    )
    assert images == pytest.approx(1, abs=0.02)


def mean_of(simulation: Simulation) -> Any:
    return simulation.frames.mean(axis=0, dtype=np.float32)


@pytest.mark.parametrize("kind", ["2p", "1p", "3d"])
def test_what_the_builtin_engine_wrote_caiman_loads_evaluates_and_saves(
    project: Path, tmp_path: Path, caiman_python: Path, kind: str
) -> None:
    movie = tmp_path / "movie.tif"
    length: dict[str, Any] = {"n_frames": 300, "rate_hz": 10.0}
    if kind == "3d":
        simulation = simulate_volumes(height=26, width=34, depth=7, n_cells=4, radius_px=4.0, seed=2, **length)
    else:
        simulation = simulate_movie(kind, height=64, width=80, n_cells=8, seed=3, **length)  # type: ignore[arg-type]
    write_simulation(simulation, movie)
    report = process(movie, project, "--engine", "builtin", "--preset", kind)
    results, again = Path(report["results"]), tmp_path / "again.hdf5"

    script = Path(__file__).with_name("caiman_round_trip.py")
    movie_file = project / "movies" / f"{report['identifier']}.h5"
    done = subprocess.run(
        [str(caiman_python), str(script), str(results), str(movie_file), str(again)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**child_environment(), "CAIMAN_TEMP": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    before, after = read_results(results), read_results(again)
    assert told["n_components"] == before.n_rois > 0
    assert len(told["snr"]) == before.n_rois
    np.testing.assert_allclose(after.footprints.toarray(), before.footprints.toarray(), rtol=1e-6)
    np.testing.assert_allclose(after.denoised, before.denoised, rtol=1e-6)  # type: ignore[arg-type]
    np.testing.assert_allclose(after.raw, before.raw, rtol=1e-5, atol=1e-3)  # type: ignore[arg-type]
    # CaImAn's own verdict of our traces: the signal-to-noise ratio that we computed is the one that it computes.
    np.testing.assert_allclose(told["snr"], before.snr, rtol=1e-3)  # type: ignore[arg-type]


def test_without_caiman_the_remedy_comes_before_anything_heavy_is_imported(project: Path) -> None:
    program = (
        "import sys\n"
        "from pipeline.engines.caiman import installation\n"
        "installation.conda_pythons = lambda: iter(())\n"
        "from fluorite.cli import main\n"
        "heavy = ('numba', 'cv2', 'pynwb', 'tifffile', 'dash')\n"
        "try: main(sys.argv[1:])\n"
        "finally: print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "process", "movie.tif", "--project", str(project), "--engine", "caiman"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "conda-forge" in done.stderr
    assert "[]" in done.stdout
