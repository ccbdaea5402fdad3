"""Movies that are nothing but pixels in a file: CaImAn's memory maps and Suite2p's ``data.bin``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError, ResultsError
from pipeline.movies.source import FileFacts, FileRate, OpenOptions

# CaImAn names a memory map after its size: ..._d1_HEIGHT_d2_WIDTH_d3_DEPTH_order_F_frames_COUNT.mmap
_CAIMAN = re.compile(r"_d1_(\d+)_d2_(\d+)_d3_(\d+)_order_([CF])_frames_(\d+)")


class MappedFrames:
    """A file of pixels, mapped into memory: ``(n_frames, height, width)``, of volumes with depth.

    Parameters
    ----------
    frames
        The file as an array of that shape.
    """

    def __init__(self, path: Path, frames: NDArray[Any], facts: FileFacts) -> None:
        self.paths: tuple[Path, ...] = (path,)
        self.shape: tuple[int, ...] = frames.shape
        self.axes = "TYX" if frames.ndim == 3 else "TYXZ"
        self.dtype: np.dtype[Any] = frames.dtype
        self.facts = facts
        self._frames: NDArray[Any] | None = frames

    def read(self, start: int, stop: int) -> NDArray[Any]:
        if self._frames is None:
            raise ValueError("the movie was closed")
        return np.ascontiguousarray(self._frames[start:stop])

    def close(self) -> None:
        self._frames = None


def open_caiman_map(path: Path, options: OpenOptions) -> MappedFrames:
    """A memory map of CaImAn (``.mmap``), such as its motion correction leaves: float32, its size in its name.

    Raises
    ------
    MovieError
        When its name or its size is not that of one.
    """
    _refuse_options(path, options)
    named = _CAIMAN.search(path.name)
    if named is None:
        raise MovieError(
            path, "its name does not say how large its frames are, as CaImAn's memory maps do",
            "Give it back the name that CaImAn made (..._d1_HEIGHT_d2_WIDTH_d3_1_order_F_frames_COUNT.mmap).",
        )  # fmt: skip
    height, width, depth, n_frames = (int(named[part]) for part in (1, 2, 3, 5))
    if depth > 1 and not options.volume:
        raise AmbiguousAxesError(path, f"it holds {depth} planes", "Read them all with --preset 3d.")
    pixels = _map(path, np.dtype("<f4"), height * width * depth * n_frames)
    # Pixels are numbered in Fortran order. Order F: one frame after the other; order C: one pixel after the other.
    if named[4] == "F":
        frames = pixels.reshape(n_frames, depth, width, height).transpose(0, 3, 2, 1)
    else:
        frames = pixels.reshape(depth, width, height, n_frames).transpose(3, 2, 1, 0)
    return MappedFrames(path, frames if depth > 1 else frames[..., 0], FileFacts())


def open_suite2p_binary(path: Path, options: OpenOptions) -> MappedFrames:
    """Suite2p's registered movie (``data.bin``): int16, its size in the settings beside it.

    Raises
    ------
    MovieError
        When there are no such settings, or the file is not of whole frames.
    """
    # Only for who opens one: it brings the reader of Suite2p's files along.
    from pipeline.foreign.suite2p_settings import number, plane_size, read_settings

    _refuse_options(path, options)
    try:
        settings, _ = read_settings(path.parent)
        height, width = plane_size(settings, path.parent)
    except ResultsError as error:
        raise MovieError(
            path, f"the size of its frames is not known: {error.cause}", "Leave ops.npy beside it, as Suite2p wrote it."
        ) from error
    pixels = _map(path, np.dtype("<i2"), None)
    if pixels.size % (height * width):
        raise MovieError(path, f"it is not of whole frames of {height} x {width} pixels", "Copy it again.")
    rate = number(settings.get("fs"))
    # Who recorded it, neither of the two says: both only processed it.
    facts = FileFacts(rate=FileRate(rate, "fs in Suite2p's settings") if rate else None)
    return MappedFrames(path, pixels.reshape(-1, height, width), facts)


def _refuse_options(path: Path, options: OpenOptions) -> None:
    options.refuse(path, "axes", "dataset", "load_method", "channel", "plane", because="such a file has none to choose")


def _map(path: Path, dtype: np.dtype[Any], count: int | None) -> NDArray[Any]:
    size = path.stat().st_size
    if count is not None and size != count * dtype.itemsize:
        raise MovieError(
            path, f"it has {size} bytes, but {count * dtype.itemsize} by its name", "Copy it again, under its own name."
        )
    return np.memmap(path, dtype, "r", shape=(size // dtype.itemsize,))
