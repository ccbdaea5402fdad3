"""Metadata that a person gives for a foreign file, put where NWB keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import h5py

from nwb_schema import local_hdf5
from nwb_schema.adoption.additions import add_group, set_number, set_text
from nwb_schema.errors import MetadataError
from nwb_schema.metadata_file import aware, convert, flatten, nwb_spacing
from nwb_schema.names import clean_id, clean_text
from nwb_schema.subject_terms import UnusableTerm

_FILE = {
    "session_description": "session_description",
    "session_start_time": "session_start_time",
    "session_id": "general/session_id",
    "experiment_description": "general/experiment_description",
    "experimenter": "general/experimenter",
    "institution": "general/institution",
    "lab": "general/lab",
    "keywords": "general/keywords",
    "session_notes": "general/notes",
    "protocol": "general/protocol",
    "pharmacology": "general/pharmacology",
    "surgery": "general/surgery",
    "virus": "general/virus",
    "stimulus_notes": "general/stimulus",
    "related_publications": "general/related_publications",
}
_SUBJECT = {
    "subject_id": "subject_id",
    "subject_description": "description",
    "age": "age",
    "sex": "sex",
    "species": "species",
    "genotype": "genotype",
    "strain": "strain",
    "weight": "weight",
    "date_of_birth": "date_of_birth",
}
_PLANE = {
    "imaging_plane_description": "description",
    "indicator": "indicator",
    "location": "location",
    "excitation_lambda_nm": "excitation_lambda",
    "grid_spacing_um": "grid_spacing",
}
_CHANNEL = {"emission_lambda_nm": "emission_lambda", "optical_channel_description": "description"}


def read_given(overrides: Mapping[str, Any], source: str) -> tuple[dict[str, Any], list[str]]:
    """``({our name: value}, notes)`` of a metadata file in neuroconv's layout.

    Raises
    ------
    MetadataError
        When a value cannot go into NWB.
    """
    notes: list[str] = []
    values: dict[str, Any] = {}
    for name, (where, value) in flatten(overrides, source, notes).items():
        try:
            converted = convert(name, value, notes)
            values[name] = aware(converted, name, notes) if name == "session_start_time" else converted
        except (UnusableTerm, ValueError, TypeError) as error:
            raise MetadataError(
                source, f"{where} = {value!r} cannot be used ({error})", "Correct or remove it."
            ) from error
    return values, notes


def apply_given(file: h5py.File, values: Mapping[str, Any], source: str) -> tuple[set[str], list[str]]:
    """Put `values` into the open `file`; return the paths that were set, and notes on what stood there before.

    Raises
    ------
    MetadataError
        When the file has no imaging plane for what is said of it.
    """
    changed: set[str] = set()
    notes: list[str] = []
    for name, value in values.items():
        path = _place(file, name, source)
        if path is None:
            notes.append(f"{name} was given, but is not stored in an adopted file.")
            continue
        before = _put(file, path, name, value)
        changed.add(path)
        if before is not None and before != str(value):
            notes.append(f"{path} was {clean_text(before)!r} before the file was adopted.")
    return changed, notes


def _put(file: h5py.File, path: str, name: str, value: Any) -> str | None:
    if name in ("session_id", "subject_id"):
        return set_text(file, path, clean_id(value))
    if isinstance(value, datetime):
        return set_text(file, path, value.isoformat())
    if name == "grid_spacing_um":
        # Ours is (y, x[, z]) in micrometres, NWB's (x, y[, z]) in metres.
        before = set_number(file, path, [um * 1e-6 for um in nwb_spacing(value)])
        file[path].attrs["unit"] = "meters"
        return before
    if isinstance(value, float):
        return set_number(file, path, value)
    return set_text(file, path, value)


def _place(file: h5py.File, name: str, source: str) -> str | None:
    """The path of a field in the file; its group is made where NWB allows it to be missing."""
    if name in _FILE:
        return _FILE[name]
    if name in _SUBJECT:
        if "general/subject" not in file:
            add_group(file.require_group("general"), "subject", "Subject")
        return f"general/subject/{_SUBJECT[name]}"
    if name not in _PLANE and name not in _CHANNEL:
        return None
    plane = _first(local_hdf5.local_group(file, "general/optophysiology"), "ImagingPlane")
    channel = None if plane is None else _first(plane, "OpticalChannel")
    group = plane if name in _PLANE else channel
    if group is None:
        raise MetadataError(source, f"the file has no imaging plane or channel for {name}", f"Leave {name} out.")
    return f"{group.name.strip('/')}/{(_PLANE | _CHANNEL)[name]}"


def _first(parent: h5py.Group | None, neurodata_type: str) -> h5py.Group | None:
    if parent is None:
        return None
    for _, node in local_hdf5.local_children(parent):
        if isinstance(node, h5py.Group) and local_hdf5.type_of(node) == neurodata_type:
            return node
    return None
