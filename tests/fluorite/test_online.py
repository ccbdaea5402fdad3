"""`fluorite process --online`: a finished movie or a growing one, frame by frame, into the same kind of sample."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_summary
from pipeline.jobs import JobState, Ledger
from pipeline.movies.following import end_marker
from tests.fluorite.command import fluorite


@pytest.fixture
def project(tmp_path: Path) -> Path:
    fluorite("init", tmp_path / "project")
    return tmp_path / "project"


def test_a_growing_movie_gives_the_same_sample_as_the_finished_one(project: Path, movie: Path, tmp_path: Path) -> None:
    frames = tifffile.imread(movie)
    live = tmp_path / "live.tif"
    following = subprocess.Popen(
        [sys.executable, "-m", "fluorite", "process", str(live), "--project", str(project), "--online", "--follow",
         "--idle-s", "300", "--frame-rate", "12.5", "--subject", "m1", "--session", "live", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with tifffile.TiffWriter(live) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, metadata=None)
    end_marker(live).touch()
    out, messages = following.communicate()
    assert following.returncode == 0, messages
    (grown,) = json.loads(out)["samples"]
    done = fluorite(
        "process", movie, "--project", project, "--online", "--subject", "m1", "--session", "whole", "--json"
    )
    (whole,) = json.loads(done.stdout)["samples"]

    assert grown["engine"] == whole["engine"] == "online"
    assert grown["n_rois"] == whole["n_rois"] >= 3
    assert any("latency median" in note for note in grown["notes"])
    assert any("latency median" in note for note in read_provenance(Path(grown["sample"]))["notes"])
    assert read_summary(Path(grown["sample"])).n_frames == len(frames)
    assert read_provenance(Path(grown["sample"]))["input_sha256"], "of the file as it stayed"
    with h5py.File(grown["results"]) as one, h5py.File(whole["results"]) as two:
        assert np.array_equal(one["estimates/C"][:], two["estimates/C"][:])


def test_killed_while_it_follows_it_leaves_nothing(project: Path, movie: Path, tmp_path: Path) -> None:
    live = tmp_path / "live.tif"
    with tifffile.TiffWriter(live) as writer:
        for frame in tifffile.imread(movie):
            writer.write(frame, contiguous=False, metadata=None)
    command = ["process", str(live), "--project", str(project), "--online", "--follow", "--frame-rate", "12.5"]
    running = subprocess.Popen([sys.executable, "-m", "fluorite", *command], stderr=subprocess.PIPE, text=True)
    assert running.stderr is not None
    for line in running.stderr:
        if line.strip() == "online":
            break
    running.send_signal(signal.SIGKILL)
    running.communicate()
    end_marker(live).touch()
    again = fluorite(*command, "--session", "s2", "--json")

    assert len(json.loads(again.stdout)["samples"]) == 1
    assert [path.name for path in (project / "samples").iterdir()] == ["sub-unknown_ses-s2_ophys.nwb"]
    assert len(list((project / "movies").iterdir())) == 1
    assert list((project / "batch").rglob("scratch")) == []
    states = {job.state for job in Ledger(Project.open(project)).jobs()}
    assert states == {JobState.LOST, JobState.OK}


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--follow"], "--follow needs --online"),
        (["--online", "--idle-s", "3"], "--idle-s needs --follow"),
        (["--online", "--follow", "--idle-s", "0"], "--idle-s"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(project: Path, movie: Path, options: list[str], cause: str) -> None:
    done = fluorite("process", movie, "--project", project, *options, check=False)

    assert done.returncode == 2
    assert cause in done.stderr


def test_one_photon_movies_are_refused_online(project: Path, movie: Path) -> None:
    done = fluorite("process", movie, "--project", project, "--online", "--preset", "1p", check=False)

    assert done.returncode == 1
    assert "ring background" in done.stderr
    assert list((project / "samples").iterdir()) == []
