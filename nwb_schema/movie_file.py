"""The registered movie of a sample: one immutable HDF5 file, read and written frame by frame.

A sample (NWB) is edited by copying it, so it has to stay small; its movie therefore lives beside it, in
``movies/<identifier>.h5``, and the sample links to ``/data`` in it. The dataset is in NWB's order
``(n_frames, width, height)``, of volumes ``(n_frames, width, height, depth)``; everything that leaves this module is
``(n_frames, height, width)`` or ``(n_frames, height, width, depth)``.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike, NDArray

from nwb_schema.errors import MovieError
from nwb_schema.publishing import fsync_file

DATASET = "data"
# Frames by which a file of unknown length grows at a time.
_ROOM = 64


class MovieFileWriter:
    """Write a registered movie in time order or in any chunks; the file is complete after a clean exit.

    Leaving the block with an exception removes the file: nothing half-written stays.

    Parameters
    ----------
    path
        The new file; it must not exist yet.
    n_frames, height, width
        Size of the movie in frames and pixels; with `n_frames` None it is as long as what is written.
    depth
        Planes of a volume; None for a movie of one plane.
    dtype
        The raw movie's integer type where registered values fit it, else float32.
    rate_hz
        Frames per second.
    offset
        What has to be added to stored values to get the values of the raw movie.
    """

    def __init__(
        self,
        path: Path,
        *,
        n_frames: int | None,
        height: int,
        width: int,
        dtype: DTypeLike,
        rate_hz: float,
        offset: float = 0.0,
        depth: int | None = None,
    ) -> None:
        self.path = path
        planes = () if depth is None else (depth,)
        self._grows, self._written = n_frames is None, 0
        self._file = h5py.File(path, "x")
        # One frame a chunk, uncompressed: a random frame costs 0.6 ms against 3 ms with gzip, and a movie is noise.
        self._data = self._file.create_dataset(
            DATASET,
            shape=(n_frames or 0, width, height, *planes),
            maxshape=(n_frames, width, height, *planes),
            dtype=dtype,
            chunks=(1, width, height, *planes),
        )
        self._data.attrs["rate_hz"] = float(rate_hz)
        # NWB keeps these on the dataset itself, so they have to be here, where the sample's link leads.
        self._data.attrs["conversion"] = np.float32(1.0)
        self._data.attrs["offset"] = np.float32(offset)
        self._data.attrs["resolution"] = np.float32(-1.0)
        self._data.attrs["unit"] = "n.a."
        self._lock = threading.Lock()

    def write(self, start: int, frames: NDArray[Any]) -> None:
        """Store `frames` ``(n, height, width[, depth])`` from frame number `start` on. Safe from several threads."""
        stop = start + len(frames)
        with self._lock:
            self._written = max(self._written, stop)
            if self._grows and stop > len(self._data):
                self._data.resize(stop + _ROOM, axis=0)
            self._data[start:stop] = frames.swapaxes(1, 2)

    def __enter__(self) -> MovieFileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._grows:
            self._data.resize(self._written, axis=0)
        self._file.close()
        if kind is not None:
            self.path.unlink(missing_ok=True)
            return
        fsync_file(self.path)


class MovieFile:
    """Read a registered movie lazily.

    Attributes
    ----------
    shape
        ``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``.
    dtype
        As stored.
    rate_hz
        Frames per second.
    offset
        What has to be added to stored values to get the values of the raw movie.

    Raises
    ------
    MovieError
        When the file is missing or is not a registered movie.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r")
            self._data = self._file[DATASET]
            n_frames, width, height, *planes = self._data.shape
            if len(planes) > 1:
                raise ValueError(f"its frames have {2 + len(planes)} axes")
            self.rate_hz = float(self._data.attrs["rate_hz"])
            self.offset = float(self._data.attrs.get("offset", 0.0))
        except (OSError, KeyError, ValueError, AttributeError) as error:
            raise MovieError(
                path, f"is not a registered movie of a sample ({error})", "Restore the file or process the movie again."
            ) from error
        self.shape: tuple[int, ...] = (int(n_frames), int(height), int(width), *map(int, planes))
        self.dtype: np.dtype[Any] = self._data.dtype

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(stop - start, height, width[, depth])``."""
        frames: NDArray[Any] = self._data[start:stop]
        return frames.swapaxes(1, 2)

    def close(self) -> None:
        """Release the file handle."""
        self._file.close()

    def __enter__(self) -> MovieFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
