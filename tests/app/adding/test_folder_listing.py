from __future__ import annotations

from pathlib import Path

import pytest

from app.adding.folder_listing import list_folder
from app.components.folder_browser import add_paths


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for name in ("beta", "Alpha", ".hidden"):
        (root / name).mkdir(parents=True)
    for name in ("b.tif", "A.TIFF", "notes.txt", ".c.tif"):
        (root / name).touch()
    (tmp_path / "secret").mkdir()
    return root


def test_lists_folders_and_movies_as_people_sort(tree: Path) -> None:
    listing = list_folder(tree, [tree.parent])

    assert [folder.name for folder in listing.folders] == ["Alpha", "beta"]
    assert [movie.name for movie in listing.files] == ["A.TIFF", "b.tif"]
    assert listing.parent == tree.parent
    assert listing.problem is None


def test_top_has_no_parent(tree: Path) -> None:
    assert list_folder(tree, [tree]).parent is None


@pytest.mark.parametrize("way", ["..", "../secret", "Alpha/../../secret"])
def test_way_out_leads_back_to_the_top(tree: Path, way: str) -> None:
    listing = list_folder(tree / way, [tree])

    assert listing.folder == tree
    assert listing.folders == ()
    assert "outside" in (listing.problem or "")


def test_link_does_not_lead_out(tree: Path) -> None:
    (tree / "link").symlink_to(tree.parent / "secret")

    assert "outside" in (list_folder(tree / "link", [tree]).problem or "")


def test_missing_folder_is_named(tree: Path) -> None:
    listing = list_folder(tree / "gone", [tree])

    assert str(tree / "gone") in (listing.problem or "")
    assert listing.parent == tree


def test_chosen_movies_are_added_once() -> None:
    assert add_paths("/a.tif\n", ["/b.tif", "/a.tif"]) == "/a.tif\n/b.tif"
    assert add_paths(None, ["/b.tif"]) == "/b.tif"
