"""Compare an exported file with the sample that it was made from, object by object and frame by frame."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema.errors import ExportError
from nwb_schema.export.redaction import PLACES
from nwb_schema.export.self_contained import frame_blocks, series_of_movie
from nwb_schema.local_hdf5 import outside_links
from nwb_schema.movie_file import DATASET
from nwb_schema.pynwb_check import schema_problems

_REMEDY = "Nothing was kept. Try again; if it happens twice, report it."
_BLOCK_BYTES = 1 << 26


def verify_export(
    sample: Path,
    exported: Path,
    *,
    movie: Path | None,
    keep_movie: bool,
    report: Callable[[float], None] = lambda _: None,
) -> None:
    """Check that `exported` holds everything of `sample` and all frames of `movie`, alone, and is valid NWB.

    Raises
    ------
    ExportError
        On the first difference; it names `exported`.
    """
    with h5py.File(sample, "r") as old, h5py.File(exported, "r") as new:
        outside = outside_links(new)
        if outside:
            raise _differs(exported, f"{outside[0][0]} leads to another file ({outside[0][1]})")
        series = series_of_movie(old)
        skipped = (*PLACES, *([series.strip("/")] if series is not None and (movie or not keep_movie) else []))
        names = _names(old, skipped)
        if names != _names(new, skipped):
            raise _differs(exported, f"it lacks or adds {sorted(names ^ _names(new, skipped))[0]}")
        for name in sorted(names):
            _compare(exported, name, old, new)
        if movie is not None and keep_movie and series is not None:
            _compare_movie(exported, movie, new[f"{series}/data"], report)
    problems = schema_problems(exported)
    if problems:
        raise _differs(exported, f"it is not valid NWB ({problems[0]})")


def _names(file: h5py.File, skipped: tuple[str, ...]) -> set[str]:
    """Every object, and every soft link, but what lies at or below `skipped`."""
    found = {"/"}
    todo = [("", file["/"])]
    while todo:
        prefix, group = todo.pop()
        for child in group:
            path = f"{prefix}/{child}".strip("/")
            if any(path == place or path.startswith(f"{place}/") for place in skipped):
                continue
            found.add(path)
            if isinstance(group.get(child, getlink=True), h5py.HardLink) and isinstance(group[child], h5py.Group):
                todo.append((path, group[child]))
    return found


def _compare(exported: Path, name: str, old: h5py.File, new: h5py.File) -> None:
    if name != "/":
        before, after = old.get(name, getlink=True), new.get(name, getlink=True)
        if isinstance(before, h5py.SoftLink):
            if not isinstance(after, h5py.SoftLink) or before.path != after.path:
                raise _differs(exported, f"{name} does not lead where it did")
            return
    one, other = old[name], new[name]
    if {key: _plain(value, old) for key, value in one.attrs.items()} != {
        key: _plain(value, new) for key, value in other.attrs.items()
    }:
        raise _differs(exported, f"the attributes of {name} changed")
    if isinstance(one, h5py.Dataset) and not _same_data(one, other):
        raise _differs(exported, f"the content of {name} changed")


def _same_data(one: h5py.Dataset, other: h5py.Dataset) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.shape is None:
        return True
    if h5py.check_ref_dtype(one.dtype) is not None or one.shape == () or one.size == 0:
        return bool(_plain(one[()], one.file) == _plain(other[()], other.file))
    row_bytes = max(1, one.size // one.shape[0] * one.dtype.itemsize)
    step = max(1, _BLOCK_BYTES // row_bytes)
    for start in range(0, one.shape[0], step):
        first, second = one[start : start + step], other[start : start + step]
        if first.dtype.kind == "O" or (first.dtype.names and first.dtype.hasobject):
            if _plain(first, one.file) != _plain(second, other.file):
                return False
        elif first.tobytes() != second.tobytes():
            return False
    return True


def _plain(value: Any, file: h5py.File) -> Any:
    """What can be compared between two files: references as the path that they lead to, numbers as their bytes."""
    if isinstance(value, h5py.RegionReference):
        return ("region", file[value].name if value else None)
    if isinstance(value, h5py.Reference):
        return ("reference", file[value].name if value else None)
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            return [_plain(item, file) for item in value.reshape(-1)]
        return (str(value.dtype), value.shape, value.tobytes())
    if isinstance(value, np.void):
        return [_plain(item, file) for item in value.item()] if value.dtype.names else value.tobytes()
    if isinstance(value, np.generic):
        return (str(value.dtype), value.tobytes())
    return value


def _compare_movie(exported: Path, movie: Path, data: h5py.Dataset, report: Callable[[float], None]) -> None:
    with h5py.File(movie, "r") as file:
        frames = file[DATASET]
        if frames.shape != data.shape or frames.dtype != data.dtype:
            raise _differs(exported, f"its movie is {data.shape} {data.dtype}, not {frames.shape} {frames.dtype}")
        for block in frame_blocks(frames):
            if not np.array_equal(frames[block], data[block], equal_nan=frames.dtype.kind == "f"):
                raise _differs(exported, f"frames {block.start} to {block.stop - 1} of its movie changed")
            report(block.stop / frames.shape[0])


def _differs(exported: Path, cause: str) -> ExportError:
    return ExportError(exported, f"the file does not read back as it should: {cause}", _REMEDY)
