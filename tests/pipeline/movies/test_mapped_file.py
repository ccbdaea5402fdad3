"""Movies that are nothing but pixels in a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies import open_movie


def caiman_map(folder: Path, frames: np.ndarray, order: str, name: str = "Yr") -> Path:
    """`frames` ``(n_frames, height, width[, depth])`` as CaImAn's ``save_memmap`` writes them."""
    n_frames, height, width, depth = (*frames.shape, 1)[:4]
    by_pixel = frames.reshape(n_frames, -1, order="F").T  # (n_pixels, n_frames), pixels in Fortran order
    path = folder / f"{name}_d1_{height}_d2_{width}_d3_{depth}_order_{order}_frames_{n_frames}.mmap"
    by_pixel.astype(np.float32).ravel(order=order).tofile(path)  # type: ignore[call-overload]
    return path


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_of_caiman_is_read_in_either_order(tmp_path: Path, order: str) -> None:
    frames = np.random.default_rng(0).normal(size=(7, 5, 9)).astype(np.float32)

    with open_movie(caiman_map(tmp_path, frames, order), frame_rate_hz=10) as movie:
        assert movie.shape == (7, 5, 9)
        np.testing.assert_array_equal(movie.read(2, 6), frames[2:6])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_of_volumes_has_its_planes_last(tmp_path: Path, order: str) -> None:
    frames = np.random.default_rng(0).normal(size=(7, 5, 9, 3)).astype(np.float32)
    path = caiman_map(tmp_path, frames, order)

    with open_movie(path, frame_rate_hz=10, volume=True) as movie:
        np.testing.assert_array_equal(movie.read(0, 7), frames)
    with pytest.raises(AmbiguousAxesError, match="3 planes"):
        open_movie(path, frame_rate_hz=10)


def test_a_memory_map_under_another_name_or_cut_off_is_refused(tmp_path: Path) -> None:
    path = caiman_map(tmp_path, np.zeros((7, 5, 9)), "F")
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(MovieError, match="bytes"):
        open_movie(path, frame_rate_hz=10)
    with pytest.raises(MovieError, match="how large its frames are"):
        open_movie(path.rename(tmp_path / "movie.mmap"), frame_rate_hz=10)


def test_a_binary_without_its_settings_or_of_another_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    np.zeros((3, 4, 5), np.int16).tofile(path)
    with pytest.raises(MovieError, match=r"ops\.npy"):
        open_movie(path)
    np.save(tmp_path / "ops.npy", np.array({"Ly": 7, "Lx": 5, "fs": 3.0}, dtype=object))
    with pytest.raises(MovieError, match="whole frames of 7 x 5"):
        open_movie(path)
