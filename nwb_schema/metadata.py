"""What is known of a recording besides its pixels: the animal, the session, the microscope.

Values come from the command line, from a metadata file in neuroconv's layout, and from the movie itself, in this order.
What a person wrote and NWB cannot take is refused, so that it is corrected before hours of work; what a movie file says
and NWB cannot take is left out with a note.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import yaml

from nwb_schema.errors import MetadataError
from nwb_schema.names import clean_id, clean_text, sanitise
from nwb_schema.subject_terms import UnusableTerm, iso_age, sex_letter, species_name, weight_with_unit

UNKNOWN = "unknown"


@dataclass(frozen=True)
class SampleMetadata:
    """The metadata of one sample, as they go into NWB.

    Attributes
    ----------
    subject_id, session_id
        As typed, without what NWB refuses; `subject_spelling` and `session_spelling` keep the exact original.
    session_start_time
        Always with a time zone.
    session_start_time_source
        Where it came from: ``metadata``, ``movie`` or ``file date``.
    age
        ISO 8601 duration or range. ``P0D/`` (any age) where nobody gave one: without an age a file is no valid upload.
    weight
        Number and unit (``0.025 kg``).
    excitation_lambda_nm, emission_lambda_nm
        Nanometres; NaN where nobody gave them.
    grid_spacing_um
        ``(y, x)`` micrometres per pixel, or None.
    one_photon
        Whether the movie is a one-photon recording.
    not_given
        NWB names of the values that NWB requires and nobody gave; placeholders stand in the file.
    notes
        What was assumed or changed, one sentence each.
    extra
        What the movie file knows that NWB has no place for, JSON-able.
    """

    subject_id: str
    session_id: str
    session_start_time: datetime
    session_start_time_source: str
    subject_spelling: str = ""
    session_spelling: str = ""
    session_description: str = ""
    experiment_description: str | None = None
    experimenter: tuple[str, ...] = ()
    institution: str | None = None
    lab: str | None = None
    keywords: tuple[str, ...] = ("calcium imaging",)
    session_notes: str | None = None
    protocol: str | None = None
    pharmacology: str | None = None
    surgery: str | None = None
    virus: str | None = None
    stimulus_notes: str | None = None
    related_publications: tuple[str, ...] = ()
    subject_description: str | None = None
    age: str = "P0D/"
    sex: str = "U"
    species: str | None = None
    genotype: str | None = None
    strain: str | None = None
    weight: str | None = None
    date_of_birth: datetime | None = None
    device_name: str = "Microscope"
    device_description: str | None = None
    device_manufacturer: str | None = None
    imaging_plane_description: str | None = None
    indicator: str = UNKNOWN
    location: str = UNKNOWN
    excitation_lambda_nm: float = float("nan")
    emission_lambda_nm: float = float("nan")
    optical_channel_name: str = "OpticalChannel"
    optical_channel_description: str | None = None
    grid_spacing_um: tuple[float, float] | None = None
    one_photon: bool = False
    not_given: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


_FIELDS = {
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
_REQUIRED = {
    "sex": "Subject.sex",
    "age": "Subject.age",
    "indicator": "ImagingPlane.indicator",
    "location": "ImagingPlane.location",
    "excitation_lambda_nm": "ImagingPlane.excitation_lambda",
    "emission_lambda_nm": "OpticalChannel.emission_lambda",
}
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


def build_metadata(
    *,
    subject: str | None,
    session: str | None,
    overrides: Mapping[str, Any] | None = None,
    one_photon: bool = False,
    movie_session_start: datetime | None = None,
    movie_subject: Mapping[str, str] | None = None,
    movie_source: str | None = None,
    movie_pixel_size_um: tuple[float, float] | None = None,
    movie_extra: Mapping[str, Any] | None = None,
    file_date: datetime | None = None,
    default_session: str | None = None,
    source: str | Path = "metadata",
    now: datetime | None = None,
) -> SampleMetadata:
    """Put together what the person said, what the metadata file says and what the movie says.

    Parameters
    ----------
    subject, session
        From the command line; they win over the metadata file, which wins over the movie.
    overrides
        The content of a metadata file (neuroconv's layout: ``NWBFile``, ``Subject``, ``Ophys``).
    movie_session_start, movie_subject, movie_source, movie_pixel_size_um, movie_extra
        What the movie file says (see ``pipeline.movies.movie.MovieMetadata``); pixel size as ``(y, x)``.
    file_date
        When the input file was last changed: the session's start where nothing else says it.
    default_session
        The session's id where nobody gave one (the movie's name); else the start time.
    source
        What an error names: the metadata file.
    now
        The present, with a time zone; a session cannot start after it.

    Raises
    ------
    MetadataError
        When a value that a person gave cannot go into NWB.
    """
    values: dict[str, Any] = {}
    notes: list[str] = []
    for name, value in (movie_subject or {}).items():
        _movie_value(values, notes, name, value)
    if movie_pixel_size_um is not None:
        values["grid_spacing_um"] = (float(movie_pixel_size_um[0]), float(movie_pixel_size_um[1]))
    if movie_source:
        values["device_description"] = clean_text(f"Recorded with {movie_source}")
    given = _flatten(overrides or {}, str(source), notes)
    for name, (where, value) in given.items():
        values[name] = _person_value(name, where, value, str(source), notes)
    if subject is not None:
        values["subject_id"] = subject
    if session is not None:
        values["session_id"] = session
    now = now or datetime.now().astimezone()
    start, start_source = _start_time(
        values.pop("session_start_time", None), movie_session_start, file_date, now, notes
    )
    if start > now:
        raise MetadataError(source, f"session_start_time {start.isoformat()} is in the future", "Correct the date.")

    subject_spelling = str(values.pop("subject_id", None) or "")
    if not subject_spelling.strip():
        subject_spelling = UNKNOWN
        notes.append("Nobody gave the subject's id.")
    session_spelling = str(values.pop("session_id", None) or default_session or start.strftime("%Y%m%dT%H%M%S"))
    not_given = tuple(
        nwb_name
        for name, nwb_name in _REQUIRED.items()
        if name not in values and not (name == "age" and values.get("date_of_birth"))
    )
    if not_given:
        notes.append(f"Not given, so placeholders stand for them: {', '.join(not_given)}.")
    metadata = SampleMetadata(
        subject_id=clean_id(subject_spelling) or sanitise(subject_spelling),
        session_id=clean_id(session_spelling) or sanitise(session_spelling),
        subject_spelling=clean_text(subject_spelling),
        session_spelling=clean_text(session_spelling),
        session_start_time=start,
        session_start_time_source=start_source,
        one_photon=one_photon,
        not_given=not_given,
        notes=tuple(notes),
        extra=dict(movie_extra or {}),
        **values,
    )
    if not metadata.session_description:
        kind = "One-photon" if one_photon else "Two-photon"
        metadata = replace(metadata, session_description=f"{kind} calcium imaging, session {metadata.session_id}")
    return metadata


def _flatten(overrides: Mapping[str, Any], source: str, notes: list[str]) -> dict[str, tuple[str, Any]]:
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
        known = _FIELDS[section]
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


def _movie_value(values: dict[str, Any], notes: list[str], name: str, value: Any) -> None:
    """Take a subject field that the movie file knows, or say why not."""
    ours = _FIELDS["Subject"].get(name)
    if ours is None or value in (None, ""):
        return
    try:
        values[ours] = _convert(ours, value, notes)
    except (UnusableTerm, ValueError, TypeError) as error:
        notes.append(f"The movie says {name} = {clean_text(str(value))!r}, which NWB cannot take ({error}).")


def _person_value(name: str, where: str, value: Any, source: str, notes: list[str]) -> Any:
    try:
        return _convert(name, value, notes)
    except (UnusableTerm, ValueError, TypeError) as error:
        raise MetadataError(source, f"{where} = {value!r} cannot be used ({error})", "Correct or remove it.") from error


def _convert(name: str, value: Any, notes: list[str]) -> Any:
    """`value` in the form in which `SampleMetadata` holds the field `name`."""
    special = {"sex": sex_letter, "age": iso_age, "species": species_name, "weight": weight_with_unit}
    if name in special:
        converted = special[name](value)
        if converted != str(value):
            notes.append(f"{name.capitalize()} was given as {clean_text(str(value))!r}.")
        return converted
    if name in ("session_start_time", "date_of_birth"):
        moment = _moment(value)
        return _aware(moment, name, notes) if name == "date_of_birth" else moment
    if name.endswith("_nm"):
        wavelength = float(value)
        if not 100 <= wavelength <= 3000:
            raise UnusableTerm("a wavelength is given in nanometres, such as 920")
        return wavelength
    if name == "grid_spacing_um":
        (x, y, *_), factor = value
        if not (float(x) > 0 and float(y) > 0):
            raise UnusableTerm("the spacing of pixels is positive")
        return (float(y) * factor, float(x) * factor)
    if name in _TUPLES:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(clean_text(str(item)) for item in items if str(item).strip())
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


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise UnusableTerm("a date is written as 2026-03-01T14:30:00+01:00") from None


def _aware(moment: datetime, what: str, notes: list[str]) -> datetime:
    if moment.tzinfo is not None:
        return moment
    try:
        local = moment.astimezone()
    except (OSError, OverflowError, ValueError):
        raise UnusableTerm("the date lies outside what a computer can represent") from None
    notes.append(f"The {what} names no time zone; that of the computer is taken ({local.tzname()}).")
    return local


def _start_time(
    given: datetime | None, movie: datetime | None, file_date: datetime | None, now: datetime, notes: list[str]
) -> tuple[datetime, str]:
    if given is not None:
        return _aware(given, "session_start_time", notes), "metadata"
    if movie is not None:
        start = _aware(movie, "movie's start time", notes)
        if start <= now:
            return start, "movie"
        notes.append(f"The movie says that it was recorded at {start.isoformat()}, which is in the future.")
    if file_date is not None:
        notes.append("Nobody gave the session's start; the date of the input file stands for it.")
        return min(file_date.astimezone(), now), "file date"
    notes.append("Nobody gave the session's start; the time of import stands for it.")
    return now, "import"
