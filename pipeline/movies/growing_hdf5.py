"""An HDF5 file that is still being written.

Written in SWMR mode (single writer, multiple readers) it is kept open and refreshed. Any other file is opened anew for
every look and read, without a lock, so that whoever records is never kept out of it; what cannot be read at that moment
is looked at again.

A frame that is nothing but HDF5's fill value may be one that there is only room for: it counts once a later frame is
there.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.hdf5_file import choose_dataset, facts_of, layout_of
from pipeline.movies.not_yet import NotYet
from pipeline.movies.source import OpenOptions, checked_dtype, native

# Frames looked at in one go for a sign that they have been written.
_LOOK_AT = 32
# HDF5 file format specification, superblock: signature, version, and the file consistency flags (byte 11).
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SWMR_VERSION = 3
_SWMR_WRITTEN = 4


class GrowingHdf5:
    """One dataset with time first, as far as it has been written.

    Raises
    ------
    MovieError
        When time is not its first axis, or it has more than three.
    NotYet
        While there is no file that can be opened, or no frame in it.
    """

    def __init__(self, path: Path, options: OpenOptions) -> None:
        options.refuse(path, "load_method", because="that is for TIFF")
        self.paths: tuple[Path, ...] = (path,)
        self._lock = threading.RLock()
        self._whole = 0
        self._swmr: h5py.File | None = _open_swmr(path)
        self._data: h5py.Dataset | None = None
        self._name = ""
        try:
            with self._opened(options.dataset) as data:
                layout = layout_of(path, data, options)
                if data.ndim != 3 or layout.axes[0] != "T":
                    raise AmbiguousAxesError(
                        path,
                        f"dataset {data.name!r} has axes {layout.axes}: a file can only be followed with time first",
                        "Record with time as the first of three axes, or process it when it is finished.",
                    )
                self._name = data.name
                self._to_movie = layout.to_movie
                self.axes, self.dtype = layout.label, checked_dtype(path, data.dtype)
                self._size = (layout.height, layout.width)
                self.facts = facts_of(data.file, data)
            if self.look() == 0:
                raise NotYet(path, "no frame is in it yet")
        except (OSError, RuntimeError) as error:
            self.close()
            raise NotYet(path, f"it cannot be opened yet ({error})") from error
        except BaseException:
            self.close()
            raise

    @property
    def shape(self) -> tuple[int, ...]:
        """``(whole frames by now, height, width)``."""
        return (self._whole, *self._size)

    def look(self) -> int:
        """Look at the file again; how many whole frames it has by now."""
        try:
            with self._lock, self._opened(self._name) as data:
                while self._whole < len(data):
                    some = data[self._whole : self._whole + _LOOK_AT]
                    written = np.flatnonzero((some != data.fillvalue).any(axis=(1, 2)))
                    if len(written) == 0:
                        break
                    self._whole += int(written[-1]) + 1
        except (OSError, RuntimeError, KeyError):
            pass  # in the middle of being written: the next look will tell
        return self._whole

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(n, height, width)``."""
        try:
            with self._lock, self._opened(self._name) as data:
                return native(data[start:stop].transpose(self._to_movie))
        except (OSError, RuntimeError, KeyError) as error:
            raise MovieError(
                self.paths[0],
                f"frames {start} to {stop} cannot be read while it is written ({error})",
                "Record in SWMR mode, or process it without --follow when it is finished.",
            ) from error

    def close(self) -> None:
        """Release the file handle."""
        if self._swmr is not None:
            self._swmr.close()
            self._swmr = self._data = None

    @contextmanager
    def _opened(self, name: str | None) -> Iterator[h5py.Dataset]:
        path = self.paths[0]
        if self._swmr is not None:
            # One and the same object: HDF5 2.0 cannot read from a dataset that was refreshed while open twice ("can't
            # insert duplicate key").
            if self._data is None:
                self._data = choose_dataset(path, self._swmr, name)
            self._data.refresh()
            yield self._data
            return
        with h5py.File(path, "r", locking=False) as file:
            yield choose_dataset(path, file, name)


def _open_swmr(path: Path) -> h5py.File | None:
    """The file as one of many readers; None when nobody writes it in SWMR mode just now.

    Opened all the same, it would keep other writers out of it.
    """
    try:
        with path.open("rb") as file:
            superblock = file.read(12)
        if superblock[:8] != _SIGNATURE or superblock[8] < _SWMR_VERSION or not superblock[11] & _SWMR_WRITTEN:
            return None
        return h5py.File(path, "r", libver="latest", swmr=True)
    except (OSError, ValueError, IndexError):
        return None
