"""From a filled-in form of parameters to jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.adding.process_request import FormValues, request_values
from app.parameters.form import ROWS, TWINS, Reading, text_of, with_twins
from app.workspace import Workspace
from nwb_schema.errors import MissingRateError
from pipeline.jobs import Job
from pipeline.request import ProcessRequest, split_into_recordings
from pipeline.sweeps import combinations, request_of_sample, sweep_requests


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

    A movie file becomes a sample each time. The movie of a sample gets variants beside it, unless another part of it is
    processed: that is another sample.

    Raises
    ------
    FluoriteError
        When the target cannot be understood.
    """
    another_part = bool((target.crop or "").strip()) or target.resize not in (None, 1)
    if target.sample and not another_part:
        return _variants(workspace, target, reading)
    if target.sample:
        values = _sample_again(workspace, target, reading)
    else:
        form = FormValues(
            target.movie, False, target.rate, reading.preset, target.engine, target.subject, target.session,
            target.axes, target.plane, target.channel, target.dataset,
        )  # fmt: skip
        values = dict(request_values(form))
    options = dict(values.get("movie", {}))
    if target.crop is not None:
        options["crop"] = target.crop.strip() or None
    if target.resize is not None:
        options["resize"] = None if target.resize == 1 else target.resize
    values |= {"movie": options, "parameters": reading.overrides()}
    requests = split_into_recordings(values, series=bool(target.sample) and len(values["movies"]) > 1)
    return [one for request in requests for one in sweep_requests(request, reading.axes, TWINS)]


def _variants(workspace: Workspace, target: RunTarget, reading: Reading) -> list[ProcessRequest]:
    """Requests for other results of a sample's movie, which leave the sample as it is."""
    from pipeline.variants.requesting import variant_request

    assert target.sample is not None
    asked = {**reading.overrides(), **reading.axes}
    options: dict[str, Any] = {"engine": target.engine}
    if any(name.startswith("motion.") for name in asked):
        # Only the raw movie can be registered in another way.
        known = request_of_sample(workspace.project, workspace.samples.get(target.sample).path)
        options |= {name: known[name] for name in ("movies", "movie") if name in known}
    return [
        variant_request(
            workspace.project,
            target.sample,
            {**reading.overrides(), **with_twins(values)},
            preset=reading.preset,
            label=", ".join(f"{key.rpartition('.')[2]} {text_of(value, ROWS[key])}" for key, value in values.items()),
            **options,
        )
        for values in combinations(reading.axes)
    ]


def _sample_again(workspace: Workspace, target: RunTarget, reading: Reading) -> dict[str, Any]:
    """Another sample of the raw movie of a sample, under another session."""
    assert target.sample is not None
    values = request_of_sample(workspace.project, workspace.samples.get(target.sample).path)
    session = (target.session or "").strip()
    return {
        **values,
        "preset": reading.preset,
        "engine": target.engine,
        "subject": (target.subject or "").strip() or values["subject"],
        "session": session or f"{values['session']}-part",
    }


def start_runs(workspace: Workspace, target: RunTarget, reading: Reading, *, actor: str | None = None) -> list[Job]:
    """Start them in the name of `actor`; everything is checked before the first one starts.

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
    return [submit_recording(workspace.project, request, actor=actor) for request in requests]
