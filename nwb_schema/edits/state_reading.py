"""Reading from its file all that edits can change of a sample."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py

from nwb_schema import local_hdf5
from nwb_schema.edits import edits_table
from nwb_schema.edits.fields import STORED, Field
from nwb_schema.edits.roi_table import plain_values, read_rois_state
from nwb_schema.edits.sample_state import SampleState, short_hash
from nwb_schema.edits.times import read_times
from nwb_schema.errors import SampleError
from nwb_schema.layout import BEHAVIOUR, CUSTOM_COLUMNS, FLUORITE, IMAGING_PLANE
from nwb_schema.linked_movie import movie_link
from nwb_schema.pixel_size import read_grid_spacing
from nwb_schema.reader import open_sample
from nwb_schema.sample_summary import is_volume


def read_state(path: Path) -> SampleState:
    """What edits can change of the sample `path`.

    Raises
    ------
    SampleError
        Also when the file is not one of ours, which is only browsed.
    """
    with open_sample(path) as file:
        if local_hdf5.local_group(file, FLUORITE) is None:
            raise SampleError(path, "was not written by Fluorite, so it is only browsed", "Adopt it into the project.")
        rois = read_rois_state(file)
        identifier = local_hdf5.text(file, "identifier") or ""
        return SampleState(
            identifier=identifier,
            roi_uuids=rois.roi_uuids,
            columns=rois.columns,
            fields={name: _read_field(file, field) for name, field in STORED.items()},
            custom=read_custom(file),
            edit_ids=edits_table.read_ids(file),
            masks=rois.masks,
            segmentation=rois.segmentation or f"none-{short_hash(identifier.encode())}",
            times=read_times(file),
            series=_read_series(file),
            movie=_movie(file),
            volume=is_volume(file),
        )


def read_custom(file: h5py.File) -> dict[str, Any]:
    """The values of the custom columns that an open sample has, by their keys."""
    table = local_hdf5.local_group(file, CUSTOM_COLUMNS)
    if table is None:
        return {}
    found = {}
    for name in (local_hdf5.as_text(name) for name in table.attrs.get("colnames", ())):
        data = local_hdf5.local_dataset(table, name)
        plain = None if data is None else plain_values(data)
        if plain is not None and len(plain[1]) == 1:
            found[name] = plain[1][0]
    return found


def field_path(file: h5py.File, field: Field) -> str:
    """Path of the dataset of `field`; the optical channel may have any name, and in adopted files the plane."""
    place = field.place
    if place.startswith(IMAGING_PLANE):
        place = f"{_plane_path(file)}{place.removeprefix(IMAGING_PLANE)}"
    before, star, after = place.partition("/*")
    if not star:
        return place
    plane = local_hdf5.local_group(file, before)
    channels = [] if plane is None else [name for name, node in local_hdf5.local_children(plane) if _is_channel(node)]
    return f"{before}/{channels[0] if channels else 'OpticalChannel'}{after}"


def _plane_path(file: h5py.File) -> str:
    """Path of our imaging plane, or of the first one of a file that another program wrote."""
    folder = IMAGING_PLANE.rpartition("/")[0]
    planes = local_hdf5.local_group(file, folder)
    if planes is None or local_hdf5.local_group(file, IMAGING_PLANE) is not None:
        return IMAGING_PLANE
    names = (name for name, node in local_hdf5.local_children(planes) if local_hdf5.type_of(node) == "ImagingPlane")
    return next((f"{folder}/{name}" for name in names), IMAGING_PLANE)


def _read_field(file: h5py.File, field: Field) -> Any:
    path = field_path(file, field)
    if field.type == "texts":
        return list(local_hdf5.texts(file, path)) or None
    if field.type == "text":
        return local_hdf5.text(file, path)
    if field.type == "spacing":
        return read_grid_spacing(file, path)
    number = local_hdf5.scalar(file, path)
    return None if number is None or not math.isfinite(number) else float(number)


def _is_channel(node: h5py.Group | h5py.Dataset) -> bool:
    return isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "OpticalChannel"


def _read_series(file: h5py.File) -> dict[str, str]:
    module = local_hdf5.local_group(file, BEHAVIOUR)
    return {
        name: local_hdf5.as_text(node.attrs.get("object_id", ""))
        for name, node in (() if module is None else local_hdf5.local_children(module))
        if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == "TimeSeries"
    }


def _movie(file: h5py.File) -> tuple[str, str] | None:
    link = movie_link(file)
    return None if link is None else (str(link.filename), str(link.path))
