"""Look things up in an HDF5 file without ever leaving that file.

A sample may come from anyone. HDF5 lets a name in it lead to any other file of the reader's computer: by an external
link, by a dataset whose bytes lie in external files, and by a virtual dataset. Nothing here follows any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from nwb_schema.limits import MAX_NAME_BYTES, MAX_ROIS, MAX_TEXT_BYTES, require_at_most, require_readable

_MAX_LINKS = 16


def local_get(group: h5py.Group, path: str, _depth: int = 0) -> h5py.Group | h5py.Dataset | None:
    """What `path` names below `group`, or None where nothing is there or the way leads out of the file."""
    node: h5py.Group | h5py.Dataset = group.file["/"] if path.startswith("/") else group
    for name in path.strip("/").split("/"):
        if not name or name == ".":
            continue
        if not isinstance(node, h5py.Group):
            return None
        target: h5py.Group | h5py.Dataset | None
        kind = _link_type(node, name)
        if kind == h5py.h5l.TYPE_HARD:
            target = _opened(node, name)
        elif kind == h5py.h5l.TYPE_SOFT and _depth < _MAX_LINKS:
            target = local_get(node, node.get(name, getlink=True).path, _depth + 1)
        else:
            return None
        if target is None or leads_outside(target):
            return None
        node = target
    return node


def _link_type(group: h5py.Group, name: str) -> int | None:
    # Lists of samples ask for some fifty names a file: h5py's own `get` takes three times as long.
    try:
        return int(group.id.links.get_info(name.encode("utf-8", "surrogatepass")).type)
    except (KeyError, ValueError, RuntimeError):
        return None


def _opened(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    opened = h5py.h5o.open(group.id, name.encode("utf-8", "surrogatepass"))
    if isinstance(opened, h5py.h5g.GroupID):
        return h5py.Group(opened)
    return h5py.Dataset(opened) if isinstance(opened, h5py.h5d.DatasetID) else None


def local_group(group: h5py.Group, path: str) -> h5py.Group | None:
    """The group at `path`, or None."""
    found = local_get(group, path)
    return found if isinstance(found, h5py.Group) else None


def require_local_group(group: h5py.Group, path: str) -> h5py.Group:
    """The group at `path`, made where it is missing; for writing.

    Raises
    ------
    ValueError
        When the way leads out of the file, or something else has the name.
    """
    for name in path.split("/"):
        if group.get(name, getlink=True) is None:
            group.create_group(name)
        node = local_group(group, name)
        if node is None:
            raise ValueError(f"{group.name}/{name} leads elsewhere or is no group")
        group = node
    return group


def local_dataset(group: h5py.Group, path: str) -> h5py.Dataset | None:
    """The dataset at `path`, or None."""
    found = local_get(group, path)
    return found if isinstance(found, h5py.Dataset) else None


def leads_outside(node: h5py.Group | h5py.Dataset) -> bool:
    """Whether reading `node` would read another file (external storage or a virtual dataset)."""
    if not isinstance(node, h5py.Dataset):
        return False
    made = node.id.get_create_plist()
    layout = made.get_layout()
    return bool(layout == h5py.h5d.VIRTUAL or (layout == h5py.h5d.CONTIGUOUS and made.get_external_count() > 0))


def local_children(group: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Name and object of everything directly in `group` that lies in the same file."""
    for name in group:
        child = local_get(group, name)
        if child is not None:
            yield name, child


def outside_links(group: h5py.Group) -> list[tuple[str, str]]:
    """``(name, file it leads to)`` of everything in `group` and below that would be read from another file."""
    found: list[tuple[str, str]] = []
    seen = set()
    todo = [(group, "")]
    while todo:
        parent, prefix = todo.pop()
        # Hard links may form a circle; an object's address in the file is its identity.
        address = h5py.h5o.get_info(parent.id).addr
        if address in seen:
            continue
        seen.add(address)
        for name in parent:
            path = f"{prefix}/{name}"
            link = parent.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                found.append((path, str(link.filename)))
            elif isinstance(link, h5py.HardLink):
                child = parent.get(name)
                if isinstance(child, h5py.Group):
                    todo.append((child, path))
                elif isinstance(child, h5py.Dataset) and child.external:
                    found.append((path, as_text(child.external[0][0])))
                elif isinstance(child, h5py.Dataset) and child.is_virtual:
                    found.append((path, ", ".join(str(source.file_name) for source in child.virtual_sources())))
    return found


def text(group: h5py.Group, path: str, max_bytes: int = MAX_TEXT_BYTES) -> str | None:
    """A scalar text dataset, or None; refused (`nwb_schema.limits.TooLargeError`) beyond `max_bytes`."""
    value = scalar(group, path, max_bytes)
    return None if value is None else as_text(value)


def name_text(group: h5py.Group, path: str) -> str | None:
    """A scalar text dataset that holds a name, an identifier or a time, or None."""
    return text(group, path, MAX_NAME_BYTES)


def scalar(group: h5py.Group, path: str, max_bytes: int = MAX_TEXT_BYTES) -> Any:
    """A scalar dataset (or the only element of one), or None; refused beyond `max_bytes`."""
    dataset = local_dataset(group, path)
    if dataset is None or dataset.size != 1:
        return None
    require_at_most(str(dataset.name), int(dataset.dtype.itemsize), max_bytes, "bytes")
    value = np.asarray(dataset[()]).reshape(-1)[0]
    # How long text of variable length is shows only now; it lies in the file, which bounds it.
    require_at_most(str(dataset.name), len(value) if isinstance(value, (bytes, str)) else 0, max_bytes, "bytes")
    return value


def texts(group: h5py.Group, path: str) -> tuple[str, ...]:
    """A text dataset of any size, flattened; empty where it is absent."""
    dataset = local_dataset(group, path)
    if dataset is None or dataset.size in (0, None):
        return ()
    require_readable(dataset, MAX_ROIS, "texts")
    require_at_most(str(dataset.name), int(dataset.dtype.itemsize), MAX_NAME_BYTES, "bytes")
    return tuple(as_text(item) for item in np.asarray(dataset[()]).reshape(-1))


def as_text(value: Any) -> str:
    """HDF5 text, whether it comes as bytes or str."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def type_of(node: h5py.Group | h5py.Dataset) -> str:
    """The neurodata type of `node`, or an empty string."""
    return as_text(node.attrs.get("neurodata_type", ""))
