"""A small project with one processed recording, made once by the real command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.simulate import simulate_movie, write_simulation
from tests.fluorite.command import Processed, fluorite


@pytest.fixture(scope="session")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movies") / "small.tif"
    write_simulation(simulate_movie("2p", n_frames=240, height=60, width=80, n_cells=8, rate_hz=12.5, seed=3), path)
    return path


@pytest.fixture(scope="session")
def processed(tmp_path_factory: pytest.TempPathFactory, movie: Path) -> Processed:
    project = tmp_path_factory.mktemp("projects") / "project"
    fluorite("init", project)
    done = fluorite("process", movie, "--project", project, "--subject", "m1", "--session", "s1", "--json")
    (report,) = json.loads(done.stdout)["samples"]
    return Processed(project, movie, report)
