"""`fluorite import` of what other programs left: folders of Suite2p and mesmerize-core, ROIs of ImageJ."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result
from roifile import ImagejRoi, roiwrite

from fluorite.cli import main
from nwb_schema.movie_file import MovieFile
from nwb_schema.reader import (
    read_footprints,
    read_images,
    read_rois,
    read_summary,
    read_traces,
    registered_movie_path,
)
from tests.fluorite.command import Processed
from tests.pipeline.foreign.suite2p_folder import FRAMES, HEIGHT, WIDTH, write_plane
from tests.pipeline.foreign.test_pickled_values import _Runs
from tests.pipeline.movies.test_mapped_file import caiman_map

UUIDS = ("11111111-2222-3333-4444-555555555555", "66666666-7777-8888-9999-000000000000")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def imported(*arguments: str | Path) -> list[dict[str, Any]]:
    done = run("import", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout)["samples"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "project").exit_code == 0
    return tmp_path / "project"


def test_every_plane_of_suite2p_becomes_a_sample_with_its_movie(project: Path, tmp_path: Path) -> None:
    planes = [write_plane(tmp_path / "day1/suite2p" / f"plane{n}", seed=n) for n in range(2)]

    reports = imported(tmp_path / "day1/suite2p", "--project", project, "--subject", "m1")

    assert [Path(report["sample"]).name for report in reports] == [
        f"sub-m1_ses-day1-plane{n}_ophys.nwb" for n in range(2)
    ]
    for plane, report in zip(planes, reports, strict=True):
        sample = Path(report["sample"])
        assert (report["engine"], report["n_rois"], report["n_accepted"]) == ("suite2p", 3, 2)
        summary = read_summary(sample)
        assert (summary.height, summary.width, summary.has_movie, summary.movie_problem) == (HEIGHT, WIDTH, True, None)
        np.testing.assert_array_equal(read_traces(sample, "deconvolved"), plane.arrays["spks"])
        np.testing.assert_array_equal(read_images(sample)["max"], plane.movie.max(axis=0))
        assert any("neuropil" in note for note in report["notes"])


def test_results_of_suite2p_take_the_place_of_a_segmentation(project: Path, tmp_path: Path) -> None:
    first = write_plane(tmp_path / "a/plane0", seed=1)
    other = write_plane(tmp_path / "b/plane0", seed=2)
    (report,) = imported(first.folder, "--project", project, "--subject", "m1", "--session", "s1")

    done = run("import", other.folder, "--into", "sub-m1_ses-s1_ophys", "--project", project)
    assert done.exit_code == 0, done.output

    np.testing.assert_array_equal(read_traces(Path(report["sample"]), "deconvolved"), other.arrays["spks"])


def test_a_batch_of_mesmerize_core_is_imported_without_its_pickle(
    project: Path, processed: Processed, tmp_path: Path
) -> None:
    batch = tmp_path / "batch1"
    frames = tifffile.imread(processed.movie)
    for uuid in UUIDS:
        (batch / uuid).mkdir(parents=True)
        shutil.copy(processed.report["results"], batch / uuid / f"{uuid}.hdf5")
    caiman_map(batch / UUIDS[0], frames, "C", f"{UUIDS[0]}_cnmf-memmap_")
    (batch / "batch.pickle").write_bytes(pickle.dumps(_Runs(tmp_path / "pwned")))

    reports = imported(batch / "batch.pickle", "--project", project, "--subject", "m1")

    assert not (tmp_path / "pwned").exists()
    assert [Path(report["sample"]).name for report in reports] == [
        "sub-m1_ses-batch1-11111111_ophys.nwb",
        "sub-m1_ses-batch1-66666666_ophys.nwb",
    ]
    with_movie, without = (Path(report["sample"]) for report in reports)
    assert read_summary(with_movie).has_movie
    assert not read_summary(without).has_movie
    with MovieFile(registered_movie_path(with_movie)) as movie:
        np.testing.assert_array_equal(movie.read(0, len(frames)), frames)
    np.testing.assert_array_equal(read_traces(without, "raw"), read_traces(Path(processed.report["sample"]), "raw"))
    assert any("pickle, which was not opened" in note for note in reports[0]["notes"])


def test_rois_of_imagej_get_their_traces_from_the_movie(project: Path, tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(50, 900, (FRAMES, 30, 44)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "movie.tif", frames)
    square = ImagejRoi.frompoints(np.array([[4, 5], [10, 5], [10, 9], [4, 9]]), name="soma")
    other = ImagejRoi.frompoints(np.array([[20, 12], [33, 12], [33, 22], [20, 22]]))
    roiwrite(tmp_path / "rois.zip", [square, other], mode="w")
    options = ["--movie", tmp_path / "movie.tif", "--frame-rate", "10", "--project", project]

    (report,) = imported(tmp_path / "rois.zip", *options, "--session", "plain")

    sample = Path(report["sample"])
    masks = read_footprints(sample).toarray().reshape(-1, 30, 44) > 0
    assert masks[0].sum() == masks[0, 5:9, 4:10].sum() == 24
    np.testing.assert_allclose(read_traces(sample, "raw")[0], frames[:, masks[0]].mean(axis=1), rtol=1e-5)
    assert read_traces(sample, "dff").shape == (2, FRAMES)
    assert not read_summary(sample).evaluated
    assert read_rois(sample)["is_accepted"].all()
    assert (report["engine"], report["n_accepted"]) == ("ImageJ", 2)
    (less,) = imported(tmp_path / "rois.zip", *options, "--session", "less", "--neuropil-factor", "0.7")
    assert not np.allclose(read_traces(Path(less["sample"]), "raw"), read_traces(sample, "raw"))


def test_rois_without_a_movie_and_options_that_do_not_apply_are_refused(project: Path, tmp_path: Path) -> None:
    roi = ImagejRoi.frompoints(np.array([[4, 5], [10, 5], [10, 9]]))
    roi.tofile(tmp_path / "one.roi")
    plane = write_plane(tmp_path / "suite2p/plane0")

    done = run("import", tmp_path / "one.roi", "--project", project)
    assert done.exit_code == 1
    assert "--movie" in done.output
    done = run("import", plane.folder, "--project", project, "--neuropil-factor", "0.7")
    assert done.exit_code == 2
    write_plane(tmp_path / "suite2p/plane1")
    done = run("import", tmp_path / "suite2p", "--project", project, "--movie", plane.folder / "data.bin")
    assert done.exit_code == 2
    assert list((project / "samples").iterdir()) == []


def test_one_plane_that_cannot_be_read_does_not_keep_the_others_out(project: Path, tmp_path: Path) -> None:
    bad = write_plane(tmp_path / "suite2p/plane0")
    write_plane(tmp_path / "suite2p/plane1")
    (bad.folder / "stat.npy").write_bytes(b"")

    done = run("import", tmp_path / "suite2p", "--project", project, "--json")

    answer = json.loads(done.stdout)
    assert done.exit_code == 1
    assert len(answer["samples"]) == 1
    assert "stat.npy" in answer["errors"][0]


def test_what_would_be_imported_is_said_first(project: Path, tmp_path: Path) -> None:
    bad = write_plane(tmp_path / "day1/suite2p/plane0")
    write_plane(tmp_path / "day1/suite2p/plane1")
    (bad.folder / "stat.npy").write_bytes(b"")

    done = run("import", tmp_path / "day1", "--project", project, "--dry-run")

    assert done.exit_code == 1
    assert (
        f"day1/suite2p/plane1: suite2p, 2 of 3 cells, {FRAMES} frames, {HEIGHT} x {WIDTH}, 7.5 Hz, movie" in done.output
    )
    assert "becomes sub-unknown_ses-day1-plane1_ophys.nwb" in done.output
    assert "stat.npy" in done.output
    assert list((project / "samples").iterdir()) == []
