"""What can be said of a chosen movie before it is processed: so that nobody types what the file knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adding.typed_path import unquoted
from app.formatting import count, duration, frame_size, moment, number
from nwb_schema.errors import FluoriteError, MissingRateError
from pipeline.movies import open_movie


@dataclass(frozen=True)
class MovieFacts:
    """What a movie's file says.

    Attributes
    ----------
    text
        Its size, rate, duration and date in one line; empty where there is nothing to say.
    problem
        Why it cannot be read as it is, or empty.
    lacks_rate
        Whether only its rate is missing.
    """

    text: str = ""
    problem: str = ""
    lacks_rate: bool = False


def movie_facts(
    typed: str | None, options: Mapping[str, Any], *, series: bool = False, default_rate_hz: float | None = None
) -> MovieFacts:
    """What the file of the first line says, or with `series` all of them together; silent about what is being typed.

    Parameters
    ----------
    options
        How to read it, as `pipeline.movies.open_movie` takes them.
    default_rate_hz
        The lab's default, which stands for a rate that the file lacks.
    """
    paths = [Path(unquoted(line)).expanduser() for line in (typed or "").splitlines() if line.strip()]
    try:
        if not paths or not all(path.is_file() for path in paths):
            return MovieFacts()
        return _facts(paths if series else paths[:1], len(paths), options, default_rate_hz)
    except (FluoriteError, OSError, ValueError) as error:
        return MovieFacts(problem=str(error))


def _facts(paths: list[Path], n_files: int, options: Mapping[str, Any], default_rate_hz: float | None) -> MovieFacts:
    lacking = ""
    try:
        movie = open_movie(paths, **options)
    except MissingRateError as error:
        if default_rate_hz is None:
            return MovieFacts(problem=f"{error.cause[:1].upper()}{error.cause[1:]}.", lacks_rate=True)
        lacking = " (lab default: the file does not say it)"
        movie = open_movie(paths, **{**options, "frame_rate_hz": default_rate_hz})
    try:
        n_frames, height, width = movie.shape[:3]
        facts = [
            count(n_frames, "frame"),
            frame_size(height, width),
            *([count(movie.shape[3], "plane")] if len(movie.shape) == 4 else []),
            f"{number(movie.rate_hz)} Hz{lacking}",
            duration(n_frames / movie.rate_hz),
        ]
        if movie.metadata.session_start is not None:
            facts.append(moment(movie.metadata.session_start))
        first = f"{paths[0].name}: " if n_files > len(paths) else ""
        return MovieFacts(first + " \u00b7 ".join(facts))
    finally:
        movie.close()
