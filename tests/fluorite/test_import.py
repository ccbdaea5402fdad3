"""`fluorite import`: what CaImAn found is what the sample has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result
from scipy import sparse

from fluorite.cli import main
from nwb_schema.reader import read_footprints, read_images, read_rois, read_summary, read_traces
from tests.fluorite.command import Processed


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "project").exit_code == 0
    return tmp_path / "project"


def in_file(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, set[int] | None]:
    """Footprints ``(n_rois, height, width)``, C, C + YrA and accepted rows, read without any of our code."""
    with h5py.File(path) as file:
        estimates = file["estimates"]
        a = estimates["A"]
        matrix = sparse.csc_matrix((a["data"][:], a["indices"][:], a["indptr"][:]), shape=a["shape"][:])
        height, width = (int(n) for n in estimates["dims"][:])
        footprints = matrix.toarray().T.reshape(-1, width, height).transpose(0, 2, 1)
        accepted = estimates["idx_components"][()]
        rows = None if np.ndim(accepted) == 0 else set(accepted.tolist())
        return footprints, estimates["C"][:], estimates["C"][:] + estimates["YrA"][:], rows


@pytest.mark.parametrize(
    ("results", "movie"),
    [
        ("caiman/twophoton_caiman.hdf5", "movies/twophoton.tif"),
        ("caiman/cortex_2p_caiman.hdf5", "movies/cortex_2p.tif"),
        ("caiman/onephoton_caiman.hdf5", "movies/onephoton.tif"),
        ("caiman/caiman_1_8_5_onephoton.hdf5", None),
        ("caiman/cnmfe_stub_10units_5frames.hdf5", None),
    ],
)
def test_a_real_caiman_result_is_kept_to_the_last_value(
    shared_data: Path, project: Path, results: str, movie: str | None
) -> None:
    options = ["--movie", shared_data / movie] if movie else []
    done = run("import", shared_data / results, *options, "--project", project, "--subject", "m1", "--json")
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]
    footprints, denoised, raw, accepted = in_file(shared_data / results)

    path = Path(report["sample"])
    n_rois, height, width = footprints.shape
    summary = read_summary(path)
    assert (summary.height, summary.width, summary.n_rois) == (height, width, n_rois)
    np.testing.assert_allclose(
        read_footprints(path).toarray().reshape(n_rois, height, width), footprints.astype(np.float32), rtol=1e-6
    )
    np.testing.assert_allclose(read_traces(path, "denoised"), denoised.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(read_traces(path, "raw"), raw.astype(np.float32), rtol=1e-5, atol=1e-4)
    rows = read_rois(path)
    assert summary.evaluated == (accepted is not None)
    assert set(np.flatnonzero(rows["is_accepted"])) == (set(range(n_rois)) if accepted is None else accepted)
    assert summary.has_movie == (movie is not None)
    assert (summary.movie_problem is None) == (movie is not None)
    if movie is not None:
        frames = tifffile.imread(shared_data / movie)
        np.testing.assert_allclose(read_images(path)["mean"], frames.mean(0), rtol=1e-4)
        np.testing.assert_array_equal(read_images(path)["max"], frames.max(0))
    assert any("No registered movie" in note for note in report["notes"]) == (movie is None)


def test_a_movie_of_another_size_is_refused(shared_data: Path, project: Path) -> None:
    done = run(
        "import", shared_data / "caiman/twophoton_caiman.hdf5", "--movie", shared_data / "movies/cortex_2p.tif",
        "--project", project, "--subject", "m1",
    )  # fmt: skip

    assert done.exit_code == 1
    assert "twophoton_caiman.hdf5" in done.output
    assert list((project / "samples").iterdir()) == []
    assert list((project / "movies").iterdir()) == []


def test_our_own_results_come_back_with_the_raw_movie_registered_again(processed: Processed, project: Path) -> None:
    done = run(
        "import", processed.report["results"], "--movie", processed.movie, "--raw-movie",
        "--project", project, "--subject", "m2", "--json",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    (report,) = json.loads(done.stdout)["samples"]

    for kind in ("raw", "denoised", "deconvolved", "dff"):
        np.testing.assert_array_equal(
            read_traces(Path(report["sample"]), kind), read_traces(Path(processed.report["sample"]), kind)
        )
    with h5py.File(report["sample"]) as again, h5py.File(processed.report["sample"]) as first:
        name = "acquisition/TwoPhotonSeries/data"
        np.testing.assert_array_equal(again[name][:], first[name][:])


def test_a_raw_movie_without_shifts_in_the_results_is_refused(shared_data: Path, project: Path) -> None:
    done = run(
        "import", shared_data / "caiman/twophoton_caiman.hdf5", "--movie", shared_data / "movies/twophoton.tif",
        "--raw-movie", "--project", project, "--subject", "m1",
    )  # fmt: skip

    assert done.exit_code == 1
    assert "holds no shifts" in done.output
    assert list((project / "samples").iterdir()) == []


@pytest.mark.parametrize("patches", [{}, {"pw_rigid": True, "strides": 24, "overlaps": 16}], ids=["rigid", "patches"])
def test_nan_borders_of_a_raw_movie_come_back_as_process_made_them(
    patches: dict[str, Any], movie: Path, project: Path, tmp_path: Path
) -> None:
    (tmp_path / "nan.json").write_text(json.dumps({"motion": {"border_nan": True, **patches}}))
    made = run(
        "process", movie, "--params", tmp_path / "nan.json", "--project", project,
        "--subject", "m1", "--session", "s1", "--json",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    (first,) = json.loads(made.stdout)["samples"]
    again = run(
        "import", first["results"], "--movie", movie, "--raw-movie", "--project", project, "--subject", "m2", "--json"
    )
    assert again.exit_code == 0, again.output
    (second,) = json.loads(again.stdout)["samples"]

    with h5py.File(first["sample"]) as processed, h5py.File(second["sample"]) as imported:
        name = "acquisition/TwoPhotonSeries/data"
        assert imported[name].dtype == np.float32
        assert np.isnan(imported[name][:]).any()
        np.testing.assert_array_equal(imported[name][:], processed[name][:])
