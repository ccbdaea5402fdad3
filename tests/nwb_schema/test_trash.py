from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nwb_schema import trash
from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import Reject, commit, edits_of
from nwb_schema.errors import SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_rois, registered_movie_path
from nwb_schema.trash import restore_sample, trash_sample, trashed_samples
from pipeline.simulate import Simulation
from tests.app.small_project import MadeSample, add_sample, simulate


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return simulate()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def sample(project: Project, simulation: Simulation) -> MadeSample:
    return add_sample(project, simulation)


def test_sample_leaves_with_its_movie_and_comes_back_with_its_history(project: Project, sample: MadeSample) -> None:
    keys = list(read_rois(sample.path)["roi_uuid"])
    commit(project, sample.path, Reject(keys[:2]), actor="Ada")
    before, movie = sample.path.read_bytes(), project.movie_path(sample.identifier)

    done = trash_sample(project, sample.path, actor="Ada")

    assert (sample.path.exists(), movie.exists()) == (False, False)
    assert Catalogue(project).samples() == []
    assert [(one.name, one.identifier, one.actor) for one in trashed_samples(project)] == [
        (sample.path.name, sample.identifier, "Ada")
    ]
    assert (done.folder / sample.path.name).read_bytes() == before

    assert restore_sample(project, sample.identifier) == sample.path

    assert sample.path.read_bytes() == before
    assert registered_movie_path(sample.path) == movie
    assert trashed_samples(project) == []
    assert [one.what for one in edits_of(project, sample.path)] == ["rejected 2 ROIs"]
    assert len(Catalogue(project).samples()) == 1
    assert not done.folder.exists()


def test_nothing_is_overwritten_when_the_name_is_taken(
    project: Project, sample: MadeSample, simulation: Simulation
) -> None:
    trash_sample(project, sample.path, actor="Ada")
    other = add_sample(project, simulation)
    assert other.path == sample.path
    content = other.path.read_bytes()

    with pytest.raises(SampleError, match="has its name by now"):
        restore_sample(project, sample.identifier)

    assert other.path.read_bytes() == content
    trash_sample(project, other.path, actor="Ada")
    assert len(trashed_samples(project)) == 2
    # Of several of one name, the latest.
    restore_sample(project, sample.path.name)
    assert sample.path.read_bytes() == content
    assert registered_movie_path(sample.path) is not None


def test_movie_of_a_twin_stays(project: Project, sample: MadeSample) -> None:
    twin = sample.path.with_name("sub-copy_ses-1_ophys.nwb")
    shutil.copy(sample.path, twin)
    Catalogue(project).refresh()

    trash_sample(project, twin, actor="Ada")

    assert project.movie_path(sample.identifier).is_file()
    assert [row["status"] for row in Catalogue(project).samples()] == ["ok"]


@pytest.mark.parametrize("step", [1, 2])
def test_killed_between_its_steps_nothing_is_lost(
    project: Project, sample: MadeSample, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    before, renames = sample.path.read_bytes(), []

    class Killed(BaseException):
        pass

    def rename(source: Any, target: Any, real: Callable[..., None] = os.rename) -> None:
        renames.append(source)
        if len(renames) == step:
            raise Killed
        real(source, target)

    monkeypatch.setattr(trash.os, "rename", rename)
    with pytest.raises(Killed):
        trash_sample(project, sample.path, actor="Ada")
    monkeypatch.undo()

    if step == 1:
        assert trashed_samples(project) == []
    else:
        restore_sample(project, sample.identifier)
    assert sample.path.read_bytes() == before
    assert registered_movie_path(sample.path) == project.movie_path(sample.identifier)
    trash_sample(project, sample.path, actor="Ada")
    assert len(trashed_samples(project)) == 1


def test_damaged_file_can_be_put_away_and_others_are_refused(project: Project, tmp_path: Path) -> None:
    broken = project.samples_dir / "sub-x_ses-1_ophys.nwb"
    broken.write_bytes(b"broken")
    outside = tmp_path / "outside.nwb"
    outside.write_bytes(b"mine")

    trash_sample(project, broken, actor="<b>=1+1</b>\x00")

    assert [one.name for one in trashed_samples(project)] == [broken.name]
    with pytest.raises(SampleError, match="no sample of this project"):
        trash_sample(project, outside, actor="Ada")
    with pytest.raises(SampleError, match="not in the trash"):
        restore_sample(project, "../outside.nwb")
    assert outside.read_bytes() == b"mine"
