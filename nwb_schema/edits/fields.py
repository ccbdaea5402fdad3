"""The metadata of a sample that may be edited: where each lies in the file and what it takes.

The subject's and the session's id are not among them: they are the file's name.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from nwb_schema.errors import EditError
from nwb_schema.layout import IMAGING_PLANE
from nwb_schema.moments import parse_moment
from nwb_schema.names import clean_text
from nwb_schema.pixel_size import as_grid_spacing, pixel_size_text
from nwb_schema.subject_terms import UnusableTerm, iso_age, sex_letter, species_name, weight_with_unit

FieldType = Literal["text", "texts", "number", "spacing"]


@dataclass(frozen=True)
class Field:
    """One editable field.

    Attributes
    ----------
    name
        As people write it, such as ``subject.age``.
    place
        Path of the dataset; ``*`` stands for the only optical channel.
    type
        ``text``, ``texts`` (a list), ``number`` or ``spacing`` (`nwb_schema.pixel_size.read_grid_spacing`).
    required
        Why it cannot be emptied, or nothing.
    placeholder_name
        Its name in ``general/fluorite/not_given``, for fields that get a placeholder where nobody gives them.
    convert
        What makes the stored value of the given one; raises ValueError with what is expected.
    """

    name: str
    place: str
    type: FieldType = "text"
    required: str = ""
    placeholder_name: str = ""
    convert: Callable[[Any], Any] = str


def check_field(name: str, value: Any) -> Any:
    """`value` as it is stored in the field `name`; None empties it.

    Raises
    ------
    EditError
        When there is no such field, or it cannot take the value.
    """
    field = find_field(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        if field.required:
            raise EditError(name, f"cannot be empty, because {field.required}", "Give a value.")
        return None
    try:
        if field.type == "texts":
            items = [value] if isinstance(value, str) else list(value)
            return [clean_text(str(item)) for item in items if str(item).strip()] or None
        return field.convert(clean_text(value) if isinstance(value, str) else value)
    except (UnusableTerm, ValueError, TypeError) as error:
        raise EditError(name, f"{_short(value)} cannot be used ({error})", "Correct the value.") from error


def field_words(name: str, value: Any) -> Any:
    """A stored value as it is said in a line of the history."""
    return pixel_size_text(value) if FIELDS[name].type == "spacing" else value


def find_field(name: str) -> Field:
    """The field called `name`.

    Raises
    ------
    EditError
        When there is none, with the most similar name.
    """
    if name in FIELDS:
        return FIELDS[name]
    if name in ("subject.subject_id", "session.session_id", "identifier"):
        raise EditError(name, "is the sample's name and cannot be edited", "Process or import the recording again.")
    close = difflib.get_close_matches(name, FIELDS, n=1, cutoff=0.5)
    raise EditError(
        _short(name),
        "there is no such field",
        f"Did you mean {close[0]}?" if close else f"Fields: {', '.join(FIELDS)}.",
    )


def _wavelength_nm(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or not 100 <= number <= 3000:
        raise ValueError("a wavelength is a number of nanometres, between 100 and 3000")
    return number


def _date(value: Any) -> str:
    moment = value if isinstance(value, datetime) else parse_moment(str(value))
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()


def _start(value: Any) -> str:
    start = _date(value)
    if datetime.fromisoformat(start) > datetime.now().astimezone():
        raise ValueError("it is in the future")
    return start


def _short(value: Any) -> str:
    text = re.sub(r"\s+", " ", str(value))
    return repr(text if len(text) <= 60 else f"{text[:57]}...")


SESSION_START = "session.session_start_time"
PIXEL_SIZE = "imaging.pixel_size_um"
_BY_NWB = "NWB requires it"
_SUBJECT = "general/subject"
_CHANNEL = f"{IMAGING_PLANE}/*"
_ALL = (
    Field("subject.age", f"{_SUBJECT}/age", placeholder_name="Subject.age", convert=iso_age),
    Field("subject.sex", f"{_SUBJECT}/sex", placeholder_name="Subject.sex", convert=sex_letter),
    Field("subject.species", f"{_SUBJECT}/species", convert=species_name),
    Field("subject.weight", f"{_SUBJECT}/weight", convert=weight_with_unit),
    Field("subject.date_of_birth", f"{_SUBJECT}/date_of_birth", convert=_date),
    *(Field(f"subject.{name}", f"{_SUBJECT}/{name}") for name in ("genotype", "strain", "description")),
    Field("session.session_description", "session_description", required=_BY_NWB),
    Field(SESSION_START, "session_start_time", required=_BY_NWB, convert=_start),
    *(
        Field(f"session.{name}", f"general/{place}")
        for name, place in (
            ("experiment_description", "experiment_description"),
            ("institution", "institution"),
            ("lab", "lab"),
            ("notes", "notes"),
            ("protocol", "protocol"),
            ("pharmacology", "pharmacology"),
            ("surgery", "surgery"),
            ("virus", "virus"),
        )
    ),
    *(
        Field(f"session.{name}", f"general/{name}", "texts")
        for name in ("experimenter", "keywords", "related_publications")
    ),
    *(
        Field(f"imaging.{name}", f"{IMAGING_PLANE}/{name}", required=_BY_NWB, placeholder_name=f"ImagingPlane.{name}")
        for name in ("indicator", "location")
    ),
    Field(
        "imaging.excitation_lambda_nm",
        f"{IMAGING_PLANE}/excitation_lambda",
        "number",
        _BY_NWB,
        "ImagingPlane.excitation_lambda",
        _wavelength_nm,
    ),
    Field(
        "imaging.emission_lambda_nm",
        f"{_CHANNEL}/emission_lambda",
        "number",
        _BY_NWB,
        "OpticalChannel.emission_lambda",
        _wavelength_nm,
    ),
    Field(
        PIXEL_SIZE,
        f"{IMAGING_PLANE}/grid_spacing",
        "spacing",
        "scale bars and areas come from it",
        convert=as_grid_spacing,
    ),
)

FIELDS = {field.name: field for field in _ALL}
"""Every editable field by name."""

NOT_GIVEN = Field("fluorite.not_given", "general/fluorite/not_given", "texts")
"""Names of the placeholders; it changes together with the field that a placeholder stands in."""

START_SOURCE = Field("fluorite.session_start_time_source", "general/fluorite/session_start_time_source")
"""Where the session's start came from; ``metadata`` once a person gives it."""

REFERENCE_TIME = Field("session.timestamps_reference_time", "timestamps_reference_time")
"""What times in the file count from; NWB sets it to the session's start, and it stays so."""

MOMENTS = frozenset({SESSION_START, "subject.date_of_birth"})
"""Fields that hold a date and time in ISO 8601."""

STORED = FIELDS | {field.name: field for field in (NOT_GIVEN, START_SOURCE, REFERENCE_TIME)}
"""Every field that edits change, also those that change together with another."""
