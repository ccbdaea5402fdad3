"""A small project and its dashboard, made once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dash import Dash
from flask.testing import FlaskClient

from app.servers.dashboard import create_app
from nwb_schema.project import Project
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("dashboard") / "project", "Small project")


@pytest.fixture(scope="session")
def sample(project: Project) -> MadeSample:
    return add_sample(project, simulate())


@pytest.fixture(scope="session")
def sample_without_movie(project: Project, sample: MadeSample) -> MadeSample:
    return add_sample(project, sample.simulation, session="nomovie", with_movie=False)


@pytest.fixture(scope="session")
def app(project: Project) -> Dash:
    return create_app(project.folder)


@pytest.fixture
def client(app: Dash) -> Iterator[FlaskClient]:
    with app.server.test_client() as client:
        yield client


@pytest.fixture
def damaged_nwb(project: Project) -> Iterator[Path]:
    path = project.samples_dir / "sub-broken_ses-1_ophys.nwb"
    path.write_bytes(b"this is not HDF5")
    yield path
    path.unlink()
