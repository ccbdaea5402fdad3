"""A project is a folder that is made once, whole, and found again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from nwb_schema.errors import ProjectError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier


def test_a_new_project_opens_with_everything_in_place(tmp_path: Path) -> None:
    Project.create(tmp_path / "a" / "b", name='Jo\'s "first"\n\\ project \N{SNOWMAN}')
    project = Project.open(tmp_path / "a" / "b")

    assert project.name == 'Jo\'s "first"\n\\ project \N{SNOWMAN}'
    assert project.caiman_python is None
    folders = (project.samples_dir, project.movies_dir, project.batch_dir, project.cache_dir)
    assert all(folder.is_dir() for folder in folders)
    assert project.journal_path.parent == project.jobs_path.parent == project.folder
    assert "#" in (project.folder / "project.toml").read_text(encoding="utf-8")
    assert not list(project.folder.glob(".writing*"))


def test_an_empty_folder_or_an_interrupted_one_becomes_a_project(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    (tmp_path / ".DS_Store").touch()
    assert Project.create(tmp_path).name == tmp_path.name


@pytest.mark.parametrize(
    ("name", "cause"), [("notes.txt", "is not empty"), ("project.toml", "already a project"), ("", "is a file")]
)
def test_a_folder_in_use_is_not_taken(tmp_path: Path, name: str, cause: str) -> None:
    folder = tmp_path / "folder"
    if name:
        folder.mkdir()
        (folder / name).touch()
    else:
        folder.touch()
    with pytest.raises(ProjectError, match=cause):
        Project.create(folder)
    assert sorted(path.name for path in tmp_path.rglob("*")) == sorted({"folder", name} - {""})


def test_what_is_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="fluorite init"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="fluorite init"):
        Project.open(tmp_path / "missing")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("[project", "cannot be read"),
        ("[project]\nformat_version = 99\n", "newer Fluorite"),
        ("project = 3\n", "no valid"),
        ("engine = 3\n", "no valid"),
    ],
)
def test_a_bad_configuration_is_named(project: Project, text: str, cause: str) -> None:
    (project.folder / "project.toml").write_text(text)
    with pytest.raises(ProjectError, match=cause) as caught:
        Project.open(project.folder)
    assert caught.value.file.endswith("project.toml")


def test_the_interpreter_of_caiman_is_configured_in_the_file(project: Project) -> None:
    path = project.folder / "project.toml"
    path.write_text(path.read_text().replace('caiman_python = ""', 'caiman_python = "/opt/env/bin/python"'))
    assert Project.open(project.folder).caiman_python == "/opt/env/bin/python"


def test_a_folder_that_cannot_be_written_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert project.writable
    project.require_writable()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != project.samples_dir)
    opened = Project.open(project.folder)
    assert not opened.writable
    with pytest.raises(ProjectError, match="cannot be written") as caught:
        opened.require_writable()
    assert caught.value.file == str(project.samples_dir)


def test_a_project_that_cannot_be_written_is_opened_as_it_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.cache_dir.rmdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert Project.open(project.folder).sample_paths() == []
    assert not project.cache_dir.exists()


@pytest.mark.parametrize("unwritable", ["folder", "file", "journal", "missing"])
def test_the_catalogue_is_in_the_users_cache_where_the_projects_cannot_be_written(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unwritable: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = project.catalogue_path
    assert path.parent == project.cache_dir
    path.touch()
    path.with_name(f"{path.name}-wal").touch()
    places: dict[str, str | Path] = {
        "folder": path.parent,
        "file": path,
        "journal": f"{path}-wal",
        "missing": project.folder,
    }
    if unwritable == "missing":
        shutil.rmtree(project.cache_dir)
    monkeypatch.setattr(os, "access", lambda place, mode: Path(str(place)) != Path(places[unwritable]))
    assert project.catalogue_path.is_relative_to(tmp_path / "cache")


def test_lost_folders_come_back(project: Project) -> None:
    project.cache_dir.rmdir()
    assert Project.open(project.folder).cache_dir.is_dir()


def test_a_sample_is_found_by_name_file_and_identifier(filled: Project, sample: Path) -> None:
    project, path = filled, sample
    (project.samples_dir / "broken.nwb").write_text("hello")

    for name in (path.name, path.stem, read_identifier(path)):
        assert project.find_sample(name) == path
    assert project.find_sample("broken").name == "broken.nwb"
    for name in ("nothing", "../project.toml", "", str(path.parent)):
        with pytest.raises(SampleError, match="no such sample"):
            project.find_sample(name)


def test_two_files_with_one_identifier_are_both_named(filled: Project, sample: Path) -> None:
    sample.with_name("copy.nwb").write_bytes(sample.read_bytes())

    with pytest.raises(SampleError, match=f"copy.nwb, {sample.name}"):
        filled.find_sample(read_identifier(sample))
    assert filled.find_sample("copy").name == "copy.nwb"


def test_unfinished_files_are_no_samples(project: Project) -> None:
    for name in (".hidden.nwb", ".nwb", "notes.txt", "nwb"):
        (project.samples_dir / name).touch()
    assert project.sample_paths() == []


def test_whatever_is_called_a_sample_is_listed(project: Project) -> None:
    (project.samples_dir / "UPPER.NWB").touch()
    (project.samples_dir / "folder.nwb").mkdir()
    (project.samples_dir / "link.nwb").symlink_to("gone.nwb")
    os.mkfifo(project.samples_dir / "pipe.nwb")
    assert [path.name for path in project.sample_paths()] == ["UPPER.NWB", "folder.nwb", "link.nwb", "pipe.nwb"]
    assert project.find_sample("pipe").name == "pipe.nwb"
    with pytest.raises(SampleError, match="no such sample"):  # having looked into all of them
        project.find_sample("an identifier")
