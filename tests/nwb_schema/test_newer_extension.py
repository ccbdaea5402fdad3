"""A sample of a later version of Fluorite: only optional fields are ever added, so it is read and edited here."""

from __future__ import annotations

from pathlib import Path

import h5py
import pytest

from nwb_schema.catalogue import Catalogue
from nwb_schema.edits import Reject, commit, undo
from nwb_schema.generated import random_segmentation, write_random_sample
from nwb_schema.project import Project
from nwb_schema.pynwb_check import pynwb_refusal
from nwb_schema.reader import read_rois, read_summary

EXTENSION = "specifications/ndx-fluorite"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def newer(project: Project) -> Path:
    path = project.sample_path("m1", "later")
    write_random_sample(path, random_segmentation(5, 40), subject="m1", session="later")
    with h5py.File(path, "r+") as file:
        [version] = file[EXTENSION]
        file.move(f"{EXTENSION}/{version}", f"{EXTENSION}/99.0.0")
        file["general/fluorite/from_the_future"] = "kept"
    return path


def test_it_is_listed_and_edited_and_keeps_what_is_not_known_here(project: Project, newer: Path) -> None:
    [row] = Catalogue(project).samples()
    assert (row["status"], row["n_rois"]) == ("ok", 5)
    assert read_summary(newer).is_ours
    rois = list(read_rois(newer)["roi_uuid"])

    commit(project, newer, Reject(rois[:2]), actor="Ada")
    assert list(read_rois(newer)["is_accepted"][:2]) == [False, False]
    undo(project, newer, actor="Ada")

    assert pynwb_refusal(newer) is None
    with h5py.File(newer) as file:
        assert list(file[EXTENSION]) == ["99.0.0"]
        assert file["general/fluorite/from_the_future"][()] == b"kept"
