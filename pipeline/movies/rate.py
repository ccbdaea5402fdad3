"""The imaging rate: what counts as one, and who is believed when several say it."""

from __future__ import annotations

import sys
from numbers import Real
from pathlib import Path
from typing import Any

from nwb_schema.errors import MetadataError, MissingRateError, MovieError
from pipeline.movies.sidecar import Sidecar
from pipeline.movies.source import FileFacts

OPTION = "--frame-rate"


def is_rate(value: object) -> bool:
    """Whether `value` is a number of frames per second: real, finite and above 0."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    number: Any = value  # compared before it becomes a float, which an integer of a thousand digits cannot
    return bool(0 < number <= sys.float_info.max)


def checked_option_rate(value: object) -> float | None:
    """The option's rate as float, None when it was not given.

    Raises
    ------
    MetadataError
        When it is 0, negative, NaN, infinite or not a number.
    """
    if value is None:
        return None
    if not is_rate(value):
        raise MetadataError(OPTION, f"{value!r} is not a frame rate", "Give frames per second above 0, like 30.5.")
    return float(value)  # type: ignore[arg-type]


def resolve_rate(path: Path, option: float | None, sidecar: Sidecar | None, facts: FileFacts) -> float:
    """Frames per second, by precedence: the option, then the side-car, then the file itself.

    A person's word beats a file's; a side-car is written for the recording after the fact and beats what an image
    program wrote into the header. What comes first is used alone: a worse source is then not even looked at.

    Raises
    ------
    MovieError
        When the file states a rate that cannot be one (0, negative, NaN, infinite, text) and nothing better is there.
    MissingRateError
        When nobody states a rate.
    """
    if option is not None:
        return option
    if sidecar is not None and sidecar.rate_hz is not None:
        return sidecar.rate_hz
    remedy = (
        f"Give it with {OPTION} HZ, or put a side-car {path.with_suffix('.json').name} beside it "
        'that holds {"source": "...", "fps": HZ, "date": "YYYYMMDD_HHMMSS"}.'
    )
    if facts.rate is not None:
        if not is_rate(facts.rate.value):
            raise MovieError(path, f"its {facts.rate.field} is {facts.rate.value!r}, which is no frame rate", remedy)
        return float(facts.rate.value)
    cause = facts.rate_problem or "neither the file nor a side-car says the frame rate"
    raise MissingRateError(path, cause, remedy)


def rate_origin(option: float | None, sidecar: Sidecar | None, facts: FileFacts) -> str:
    """Who said the rate that `resolve_rate` returns, in words for the sample's history."""
    if option is not None:
        return OPTION
    if sidecar is not None and sidecar.rate_hz is not None:
        return f"side-car {sidecar.path.name}"
    return "another file of the series" if facts.rate is None else facts.rate.field
