from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest

from app.components.samples_table import table_row

ROW: dict[str, Any] = {
    "identifier": "a b/c",
    "subject_id": "m1",
    "session_id": "s1",
    "session_start_time": None,
    "n_accepted": 0,
    "n_rois": 0,
    "rate_hz": 30.0,
    "duration_s": None,
    "engine": "builtin",
    "height": 40,
    "has_movie": False,
    "status": "ok",
    "reason": None,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of another program that says how large a frame is, and has no image."""
    path = tmp_path / "sub-m1_ophys.nwb"
    with h5py.File(path, "w") as file:
        file.create_group("acquisition")
    return path


def test_counts_of_a_refused_file_are_not_known(path: Path) -> None:
    refused = table_row({**ROW, "path": str(path), "status": "refused", "reason": "pynwb cannot open it"})
    empty = table_row({**ROW, "path": str(path)})

    assert (refused["accepted"], refused["rois"]) == (None, None)
    assert (empty["accepted"], empty["rois"]) == (0, 0)


def test_picture_is_asked_for_only_where_there_is_one(path: Path) -> None:
    assert table_row({**ROW, "path": str(path)})["thumbnail"]
    assert table_row({**ROW, "path": str(path), "engine": None})["thumbnail"] is None
    assert table_row({**ROW, "path": str(path), "height": None})["thumbnail"] is None


def test_address_is_percent_encoded(path: Path) -> None:
    assert table_row({**ROW, "path": str(path)})["href"] == "/sample/a%20b%2Fc"
