from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from app.adding.movie_facts import MovieFacts, movie_facts
from app.formatting import frame_size


def movie(path: Path, n_frames: int, rate_hz: float | None = None) -> Path:
    metadata = {"axes": "TYX", **({"fps": rate_hz} if rate_hz else {})}
    frames = np.zeros((n_frames, 20, 30), np.uint16)
    tifffile.imwrite(path, frames, photometric="minisblack", metadata=metadata, imagej=rate_hz is not None)
    return path


def test_the_file_says_what_nobody_has_to_type(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.tif", 120, rate_hz=8.0)

    facts = movie_facts(f" '{path}' \n", {})

    assert facts.text.startswith(f"120 frames · {frame_size(20, 30)} · 8 Hz · 15 s")
    assert not facts.problem


def test_rate_that_the_file_lacks_is_asked_for_unless_the_lab_has_a_default(tmp_path: Path) -> None:
    path = movie(tmp_path / "a.tif", 120)

    asked = movie_facts(str(path), {})
    assert asked.lacks_rate
    assert asked.problem
    assert "10 Hz (lab default" in movie_facts(str(path), {}, default_rate_hz=10.0).text
    assert "· 6 Hz ·" in movie_facts(str(path), {"frame_rate_hz": 6.0}).text


def test_series_is_looked_at_as_one_recording(tmp_path: Path) -> None:
    both = f"{movie(tmp_path / 'a.tif', 120, 8.0)}\n{movie(tmp_path / 'b.tif', 40, 8.0)}"

    assert movie_facts(both, {}, series=True).text.startswith("160 frames")
    assert movie_facts(both, {}).text.startswith("a.tif: 120 frames")


def test_half_a_path_is_nothing_to_talk_about_and_a_broken_file_is(tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"no TIFF")

    assert movie_facts(str(tmp_path / "ba"), {}) == MovieFacts()
    assert movie_facts("", {}) == MovieFacts()
    assert movie_facts("\0", {}).text == ""
    assert "bad.tif" in movie_facts(str(tmp_path / "bad.tif"), {}).problem
