"""What a person asks for when they process a movie: the same from the command line, the page and Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from nwb_schema.errors import MissingRateError, MovieError, ParameterError
from nwb_schema.names import sanitise
from pipeline.movies import open_movie
from pipeline.movies.cropped import prepared
from pipeline.movies.following import IDLE_S, open_growing_movie
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters, PresetName


class MovieOptions(BaseModel):
    """How to read the movie where its file does not say (`pipeline.movies.open_movie`), and what of it to process.

    Attributes
    ----------
    crop
        ``Y0:Y1,X0:X1`` (rows and columns of the raw movie, from 0, the last excluded), or ``auto``.
    resize
        By what the sides are multiplied after cropping, above 0 and up to 1.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame_rate_hz: float | None = None
    axes: str | None = None
    dataset: str | None = None
    channel: int | None = None
    plane: int | None = None
    load_method: Literal["asarray", "asarray-multi", "imread"] | None = None
    sidecar: Path | None = None
    crop: str | None = None
    resize: float | None = Field(default=None, gt=0, le=1, allow_inf_nan=False)


class ProcessRequest(BaseModel):
    """One recording to process.

    Attributes
    ----------
    movies
        Its files: one, or several that are one recording, in order of time.
    preset, parameters
        The starting point and what is changed in it, in CaImAn's names, grouped or flat.
    parameters_file
        Where `parameters` came from, for messages.
    engine
        ``auto``, ``builtin`` or ``caiman``.
    subject, session
        Ids; from the metadata or the movie's name when not given.
    metadata
        The content of a metadata file (neuroconv's layout), or empty.
    metadata_file
        Where `metadata` came from, for messages.
    custom
        Values of the project's custom columns, by the columns' names.
    movie
        How to read the movie.
    online
        Process it frame by frame (OnACID), with the parameters of the group ``online``.
    follow, idle_s
        The movie is still being written: online mode takes frames as they come, until none has come for so many
        seconds or its end is marked (`pipeline.movies.following`).
    variant_of
        Identifier of a sample: its movie gets another result, which stays in ``batch/<job>/`` and changes no sample
        (`pipeline.variants`). None makes a sample.
    variant_of_name
        What people call that sample.
    into, reason
        Whether such a result takes the place of the sample's segmentation, as an edit, and why.
    label
        One line for people, where the names of the movies do not say enough.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    movies: tuple[Path, ...]
    preset: PresetName = "2p"
    parameters: Mapping[str, Any] = {}
    parameters_file: str = "parameters"
    engine: Literal["auto", "builtin", "caiman"] = "auto"
    subject: str | None = None
    session: str | None = None
    metadata: Mapping[str, Any] = {}
    metadata_file: str = "metadata"
    custom: Mapping[str, Any] = {}
    movie: MovieOptions = MovieOptions()
    online: bool = False
    follow: bool = False
    idle_s: float = Field(default=IDLE_S, gt=0, allow_inf_nan=False)
    variant_of: str | None = None
    variant_of_name: str = ""
    into: bool = False
    reason: str = ""
    label: str = ""

    @model_validator(mode="after")
    def check_follow(self) -> ProcessRequest:
        """Refuse to follow what cannot be followed."""
        if self.follow and not self.online:
            raise ValueError("a movie that is still being written can only be processed online")
        if self.follow and len(self.movies) > 1:
            raise ValueError("one movie can be followed, not a series")
        if self.follow and (self.movie.crop is not None or self.movie.resize is not None):
            raise ValueError("a movie that is still being written cannot be cropped or resized")
        if self.follow and self.engine == "caiman":
            raise ValueError("CaImAn cannot follow a movie that is still being written; the built-in engine can")
        return self

    @model_validator(mode="after")
    def check_variant(self) -> ProcessRequest:
        """Refuse what a variant cannot have: it is of a sample that is there, and has no name of its own."""
        if self.variant_of is not None and (self.subject or self.session or self.metadata):
            raise ValueError("a variant keeps the subject, session and metadata of its sample")
        if self.into and self.variant_of is None:
            raise ValueError("only a result for the movie of a sample can take the place of its segmentation")
        if self.variant_of is not None and self.custom:
            raise ValueError("a variant keeps the custom columns of its sample")
        if self.variant_of is not None and self.follow:
            raise ValueError("a variant needs a movie that is complete")
        return self

    @property
    def title(self) -> str:
        """One line for people: the names of the movies, unless there is a `label`."""
        if self.label:
            return self.label
        first, *others = (path.name for path in self.movies)
        return f"{first} and {len(others)} more" if others else first

    def open_movie(self) -> tuple[Movie, Parameters]:
        """Open the movie, cropped and resized as asked for, and complete the parameters with its rate.

        A rate in the parameters (``fr``) counts as given when the movie has none. When both have one and they differ by
        more than 1 %, one of them is wrong and every time constant would be: the user has to say which.

        Raises
        ------
        MovieError, ParameterError
        """
        parameters = Parameters.preset(self.preset).updated(self.parameters, source=self.parameters_file)
        options = {**self.movie.model_dump(exclude={"crop", "resize"}), "volume": parameters.motion.is3D}
        given_rate_hz = parameters.data.fr
        if options["frame_rate_hz"] is None and given_rate_hz is not None:
            rate_of_file_hz = self._rate_of_file(options)
            if rate_of_file_hz is None:
                options["frame_rate_hz"] = given_rate_hz
            elif abs(rate_of_file_hz / given_rate_hz - 1) > 0.01:
                raise ParameterError(
                    self.parameters_file,
                    f"fr is {given_rate_hz:g} Hz, but {self.movies[0].name} says {rate_of_file_hz:g} Hz",
                    f"Give the right one: --frame-rate {rate_of_file_hz:g} or --frame-rate {given_rate_hz:g}.",
                )
        raw = self._open(options)
        try:
            movie = prepared(raw, self.movie.crop, self.movie.resize)
        except BaseException:
            raw.close()
            raise
        return movie, parameters.updated({"data.fr": movie.rate_hz})

    def _open(self, options: Mapping[str, Any]) -> Movie:
        if self.follow:
            return open_growing_movie(self.movies[0], idle_s=self.idle_s, **options)
        return open_movie(self.movies, **options)

    def _rate_of_file(self, options: Mapping[str, Any]) -> float | None:
        try:
            movie = self._open(options)
        except MissingRateError:
            return None
        try:
            return movie.rate_hz
        finally:
            movie.close()


def split_into_recordings(request: Mapping[str, Any], *, series: bool) -> list[ProcessRequest]:
    """One request a recording: each movie for itself, or all of them together as a series.

    Raises
    ------
    MovieError
        When no movie is given, or several recordings would get the same session.
    ParameterError
        When a value is of the wrong kind.
    """
    movies = [Path(path).expanduser() for path in request.get("movies", [])]
    if not movies:
        raise MovieError("movies", "no movie was given", "Name at least one file.")
    if len(movies) > 1 and not series and request.get("session"):
        raise MovieError(
            movies[1],
            f"would get the same session '{request['session']}' as {movies[0].name}",
            "Leave the session out (each movie's name is taken), process them one by one, or join them with --series.",
        )
    recordings = [movies] if series else [[path] for path in movies]
    first_of: dict[str, Path] = {}
    for first, *_ in recordings if not request.get("session") else []:
        twin = first_of.setdefault(sanitise(default_session(first)), first)
        if twin != first:
            raise MovieError(
                first,
                f"would get the same session '{default_session(first)}' as {twin}",
                "Process them one by one, each with its own --session, or join them with --series.",
            )
    return [parse_request({**request, "movies": [str(path.resolve()) for path in files]}) for files in recordings]


def default_session(movie: Path) -> str:
    """The session of a movie for which nobody gave one: its file's name up to the first dot."""
    return movie.name.split(".")[0]


def parse_request(values: Mapping[str, Any]) -> ProcessRequest:
    """A request from JSON-able values.

    Raises
    ------
    ParameterError
        When a value is of the wrong kind.
    """
    try:
        return ProcessRequest.model_validate(values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = ".".join(str(part) for part in problem["loc"])
        raise ParameterError(name, f"{problem['input']!r} cannot be used ({problem['msg']})", "Correct it.") from error
