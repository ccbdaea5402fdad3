"""Mesmerize's side-car: a ``.json`` of the movie's name beside it (Mesmerize manual, chapters 8 and 10)."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nwb_schema.errors import MetadataError

_EXAMPLE = '{"source": "our_recording_program", "fps": 20.0, "date": "20190425_114405"}'
_DATE = "%Y%m%d_%H%M%S"


@dataclass(frozen=True)
class Sidecar:
    """What a side-car says; None where it says nothing.

    Attributes
    ----------
    path
        The side-car itself.
    rate_hz
        Its ``fps``.
    session_start
        Its ``date``, without a time zone, because the format has none.
    source
        Its ``source``, or ``origin`` as Mesmerize's own JSON loader wrote it.
    extra
        Every other key, ``orig_meta`` among them.
    """

    path: Path
    rate_hz: float | None
    session_start: datetime | None
    source: str | None
    extra: Mapping[str, Any]


def find_sidecar(movie: Path, given: Path | None) -> Path | None:
    """The side-car to read: the one that was `given`, else ``<movie's name>.json`` if there is one."""
    if given is not None:
        if not given.is_file():
            raise MetadataError(given, "no such side-car file", "Check the path, or leave the side-car out.")
        return given
    beside = movie.with_suffix(".json")
    return beside if beside.is_file() else None


def read_sidecar(path: Path, *, rate_is_given: bool = False) -> Sidecar:
    """Read and check a side-car.

    Parameters
    ----------
    rate_is_given
        The person said the rate: ``fps`` is then not looked at, so that they can overrule a wrong one.

    Raises
    ------
    MetadataError
        When it is not a JSON object, or ``fps``, ``date`` or ``source`` hold something else than the manual says.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        # The manual's own second example writes the date and the version without quotes, which is not JSON.
        raise MetadataError(
            path,
            f"the side-car is not valid JSON ({error})",
            f"Write it like {_EXAMPLE}, text in double quotes; rename it if it is none.",
        ) from error
    if not isinstance(content, dict):
        raise MetadataError(path, "the side-car is not a JSON object", f"Write it like {_EXAMPLE}.")
    extra = {key: value for key, value in content.items() if key not in ("fps", "date", "source")}
    return Sidecar(
        path=path,
        rate_hz=None if rate_is_given else _rate(path, content.get("fps")),
        session_start=_date(path, content.get("date")),
        source=_text(path, "source", content.get("source", content.get("origin"))),
        extra=extra,
    )


def _rate(path: Path, fps: object) -> float | None:
    if fps is None:
        return None
    if isinstance(fps, bool) or not isinstance(fps, int | float) or not 0 < fps <= sys.float_info.max:
        raise MetadataError(
            path,
            f'"fps" is {fps!r}, not a frame rate',
            'Write a number above 0, like "fps": 20.0, or give the rate with --frame-rate HZ.',
        )
    return float(fps)


def _date(path: Path, date: object) -> datetime | None:
    if date is None:
        return None
    problem = MetadataError(
        path, f'"date" is {date!r}, not a date', 'Write it as YYYYMMDD_HHMMSS, like "date": "20190425_114405".'
    )
    # strptime takes one-digit months too, and would read 2019425 as a date of its own choosing.
    if not isinstance(date, str) or len(date) != len("YYYYMMDD_HHMMSS"):
        raise problem
    try:
        return datetime.strptime(date, _DATE)
    except ValueError as error:
        raise problem from error


def _text(path: Path, key: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise MetadataError(path, f'"{key}" is {value!r}, not text', f'Write it in double quotes, like "{key}": "name".')
