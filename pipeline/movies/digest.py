"""The fingerprint of a recording's files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from nwb_schema.errors import MovieError
from pipeline.movies.movie import Movie

_BLOCK_BYTES = 1 << 22


def movie_sha256(movie: Movie, progress: Callable[[float], None] = lambda done: None) -> str:
    """SHA-256, as hexadecimal, over the bytes of all files of `movie` in order of time; see `files_sha256`."""
    return files_sha256(movie.paths, progress)


def files_sha256(paths: Iterable[Path], progress: Callable[[float], None] = lambda done: None) -> str:
    """SHA-256, as hexadecimal, over the bytes of `paths`, one after the other.

    Parameters
    ----------
    progress
        Called with the fraction done; what it raises passes through.

    Raises
    ------
    MovieError
        When a file has gone meanwhile.
    """
    digest = hashlib.sha256()
    paths = list(paths)
    for number, path in enumerate(paths):
        try:
            with path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
                    progress((number + min(1.0, file.tell() / max(1, size))) / len(paths))
        except OSError as error:
            raise MovieError(path, f"it cannot be read ({error.strerror})", "Restore the file.") from error
    return digest.hexdigest()
