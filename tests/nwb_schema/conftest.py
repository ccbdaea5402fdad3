"""Fixtures for tests of samples and projects."""

from __future__ import annotations

from pathlib import Path

import pytest

from nwb_schema.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new, empty project."""
    return Project.create(tmp_path / "project")
