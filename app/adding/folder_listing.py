"""The folders and files on this computer that a person may pick from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.movies import SUPPORTED_EXTENSIONS


@dataclass(frozen=True)
class FolderListing:
    """What is in a folder.

    Attributes
    ----------
    folder
        The folder itself.
    parent
        The folder above, or None at the top of what may be seen.
    folders, files
        In it, sorted as people sort (without regard to case); hidden ones are left out. Of the files only those with
        the endings that were asked for.
    problem
        Why the folder cannot be listed, or None.
    """

    folder: Path
    parent: Path | None
    folders: tuple[Path, ...] = ()
    files: tuple[Path, ...] = ()
    problem: str | None = None


def list_folder(folder: Path, roots: Sequence[Path], endings: Sequence[str] = SUPPORTED_EXTENSIONS) -> FolderListing:
    """List a folder that lies under one of `roots`; anything else lists the first root.

    Links are followed before the question is asked, so a link cannot lead out.

    Parameters
    ----------
    endings
        Of the names of the files to list, in small letters; movies when not given.
    """
    allowed = [root.resolve() for root in roots]
    place = folder.expanduser().resolve()
    if not any(place.is_relative_to(root) for root in allowed):
        return FolderListing(
            allowed[0], None, problem=f"{folder} is outside the folders that this server may show: {allowed[0]}"
        )
    parent = place.parent if place not in allowed and place.parent != place else None
    try:
        entries = sorted(place.iterdir(), key=lambda entry: entry.name.lower())
        shown = [entry for entry in entries if not entry.name.startswith(".")]
        return FolderListing(
            place,
            parent,
            folders=tuple(entry for entry in shown if entry.is_dir()),
            files=tuple(entry for entry in shown if entry.suffix.lower() in endings and entry.is_file()),
        )
    except OSError as error:
        return FolderListing(place, parent, problem=f"{place} cannot be listed: {error.strerror or error}")
