"""Several files are one recording only if they fit together; the odd one is named."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
import tifffile

from nwb_schema.errors import MovieError
from pipeline.movies import open_movie, recording


def save(path, frames, fps=10.0):
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX", "fps": fps})
    return path


@pytest.fixture
def parts(tmp_path, frames):
    return [save(tmp_path / f"part{n}.tif", block) for n, block in enumerate((frames[:5], frames[5:8], frames[8:]))]


def test_files_join_in_the_order_given_with_their_boundaries(parts, frames):
    with open_movie(parts) as movie:
        assert movie.paths == tuple(parts)
        assert movie.shape == frames.shape
        assert movie.boundaries == (5, 8)
        np.testing.assert_array_equal(movie.read(0, 12), frames)
        np.testing.assert_array_equal(movie.read(4, 9), frames[4:9])
        np.testing.assert_array_equal(movie.read(8, 9), frames[8:9])
        assert movie.read(12, 12).shape == (0, 24, 36)


def test_one_frame_a_file_is_a_recording_without_boundaries_and_few_open_files(tmp_path, make_frames, monkeypatch):
    frames = make_frames(40)
    monkeypatch.setattr(recording, "MAX_OPEN_FILES", 4)
    paths = [save(tmp_path / f"{n:03d}.tif", frame[np.newaxis]) for n, frame in enumerate(frames)]
    with open_movie(paths) as movie:
        assert movie.boundaries == ()
        np.testing.assert_array_equal(movie.read(0, 40), frames)
        np.testing.assert_array_equal(movie.read(3, 6), frames[3:6])
        assert len(movie._open) <= 4


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (lambda frames: (frames[:, :20], 10.0), ["20 high x 36 wide", "24 x 36"]),
        (lambda frames: (frames.astype(np.uint8), 10.0), ["uint8", "uint16"]),
        (lambda frames: (frames, 12.0), ["12 Hz", "10 Hz", "--frame-rate"]),
    ],
    ids=["size", "dtype", "rate"],
)
def test_the_file_that_does_not_fit_is_named(tmp_path, parts, frames, says, odd, words):
    block, fps = odd(frames)
    path = save(tmp_path / "odd.tif", block, fps)
    with pytest.raises(MovieError) as raised:
        open_movie([*parts, path])
    says(raised, path, *words)


def test_a_rate_that_is_given_settles_different_ones(tmp_path, parts, frames):
    with open_movie([*parts, save(tmp_path / "odd.tif", frames, 12.0)], frame_rate_hz=9.0) as movie:
        assert movie.rate_hz == 9.0


def test_a_side_car_beside_any_file_gives_the_rate_of_all(tmp_path, frames):
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in paths:
        tifffile.imwrite(path, frames, photometric="minisblack")
    paths[1].with_suffix(".json").write_text(json.dumps({"fps": 6.0}))
    with open_movie(paths) as movie:
        assert movie.rate_hz == 6.0


def test_the_same_file_twice_and_a_missing_one_are_refused(tmp_path, parts, says):
    with pytest.raises(MovieError) as raised:
        open_movie([parts[0], parts[0]])
    says(raised, parts[0], "twice")
    gone = tmp_path / "gone.tif"
    with pytest.raises(MovieError) as raised:
        open_movie([*parts, gone])
    says(raised, gone, "no such file")


def test_files_of_different_formats_join(tmp_path, parts, frames):
    path = tmp_path / "rest.h5"
    with h5py.File(path, "w") as file:
        file["imaging"] = frames[::-1].transpose(0, 2, 1)
        file["imaging"].attrs["axes"], file["imaging"].attrs["fps"] = "TXY", 10.0
    with open_movie([parts[0], path]) as movie:
        assert movie.boundaries == (5,)
        np.testing.assert_array_equal(movie.read(3, 9), np.concatenate([frames[3:5], frames[::-1][:4]]))


def test_one_file_under_two_names_is_refused(tmp_path, parts, says):
    other = tmp_path / "again.tif"
    other.symlink_to(parts[0])
    with pytest.raises(MovieError) as raised:
        open_movie([parts[0], other])
    says(raised, other, "twice")


def test_a_file_that_states_no_rate_goes_with_the_others_and_one_of_nonsense_first_is_refused(tmp_path, parts, frames):
    silent, nonsense = tmp_path / "silent.tif", save(tmp_path / "nonsense.tif", frames, 0)
    tifffile.imwrite(silent, frames, photometric="minisblack")
    for paths in ([*parts, silent], [silent, *parts]):
        with open_movie(paths) as movie:
            assert movie.rate_hz == 10.0
    with pytest.raises(MovieError, match=r"nonsense\.tif"):
        open_movie([nonsense, *parts])


def test_threads_read_across_boundaries(parts, frames):
    with open_movie(parts) as movie, ThreadPoolExecutor(4) as pool:
        starts = [start for start in range(9)] * 5
        for start, block in zip(starts, pool.map(lambda start: movie.read(start, start + 4), starts), strict=True):
            np.testing.assert_array_equal(block, frames[start : start + 4])


def test_a_closed_series_does_not_open_its_files_again(parts):
    movie = open_movie(parts)
    movie.read(0, 1)
    movie.close()
    with pytest.raises(ValueError, match="closed"):
        movie.read(6, 7)
