"""A registered movie is on disk when its writer is done."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import numpy as np
import pytest

from nwb_schema.movie_file import MovieFile, MovieFileWriter


def test_the_movie_is_flushed_through_a_descriptor_that_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda number: flushed.append(fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE))
    frames = np.arange(3 * 5 * 7, dtype=np.uint16).reshape(3, 5, 7)
    with MovieFileWriter(tmp_path / "m.h5", n_frames=3, height=5, width=7, dtype=np.uint16, rate_hz=2.0) as writer:
        writer.write(0, frames)

    # Windows flushes no descriptor that may only read.
    assert flushed == [os.O_RDWR]
    with MovieFile(tmp_path / "m.h5") as movie:
        assert np.array_equal(movie.read(0, 3), frames)
