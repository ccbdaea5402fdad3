"""Put an edited copy of a sample in its place: whole, checked and on disk, or not at all."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from nwb_schema.edits.apply import apply_changes
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.edits_table import append_records
from nwb_schema.edits.record import EditRecord
from nwb_schema.edits.rows import RoiArrays
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.edits.state_reading import read_state
from nwb_schema.errors import EditError, SampleError
from nwb_schema.publishing import fsync_file, fsync_folder, partial_path, sweep_partials
from nwb_schema.reader import read_traces, trace_kinds

_BLOCK = 1 << 27
_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def edited_copy(
    path: Path,
    stamp: str,
    before: SampleState,
    after: SampleState,
    records: Sequence[EditRecord],
    contents: Contents,
) -> Iterator[Path]:
    """A hidden copy of the sample with `records` made, read back and on disk; removed at the end if still there.

    Parameters
    ----------
    stamp
        `stamp_of` the file when `before` was read from it.
    before, after
        What the sample holds, and what the copy has to hold.
    contents
        The arrays that the edits' changes name.

    Raises
    ------
    SampleError
        When the copy cannot be written, or does not read back as `after`.
    """
    temporary = partial_path(path.parent)
    try:
        sweep_partials(path.parent)
        copy_bytes(path, temporary)
        write_edits(temporary, before, records, contents)
        verify_copy(path, temporary, after)
        verify_traces(path, temporary, after, records, contents)
        fsync_file(temporary)
        if stamp_of(path) != stamp:
            raise EditError(path, "was replaced by another program during the edit", "Try again.")
        yield temporary
    except OSError as error:
        raise SampleError(
            path, f"cannot be edited ({error.strerror or error})", "Check permissions and free space of the project."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def replace(temporary: Path, path: Path) -> None:
    """Let the copy take the sample's place in one step; whoever has the old file open keeps reading the old one."""
    os.replace(temporary, path)
    fsync_folder(path.parent)


def stamp_of(path: Path) -> str:
    """What tells one state of a file from another without opening it."""
    status = path.stat()
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


def copy_bytes(source: Path, target: Path) -> None:
    """Copy content and permissions, inside the kernel (and without copying, where the filesystem can)."""
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
    else:
        with source.open("rb") as reading, target.open("xb") as writing:
            try:
                while os.copy_file_range(reading.fileno(), writing.fileno(), _BLOCK):
                    pass
            except OSError as error:
                if writing.tell() or os.fstat(writing.fileno()).st_size:
                    raise
                if error.errno in _FULL:
                    raise
                shutil.copyfileobj(reading, writing)
    shutil.copymode(source, target)


def write_edits(temporary: Path, before: SampleState, records: Sequence[EditRecord], contents: Contents) -> None:
    """Make the changes of `records` in the copy and enter them in its table of edits."""
    try:
        with h5py.File(temporary, "r+") as file:
            apply_changes(file, before, [change for record in records for change in record.changes], contents)
            append_records(file, records)
    except (RuntimeError, LookupError, ValueError, TypeError) as error:
        # What h5py raises on files that are built differently than they say, and when a disk is full.
        raise OSError(" ".join(str(error).split())[:300]) from error


def verify_copy(path: Path, temporary: Path, after: SampleState) -> None:
    """Read the copy again: it holds `after`, nothing more and nothing less."""
    try:
        written = read_state(temporary)
    except SampleError as error:
        raise SampleError(path, f"the edited copy {error.cause}", "Nothing was changed. Try again.") from error
    if written == after:
        return
    parts = differing_parts(after.digest(), written.digest()) or ("table of edits",)
    raise SampleError(
        path, f"did not read back as it was edited ({', '.join(parts)})", "Nothing was changed. Try again."
    )


def verify_traces(
    path: Path, temporary: Path, after: SampleState, records: Sequence[EditRecord], contents: Contents
) -> None:
    """Read the traces of new ROIs again, which are no part of a `SampleState`."""
    added = [c for record in records for c in record.changes if c.target.kind == "row" and c.target.roi in after.rows]
    for content, group in itertools.groupby(added, key=lambda change: change.after[0]):
        changes = list(group)
        rows = [after.rows[change.target.roi] for change in changes]
        with contents.opened(content) as kept:
            traces = RoiArrays.read(kept).traces
        for kind in set(trace_kinds(temporary)) & set(traces):
            expected = traces[kind][[change.after[1] for change in changes]]
            if not np.array_equal(read_traces(temporary, kind, rows), expected, equal_nan=True):
                raise SampleError(
                    path, f"the {kind} traces did not read back as they were given", "Nothing was changed. Try again."
                )


def differing_parts(one: dict[str, str], other: dict[str, str]) -> tuple[str, ...]:
    """Names of the parts in which two digests differ."""
    return tuple(sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)))
