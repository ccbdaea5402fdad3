"""The "Process a movie" form: from what was typed to a request, and what is said when it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.adding.recording_details import as_metadata_file, remember_subject
from app.adding.typed_path import unquoted
from nwb_schema.errors import MetadataError, MissingRateError, MovieError, ParameterError, SampleExistsError
from nwb_schema.project import Project
from pipeline.jobs import Job
from pipeline.movies.rate import is_rate
from pipeline.parameter_sets import read_parameter_set
from pipeline.request import split_into_recordings

METADATA_SOURCE = "What is known of the recording"


@dataclass(frozen=True)
class FormValues:
    """The form as typed; empty fields are empty strings or None.

    Attributes
    ----------
    parameters
        Name of one of the project's sets of parameters.
    details
        Fields of `app.adding.recording_details.DETAILS` by name.
    custom
        Custom columns by name.
    remember
        Whether to keep what is said of the animal in the table of subjects.
    """

    movies: str | None
    series: bool
    frame_rate: str | None
    preset: str
    engine: str
    subject: str | None
    session: str | None
    axes: str | None = None
    plane: str | None = None
    channel: str | None = None
    dataset: str | None = None
    parameters: str | None = None
    details: Mapping[str, str | None] = field(default_factory=dict)
    custom: Mapping[str, Any] = field(default_factory=dict)
    remember: bool = False


def request_values(form: FormValues, project: Project | None = None) -> Mapping[str, Any]:
    """What the form asks for, in the terms of `pipeline.request.split_into_recordings`.

    Parameters
    ----------
    project
        Whose sets of parameters are meant; needed when the form names one.

    Raises
    ------
    MovieError
        When no file is named.
    ParameterError
        When the frame rate is not a number above 0, or plane or channel is not a whole number.
    """
    movies = [unquoted(line) for line in (form.movies or "").splitlines() if line.strip()]
    if not movies:
        raise MovieError("Movie", "no file was chosen", "Press Browse, or type the path of a movie.")
    return {"movies": movies, "session": _text(form.session), **common_values(form, project)}


def common_values(form: FormValues, project: Project | None = None) -> dict[str, Any]:
    """What the form says of every recording, whichever movies they are; see `request_values`."""
    details = as_metadata_file(form.details)
    custom = {name: value for name, value in form.custom.items() if _text(str(value or ""))}
    chosen = _text(form.parameters)
    return {
        "preset": form.preset,
        "engine": form.engine,
        "subject": _text(form.subject),
        "movie": {"frame_rate_hz": _rate(form.frame_rate), **_reading(form)},
        **({"metadata": details, "metadata_file": METADATA_SOURCE} if details else {}),
        **({"custom": custom} if custom else {}),
        **(_parameters(project, chosen, form.preset) if chosen and project is not None else {}),
    }


def _parameters(project: Project, name: str, preset: str) -> dict[str, Any]:
    """A set of the project's parameters, which has to be of the kind of recording that the form says."""
    chosen = read_parameter_set(project, name)
    if chosen.parameters is None or chosen.preset != preset:
        raise ParameterError(
            name,
            f"is for recordings of the kind {chosen.preset}",
            "Choose that kind of recording, or other parameters.",
        )
    return {"parameters": chosen.parameters.to_dict(), "parameters_file": str(chosen.path)}


def submit_form(project: Project, form: FormValues, *, actor: str | None = None) -> list[Job]:
    """Start one job a recording; everything is checked before the first one starts.

    Raises
    ------
    FluoriteError
        Anything that would stop a job right at its start; no job was started.
    """
    # Imported only here: the engine's libraries would double the time to start and the memory of every dashboard.
    from pipeline.jobs import Ledger, reconcile
    from pipeline.process import check_request, submit_recording

    if form.remember:
        if not _text(form.subject):
            raise MetadataError("Subject", "the animal has no id", "Type one, such as m1.")
        remember_subject(project, _text(form.subject) or "", form.details)
    requests = split_into_recordings(request_values(form, project), series=form.series)
    reconcile(project)
    in_work = Ledger(project).samples_in_work()
    samples = []
    for request in requests:
        try:
            sample = check_request(project, request).name
        except MissingRateError as error:
            # The command line's remedy names an option; here there is a field.
            raise MissingRateError(error.file, error.cause, "Type the rate into the field Frame rate.") from error
        if sample in in_work:
            raise SampleExistsError(
                sample, f"{in_work[sample]} will be this sample already", "Type another name into the field Session."
            )
        in_work[sample] = request.title
        samples.append(sample)
    return [
        submit_recording(project, request, sample=sample, actor=actor)
        for request, sample in zip(requests, samples, strict=True)
    ]


def _rate(text: str | None) -> float | None:
    typed = _text(text)
    if typed is None:
        return None
    try:
        rate_hz = float(typed.replace(",", "."))
    except ValueError:
        rate_hz = 0.0
    if not is_rate(rate_hz):
        raise ParameterError("Frame rate", f"{typed!r} is not a number above 0", "Type frames per second, such as 15.")
    return rate_hz


def _reading(form: FormValues) -> dict[str, Any]:
    """How to read the movie where its file does not say; what was left empty is left out."""
    axes = _text(form.axes)
    options = {
        "axes": axes.upper() if axes else None,
        "plane": _whole("Plane", form.plane),
        "channel": _whole("Channel", form.channel),
        "dataset": _text(form.dataset),
    }
    return {name: value for name, value in options.items() if value is not None}


def _whole(field: str, text: str | None) -> int | None:
    typed = _text(text)
    if typed is None:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 7):
        raise ParameterError(field, f"{typed!r} is not a whole number", "Type 0 for the first, 1 for the second.")
    return int(typed)


def _text(value: str | None) -> str | None:
    return (value or "").strip() or None
