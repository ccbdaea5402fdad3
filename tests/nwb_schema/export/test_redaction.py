"""Folders go, names of files stay, and what is no path is left alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import h5py
import pytest

from nwb_schema.export.redaction import redact, without_folders


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("/home/ada/data/movie.tif", "movie.tif"),
        ("/home/Ada Lovelace/my data/movie one.tif", "movie one.tif"),
        ("~/data/movie.tif", "movie.tif"),
        ("file:///home/ada/movie.tif", "movie.tif"),
        (r"C:\Users\ada\movie.tif", "movie.tif"),
        ("C:/Users/ada/movie.tif", "movie.tif"),
        (r"\\server\share\movie.tif", "movie.tif"),
        ("Read from /home/ada/movie.tif twice.", "Read from movie.tif twice."),
        (r"It was C:\Users\ada\movie.tif before", "It was movie.tif before"),
        ("movie.tif", "movie.tif"),
        ("https://dandiarchive.org/dandiset/000001", "https://dandiarchive.org/dandiset/000001"),
        ("accepted and/or rejected, 3/4 of them on 2026/03/01", "accepted and/or rejected, 3/4 of them on 2026/03/01"),
        ("", ""),
    ],
)
def test_folders_are_cut(text: str, cut: str) -> None:
    assert without_folders(text) == cut


def test_the_digest_of_parameters_follows_them_and_the_old_one_is_noted(good: Path) -> None:
    with h5py.File(good, "r+") as file:
        own = file["general/fluorite"]
        own["parameters"][()] = '{"data":{"fnames":["/home/ada/movie.tif"]}}'
        own["parameters_sha256"][()] = "12" * 32
        redact(file)

        assert own["parameters"][()] == b'{"data":{"fnames":["movie.tif"]}}'
        assert own["parameters_sha256"][()].decode() == hashlib.sha256(own["parameters"][()]).hexdigest()
        assert own["notes"][-1].decode() == (
            f"Folders were cut out of the parameters, whose SHA-256 was {'12' * 32} before."
        )
