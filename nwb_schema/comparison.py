"""Whether two HDF5 files hold the same: objects, links, attributes and every value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import h5py
import numpy as np

_BLOCK_BYTES = 1 << 26


def first_difference(
    old: h5py.File,
    new: h5py.File,
    *,
    ignore: Collection[str] = (),
    changed: Collection[str] = (),
    additions: bool = False,
) -> str | None:
    """What of `old` is not the same in `new`, in one clause, or None.

    External links are not followed: they are the same when both are links.

    Parameters
    ----------
    ignore
        Paths that are not looked at, nor what lies below.
    changed
        Paths that may differ; what lies below may not.
    additions
        Whether `new` may hold more than `old`.
    """
    before, after = _names(old, ignore), _names(new, ignore)
    odd = before - after if additions else before ^ after
    if odd:
        return f"{min(odd)} is {'missing' if min(odd) in before else 'added'}"
    for name in sorted(before - set(changed)):
        difference = _difference(name, old, new)
        if difference is not None:
            return difference
    return None


def _names(file: h5py.File, ignore: Collection[str]) -> set[str]:
    """Every object and every link, but what lies at or below `ignore`."""
    found = {"/"}
    todo = [("", file["/"])]
    while todo:
        prefix, group = todo.pop()
        for child in group:
            path = f"{prefix}/{child}".strip("/")
            if any(path == place or path.startswith(f"{place}/") for place in ignore):
                continue
            found.add(path)
            if isinstance(group.get(child, getlink=True), h5py.HardLink) and isinstance(group[child], h5py.Group):
                todo.append((path, group[child]))
    return found


def _difference(name: str, old: h5py.File, new: h5py.File) -> str | None:
    if name != "/":
        before, after = old.get(name, getlink=True), new.get(name, getlink=True)
        if type(before) is not type(after) or getattr(before, "path", "") != getattr(after, "path", ""):
            return f"{name} does not lead where it did"
        if not isinstance(before, h5py.HardLink):
            return None
    one, other = old[name], new[name]
    if {key: _plain(value, old) for key, value in one.attrs.items()} != {
        key: _plain(value, new) for key, value in other.attrs.items()
    }:
        return f"the attributes of {name} changed"
    if isinstance(one, h5py.Dataset) and not same_data(one, other):
        return f"the content of {name} changed"
    return None


def same_data(one: h5py.Dataset, other: h5py.Dataset) -> bool:
    """Whether two datasets have the same shape, type and values, bit for bit."""
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
