"""Rules on what is known of a recording: placeholders that pass every other validator, and gaps that DANDI refuses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.checks.finding import Severity
from nwb_schema.checks.rule import CheckedFile, Problem, rule
from nwb_schema.layout import FLUORITE
from nwb_schema.moments import moment_text
from nwb_schema.subject_terms import UnusableTerm, iso_age, sex_letter, species_name

_PLACEHOLDERS = {
    "",
    "unknown",
    "unspecified",
    "none",
    "n/a",
    "na",
    "nan",
    "tbd",
    "placeholder",
    "no description",
    "value",
}
_SUBJECT = "general/subject"


@rule("excitation-wavelength", Severity.ERROR)
def excitation_wavelength(checked: CheckedFile) -> Iterator[Problem]:
    """Every imaging plane has an excitation wavelength in nanometres."""
    for plane in checked.imaging_planes():
        value = _number(plane, "excitation_lambda")
        if not _is_wavelength(value):
            yield Problem(
                f"the excitation wavelength of {_name(plane)} is {_shown(value)}",
                "Give it in nanometres: Ophys: ImagingPlane: excitation_lambda: 920.0 in the metadata file.",
                f"{plane.name}/excitation_lambda",
                command=("set", "imaging.excitation_lambda_nm=VALUE"),
            )


@rule("emission-wavelength", Severity.ERROR)
def emission_wavelength(checked: CheckedFile) -> Iterator[Problem]:
    """Every optical channel has an emission wavelength in nanometres."""
    for plane in checked.imaging_planes():
        for name, channel in local_hdf5.local_children(plane):
            if not isinstance(channel, h5py.Group) or local_hdf5.type_of(channel) != "OpticalChannel":
                continue
            value = _number(channel, "emission_lambda")
            if not _is_wavelength(value):
                yield Problem(
                    f"the emission wavelength of {name} is {_shown(value)}",
                    "Give it in nanometres: Ophys: ImagingPlane: optical_channel: emission_lambda: 510.0 "
                    "in the metadata file.",
                    f"{channel.name}/emission_lambda",
                    command=("set", "imaging.emission_lambda_nm=VALUE"),
                )


@rule("indicator", Severity.ERROR)
def indicator(checked: CheckedFile) -> Iterator[Problem]:
    """Every imaging plane names its indicator."""
    yield from _named(checked, "indicator", "GCaMP6f")


@rule("location", Severity.ERROR)
def location(checked: CheckedFile) -> Iterator[Problem]:
    """Every imaging plane names its place in the brain."""
    yield from _named(checked, "location", "VISp")


@rule("imaging-plane", Severity.ERROR)
def imaging_plane(checked: CheckedFile) -> Iterator[Problem]:
    """There is an imaging plane."""
    if not any(True for _ in checked.imaging_planes()):
        yield Problem(
            "there is no imaging plane, so nothing is known of indicator, place and wavelengths",
            "Write the file again with an ImagingPlane.",
            "/general/optophysiology",
        )


@rule("imaging-rate", Severity.ERROR)
def imaging_rate(checked: CheckedFile) -> Iterator[Problem]:
    """The imaging rate is known."""
    rate = checked.summary.rate_hz
    if rate is None or not np.isfinite(rate) or rate <= 0:
        yield Problem(
            "nothing says how many frames a second has",
            "Process the movie again with --frame-rate HZ.",
            "/general/optophysiology",
        )


@rule("plane-rate", Severity.WARNING)
def plane_rate(checked: CheckedFile) -> Iterator[Problem]:
    """Every imaging plane has its imaging rate."""
    if checked.summary.rate_hz is None:
        return
    for plane in checked.imaging_planes():
        value = _number(plane, "imaging_rate")
        if value is None or not np.isfinite(value) or value <= 0:
            yield Problem(
                f"the imaging rate of {_name(plane)} is {_shown(value)}, though the traces have one",
                f"Set imaging_rate of the plane to {checked.summary.rate_hz:g}.",
                f"{plane.name}/imaging_rate",
            )


@rule("grid-spacing", Severity.WARNING)
def grid_spacing(checked: CheckedFile) -> Iterator[Problem]:
    """Every imaging plane says how far apart its pixels are, and that of a volume how far its planes are as well."""
    volume = checked.summary.depth is not None
    names, values = ("[x, y, z]", "[1.2e-6, 1.2e-6, 5e-6]") if volume else ("[x, y]", "[1.2e-6, 1.2e-6]")
    typed = "as x, y, z" if volume else "as x, y, or one number"
    for plane in checked.imaging_planes():
        data = local_hdf5.local_dataset(plane, "grid_spacing")
        spacing = None if data is None else np.asarray(data[()], dtype=float).reshape(-1)
        if spacing is None or spacing.size < (3 if volume else 2) or not np.all(np.isfinite(spacing) & (spacing > 0)):
            yield Problem(
                f"{_name(plane)} does not say how far apart its pixels {'and planes ' if volume else ''}are",
                f"Give it in micrometres {typed}: Pixel size on the page of its details; or in metres as {names}: "
                f"Ophys: ImagingPlane: grid_spacing: {values} in the metadata file.",
                f"{plane.name}/grid_spacing",
                command=("set", "imaging.pixel_size_um=VALUE"),
            )


@rule("session-start", Severity.ERROR)
def session_start(checked: CheckedFile) -> Iterator[Problem]:
    """The session's start is a real date with a time zone, not in the future."""
    remedy = "Give it: NWBFile: session_start_time: 2026-03-01T14:30:00+01:00 in the metadata file."
    where, command = "/session_start_time", ("set", "session.session_start_time=VALUE")
    text = checked.summary.session_start_time
    try:
        start = datetime.fromisoformat(text or "")
    except ValueError:
        yield Problem(f"the session's start is {text!r}, which is no date", remedy, where, command)
        return
    if start.tzinfo is None:
        yield Problem(f"the session's start {text} has no time zone", remedy, where, command)
    elif start > datetime.now(UTC):
        yield Problem(f"the session's start {text} is in the future", remedy, where, command)
    source = local_hdf5.text(checked.file, f"{FLUORITE}/session_start_time_source")
    if source in ("file date", "import"):
        what = "the date of the input file" if source == "file date" else "the time of import"
        yield Problem(
            f"nobody gave the session's start; {what} ({moment_text(start)}) stands for it", remedy, where, command
        )


@rule("subject-id", Severity.ERROR)
def subject_id(checked: CheckedFile) -> Iterator[Problem]:
    """The animal has an id."""
    found = checked.summary.subject_id
    if found is None or found.strip().lower() in _PLACEHOLDERS:
        yield Problem(f"the subject's id is {_text(found)}", "Give it: --subject ID.", f"/{_SUBJECT}/subject_id")


@rule("subject-species", Severity.ERROR)
def subject_species(checked: CheckedFile) -> Iterator[Problem]:
    """The animal's species is a Latin binomial."""
    found = local_hdf5.text(checked.file, f"{_SUBJECT}/species")
    if found is None or not _is_exactly(species_name, found):
        yield Problem(
            f"the subject's species is {_text(found)}",
            "Give the Latin name: Subject: species: Mus musculus in the metadata file.",
            f"/{_SUBJECT}/species",
            command=("set", "subject.species=VALUE"),
        )


@rule("subject-sex", Severity.ERROR)
def subject_sex(checked: CheckedFile) -> Iterator[Problem]:
    """The animal's sex is M, F, O or U, and U only where somebody said so."""
    found = local_hdf5.text(checked.file, f"{_SUBJECT}/sex")
    if found is None or not _is_exactly(sex_letter, found):
        yield Problem(
            f"the subject's sex is {_text(found)}",
            "Give M, F, O (other) or U (unknown): Subject: sex: F in the metadata file.",
            f"/{_SUBJECT}/sex",
            command=("set", "subject.sex=VALUE"),
        )
    elif "Subject.sex" in checked.not_given:
        yield Problem(
            f"nobody gave the subject's sex; {found!r} stands for it",
            "Give M, F, O (other) or U (unknown): Subject: sex: F in the metadata file.",
            f"/{_SUBJECT}/sex",
            command=("set", "subject.sex=VALUE"),
        )


@rule("subject-age", Severity.ERROR)
def subject_age(checked: CheckedFile) -> Iterator[Problem]:
    """The animal's age or date of birth is known."""
    if local_hdf5.text(checked.file, f"{_SUBJECT}/date_of_birth") is not None:
        return
    found = local_hdf5.text(checked.file, f"{_SUBJECT}/age")
    remedy = "Give it as an ISO 8601 duration: Subject: age: P90D in the metadata file."
    where = f"/{_SUBJECT}/age"
    command = ("set", "subject.age=VALUE")
    if found is None or not _is_exactly(iso_age, found):
        yield Problem(f"the subject's age is {_text(found)}", remedy, where, command)
    elif found == "P0D/" or "Subject.age" in checked.not_given:
        yield Problem(f"nobody gave the subject's age; {found!r} (any age) stands for it", remedy, where, command)


METADATA_RULES = (
    excitation_wavelength,
    emission_wavelength,
    indicator,
    location,
    imaging_plane,
    imaging_rate,
    plane_rate,
    grid_spacing,
    session_start,
    subject_id,
    subject_species,
    subject_sex,
    subject_age,
)


def _named(checked: CheckedFile, field: str, example: str) -> Iterator[Problem]:
    for plane in checked.imaging_planes():
        found = local_hdf5.text(plane, field)
        if found is None or found.strip().lower() in _PLACEHOLDERS:
            yield Problem(
                f"the {field} of {_name(plane)} is {_text(found)}",
                f"Give it: Ophys: ImagingPlane: {field}: {example} in the metadata file.",
                f"{plane.name}/{field}",
                command=("set", f"imaging.{field}=VALUE"),
            )


def _number(group: h5py.Group, name: str) -> float | None:
    value = local_hdf5.scalar(group, name)
    return float(value) if isinstance(value, (int, float, np.number)) else None


def _is_wavelength(value: float | None) -> bool:
    # Nanometres; 0, -1 and NaN are what programs write that were not told, 9.2e-7 is metres.
    return value is not None and 100 <= value <= 3000


def _is_exactly(convert: object, value: str) -> bool:
    """Whether `value` is already in the form that NWB takes."""
    try:
        return callable(convert) and convert(value) == value
    except UnusableTerm:
        return False


def _name(plane: h5py.Group) -> str:
    return str(plane.name).rsplit("/", 1)[-1]


def _shown(value: float | None) -> str:
    if value is None:
        return "missing"
    return "not given" if math.isnan(value) else f"{value:g}"  # NaN is what stands where nobody gave one


def _text(value: str | None) -> str:
    return "missing" if value is None else repr(value)
