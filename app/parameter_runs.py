"""From a filled-in form of parameters to jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.parameter_form import TWINS, Reading
from app.process_request import FormValues, request_values
from app.workspace import Workspace
from nwb_schema.errors import MissingRateError
from pipeline.jobs import Job
from pipeline.request import ProcessRequest, split_into_recordings
from pipeline.sweeps import request_of_sample, sweep_requests


@dataclass(frozen=True)
class RunTarget:
    """What to process; empty fields are empty strings or None.

    Attributes
    ----------
    sample
        The identifier of a sample whose raw movie is meant; else `movie`, the path of a file.
    crop, resize
        See `pipeline.request.MovieOptions`; None leaves them as the sample was made, empty and 1 mean the whole frame.
    """

    sample: str | None = None
    movie: str | None = None
    subject: str | None = None
    session: str | None = None
    rate: str | None = None
    engine: str = "auto"
    crop: str | None = None
    resize: float | None = None
    axes: str | None = None
    plane: str | None = None
    channel: str | None = None
    dataset: str | None = None


def requests_of(workspace: Workspace, target: RunTarget, reading: Reading) -> list[ProcessRequest]:
    """One request for each combination of the form's values.

    Raises
    ------
    FluoriteError
        When the target cannot be understood.
    """
    form = FormValues(
        target.movie, False, target.rate, reading.preset, target.engine, target.subject, target.session, target.axes,
        target.plane, target.channel, target.dataset,
    )  # fmt: skip
    values: dict[str, Any]
    if target.sample:
        path = workspace.samples.get(target.sample).path
        values = {**request_of_sample(workspace.project, path), "preset": reading.preset, "engine": target.engine}
        typed = request_values(FormValues("a", False, target.rate, "2p", "auto", target.subject, target.session))
        values |= {name: typed[name] for name in ("subject", "session") if typed[name]}
        values["movie"] = {**values.get("movie", {}), **_known(typed["movie"])}
        # A name that is free: the sample that is there already has its own.
        if not typed["session"] and not reading.axes:
            values["session"] = f"{values['session']}-again"
        movies = values["movies"]
    else:
        values = dict(request_values(form))
        movies = values["movies"]
    options = dict(values.get("movie", {}))
    if target.crop is not None:
        options["crop"] = target.crop.strip() or None
    if target.resize is not None:
        options["resize"] = None if target.resize == 1 else target.resize
    values |= {"movies": movies, "movie": options, "parameters": reading.overrides()}
    requests = split_into_recordings(values, series=bool(target.sample) and len(movies) > 1)
    return [one for request in requests for one in sweep_requests(request, reading.axes, TWINS)]


def start_runs(workspace: Workspace, target: RunTarget, reading: Reading) -> list[Job]:
    """Start them; everything is checked before the first one starts.

    Raises
    ------
    FluoriteError
        Anything that would stop a job right at its start; no job was started.
    """
    # Imported only here: the engine's libraries would double the time to start and the memory of every dashboard.
    from pipeline.process import check_request, submit_recording

    requests = requests_of(workspace, target, reading)
    for request in requests:
        try:
            check_request(workspace.project, request)
        except MissingRateError as error:
            raise MissingRateError(error.file, error.cause, "Type the rate into the field Frame rate.") from error
    return [submit_recording(workspace.project, request) for request in requests]


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
