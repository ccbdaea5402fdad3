"""kill -9 at any moment of `fluorite adopt`: a whole sample or none, and running it again succeeds."""

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
import pytest

from nwb_schema.project import Project
from nwb_schema.reader import read_summary, registered_movie_path
from pipeline.jobs import Ledger
from tests.fluorite.command import fluorite
from tests.kills import attempts
from tests.nwb_schema.lab_file import lab_file


@pytest.mark.parametrize("attempt", attempts(2, 50))
def test_a_killed_adoption_leaves_a_whole_sample_or_none(tmp_path: Path, attempt: int) -> None:
    chance = random.Random(attempt)
    project = tmp_path / "project"
    source = lab_file(tmp_path / "theirs.nwb", n_frames=2000)
    fluorite("init", project)
    command = ["adopt", str(project), str(source), "--subject", "m1", "--session", "s1", "--json"]
    running = subprocess.Popen(
        [sys.executable, "-m", "fluorite", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    for _ in range(chance.randint(1, 4)):
        running.stderr.readline()
    threading.Timer(chance.uniform(0, 0.5), lambda: running.send_signal(signal.SIGKILL)).start()
    running.communicate()

    samples = list((project / "samples").glob("*.nwb"))
    for sample in samples:
        assert read_summary(sample).has_movie
    again = fluorite(*command, check=False)
    if again.returncode == 0:
        assert json.loads(again.stdout)["samples"][0]["n_rois"] == 3
    else:
        assert "a sample of this subject and session is already there" in again.stderr, again.stderr

    (sample,) = [path for path in (project / "samples").iterdir()]
    (movie,) = [path for path in (project / "movies").iterdir()]
    assert registered_movie_path(sample) == movie
    with h5py.File(movie) as moved, h5py.File(source) as old:
        np.testing.assert_array_equal(moved["data"], old["acquisition/movie/data"])
    assert list((project / "batch").rglob("scratch")) == []
    assert all(job.state.ended for job in Ledger(Project.open(project)).jobs())
