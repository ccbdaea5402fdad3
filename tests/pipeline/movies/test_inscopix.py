"""Inscopix movies come in through isx, with their rate; a cell set is called one."""

from __future__ import annotations

import isx
import numpy as np
import pytest

from nwb_schema.errors import MovieError
from pipeline.movies import open_movie


def write_isxd(path, frames, *, dropped=()):
    timing = isx.Timing(num_samples=len(frames), period=isx.Duration.from_msecs(40), dropped=list(dropped))
    movie = isx.Movie.write(str(path), timing, isx.Spacing(frames.shape[1:]), frames.dtype.type)
    for number, frame in enumerate(frames):
        if number not in dropped:
            movie.set_frame_data(number, frame)
    movie.flush()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_frames_and_rate_come_out(tmp_path, make_frames, dtype):
    frames = make_frames(dtype=dtype)
    path = tmp_path / "movie.isxd"
    write_isxd(path, frames)
    with open_movie(path) as movie:
        assert movie.shape == frames.shape
        assert movie.dtype == dtype
        assert movie.rate_hz == pytest.approx(25.0)
        assert movie.metadata.session_start is None, "isx writes 1970 where nobody said when"
        assert movie.metadata.pixel_size_um is None, "the file's pixel size is the sensor's, not the tissue's"
        np.testing.assert_array_equal(movie.read(2, 9), frames[2:9])


def test_dropped_frames_keep_their_place_and_are_listed(tmp_path, frames):
    path = tmp_path / "movie.isxd"
    write_isxd(path, frames, dropped=[4])
    with open_movie(path) as movie:
        assert movie.shape[0] == 12
        assert movie.metadata.extra["dropped_frames"] == [4]
        block = movie.read(3, 6)
        assert not block[1].any()
        np.testing.assert_array_equal(block[[0, 2]], frames[[3, 5]])


def test_a_cell_set_is_called_one(tmp_path, says):
    path = tmp_path / "cells.isxd"
    cells = isx.CellSet.write(str(path), isx.Timing(num_samples=5), isx.Spacing((24, 36)))
    cells.set_cell_data(0, np.ones((24, 36), np.float32), np.zeros(5, np.float32), "C0")
    cells.flush()
    del cells
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "cell set, not a movie")


def test_a_damaged_file_is_refused(tmp_path, frames, says):
    path = tmp_path / "movie.isxd"
    write_isxd(path, frames)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MovieError) as raised:
        open_movie(path)
    says(raised, path, "isx cannot read it")
