"""kill -9 at any moment of `fluorite process`: nothing partial is ever visible, and running it again succeeds."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import numpy as np
import pynwb
import pytest

from nwb_schema.project import Project
from nwb_schema.reader import read_summary
from pipeline.jobs import JobState, Ledger
from tests.fluorite.command import fluorite
from tests.kills import attempts


def process(movie: Path, project: Path) -> list[str]:
    return ["process", str(movie), "--project", str(project), "--subject", "m1", "--session", "s1", "--json"]


def assert_whole(project: Path) -> int:
    """Every visible sample opens and has its movie; returns how many there are."""
    samples = sorted((project / "samples").glob("*.nwb"))
    for sample in samples:
        with pynwb.NWBHDF5IO(sample, "r") as io:
            series = io.read().acquisition["TwoPhotonSeries"]
            assert series.data.shape == (240, 80, 60)
    listed = json.loads(fluorite("samples", project, "--json").stdout)["samples"]
    assert [row["reason"] for row in listed] == [None] * len(samples)
    return len(samples)


@pytest.fixture(scope="module")
def stages(movie: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many lines an undisturbed run prints: its stages, and so the moments at which it can be killed."""
    project = tmp_path_factory.mktemp("undisturbed") / "project"
    fluorite("init", project)
    return len(fluorite(*process(movie, project)).stderr.splitlines())


def results_of(process_output: str) -> dict[str, np.ndarray]:
    (sample,) = json.loads(process_output)["samples"]
    with h5py.File(sample["results"]) as file:
        estimates = file["estimates"]
        return {name: estimates[name][:] for name in ("A/data", "A/indices", "C", "S", "YrA", "shifts", "SNR_comp")}


@pytest.mark.parametrize("stage", ["initialisation", "evaluation"])
def test_a_killed_run_goes_on_where_it_was_and_ends_the_same(movie: Path, tmp_path: Path, stage: str) -> None:
    undisturbed, project = tmp_path / "undisturbed", tmp_path / "project"
    fluorite("init", undisturbed)
    fluorite("init", project)
    expected = results_of(fluorite(*process(movie, undisturbed)).stdout)
    assert list((undisturbed / ".fluorite" / "unfinished").iterdir()) == []
    running = subprocess.Popen(
        [sys.executable, "-m", "fluorite", *process(movie, project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    while stage not in running.stderr.readline():
        assert running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.communicate()
    (kept,) = (project / ".fluorite" / "unfinished").iterdir()
    assert (kept / "registered.h5").exists()

    again = fluorite(*process(movie, project))
    newest, lost = Ledger(Project.open(project)).jobs()
    assert (newest.state, lost.state) == (JobState.OK, JobState.LOST)
    log = newest.log_path.read_text()
    for done in ["motion correction", *(["refinement 2"] if stage == "evaluation" else [])]:
        assert f"{done}: already done by a run that was killed" in log
    found = results_of(again.stdout)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    assert list((project / ".fluorite" / "unfinished").iterdir()) == []
    assert list((project / "batch").rglob("scratch")) == []


@pytest.mark.parametrize("attempt", attempts(4, 50))
def test_a_killed_run_leaves_a_whole_sample_or_none(movie: Path, tmp_path: Path, stages: int, attempt: int) -> None:
    chance = random.Random(attempt)
    project = tmp_path / "project"
    fluorite("init", project)
    running = subprocess.Popen(
        [sys.executable, "-m", "fluorite", *process(movie, project)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    # Wait for a random stage to begin, then for a random part of a second, so that every stage gets its share of kills.
    for _ in range(chance.randint(1, stages)):
        running.stderr.readline()
    threading.Timer(chance.uniform(0, 0.7), lambda: running.send_signal(signal.SIGKILL)).start()
    running.communicate()

    assert assert_whole(project) in (0, 1)
    (first,) = Ledger(Project.open(project)).jobs() or [None]
    again = fluorite(*process(movie, project), check=False)
    if first is not None and first.state is JobState.OK:
        assert "in this project already" in again.stderr, "it had come to its end before it was killed"
    else:
        assert again.returncode == 0, again.stderr
        assert json.loads(again.stdout)["samples"][0]["sample"].endswith("samples/sub-m1_ses-s1_ophys.nwb")
    assert assert_whole(project) == 1
    (sample,) = (project / "samples").iterdir()
    assert [path.stem for path in (project / "movies").iterdir()] == [read_summary(sample).identifier]
    assert list((project / "batch").rglob("scratch")) == []
    assert all(job.state.ended for job in Ledger(Project.open(project)).jobs())
