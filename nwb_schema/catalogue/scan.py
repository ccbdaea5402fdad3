"""Bring the catalogue up to date with the files of a project.

A file is read again when its size, its modification time or its inode changed, or those of its movie. One that only
got another name keeps its entry. Only one scan of a project runs at a time, whichever process asks for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from nwb_schema.catalogue.entry import Entry, read_entry
from nwb_schema.catalogue.store import ENTRY_VERSION, CatalogueStore, Indexed
from nwb_schema.catalogue.workers import Answer, Batch, n_processes, read_in_processes
from nwb_schema.project import Project

Progress = Callable[[int, int], None]
"""Called with how many of the files that have to be read were, and how many there are."""

_MISSING = "missing"
_BATCH = 25
"""Files per transaction: each transaction waits for the disk."""


@dataclass(frozen=True)
class Refreshed:
    """What a scan found: file names.

    Attributes
    ----------
    added, changed, removed
        New files, files that were read again, and files that are gone.
    moved
        Files that got another name, ``(old, new)``.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    moved: tuple[tuple[str, str], ...] = ()

    @property
    def anything(self) -> bool:
        """Whether the catalogue changed at all."""
        return bool(self.added or self.changed or self.removed or self.moved)


def scan(project: Project, store: CatalogueStore, progress: Progress | None = None) -> Refreshed:
    """Read what is new or changed, forget what is gone, follow what was renamed. The caller holds the lock."""
    known = store.indexed()
    # In this order: what another process adds in between is then neither missing nor taken for deleted.
    paths = {_listed_name(path): path for path in project.sample_paths()}
    stamps = {name: _stamp(path) for name, path in paths.items()}
    gone = {name: file for name, file in known.items() if name not in paths}
    renamed = _renamed(project, gone, {name: stamp for name, stamp in stamps.items() if name not in known})
    if renamed:
        store.rename(renamed)
        known |= {new: gone.pop(old) for old, new in renamed.items()}
    to_read = [name for name, stamp in stamps.items() if not _is_current(project, known.get(name), stamp)]
    moved = list(renamed.items())
    added: list[str] = []
    changed: list[str] = []
    by_identifier = {file.identifier: file for file in gone.values() if file.identifier}
    for name, identifier in _read_all(project, store, [(name, stamps[name]) for name in to_read], progress):
        old = by_identifier.pop(identifier, None) if name not in known else None
        if name in known:
            changed.append(name)
        elif old is not None:
            # It came by way of another disk, or was edited as well: it is the same sample nevertheless.
            moved.append((old.name, name))
            store.remove([old.name])
            del gone[old.name]
        else:
            added.append(name)
    if gone:
        store.remove(gone)
    store.complete()
    return Refreshed(tuple(added), tuple(changed), tuple(sorted(gone)), tuple(sorted(moved)))


def put_file(project: Project, store: CatalogueStore, path: Path) -> None:
    """Read one file again, that was just replaced."""
    stamp = _stamp(path)
    entry = _read(path)
    store.put([(_listed_name(path), _fingerprint(project, stamp, entry.movie), entry)])


def read_and_store(project: Project, store: CatalogueStore, files: Batch) -> Answer:
    """Read and store files, ``(name, stamp before reading)``; each with its identifier, empty where there is none."""
    batch = []
    for name, stamp in files:
        entry = _read(project.samples_dir / name)
        # The stamp is from before reading: a file that is replaced meanwhile is read again the next time.
        batch.append((name, _fingerprint(project, stamp, entry.movie), entry))
    store.put(batch)
    return [(name, "" if entry.sample is None else entry.sample["identifier"]) for name, _, entry in batch]


def _read_all(
    project: Project, store: CatalogueStore, files: Sequence[tuple[str, str]], progress: Progress | None
) -> Iterator[tuple[str, str]]:
    """Read and store all these files, by several processes where that pays."""
    batches: SimpleQueue[Batch] = SimpleQueue()
    for start in range(0, len(files), _BATCH):
        batches.put(files[start : start + _BATCH])
    done = 0
    for answer in _answers(project, store, batches, n_processes(len(files))):
        done += len(answer)
        if progress is not None:
            progress(done, len(files))
        yield from answer


def _answers(
    project: Project, store: CatalogueStore, batches: SimpleQueue[Batch], n_processes: int
) -> Iterator[Answer]:
    if n_processes:
        answers: SimpleQueue[Answer | None] = SimpleQueue()
        arguments = (project.folder, store.path, batches, answers, n_processes)
        feeding = Thread(target=read_in_processes, args=arguments, daemon=True)
        feeding.start()
        try:
            yield from iter(answers.get, None)
        except BaseException:
            # Somebody gave up: the processes end after the batch that each is reading.
            while not batches.empty():
                batches.get()
            raise
        feeding.join()
    while not batches.empty():
        yield read_and_store(project, store, batches.get())


def _renamed(project: Project, gone: dict[str, Indexed], new: dict[str, str]) -> dict[str, str]:
    """``{old name: new name}`` of files that are the very same as before, to the inode."""
    # By the file's own part of the fingerprint first: a movie is looked at once for each file that was renamed.
    by_stamp: dict[str, list[str]] = defaultdict(list)
    for name, file in gone.items():
        by_stamp[file.fingerprint.partition(" ")[0]].append(name)
    found: dict[str, str] = {}
    for name, stamp in new.items():
        for old in () if stamp == _MISSING else by_stamp.get(stamp, ()):
            if old not in found and _is_current(project, gone[old], stamp):
                found[old] = name
                break
    return found


def _is_current(project: Project, file: Indexed | None, stamp: str) -> bool:
    return (
        file is not None
        and file.entry_version == ENTRY_VERSION
        and file.fingerprint == _fingerprint(project, stamp, file.movie)
    )


def _read(path: Path) -> Entry:
    if "?" in path.name and not path.exists():
        return Entry(None, problem="has a name that is not UTF-8: rename it")
    return read_entry(path)


def _listed_name(path: Path) -> str:
    """The file's name as it can be stored and shown."""
    return path.name.encode("utf-8", "replace").decode()


def _fingerprint(project: Project, stamp: str, movie: str | None) -> str:
    return f"{stamp} {'' if movie is None else _stamp(project.movies_dir / movie)}"


def _stamp(path: Path) -> str:
    """What tells one state of a file from another without opening it."""
    try:
        status = path.stat()
    except OSError:
        return _MISSING
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"
