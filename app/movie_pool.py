"""Open movies, shared by the threads of the server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from nwb_schema.movie_file import MovieFile
from pipeline.viewing.frames import RunningSum, View, note_of, picture, view_contrast
from pipeline.viewing.levels import Contrast

# Open handles cost no memory to speak of, but each is a file descriptor.
_OPEN_MOVIES = 8
# Contrasts kept of a movie: of its frames and of its means over several.
_KEPT_CONTRASTS = 16


@dataclass(frozen=True)
class Shown:
    """A movie to look at, whether or not it is open.

    Attributes
    ----------
    key
        What tells it from others.
    signature
        What changes when the files change that it is made from; part of the address of its frames.
    open
        Opens it.
    """

    key: str
    signature: str
    open: Callable[[], View]


def registered(path: Path) -> Shown:
    """The registered movie in a file."""
    return Shown(str(path), file_signature(path), lambda: MovieFile(path))


@dataclass
class _OpenMovie:
    view: View
    signature: str
    contrasts: dict[tuple[bool, int], Contrast] = field(default_factory=dict)
    sums: RunningSum = field(default_factory=RunningSum)
    # One reader at a time: HDF5 itself allows no more, and a movie is never closed while another thread reads it.
    lock: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False

    def close(self) -> None:
        with self.lock:
            self.closed = True
            self.view.close()


class MoviePool:
    """A few movies kept open, the least recently used closed first.

    Registered movies never change, so an open handle cannot show old data; one that was replaced or restored all the
    same is opened anew, because its file's signature differs. Samples (NWB files) are never kept open: every commit
    replaces them.
    """

    def __init__(self, capacity: int = _OPEN_MOVIES) -> None:
        self._capacity = capacity
        self._open: OrderedDict[str, _OpenMovie] = OrderedDict()
        self._lock = threading.Lock()

    def frame(self, movie: Path | Shown, number: int, plane: int | None = None, *, mean: int = 1) -> NDArray[Any]:
        """Frame `number` of a movie, ``(height, width)``; see `pipeline.viewing.frames.picture`.

        Raises
        ------
        MovieError
            When the file cannot be read or has no such frame, or no such plane.
        """
        with self._use(movie) as found:
            return picture(found.view, number, plane=plane, mean=mean, kept=found.sums)

    def contrast(self, movie: Path | Shown, *, planes: bool = False, mean: int = 1) -> Contrast:
        """Values and automatic levels of a movie; see `pipeline.viewing.frames.view_contrast`."""
        with self._use(movie) as found:
            if (planes, mean) not in found.contrasts:
                if len(found.contrasts) >= _KEPT_CONTRASTS:
                    found.contrasts.clear()
                found.contrasts[planes, mean] = view_contrast(found.view, planes=planes, mean=mean)
            return found.contrasts[planes, mean]

    def note(self, movie: Shown) -> str:
        """What could not be made sure of a movie, as a sentence, or nothing."""
        with self._use(movie) as found:
            return note_of(found.view)

    def close(self) -> None:
        """Release all handles."""
        with self._lock:
            movies = [self._open.popitem()[1] for _ in range(len(self._open))]
        for movie in movies:
            movie.close()

    @contextmanager
    def _use(self, movie: Path | Shown) -> Iterator[_OpenMovie]:
        """The open movie, for this thread alone."""
        shown = registered(movie) if isinstance(movie, Path) else movie
        while True:
            found = self._get(shown)
            with found.lock:
                # It may have made room for another one just now.
                if not found.closed:
                    yield found
                    return

    def _get(self, shown: Shown) -> _OpenMovie:
        with self._lock:
            movie = self._open.get(shown.key)
            if movie is not None and movie.signature == shown.signature:
                self._open.move_to_end(shown.key)
                return movie
        # Others need not wait: opening a raw movie compares all of its bytes.
        opened = _OpenMovie(shown.open(), shown.signature)
        with self._lock:
            outdated = []
            movie = self._open.pop(shown.key, None)
            if movie is not None and movie.signature == shown.signature:
                outdated.append(opened)  # another thread was faster
            else:
                outdated += [] if movie is None else [movie]
                movie = opened
            self._open[shown.key] = movie
            while len(self._open) > self._capacity:
                outdated.append(self._open.popitem(last=False)[1])
        for closed in outdated:
            closed.close()
        return movie


def file_signature(path: Path) -> str:
    """What changes when a file is replaced: inode, size and time of change; ``missing`` when there is none."""
    try:
        status = path.stat()
    except OSError:
        return "missing"
    return f"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"
