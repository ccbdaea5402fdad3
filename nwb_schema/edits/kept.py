"""What an edit takes out of a sample whole, and puts back: a series of behaviour, or the segmentation.

Each is known by its ``object_id``, under which it is kept (`nwb_schema.edits.contents`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import h5py

from nwb_schema import local_hdf5
from nwb_schema.edits.change import Change
from nwb_schema.edits.contents import Contents
from nwb_schema.edits.sample_state import SampleState
from nwb_schema.layout import BEHAVIOUR, FLUORITE, OPHYS, PLANE_SEGMENTATION
from nwb_schema.reader import open_sample

SERIES = "series"
_KEPT = ("series", "segmentation")
_GROUPS = ("ImageSegmentation", "Fluorescence", "DfOverF", "BackgroundFluorescence", "SegmentationImages")
# What of `general/fluorite` says how the segmentation came to be.
_ORIGIN_FIELDS = (
    *("engine", "engine_version", "parameters", "parameters_sha256", "input_files", "input_sha256", "job_id"),
    *("notes", "seconds", "fluorite_version"),
)
_PLACES = (
    *(f"{OPHYS}/{name}" for name in _GROUPS),
    *(f"{FLUORITE}/{name}" for name in _ORIGIN_FIELDS),
    "general/was_generated_by",
)


def keep_of(
    path: Path, state: SampleState, changes: Iterable[Change], contents: Contents, *, again: bool = True
) -> None:
    """Keep what `changes` are going to take out of the sample `path`.

    Parameters
    ----------
    state
        What it holds now.
    again
        Keep again what is kept already, because it may have been edited since, here or by other programs.
    """
    for change in changes:
        target, now = change.target, state.value(change.target)
        if target.kind not in _KEPT or now is None or now == change.after or (contents.has(now) and not again):
            continue
        with open_sample(path) as file:
            if target.kind == "segmentation":
                contents.put(now, partial(copy_segmentation, file))
            else:
                contents.put(now, partial(_copy_series, file, target.name))


def _copy_series(source: h5py.File, name: str, target: h5py.File) -> None:
    source.copy(f"{BEHAVIOUR}/{name}", target, name=SERIES)


def set_series(file: h5py.File, name: str, object_id: str | None, contents: Contents) -> None:
    """Let the series of behaviour `name` be the one that is kept as `object_id`; None removes it."""
    module = local_hdf5.require_local_group(file, BEHAVIOUR)
    if not local_hdf5.type_of(module):
        mark_module(module)
    if module.get(name, getlink=True) is not None:
        del module[name]
    if object_id is not None:
        with contents.opened(object_id) as kept:
            kept.copy(SERIES, module, name=name)
    elif len(module) == 0:
        del file[BEHAVIOUR]


def mark_module(module: h5py.Group) -> None:
    """Make the group the processing module of behaviour."""
    module.attrs["namespace"] = "core"
    module.attrs["neurodata_type"] = "ProcessingModule"
    module.attrs["object_id"] = str(uuid.uuid4())
    module.attrs["description"] = "What was measured of the animal beside the movie."


def copy_segmentation(source: h5py.File, target: h5py.File) -> None:
    """Copy the ROI table, traces, images and their origin from one open file to another, in place of what is there."""
    for place in _PLACES:
        if place in target:
            del target[place]
        if local_hdf5.local_get(source, place) is not None:
            parent, _, name = place.rpartition("/")
            source.copy(place, target.require_group(parent), name=name)
    _renew_references(target)


def put_segmentation(file: h5py.File, object_id: str, contents: Contents) -> None:
    """Let the segmentation of the open sample `file` be the one that is kept as `object_id`."""
    if PLANE_SEGMENTATION not in file and f"{OPHYS}/ImageSegmentation" not in file and OPHYS not in file:
        raise ValueError("its ROIs are where another program put them")
    with contents.opened(object_id) as kept:
        copy_segmentation(kept, file)


def _renew_references(file: h5py.File) -> None:
    """References inside what was copied lead to the places of the other file."""
    segmentation = local_hdf5.local_group(file, f"{OPHYS}/ImageSegmentation")
    for _, table in () if segmentation is None else local_hdf5.local_children(segmentation):
        for name in list(table):
            if name.endswith("_index") and name.removesuffix("_index") in table:
                table[name].attrs["target"] = table[name.removesuffix("_index")].ref
    ophys = file[OPHYS]
    for container in _GROUPS[1:4]:
        own = "BackgroundSegmentation" if container.startswith("Background") else "PlaneSegmentation"
        for _, series in local_hdf5.local_children(ophys[container]) if container in ophys else ():
            if "rois" in series and segmentation is not None and own in segmentation:
                series["rois"].attrs["table"] = segmentation[own].ref
