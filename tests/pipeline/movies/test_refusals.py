"""What no reader could open is refused with the file, the cause and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from nwb_schema.errors import MovieError
from pipeline.movies import SUPPORTED_EXTENSIONS, open_movie
from pipeline.movies.tiff_file import LOAD_METHODS


def refused(path):
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    return raised


def test_a_missing_file(tmp_path, says):
    says(refused(tmp_path / "gone.tif"), tmp_path / "gone.tif", "no such file", "Check the path")


def test_a_folder(tmp_path, says):
    folder = tmp_path / "recording.tif"
    folder.mkdir()
    says(refused(folder), folder, "a folder", "recording.tif/*.tif", "--series")


@pytest.mark.parametrize("extension", SUPPORTED_EXTENSIONS)
def test_an_empty_file(tmp_path, says, extension):
    path = tmp_path / f"empty{extension}"
    path.touch()
    says(refused(path), path, "empty (0 bytes)", "Copy it again")


@pytest.mark.parametrize("name", ["movie.czi", "movie"])
def test_an_unsupported_type_lists_the_supported_ones(tmp_path, says, name):
    path = tmp_path / name
    path.write_bytes(b"x")
    says(refused(path), path, "not supported", ".tif, .tiff", ".isxd")


def test_no_file_at_all():
    with pytest.raises(MovieError, match="no file was given"):
        open_movie([])


def test_the_page_for_users_names_every_ending_and_every_load_method():
    page = (Path(__file__).parents[3] / "docs" / "movies.md").read_text(encoding="utf-8")
    missing = [word for word in (*SUPPORTED_EXTENSIONS, *LOAD_METHODS) if f"`{word}`" not in page]
    assert not missing
