"""Several values of one parameter at once: each combination is a run of its own, and a sample of its own to compare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from nwb_schema.errors import JobError, ParameterError
from nwb_schema.names import sanitise
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_summary
from pipeline.jobs.ledger import Ledger
from pipeline.request import ProcessRequest, default_session, parse_request

MOST_RUNS = 100
"""More are hardly meant: three parameters of five values each are 125 runs."""

Axes = Mapping[str, Sequence[Any]]
"""``group.name`` of each parameter with its values."""


def n_runs(axes: Axes) -> int:
    """How many combinations there are; one without any axis."""
    return math.prod(len(values) for values in axes.values())


def combinations(axes: Axes) -> list[dict[str, Any]]:
    """Every combination of the values, those of the last parameter changing fastest.

    Raises
    ------
    ParameterError
        When there are more than `MOST_RUNS`.
    """
    count = n_runs(axes)
    if count > MOST_RUNS:
        raise ParameterError(
            " x ".join(axes), f"make {count} runs, more than {MOST_RUNS}", "Try fewer values, or one parameter first."
        )
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def variant_name(values: Mapping[str, Any]) -> str:
    """What tells a variant from the others, for its session: ``gSig-4-min-SNR-2p5``."""
    return "-".join(f"{name.rpartition('.')[2]}-{_short(value)}" for name, value in values.items())


def _short(value: Any) -> str:
    if value is None:
        return "auto"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}".replace(".", "p").replace("-", "m")
    if isinstance(value, list | tuple):
        parts = [_short(item) for item in value]
        return parts[0] if len(set(parts)) == 1 else "x".join(parts)
    return str(value)


def sweep_requests(
    request: ProcessRequest, axes: Axes, twins: Mapping[str, str] = MappingProxyType({})
) -> list[ProcessRequest]:
    """One request for each combination, each with a session of its own; without axes the request itself.

    Parameters
    ----------
    twins
        Parameters that must agree with one of `axes`, and so get its values: ``preprocess.p`` by ``temporal.p``.

    Raises
    ------
    ParameterError
        When there are too many, or a combination cannot work (`ProcessRequest` only looks at it when the movie is
        opened: `pipeline.process.check_request`).
    """
    if not axes:
        return [request]
    session = request.session or default_session(request.movies[0])
    return [
        parse_request(
            {
                **request.model_dump(mode="json"),
                "parameters": {**request.parameters, **values, **agreeing(values, twins)},
                "session": sanitise(f"{session}-{variant_name(values)}"),
            }
        )
        for values in combinations(axes)
    ]


def agreeing(values: Mapping[str, Any], twins: Mapping[str, str]) -> dict[str, Any]:
    """The values of the twins of those in `values`."""
    return {twins[name]: value for name, value in values.items() if name in twins}


def request_of_sample(project: Project, path: Path) -> dict[str, Any]:
    """What a sample was made from, to process it again in another way: values of a `ProcessRequest`.

    Movie, subject and session, and where the job that made it is still known how its movie was read. Parameters,
    engine and preset are left out: they are what will differ.

    Raises
    ------
    ParameterError
        When the sample does not say where its raw movie is, or it is gone.
    """
    provenance, summary = read_provenance(path), read_summary(path)
    movies = [str(name) for name in provenance.get("input_files") or []]
    gone = next((name for name in movies if not Path(name).is_file()), None)
    if not movies or gone is not None:
        raise ParameterError(
            path,
            "does not say which raw movie it was made from" if not movies else f"was made from {gone}, which is gone",
            "Put the movie back, or give a movie by its path.",
        )
    values: dict[str, Any] = {"movies": movies, "subject": summary.subject_id, "session": summary.session_id}
    try:
        spec = Ledger(project).job(str(provenance.get("job_id") or "")).spec
    except JobError:
        return values
    kept = ("movies", "subject", "metadata", "metadata_file", "movie", "online")
    return {**values, **{name: spec[name] for name in kept if spec.get(name)}}
