from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from app.movie_pool import MoviePool
from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFileWriter

N_FRAMES, HEIGHT, WIDTH = 40, 12, 20


def write_movie(path: Path, offset: int = 0) -> Path:
    frames = np.zeros((N_FRAMES, HEIGHT, WIDTH), np.uint16) + offset
    frames[:, 3, 17] = np.arange(N_FRAMES) + 1000
    with MovieFileWriter(path, n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, dtype=np.uint16, rate_hz=10.0) as writer:
        writer.write(0, frames)
    return path


def test_frame_has_height_before_width(tmp_path: Path) -> None:
    frame = MoviePool().frame(write_movie(tmp_path / "a.h5"), 7)

    assert frame.shape == (HEIGHT, WIDTH)
    assert np.unravel_index(frame.argmax(), frame.shape) == (3, 17)
    assert frame.max() == 1007


@pytest.mark.parametrize("number", [-1, N_FRAMES, 10**9])
def test_frame_that_is_not_there_is_refused_with_the_range(tmp_path: Path, number: int) -> None:
    with pytest.raises(MovieError, match=f"from 0 to {N_FRAMES - 1}"):
        MoviePool().frame(write_movie(tmp_path / "a.h5"), number)


def test_replaced_movie_is_read_anew(tmp_path: Path) -> None:
    pool = MoviePool()
    path = write_movie(tmp_path / "a.h5")
    assert pool.frame(path, 0)[0, 0] == 0

    os.replace(write_movie(tmp_path / "b.h5", offset=5), path)

    assert pool.frame(path, 0)[0, 0] == 5


def test_only_a_few_movies_stay_open(tmp_path: Path) -> None:
    pool = MoviePool(capacity=2)
    paths = [write_movie(tmp_path / f"{i}.h5", offset=i) for i in range(5)]

    for _ in range(2):
        for number, path in enumerate(paths):
            assert pool.frame(path, 1)[0, 0] == number
    descriptors = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)]
    assert sum(target.startswith(str(tmp_path)) for target in descriptors) == 2
    pool.close()


def test_threads_may_ask_at_once(tmp_path: Path) -> None:
    pool = MoviePool(capacity=1)
    paths = [write_movie(tmp_path / f"{i}.h5") for i in range(3)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda n: int(pool.frame(paths[n % 3], n % N_FRAMES).max()), range(200)))

    assert found == [1000 + n % N_FRAMES for n in range(200)]


def test_contrast_comes_from_frames_over_the_whole_recording(tmp_path: Path) -> None:
    found = MoviePool().contrast(write_movie(tmp_path / "a.h5"))

    assert found.span.low == 0
    assert found.span.high == 1000 + N_FRAMES - 1


def _is_link(descriptor: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{descriptor}")
