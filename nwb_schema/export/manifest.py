"""What an export folder already holds, so that an export goes on where it stopped and never replaces another's file."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nwb_schema.errors import ExportError
from nwb_schema.publishing import fsync_file, fsync_folder, partial_path

_NAME = ".fluorite-export.json"
_FORMAT = 1
_READ_BYTES = 1 << 20

Stamp = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


@dataclass(frozen=True)
class Entry:
    """One exported file.

    Attributes
    ----------
    digest
        SHA-256 over what it was made from; see `source_digest`.
    stamps
        Of every version of the file that was written under its name, the newest last. A file with another stamp was
        changed by somebody else.
    """

    digest: str
    stamps: tuple[Stamp, ...]


@dataclass
class Manifest:
    """The hidden list of what was exported into a folder."""

    folder: Path
    entries: dict[str, Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """The list of `folder`, empty where there is none.

        Raises
        ------
        ExportError
            When the list is damaged.
        """
        path = folder / _NAME
        if not path.exists():
            return cls(folder)
        try:
            loaded = json.loads(path.read_text(encoding="utf-8"))
            entries = {
                name: Entry(str(entry["digest"]), tuple((int(size), int(time)) for size, time in entry["stamps"]))
                for name, entry in loaded["files"].items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(
                path, f"the list of what was exported cannot be read ({error})", "Export into a new folder."
            ) from error
        return cls(folder, entries)

    def is_current(self, name: str, digest: str) -> bool:
        """Whether the file `name` is there as it was exported, from the very same source."""
        entry, stamp = self.entries.get(name), stamp_of(self.folder / name)
        return entry is not None and stamp is not None and entry.digest == digest and entry.stamps[-1] == stamp

    def is_ours(self, name: str) -> bool:
        """Whether a file that is there under `name` is one that was exported, and unchanged since."""
        entry, stamp = self.entries.get(name), stamp_of(self.folder / name)
        return entry is not None and stamp in entry.stamps

    def record(self, name: str, digest: str, stamp: Stamp) -> None:
        """Note a version of `name` on disk, before it gets its name: so a kill in between leaves no unknown file."""
        old = self.entries.get(name)
        self.entries[name] = Entry(digest, (*(old.stamps if old else ()), stamp))
        text = json.dumps({"format": _FORMAT, "files": {key: asdict(entry) for key, entry in self.entries.items()}})
        temporary = partial_path(self.folder)
        try:
            temporary.write_text(text, encoding="utf-8")
            fsync_file(temporary)
            os.replace(temporary, self.folder / _NAME)
        finally:
            temporary.unlink(missing_ok=True)
        fsync_folder(self.folder)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of a file, or None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def source_digest(sample: Path, movie: Path | None, *, keep_movie: bool) -> str:
    """SHA-256 over the sample's bytes, its movie and what is done with them.

    A registered movie never changes once it is written; so its name, size and time of change stand for its bytes.
    """
    digest = hashlib.sha256(f"format {_FORMAT} movie {keep_movie} ".encode())
    if movie is not None:
        digest.update(f"{movie.name} {stamp_of(movie)} ".encode())
    with sample.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
