"""Open movies, shared by the threads of the server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.levels import Contrast, contrast
from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile

# Open handles cost no memory to speak of, but each is a file descriptor.
_OPEN_MOVIES = 8
# Frames looked at to choose levels: spread over the recording, because brightness drifts and cells take turns.
_FRAMES_FOR_LEVELS = 16


class _OpenMovie:
    def __init__(self, path: Path, signature: str) -> None:
        self.file = MovieFile(path)
        self.signature = signature
        self.contrasts: dict[bool, Contrast] = {}


class MoviePool:
    """A few registered movies kept open, the least recently used closed first.

    Registered movies never change, so an open handle cannot show old data; one that was replaced or restored all the
    same is opened anew, because its file's signature differs. Samples (NWB files) are never kept open: every commit
    replaces them.
    """

    def __init__(self, capacity: int = _OPEN_MOVIES) -> None:
        self._capacity = capacity
        self._open: OrderedDict[Path, _OpenMovie] = OrderedDict()
        # One lock for all: HDF5 itself lets only one thread read at a time, so nothing is lost by it, and a movie is
        # never closed while another thread reads it.
        self._lock = threading.Lock()

    def frame(self, path: Path, number: int, plane: int | None = None) -> NDArray[Any]:
        """Frame `number` of a movie, ``(height, width)`` as stored.

        Of a volume it is the plane asked for, or without one what is seen from above: the maximum over the planes.

        Raises
        ------
        MovieError
            When the file cannot be read or has no such frame, or no such plane.
        """
        with self._lock:
            movie = self._get(path).file
            n_frames = movie.shape[0]
            if not 0 <= number < n_frames:
                raise MovieError(
                    path, f"has no frame {number}", f"Ask for a frame from 0 to {n_frames - 1}: it has {n_frames}."
                )
            return self._flat(path, movie.read(number, number + 1)[0], plane)

    @staticmethod
    def _flat(path: Path, frame: NDArray[Any], plane: int | None) -> NDArray[Any]:
        planes = frame.shape[2] if frame.ndim == 3 else 1
        if plane is not None and not 0 <= plane < planes:
            raise MovieError(path, f"has no plane {plane}", f"Ask for a plane from 0 to {planes - 1}.")
        if frame.ndim == 2:
            return frame
        return np.ascontiguousarray(frame.max(axis=2) if plane is None else frame[..., plane])

    def contrast(self, path: Path, *, planes: bool = False) -> Contrast:
        """Span and automatic levels of a movie, from frames spread over it.

        Of volumes they are those of what is seen from above, or with `planes` those of single planes.
        """
        with self._lock:
            movie = self._get(path)
            if planes not in movie.contrasts:
                n_frames = movie.file.shape[0]
                numbers = np.unique(np.linspace(0, n_frames - 1, _FRAMES_FOR_LEVELS).astype(int))
                frames = [movie.file.read(int(n), int(n) + 1)[0] for n in numbers]
                shown = frames if planes else [self._flat(path, frame, None) for frame in frames]
                movie.contrasts[planes] = contrast(np.stack(shown))
            return movie.contrasts[planes]

    def close(self) -> None:
        """Release all handles."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].file.close()

    def _get(self, path: Path) -> _OpenMovie:
        signature = file_signature(path)
        movie = self._open.get(path)
        if movie is not None and movie.signature != signature:
            self._open.pop(path).file.close()
            movie = None
        if movie is None:
            movie = self._open[path] = _OpenMovie(path, signature)
        self._open.move_to_end(path)
        while len(self._open) > self._capacity:
            self._open.popitem(last=False)[1].file.close()
        return movie


def file_signature(path: Path) -> str:
    """What changes when a file is replaced: inode, size and time of change; ``missing`` when there is none."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
