"""Fixtures for tests of samples and projects."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import h5py
import pytest

from nwb_schema.project import Project
from tests.nwb_schema.made_samples import made_sample, made_segmentation


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new, empty project."""
    return Project.create(tmp_path / "project")


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writing a sample takes a second, because it is verified; copying one takes a millisecond."""
    project = Project.create(tmp_path_factory.mktemp("template") / "project")
    made_sample(project, subject="m1")
    never_evaluated = made_segmentation(3, evaluated=False, snr=None, r_values=None)
    made_sample(project, subject="m2", movie=False, segmentation=never_evaluated)
    return project.folder


@pytest.fixture
def filled(_template: Path, tmp_path: Path) -> Project:
    """A project with two samples: m1 with a movie, and m2 without one, never evaluated and with 3 ROIs."""
    return Project.open(shutil.copytree(_template, tmp_path / "filled"))


@pytest.fixture
def sample(filled: Project) -> Path:
    """A sample with a movie, in a project of its own."""
    return filled.sample_path("m1", "s1")


@pytest.fixture
def movieless(filled: Project) -> Path:
    """A sample without a movie, in a project of its own."""
    return filled.sample_path("m2", "s1")


@pytest.fixture
def good(sample: Path) -> Path:
    """A sample with a movie, in a project of its own, in which no check finds anything."""
    with h5py.File(sample, "r+") as file:
        own = file["general/fluorite"]
        own["parameters_sha256"][()] = hashlib.sha256(own["parameters"][()]).hexdigest()
    return sample
