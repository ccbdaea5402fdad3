"""Arrays that edits bring into samples or take out of them: one HDF5 file each in the project's ``edits/``.

A change in the journal is text. What is too large for that (the traces of a drawn ROI, a replaced series) lies here
under the name that the change gives, is on disk before the journal mentions it, and stays: with it, an edit that a kill
left in the journal alone is made, and one that took something out of the file is undone. Each is announced before it is
written, so that what belongs to an edit that was not made after all is found again and removed (`remove_unused`).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from nwb_schema.edits.change import Change
from nwb_schema.errors import EditError
from nwb_schema.publishing import fsync_file, fsync_folder, partial_path, sweep_partials

_NAME = re.compile(r"[0-9A-Za-z-]{1,64}")


def named_by(changes: Iterable[Change]) -> set[str]:
    """Names of the contents that some changes need."""
    found: list[Any] = []
    for change in changes:
        if change.target.kind == "row" and change.after:
            found.append(change.after[0])
        elif change.target.kind in ("segmentation", "series"):
            found += (change.before, change.after)
    return {name for name in found if isinstance(name, str)}


class Contents:
    """The contents of one sample's edits.

    Parameters
    ----------
    folder
        The project's ``edits/``.
    identifier
        The sample's. A file that was copied and adopted has the ``object_id`` of the original in it, so names alone do
        not tell the contents of two samples from each other.
    announce
        Called with the name of each before it is written.
    """

    def __init__(self, folder: Path, identifier: str, announce: Callable[[str], None] = lambda _: None) -> None:
        self._folder = folder
        plain = _NAME.fullmatch(identifier) is not None
        self._sample = identifier if plain else hashlib.sha256(identifier.encode("utf-8", "replace")).hexdigest()
        self._announce = announce

    def put(self, name: str, write: Callable[[h5py.File], None]) -> None:
        """Have `write` fill a new file, which then is the content called `name`, whatever was called so before.

        Raises
        ------
        EditError
            When it cannot be written.
        """
        path = self._path(name)
        temporary = None
        self._announce(name)
        try:
            self._folder.mkdir(exist_ok=True)
            sweep_partials(self._folder)
            temporary = partial_path(self._folder)
            with h5py.File(temporary, "x") as file:
                write(file)
            fsync_file(temporary)
            os.replace(temporary, path)
            fsync_folder(self._folder)
        except (OSError, RuntimeError) as error:  # what h5py raises when a disk is full
            cause = " ".join(str(error).split())[:300]
            raise EditError(
                path, f"cannot be written ({cause})", "Check permissions and free space of the project."
            ) from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)

    def drop(self, name: str) -> None:
        """Remove the content `name`, and what dead processes left half-written."""
        self._path(name).unlink(missing_ok=True)
        sweep_partials(self._folder)

    def has(self, name: str) -> bool:
        """Whether the content `name` is there."""
        return self._path(name).is_file()

    @contextmanager
    def opened(self, name: str) -> Iterator[h5py.File]:
        """The content `name`, for reading.

        Raises
        ------
        EditError
            When it is missing or damaged.
        """
        path = self._path(name)
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise EditError(
                path,
                "an edit of the sample needs it, but it is missing or damaged",
                "Restore the project's folder `edits` from a backup.",
            ) from error
        with file:
            yield file

    def _path(self, name: str) -> Path:
        # Names come from files, which may come from anyone.
        if _NAME.fullmatch(name) is None:
            raise EditError(self._folder, f"{name[:60]!r} is no name of a content", "Do not trust this sample's edits.")
        return self._folder / f"{self._sample}_{name}.h5"
