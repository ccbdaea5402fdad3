"""The metadata file that a person writes, in neuroconv's layout, and its values in the form in which we keep them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from nwb_schema.errors import MetadataError
from nwb_schema.moments import parse_moment
from nwb_schema.names import clean_text
from nwb_schema.subject_terms import UnusableTerm, iso_age, sex_letter, species_name, weight_with_unit

FIELDS: dict[str, dict[str, str | None]] = {
    "NWBFile": {
        "session_description": "session_description",
        "experiment_description": "experiment_description",
        "experimenter": "experimenter",
        "institution": "institution",
        "lab": "lab",
        "keywords": "keywords",
        "notes": "session_notes",
        "protocol": "protocol",
        "pharmacology": "pharmacology",
        "surgery": "surgery",
        "virus": "virus",
        "stimulus_notes": "stimulus_notes",
        "related_publications": "related_publications",
        "session_id": "session_id",
        "session_start_time": "session_start_time",
        "identifier": None,
    },
    "Subject": {
        "subject_id": "subject_id",
        "description": "subject_description",
        "age": "age",
        "sex": "sex",
        "species": "species",
        "genotype": "genotype",
        "strain": "strain",
        "weight": "weight",
        "date_of_birth": "date_of_birth",
    },
    "Ophys.Device": {
        "name": "device_name",
        "description": "device_description",
        "manufacturer": "device_manufacturer",
    },
    "Ophys.ImagingPlane": {
        "name": None,
        "device": None,
        "imaging_rate": None,
        "description": "imaging_plane_description",
        "indicator": "indicator",
        "location": "location",
        "excitation_lambda": "excitation_lambda_nm",
        "grid_spacing": "grid_spacing_um",
        "grid_spacing_unit": None,
        "optical_channel": None,
    },
    "Ophys.ImagingPlane.optical_channel": {
        "name": "optical_channel_name",
        "description": "optical_channel_description",
        "emission_lambda": "emission_lambda_nm",
    },
}
_TUPLES = {"experimenter", "keywords", "related_publications"}
_UM_PER_UNIT = {"meters": 1e6, "m": 1e6, "millimeters": 1e3, "mm": 1e3, "micrometers": 1.0, "um": 1.0, "µm": 1.0}


def load_metadata_file(path: Path) -> dict[str, Any]:
    """Read a metadata file (YAML or JSON) in neuroconv's layout.

    Raises
    ------
    MetadataError
        When it cannot be read, or is not a mapping.
    """
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise MetadataError(path, f"cannot be read ({error})", "Give a YAML text file in UTF-8.") from error
    except yaml.YAMLError as error:
        raise MetadataError(
            path, f"is not valid YAML ({' '.join(str(error).split())})", "Correct the line named above."
        ) from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise MetadataError(path, "is not a mapping of sections", "Start it with NWBFile:, Subject: or Ophys:.")
    return loaded


def flatten(overrides: Mapping[str, Any], source: str, notes: list[str]) -> dict[str, tuple[str, Any]]:
    """``{our name: (name in the file, value)}`` of everything in a metadata file that is ours to store."""
    found: dict[str, tuple[str, Any]] = {}
    ophys = _mapping(overrides.get("Ophys"), "Ophys", source)
    plane = _mapping(ophys.get("ImagingPlane"), "Ophys.ImagingPlane", source)
    sections = {
        "NWBFile": _mapping(overrides.get("NWBFile"), "NWBFile", source),
        "Subject": _mapping(overrides.get("Subject"), "Subject", source),
        "Ophys.Device": _mapping(ophys.get("Device"), "Ophys.Device", source),
        "Ophys.ImagingPlane": plane,
        "Ophys.ImagingPlane.optical_channel": _mapping(
            plane.get("optical_channel"), "Ophys.ImagingPlane.optical_channel", source
        ),
    }
    for section, content in sections.items():
        known = FIELDS[section]
        for key, value in content.items():
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                hint = f"Did you mean {close[0]}?" if close else f"Known here: {', '.join(known)}."
                raise MetadataError(source, f"{section} has no field {key!r}", hint)
            name = known[key]
            if name is not None and value is not None:
                found[name] = (f"{section}.{key}", value)
    if "grid_spacing_um" in found:
        unit = str(plane.get("grid_spacing_unit", "meters"))
        if unit not in _UM_PER_UNIT:
            raise MetadataError(source, f"grid_spacing_unit {unit!r} is unknown", f"Use {', '.join(_UM_PER_UNIT)}.")
        where, value = found["grid_spacing_um"]
        found["grid_spacing_um"] = (where, (value, _UM_PER_UNIT[unit]))
    for key in overrides:
        close = difflib.get_close_matches(str(key), ("NWBFile", "Subject", "Ophys"), n=1, cutoff=0.7)
        if close and close[0] != key:
            raise MetadataError(source, f"has a section {key!r}, which is not known", f"Did you mean {close[0]}?")
    left = [f"{key}" for key in overrides if key not in ("NWBFile", "Subject", "Ophys")]
    left += [f"Ophys.{key}" for key in ophys if key not in ("Device", "ImagingPlane")]
    if left:
        notes.append(f"The metadata file also holds {', '.join(map(str, left))}, which is not stored.")
    return found


def _mapping(value: Any, section: str, source: str) -> Mapping[str, Any]:
    """One section; neuroconv writes Device, ImagingPlane and optical_channel as lists of one or more."""
    if value is None:
        return {}
    if isinstance(value, list):
        if len(value) > 1:
            raise MetadataError(source, f"{section} lists {len(value)} entries", "Keep the one of this recording.")
        value = value[0] if value else {}
    if not isinstance(value, Mapping):
        raise MetadataError(source, f"{section} is not a mapping", f"Write 'name: value' lines below {section}.")
    return value


def convert(name: str, value: Any, notes: list[str]) -> Any:
    """`value` in the form in which `SampleMetadata` holds the field `name`."""
    special = {"sex": sex_letter, "age": iso_age, "species": species_name, "weight": weight_with_unit}
    if name in special:
        converted = special[name](value)
        if converted != str(value):
            notes.append(f"{name.capitalize()} was given as {clean_text(str(value))!r}.")
        return converted
    if name in ("session_start_time", "date_of_birth"):
        moment = _moment(value)
        return aware(moment, name, notes) if name == "date_of_birth" else moment
    if name.endswith("_nm"):
        wavelength = float(value)
        if not 100 <= wavelength <= 3000:
            raise UnusableTerm("a wavelength is given in nanometres, such as 920")
        return wavelength
    if name == "grid_spacing_um":
        (x, y, *z), factor = value
        spacing = tuple(float(size) * factor for size in (y, x, *z[:1]))
        if not all(size > 0 for size in spacing):
            raise UnusableTerm("the spacing of pixels is positive")
        return spacing
    if name in _TUPLES:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(text for text in (clean_text(str(item)).strip() for item in items) if text)
    if isinstance(value, (list, dict)):
        raise UnusableTerm("one text is needed here")
    if name in ("subject_id", "session_id"):
        return str(value)
    cleaned = clean_text(str(value)).strip()
    if name == "device_name":
        cleaned = re.sub(r"[/:]", "-", cleaned)  # it becomes the name of a group, where / and : have a meaning
    if not cleaned:
        raise UnusableTerm("it is empty")
    return cleaned


def nwb_spacing(spacing: tuple[float, ...]) -> tuple[float, ...]:
    """``(y, x[, z])``, our order, as NWB has it: ``(x, y[, z])``."""
    y, x, *z = spacing
    return (x, y, *z)


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return parse_moment(str(value))
    except ValueError as error:
        raise UnusableTerm(str(error)) from None


def aware(moment: datetime, what: str, notes: list[str]) -> datetime:
    if moment.tzinfo is not None:
        return moment
    try:
        local = moment.astimezone()
    except (OSError, OverflowError, ValueError):
        raise UnusableTerm("the date lies outside what a computer can represent") from None
    notes.append(f"The {what} names no time zone; that of the computer is taken ({local.tzname()}).")
    return local
