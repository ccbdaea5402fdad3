"""The fingerprint of a recording's files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from nwb_schema.errors import MovieError
from pipeline.movies.movie import Movie

_BLOCK_BYTES = 1 << 22


def movie_sha256(movie: Movie) -> str:
    """SHA-256, as hexadecimal, over the bytes of all files of `movie` in order of time; see `files_sha256`."""
    return files_sha256(movie.paths)


def files_sha256(paths: Iterable[Path]) -> str:
    """SHA-256, as hexadecimal, over the bytes of `paths`, one after the other.

    Raises
    ------
    MovieError
        When a file has gone meanwhile.
    """
    digest = hashlib.sha256()
    for path in paths:
        try:
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        except OSError as error:
            raise MovieError(path, f"it cannot be read ({error.strerror})", "Restore the file.") from error
    return digest.hexdigest()
