"""Movies that are still being written: whole frames count, what is half there waits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MissingRateError, MovieError
from pipeline.movies.following import GrowingMovie, end_marker, open_growing_movie
from pipeline.movies.movie import Movie

FRAMES = np.random.default_rng(0).integers(1, 4000, (9, 20, 28)).astype(np.uint16)


def nothing() -> None:
    pass


def append(path: Path, frames: np.ndarray, **options: object) -> None:
    with tifffile.TiffWriter(path, append=path.exists()) as writer:
        for frame in frames:
            writer.write(frame, contiguous=False, metadata=None, **options)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"rowsperstrip": 6}], ids=["plain", "zlib", "strips"])
def test_pages_count_as_they_are_appended(tmp_path: Path, options: dict[str, object]) -> None:
    path = tmp_path / "live.tif"
    append(path, FRAMES[:2], **options)
    with open_growing(path) as movie:
        assert isinstance(movie, GrowingMovie)
        assert isinstance(movie, Movie)
        assert movie.shape == (2, 20, 28)
        append(path, FRAMES[2:7], **options)
        assert movie.wait_for(7, nothing)
        assert movie.shape == (7, 20, 28)
        assert np.array_equal(movie.read(0, 7), FRAMES[:7])


@pytest.mark.parametrize("big", [False, True], ids=["classic", "BigTIFF"])
def test_a_half_written_page_waits_for_its_other_half(tmp_path: Path, big: bool) -> None:
    whole, path = tmp_path / "whole.tif", tmp_path / "live.tif"
    with tifffile.TiffWriter(whole, bigtiff=big) as writer:
        for frame in FRAMES:
            writer.write(frame, contiguous=False, metadata=None)
    content = whole.read_bytes()
    with tifffile.TiffFile(whole) as tiff:
        ends = [page.dataoffsets[-1] + page.databytecounts[-1] for page in tiff.pages]
        starts = [page.offset for page in tiff.pages]
    # Whatever the order of a page's parts in the file: its pixels and its tags have both to be there.
    for cut in (ends[4] - 1, starts[5] + 7, ends[5] - 100):
        path.write_bytes(content[:cut])
        with open_growing(path) as movie:
            seen = movie.shape[0]
            assert 1 <= seen <= 5
            assert np.array_equal(movie.read(0, seen), FRAMES[:seen])
            path.write_bytes(content)
            assert movie.wait_for(9, nothing)
            assert np.array_equal(movie.read(0, 9), FRAMES)


def test_the_recording_ends_with_its_marker_or_after_a_while(tmp_path: Path) -> None:
    path = tmp_path / "live.tif"
    append(path, FRAMES[:3])
    with open_growing(path, idle_s=600) as movie:
        append(path, FRAMES[3:4])
        end_marker(path).touch()
        assert not movie.wait_for(9, nothing)
        assert movie.shape[0] == 4, "what was written before the marker belongs to the recording"
    end_marker(path).unlink()
    with open_growing(path, idle_s=0.05) as movie:
        assert not movie.wait_for(9, nothing)


def test_waiting_can_be_stopped(tmp_path: Path) -> None:
    path = tmp_path / "live.tif"
    append(path, FRAMES[:3])

    def stop() -> None:
        raise KeyboardInterrupt

    with open_growing(path, idle_s=600) as movie, pytest.raises(KeyboardInterrupt):
        movie.wait_for(4, stop)


WRITER = """
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "w", libver="latest") as file:
    data = file.create_dataset("movie", (0, 20, 28), "u2", maxshape=(None, 20, 28), chunks=(1, 20, 28))
    data.attrs["axes"], data.attrs["fps"] = "tyx", 15.0
    frames = np.random.default_rng(0).integers(1, 4000, (9, 20, 28)).astype("u2")
    file.swmr_mode = True
    for line in sys.stdin:
        n = int(line)
        data.resize(n + 1, axis=0)
        data[:n] = frames[:n]
        data.flush()
        print(n, flush=True)
"""


def test_hdf5_in_swmr_mode_is_read_while_it_is_open_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "live.h5"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdin is not None
    assert writer.stdout is not None

    def written(n: int) -> None:
        writer.stdin.write(f"{n}\n")  # type: ignore[union-attr]
        writer.stdin.flush()  # type: ignore[union-attr]
        assert int(writer.stdout.readline()) == n  # type: ignore[union-attr]

    try:
        written(2)
        with open_growing_movie(path, idle_s=5) as movie:  # its attributes say rate and axes
            assert movie.rate_hz == 15
            assert movie.shape == (2, 20, 28), "the last frame has only its place so far"
            written(6)
            assert movie.wait_for(6, nothing)
            assert np.array_equal(movie.read(0, 6), FRAMES[:6])
    finally:
        writer.stdin.close()
        writer.wait(timeout=30)


def test_hdf5_that_is_opened_and_closed_for_every_frame_is_read_in_between(tmp_path: Path) -> None:
    path = tmp_path / "live.h5"
    with h5py.File(path, "w") as file:
        # Room for all from the start: what is still blank is not there yet.
        file.create_dataset("movie", data=np.concatenate([FRAMES[:2], np.zeros_like(FRAMES[2:])]), chunks=(1, 20, 28))
    with open_growing(path) as movie:
        assert movie.shape == (2, 20, 28)
        with h5py.File(path, "a") as file:
            file["movie"][2:5] = FRAMES[2:5]
        assert movie.wait_for(5, nothing)
        assert np.array_equal(movie.read(3, 5), FRAMES[3:5])


def test_a_frame_that_is_blank_counts_once_another_follows(tmp_path: Path) -> None:
    path = tmp_path / "live.h5"
    frames = FRAMES.copy()
    frames[1] = 0
    with h5py.File(path, "w") as file:
        file.create_dataset("movie", data=frames, chunks=(1, 20, 28))
    with open_growing(path) as movie:
        assert movie.shape[0] == 9


def test_what_cannot_be_followed_is_refused(tmp_path: Path) -> None:
    video = tmp_path / "movie.avi"
    video.write_bytes(b"RIFF")
    with pytest.raises(MovieError, match="cannot be followed"):
        open_growing_movie(video, idle_s=0.05)

    with pytest.raises(MovieError, match="no such file"):
        open_growing_movie(tmp_path / "never.tif", idle_s=0.05)

    colour = tmp_path / "colour.tif"
    tifffile.imwrite(colour, np.zeros((20, 28, 3), np.uint8), photometric="rgb")
    with pytest.raises(MovieError, match="not images of one channel"):
        open_growing_movie(colour, idle_s=0.05, frame_rate_hz=10)

    time_last = tmp_path / "last.h5"
    with h5py.File(time_last, "w") as file:
        file.create_dataset("movie", data=FRAMES).attrs["axes"] = "yxt"
    with pytest.raises(MovieError, match="time first"):
        open_growing_movie(time_last, idle_s=0.05, frame_rate_hz=10)

    plain = tmp_path / "plain.tif"
    append(plain, FRAMES)
    with pytest.raises(MissingRateError):
        open_growing_movie(plain, idle_s=0.05)


def test_pixels_that_are_no_numbers_are_refused_when_they_come(tmp_path: Path) -> None:
    path = tmp_path / "live.tif"
    frames = FRAMES.astype(np.float32)
    frames[4, 3, 2] = np.nan
    append(path, frames)
    with open_growing(path) as movie, pytest.raises(MovieError, match="frame 4 holds"):
        movie.read(2, 6)


@contextmanager
def open_growing(path: Path, idle_s: float = 5) -> Iterator[GrowingMovie]:
    axes = "TYX" if path.suffix == ".h5" else None
    movie = open_growing_movie(path, idle_s=idle_s, frame_rate_hz=15, axes=axes)
    try:
        yield movie
    finally:
        movie.close()
