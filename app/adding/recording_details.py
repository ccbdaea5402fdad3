"""What a form asks about a recording besides its movie: from fields to the metadata that `process --metadata` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nwb_schema.errors import MetadataError
from nwb_schema.pixel_size import parse_pixel_size
from nwb_schema.project import Project
from nwb_schema.subjects import change_subject


@dataclass(frozen=True)
class Detail:
    """One field.

    Attributes
    ----------
    name
        Of the field.
    label, example
        What people read.
    place
        Where it is in a metadata file (neuroconv's layout).
    default
        The lab default that stands for it where it is left empty, or None.
    """

    name: str
    label: str
    example: str
    place: tuple[str, ...]
    default: str | None = None


_PLANE = ("Ophys", "ImagingPlane")
SUBJECT_DETAILS = (
    Detail("sex", "Sex", "F", ("Subject", "sex")),
    Detail("age", "Age", "90 days", ("Subject", "age")),
    Detail("species", "Species", "Mus musculus", ("Subject", "species")),
    Detail("genotype", "Genotype", "wild type", ("Subject", "genotype")),
)
SESSION_DETAILS = (
    Detail("session_start_time", "Recorded at", "2026-03-01 14:30", ("NWBFile", "session_start_time")),
    Detail("experimenter", "Experimenter", "Doe, Jane; Roe, Max", ("NWBFile", "experimenter"), "experimenter"),
    Detail("indicator", "Indicator", "GCaMP6f", (*_PLANE, "indicator"), "indicator"),
    Detail("location", "Place in the brain", "VISp", (*_PLANE, "location"), "location"),
    Detail("excitation", "Excitation (nm)", "920", (*_PLANE, "excitation_lambda"), "excitation_lambda_nm"),
    Detail(
        "emission",
        "Emission (nm)",
        "510",
        (*_PLANE, "optical_channel", "emission_lambda"),
        "emission_lambda_nm",
    ),
    Detail("pixel_size", "Pixel size (\u00b5m)", "1.2, or x, y: 1.2, 1.1", (*_PLANE, "grid_spacing")),
    Detail("device", "Microscope", "Bruker Ultima", ("Ophys", "Device", "name"), "device"),
    Detail("session_description", "Description", "Passive viewing", ("NWBFile", "session_description")),
    Detail("notes", "Notes", "", ("NWBFile", "notes")),
)
DETAILS = {detail.name: detail for detail in (*SUBJECT_DETAILS, *SESSION_DETAILS)}
"""Every field by name."""


def as_metadata_file(typed: Mapping[str, str | None]) -> dict[str, Any]:
    """What was typed, by field, as the content of a metadata file; what was left empty is left out.

    Raises
    ------
    MetadataError
        When a pixel size is none.
    """
    content: dict[str, Any] = {}
    for name, text in typed.items():
        value = (text or "").strip()
        if not value:
            continue
        *groups, last = DETAILS[name].place
        place = content
        for group in groups:
            place = place.setdefault(group, {})
        if name == "pixel_size":
            place |= {last: _pixel_size(value), f"{last}_unit": "micrometers"}
            continue
        # A name has a comma of its own ("Doe, Jane"), so several people are separated by semicolons.
        place[last] = [part.strip() for part in value.split(";") if part.strip()] if name == "experimenter" else value
    return content


def _pixel_size(text: str) -> list[float]:
    """``[x, y]`` or ``[x, y, z]`` in micrometres."""
    try:
        return list(parse_pixel_size(text))
    except ValueError as error:
        raise MetadataError("Pixel size", f"{text[:60]!r} cannot be used ({error})", "Correct the value.") from error


def default_texts(project: Project) -> dict[str, str]:
    """What the lab defaults say of each field that has one."""
    defaults = project.configuration().defaults
    texts = {}
    for detail in DETAILS.values():
        value = defaults.get(detail.default) if detail.default else None
        if value is not None:
            texts[detail.name] = "; ".join(value) if isinstance(value, list) else f"{value}"
    return texts


def remember_subject(project: Project, subject: str, typed: Mapping[str, str | None]) -> None:
    """Keep what was typed of an animal in the project's table of subjects.

    Raises
    ------
    MetadataError
        When it has no id, or NWB cannot take a value.
    """
    given = {detail.name: (typed.get(detail.name) or "").strip() for detail in SUBJECT_DETAILS}
    change_subject(project.subjects_path, subject, {name: text for name, text in given.items() if text})


def subject_line(subjects: Mapping[str, Mapping[str, str]], subject: str) -> str:
    """What the table of subjects says of this one, in one line; empty where it does not have it."""
    known = subjects.get(subject.strip())
    if known is None:
        return ""
    said = [value for name, value in known.items() if name != "subject_id"]
    return f"Known: {', '.join(said)}." if said else "Known, but nothing is said of it yet."
