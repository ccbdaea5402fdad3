"""What is asked for when a movie is looked at, and where the answer is kept; nothing of the engine is imported here."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nwb_schema.errors import MissingRateError, MovieError, ParameterError
from nwb_schema.project import Project
from nwb_schema.provenance import canonical_json
from nwb_schema.publishing import partial_path
from pipeline.movies import open_movie
from pipeline.movies.cropped import prepared
from pipeline.movies.movie import Movie
from pipeline.parameters.groups import Motion
from pipeline.request import MovieOptions

LEAST_FRAMES = 20
MOST_FRAMES = 5000
PREVIEW_FRAMES = 200
KEPT_ANSWERS = 24
# What can be shown does not depend on the rate, so that a movie that does not say it can be looked at.
_ANY_RATE_HZ = 1.0


class LookRequest(BaseModel):
    """A movie and a part of it to look at.

    Attributes
    ----------
    movies
        Its files, in order of time.
    movie
        How to read it; its ``resize`` is applied, its ``crop`` is not: it is drawn on the whole field.
    first, n_frames
        The part.
    gSig
        Half-size ``(y, x)`` of a cell, in pixels after resizing.
    center_psf
        Whether the filter has zero mean (one-photon).
    motion
        How motion is corrected before anything is computed; None leaves frames as they are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    movies: tuple[Path, ...] = Field(min_length=1)
    movie: MovieOptions = MovieOptions()
    first: int = Field(default=0, ge=0)
    n_frames: int = Field(default=500, ge=LEAST_FRAMES, le=MOST_FRAMES)
    gSig: tuple[int, int] = (4, 4)
    center_psf: bool = True
    motion: Motion | None = None

    def open(self) -> Movie:
        """The movie, resized.

        Raises
        ------
        MovieError, ParameterError
        """
        options = self.movie.model_dump(exclude={"crop", "resize"})
        try:
            raw = open_movie(self.movies, **options)
        except MissingRateError:
            raw = open_movie(self.movies, **{**options, "frame_rate_hz": _ANY_RATE_HZ})
        try:
            return prepared(raw, None, self.movie.resize)
        except BaseException:
            raw.close()
            raise


def parse_look(values: Mapping[str, Any]) -> LookRequest:
    """A request from JSON-able values.

    Raises
    ------
    ParameterError
        When a value is of the wrong kind or out of range.
    """
    try:
        return LookRequest.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise ParameterError(name, f"{problem['input']!r} cannot be used ({problem['msg']})", "Correct it.") from error


class Answers:
    """Arrays that were computed for a project, kept by what was asked for; the oldest go when there are many.

    Parameters
    ----------
    project
        In whose disposable cache they are.
    """

    def __init__(self, project: Project) -> None:
        self.folder = project.cache_dir / "tuning"

    def path(self, digest: str) -> Path:
        """Where the arrays of that digest are, or will be.

        Raises
        ------
        MovieError
            When `digest` is none.
        """
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise MovieError("tuning", f"'{digest[:80]}' names no images", "Look at the movie again.")
        return self.folder / f"{digest}.npz"

    def read(self, digest: str, name: str) -> NDArray[Any]:
        """One array.

        Raises
        ------
        MovieError
            When it is not there (any more).
        """
        try:
            with np.load(self.path(digest), allow_pickle=False) as stored:
                return np.asarray(stored[name])
        except (OSError, KeyError, ValueError) as error:
            raise MovieError("tuning", f"the image {name} is not there any more", "Look at the movie again.") from error

    def has(self, digest: str) -> bool:
        """Whether they are there; what is asked for again stays longest."""
        try:
            os.utime(self.path(digest))
        except OSError:
            return False
        return True

    def keep(self, digest: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Keep arrays, and let the oldest go."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = partial_path(self.folder)
        try:
            with temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **dict(arrays))
            os.replace(temporary, self.path(digest))
        finally:
            temporary.unlink(missing_ok=True)
        newest = sorted(self.folder.glob("*.npz"), key=_modified, reverse=True)
        for path in newest[KEPT_ANSWERS:]:
            with suppress(OSError):
                path.unlink()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def digest_of(request: LookRequest, what: str, more: Mapping[str, Any] | None = None) -> str:
    """SHA-256 over what was asked for and the state of the files; equal where the answer is.

    Raises
    ------
    MovieError
        When a file is not there.
    """
    files = []
    for path in request.movies:
        try:
            status = path.stat()
        except OSError as error:
            raise MovieError(path, "there is no such file", "Check the path and its spelling.") from error
        files.append([str(path), status.st_size, status.st_mtime_ns])
    parts = {"what": what, "request": json.loads(request.model_dump_json()), "files": files, **(more or {})}
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()
