"""`fluorite process`: a movie becomes a sample that others can open, or nothing at all happens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest
import tifffile
from click.testing import CliRunner, Result
from nwbinspector import Importance, inspect_nwbfile

from fluorite.cli import main
from nwb_schema.project import Project
from pipeline.jobs import JobState, Ledger
from tests.fluorite.command import Processed


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def visible(project: Path) -> dict[str, list[str]]:
    """What a user sees of samples and movies, and any scratch that is left."""
    found = {name: sorted(path.name for path in (project / name).iterdir()) for name in ("samples", "movies")}
    found["scratch"] = [str(path) for path in (project / "batch").rglob("scratch")]
    return found


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert run("init", tmp_path / "project").exit_code == 0
    return tmp_path / "project"


def test_the_report_says_what_was_made(processed: Processed) -> None:
    report = processed.report

    assert Path(report["sample"]) == processed.project.resolve() / "samples" / "sub-m1_ses-s1_ophys.nwb"
    assert Path(report["sample"]).is_file()
    assert Path(report["results"]).is_file()
    assert report["engine"] == "builtin"
    assert 1 <= report["n_accepted"] <= report["n_rois"]
    assert report["seconds"]["total"] >= max(value for name, value in report["seconds"].items() if name != "total")
    assert report["peak_rss_mb"] > 50


def test_plain_pynwb_reads_the_movie_through_the_link_the_right_way_round(processed: Processed) -> None:
    raw = tifffile.imread(processed.movie).astype(float)
    with pynwb.NWBHDF5IO(processed.report["sample"], "r") as io:
        nwbfile = io.read()
        assert nwbfile.identifier == processed.report["identifier"]
        registered = nwbfile.acquisition["TwoPhotonSeries"].data[:]

    assert registered.shape == (240, 80, 60), "NWB's order is (n_frames, width, height)"
    mean = registered.mean(0).T
    assert np.corrcoef(mean[8:-8, 8:-8].ravel(), raw.mean(0)[8:-8, 8:-8].ravel())[0, 1] > 0.7


def test_nwbinspector_finds_nothing_critical(processed: Processed) -> None:
    messages = list(inspect_nwbfile(nwbfile_path=processed.report["sample"]))

    assert [message.message for message in messages if message.importance.value >= Importance.CRITICAL.value] == []


def test_only_the_results_and_the_log_stay_of_the_job(processed: Processed) -> None:
    project = Project.open(processed.project)
    (job,) = Ledger(project).jobs()

    assert job.state is JobState.OK
    assert job.id == processed.report["job"]
    assert job.digest is not None
    assert {path.name for path in job.folder.iterdir()} == {"1", "results.hdf5"}
    assert "scratch" not in {path.name for path in job.attempt_folder.iterdir()}


def test_samples_and_rois_list_it(processed: Processed) -> None:
    samples = json.loads(run("samples", processed.project, "--json").output)["samples"]
    rois = json.loads(run("rois", processed.project, "--filter", "is_accepted=yes", "--json").output)["rois"]

    (sample,) = samples
    assert (sample["subject_id"], sample["session_id"], sample["n_frames"]) == ("m1", "s1", 240)
    assert (sample["height"], sample["width"], sample["rate_hz"]) == (60, 80, 12.5)
    assert len(rois) == processed.report["n_accepted"]
    assert len({roi["roi_uuid"] for roi in rois}) == len(rois)


def test_an_existing_name_is_refused_and_the_sample_stays_as_it_is(processed: Processed, tmp_path: Path) -> None:
    project = tmp_path / "copy"
    shutil.copytree(processed.project, project)
    sample = project / "samples" / "sub-m1_ses-s1_ophys.nwb"
    before = sample.read_bytes()

    result = run("process", processed.movie, "--project", project, "--subject", "m1", "--session", "s1")
    assert result.exit_code == 1
    assert "has a session 's1' in this project already" in result.output
    assert "--session" in result.output
    assert sample.read_bytes() == before
    assert len(visible(project)["movies"]) == 1


def test_a_constant_movie_gives_a_sample_without_rois(project: Path, tmp_path: Path) -> None:
    movie = tmp_path / "constant.tif"
    tifffile.imwrite(movie, np.full((120, 40, 56), 100, np.uint16), metadata={"axes": "TYX"})

    result = run("process", movie, "--project", project, "--frame-rate", "10", "--subject", "m1", "--json")
    assert result.exit_code == 0, result.output
    samples = json.loads(run("samples", project, "--json").output)["samples"]
    assert [(sample["n_rois"], sample["n_accepted"], sample["reason"]) for sample in samples] == [(0, 0, None)]


def test_a_rate_in_the_parameters_counts_as_given_but_never_against_the_movie(
    project: Path, movie: Path, tmp_path: Path
) -> None:
    parameters = tmp_path / "my.json"
    parameters.write_text(json.dumps({"data": {"fr": 30}}))

    refused = run("process", movie, "--project", project, "--params", parameters)
    assert refused.exit_code == 1
    assert "fr is 30 Hz, but small.tif says 12.5 Hz" in refused.output

    bare = tmp_path / "bare.tif"
    tifffile.imwrite(bare, tifffile.imread(movie)[:100], metadata={"axes": "TYX"})
    done = run("process", bare, "--project", project, "--params", parameters, "--subject", "m2")
    assert done.exit_code == 0, done.output
    (sample,) = json.loads(run("samples", project, "--json").output)["samples"]
    assert sample["rate_hz"] == 30


def test_several_movies_are_several_samples_and_a_bad_one_does_not_stop_the_others(
    project: Path, movie: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"not a TIFF")

    result = CliRunner().invoke(main, ["process", str(bad), str(movie), "--project", str(project), "--json"])
    assert result.exit_code == 1
    printed = json.loads(result.stdout)
    assert len(printed["samples"]) == 1
    assert len(printed["errors"]) == 1
    assert "bad.tif" in printed["errors"][0]
    assert len(visible(project)["samples"]) == 1


def test_a_series_is_one_recording_whose_boundaries_are_kept(project: Path, movie: Path, tmp_path: Path) -> None:
    frames = tifffile.imread(movie)
    parts = []
    for number, part in enumerate((frames[:100], frames[100:])):
        parts.append(tmp_path / f"part{number}.tif")
        tifffile.imwrite(parts[-1], part, metadata={"axes": "TYX", "fps": 12.5})

    result = run("process", *parts, "--series", "--project", project, "--subject", "m1", "--session", "all", "--json")
    assert result.exit_code == 0, result.output
    with h5py.File(next((project / "samples").glob("*.nwb"))) as file:
        assert file["acquisition/TwoPhotonSeries/data"].shape == (240, 80, 60)
    from nwb_schema.reader import read_provenance

    provenance = read_provenance(next((project / "samples").glob("*.nwb")))
    assert list(provenance["boundaries"]) == [100]
    assert [Path(name).name for name in provenance["input_files"]] == ["part0.tif", "part1.tif"]


@pytest.mark.parametrize("rate", ["0", "-3", "nan", "inf", "fast"])
def test_an_impossible_frame_rate_is_wrong_usage(project: Path, movie: Path, rate: str) -> None:
    result = run("process", movie, "--project", project, "--frame-rate", rate)

    assert result.exit_code == 2
    assert "--frame-rate" in result.output
    assert visible(project) == {"samples": [], "movies": [], "scratch": []}


def one_frame(folder: Path) -> Path:
    path = folder / "one.tif"
    tifffile.imwrite(path, np.zeros((1, 40, 56), np.uint16), metadata={"axes": "TYX"})
    return path


def missing(folder: Path) -> Path:
    return folder / "missing.tif"


def a_folder(folder: Path) -> Path:
    return folder


def empty(folder: Path) -> Path:
    path = folder / "empty.tif"
    path.write_bytes(b"")
    return path


def truncated_imagej(folder: Path) -> Path:
    path = folder / "truncated.tif"
    tifffile.imwrite(path, np.ones((50, 40, 56), np.uint16), imagej=True, metadata={"axes": "TYX"})
    path.write_bytes(path.read_bytes()[:-40_000])
    return path


def with_nan(folder: Path) -> Path:
    path = folder / "nan.tif"
    frames = np.random.default_rng(0).normal(100, 5, (60, 40, 56)).astype(np.float32)
    frames[7, 3, 4] = np.nan
    tifffile.imwrite(path, frames, metadata={"axes": "TYX"})
    return path


@pytest.mark.parametrize("make", [missing, a_folder, empty, one_frame, truncated_imagej, with_nan])
def test_bad_input_is_refused_by_name_and_leaves_nothing(project: Path, tmp_path: Path, make) -> None:
    path = make(tmp_path)

    result = run("process", path, "--project", project, "--frame-rate", "10")
    assert result.exit_code == 1, result.output
    last = result.output.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert path.name in last
    assert visible(project) == {"samples": [], "movies": [], "scratch": []}


def test_no_rate_anywhere_says_how_to_give_one(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, np.ones((60, 40, 56), np.uint16), metadata={"axes": "TYX"})

    result = run("process", path, "--project", project)
    assert result.exit_code == 1
    assert "--frame-rate" in result.output


def test_what_the_builtin_engine_cannot_do_is_refused_before_any_work(project: Path, movie: Path) -> None:
    result = run("process", movie, "--project", project, "--preset", "3d")

    assert result.exit_code == 1
    assert visible(project) == {"samples": [], "movies": [], "scratch": []}
    assert Ledger(Project.open(project)).jobs() == []


def test_a_folder_that_is_no_project_says_how_to_make_one(tmp_path: Path, movie: Path) -> None:
    result = run("process", movie, "--project", tmp_path)

    assert result.exit_code == 1
    assert "fluorite init" in result.output
