"""What Fluorite adds to a file of somebody else, with h5py: only ever to a copy."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.extension import NAMESPACE, fluorite_sample_class
from nwb_schema.layout import FLUORITE
from nwb_schema.publishing import partial_path
from nwb_schema.stored_masks import accept_flags, count_rois

_TEXT = h5py.string_dtype()


def add_own_group(file: h5py.File, fields: Mapping[str, Any], folder: Path) -> None:
    """Add ``/general/fluorite`` and the specification of its type.

    pynwb writes both into a file of its own, from which they are copied: so they are what pynwb expects, whatever
    version the open `file` is of.
    """
    from pynwb import NWBHDF5IO, NWBFile

    donor = NWBFile(
        identifier="donor", session_description="donor", session_start_time=datetime(2000, 1, 1, tzinfo=UTC)
    )
    given = {name: value for name, value in fields.items() if value is not None}
    donor.add_lab_meta_data(fluorite_sample_class()(**given))
    path = partial_path(folder).with_suffix(".nwb")
    try:
        with NWBHDF5IO(str(path), "w") as io:
            io.write(donor)
        with h5py.File(path, "r") as source:
            source.copy(FLUORITE, file.require_group("general"), name="fluorite")
            if "specifications" not in file:
                # Ours alone would not do: it builds on core, and pynwb then looks for core in the file as well.
                source.copy("specifications", file, name="specifications")
            elif NAMESPACE not in file["specifications"]:
                source.copy(f"specifications/{NAMESPACE}", file["specifications"], name=NAMESPACE)
            file.attrs[".specloc"] = file["specifications"].ref
    finally:
        path.unlink(missing_ok=True)


def add_roi_columns(table: h5py.Group) -> None:
    """Give every ROI an identity, and say which count as cells, where the table does not say it in our words."""
    n_rois = count_rois(table)
    accepted, evaluated = accept_flags(table, n_rois)
    columns: dict[str, tuple[str, Any]] = {
        "roi_uuid": ("Permanent identity of the ROI.", [str(uuid.uuid4()) for _ in range(n_rois)]),
        "is_accepted": ("Whether the ROI counts as a cell.", accepted),
        "evaluated": ("Whether something decided is_accepted; where False, nothing was looked at.", evaluated),
    }
    names = [local_hdf5.as_text(name) for name in np.asarray(table.attrs["colnames"]).reshape(-1)]
    # Files of before hdmf-common have VectorData in core.
    namespace = local_hdf5.as_text(table["id"].attrs.get("namespace", "hdmf-common"))
    for name, (description, values) in columns.items():
        if name in table:
            continue
        if name == "roi_uuid":
            data = table.create_dataset(name, data=values, dtype=_TEXT, maxshape=(None,))
        else:
            data = table.create_dataset(
                name, data=np.asarray(values).astype(np.int8), dtype=_boolean(), maxshape=(None,)
            )
        data.attrs["description"] = description
        _typed(data, "VectorData", namespace)
        names.append(name)
    table.attrs["colnames"] = np.array(names, dtype=object)


def _boolean() -> Any:
    """The type in which pynwb stores yes and no."""
    return h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, basetype=np.int8)


def add_group(parent: h5py.Group, name: str, neurodata_type: str) -> h5py.Group:
    """A new group of a type of NWB's core."""
    group = parent.create_group(name)
    _typed(group, neurodata_type, "core")
    return group


def _typed(node: h5py.Group | h5py.Dataset, neurodata_type: str, namespace: str) -> None:
    node.attrs["neurodata_type"] = neurodata_type
    node.attrs["namespace"] = namespace
    node.attrs["object_id"] = str(uuid.uuid4())


def set_text(file: h5py.File, path: str, value: str | tuple[str, ...]) -> str | None:
    """Put a text (or texts) at `path`; return what stood there before, as a person would read it."""
    before = ", ".join(local_hdf5.texts(file, path)) or None
    attributes = dict(file[path].attrs) if path in file else {}
    if path in file:
        del file[path]
    data = file.create_dataset(path, data=value if isinstance(value, str) else list(value), dtype=_TEXT)
    data.attrs.update(attributes)
    return before


def set_number(file: h5py.File, path: str, value: float | list[float]) -> str | None:
    """Put a number (or numbers) at `path`; return what stood there before, unless it was none."""
    old = local_hdf5.local_dataset(file, path)
    before = None if old is None or not np.all(np.isfinite(old[()])) else str(np.asarray(old[()]).tolist())
    attributes = dict(old.attrs) if old is not None else {}
    if path in file:
        del file[path]
    data = file.create_dataset(
        path, data=np.asarray(value, dtype=np.float32 if isinstance(value, list) else np.float64)
    )
    data.attrs.update(attributes)
    return before
