"""The small project of the dashboard's tests, which has known traces."""

from __future__ import annotations

import pytest

from nwb_schema.project import Project
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("figures") / "project", "Small project")


@pytest.fixture(scope="session")
def sample(project: Project) -> MadeSample:
    return add_sample(project, simulate())
