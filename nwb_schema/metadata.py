"""What is known of a recording besides its pixels: the animal, the session, the microscope.

Values come from the command line, from a metadata file in neuroconv's layout, from the project's table of subjects,
from the movie itself, and from the lab's defaults, in this order: what was said of this recording counts more than what
was said of the animal, and what the movie knows more than what is true of most recordings of the lab.
What a person wrote and NWB cannot take is refused, so that it is corrected before hours of work; what a movie file says
and NWB cannot take is left out with a note.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nwb_schema.errors import MetadataError
from nwb_schema.lab_defaults import as_metadata
from nwb_schema.metadata_file import FIELDS, aware, convert, flatten, load_metadata_file
from nwb_schema.names import clean_id, clean_text, sanitise
from nwb_schema.subject_terms import UnusableTerm
from nwb_schema.subjects import as_metadata as subject_metadata

__all__ = ["SampleMetadata", "build_metadata", "load_metadata_file"]

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
        ``(y, x)`` micrometres per pixel, of volumes ``(y, x, z)`` where the distance of planes is known, or None.
    one_photon
        Whether the movie is a one-photon recording.
    not_given
        NWB names of the values that NWB requires and nobody gave; placeholders stand in the file.
    notes
        What was assumed or changed, one sentence each.
    extra
        What the movie file knows that NWB has no place for, JSON-able.
    said_by
        Who said the values of these fields: ``metadata`` (a person, for this recording), ``table of subjects``,
        ``movie`` (the microscope), ``lab defaults``.
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
    grid_spacing_um: tuple[float, ...] | None = None
    one_photon: bool = False
    not_given: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    said_by: Mapping[str, str] = field(default_factory=dict)

    def recording(self) -> dict[str, dict[str, Any]]:
        """What is known of the recording and who said it, JSON-able: ``{field: {"value": ..., "from": ...}}``."""
        known = {name: who for name, who in self.said_by.items() if name in _OF_RECORDING}
        start = {"value": self.session_start_time.isoformat(), "from": self.session_start_time_source}
        return {
            "session_start_time": start,
            **{name: {"value": getattr(self, name), "from": who} for name, who in known.items()},
        }


_OF_RECORDING = (
    "device_name", "device_description", "device_manufacturer", "imaging_plane_description", "indicator", "location",
    "excitation_lambda_nm", "emission_lambda_nm", "optical_channel_name", "grid_spacing_um", "experimenter",
)  # fmt: skip
_REQUIRED = {
    "sex": "Subject.sex",
    "age": "Subject.age",
    "indicator": "ImagingPlane.indicator",
    "location": "ImagingPlane.location",
    "excitation_lambda_nm": "ImagingPlane.excitation_lambda",
    "emission_lambda_nm": "OpticalChannel.emission_lambda",
}


def build_metadata(
    *,
    subject: str | None,
    session: str | None,
    overrides: Mapping[str, Any] | None = None,
    one_photon: bool = False,
    movie_session_start: datetime | None = None,
    movie_subject: Mapping[str, str] | None = None,
    movie_source: str | None = None,
    movie_pixel_size_um: tuple[float, ...] | None = None,
    movie_extra: Mapping[str, Any] | None = None,
    recorded: Mapping[str, Any] | None = None,
    recorded_by: str = "movie",
    file_date: datetime | None = None,
    default_session: str | None = None,
    source: str | Path = "metadata",
    subjects: Mapping[str, Mapping[str, str]] | None = None,
    lab_defaults: Mapping[str, Any] | None = None,
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
        What the movie file says (see ``pipeline.movies.movie.MovieMetadata``); pixel size as ``(y, x)`` or, of
        volumes, ``(y, x, z)``.
    recorded, recorded_by
        What the microscope wrote besides, in neuroconv's layout, and who wrote it. It counts as said by the movie; what
        NWB cannot take of it is left out with a note.
    file_date
        When the input file was last changed: the session's start where nothing else says it.
    default_session
        The session's id where nobody gave one (the movie's name); else the start time.
    source
        What an error names: the metadata file.
    subjects
        The project's table of subjects (`nwb_schema.subjects.read_subjects`).
    lab_defaults
        The project's lab defaults (`nwb_schema.configuration.Configuration.defaults`).
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
    values |= _recorded(recorded or {}, recorded_by, notes)
    movie_session_start = movie_session_start or values.pop("session_start_time", None)
    values.pop("session_start_time", None)
    if movie_pixel_size_um is not None:
        values["grid_spacing_um"] = tuple(float(size) for size in movie_pixel_size_um)
    if movie_source:
        values.setdefault("device_description", clean_text(f"Recorded with {movie_source}"))
    from_movie = dict(values)
    from_defaults = {name: value for name, value in as_metadata(lab_defaults or {}).items() if name not in from_movie}
    values |= from_defaults
    given = flatten(overrides or {}, str(source), notes)
    for name, (where, value) in given.items():
        values[name] = _person_value(name, where, value, str(source), notes)
    if subject is not None:
        values["subject_id"] = subject
    if session is not None:
        values["session_id"] = session
    row = _subject_row(subjects or {}, str(values.get("subject_id") or ""), notes)
    from_table = {name: value for name, value in row.items() if name not in given and name != "subject_id"}
    values |= from_table
    _note_sources(notes, from_table, from_movie, [name for name in from_defaults if name not in given])
    said_by = {
        **dict.fromkeys(from_movie, "movie"),
        **dict.fromkeys(from_defaults, "lab defaults"),
        **dict.fromkeys(given, "metadata"),
        **dict.fromkeys(from_table, "table of subjects"),
    }
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
        said_by={name: who for name, who in said_by.items() if name in values},
        **values,
    )
    if not metadata.session_description:
        kind = "One-photon" if one_photon else "Two-photon"
        metadata = replace(metadata, session_description=f"{kind} calcium imaging, session {metadata.session_id}")
    return metadata


def _subject_row(subjects: Mapping[str, Mapping[str, str]], subject_id: str, notes: list[str]) -> dict[str, Any]:
    """What the table of subjects says of this one."""
    row = subjects.get(subject_id.strip())
    if row is None:
        if subjects and subject_id.strip():
            notes.append("The project's table of subjects does not have this subject.")
        return {}
    return subject_metadata(row, f"subject {subject_id} in the table of subjects")


def _note_sources(
    notes: list[str], from_table: Mapping[str, Any], from_movie: Mapping[str, Any], from_defaults: list[str]
) -> None:
    """Say which values nobody gave for this recording, and where they are from."""
    for name, value in from_table.items():
        if name in from_movie and from_movie[name] != value:
            other = clean_text(str(from_movie[name]))
            notes.append(f"The movie says {name} = {other!r}; the project's table of subjects counts.")
    if from_table:
        notes.append(f"From the project's table of subjects: {', '.join(from_table)}.")
    if from_defaults:
        notes.append(f"From the project's lab defaults: {', '.join(from_defaults)}.")


def _recorded(recorded: Mapping[str, Any], recorded_by: str, notes: list[str]) -> dict[str, Any]:
    """What a microscope wrote, in the form in which we keep it, or a note on why it cannot be kept."""
    found: dict[str, Any] = {}
    for name, (where, value) in flatten(recorded, recorded_by, notes).items():
        try:
            found[name] = convert(name, value, notes)
        except (UnusableTerm, ValueError, TypeError) as error:
            said = clean_text(str(value))
            notes.append(f"{recorded_by} says {where} = {said!r}, which NWB cannot take ({error}).")
    if found:
        notes.append(f"Read from what {recorded_by} wrote: {', '.join(found)}.")
    return found


def _movie_value(values: dict[str, Any], notes: list[str], name: str, value: Any) -> None:
    """Take a subject field that the movie file knows, or say why not."""
    ours = FIELDS["Subject"].get(name)
    if ours is None or value in (None, ""):
        return
    try:
        values[ours] = convert(ours, value, notes)
    except (UnusableTerm, ValueError, TypeError) as error:
        notes.append(f"The movie says {name} = {clean_text(str(value))!r}, which NWB cannot take ({error}).")


def _person_value(name: str, where: str, value: Any, source: str, notes: list[str]) -> Any:
    try:
        return convert(name, value, notes)
    except (UnusableTerm, ValueError, TypeError) as error:
        raise MetadataError(source, f"{where} = {value!r} cannot be used ({error})", "Correct or remove it.") from error


def _start_time(
    given: datetime | None, movie: datetime | None, file_date: datetime | None, now: datetime, notes: list[str]
) -> tuple[datetime, str]:
    if given is not None:
        return aware(given, "session_start_time", notes), "metadata"
    if movie is not None:
        start = aware(movie, "movie's start time", notes)
        if start <= now:
            return start, "movie"
        notes.append(f"The movie says that it was recorded at {start.isoformat()}, which is in the future.")
    if file_date is not None:
        notes.append("Nobody gave the session's start; the date of the input file stands for it.")
        return min(file_date.astimezone(), now), "file date"
    notes.append("Nobody gave the session's start; the time of import stands for it.")
    return now, "import"
