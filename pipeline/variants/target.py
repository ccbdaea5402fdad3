"""The sample that another result is made for, and whether a movie is its movie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nwb_schema.errors import MovieError, SampleError
from nwb_schema.project import Project
from nwb_schema.reader import read_summary, registered_movie_path
from pipeline.movies.movie import Movie


@dataclass(frozen=True)
class Target:
    """The sample that another result is made for.

    Attributes
    ----------
    path, identifier
        Its file and its NWB identifier.
    shape
        ``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``.
    rate_hz
        Frames per second, or None where it does not say.
    one_photon
        Whether it is a one-photon recording.
    input_sha256
        Digest of its raw movie; empty where it was not at hand.
    registered_movie
        Its registered movie, or None.
    """

    path: Path
    identifier: str
    shape: tuple[int, ...]
    rate_hz: float | None
    one_photon: bool
    input_sha256: str
    registered_movie: Path | None

    def is_registered(self, movie: Path) -> bool:
        """Whether the file `movie` is the registered movie of this sample."""
        return self.registered_movie is not None and movie.resolve() == self.registered_movie.resolve()


def find_target(project: Project, sample: str) -> Target:
    """The sample of that name or identifier.

    Raises
    ------
    SampleError
        When there is none, or another program wrote it.
    """
    path = project.find_sample(sample)
    summary = read_summary(path)
    if not summary.is_ours:
        raise SampleError(path, "another program wrote it", "Adopt it into the project with: fluorite adopt")
    sizes = (summary.n_frames, summary.height, summary.width, *([summary.depth] if summary.depth else []))
    return Target(
        path=path,
        identifier=summary.identifier,
        shape=tuple(size or 0 for size in sizes),
        rate_hz=summary.rate_hz,
        one_photon=bool(summary.one_photon),
        input_sha256=summary.input_sha256 or "",
        registered_movie=registered_movie_path(path) if summary.has_movie else None,
    )


def check_shape(target: Target, movie: Movie) -> None:
    """Refuse a movie of another size or length than the sample's: before the work starts, because it costs nothing.

    Raises
    ------
    MovieError
    """
    if movie.shape != target.shape:
        own, other = (" x ".join(map(str, shape)) for shape in (movie.shape, target.shape))
        raise MovieError(
            movie.paths[0],
            f"has {own} (frames x height x width), but {target.path.name} has {other}",
            "Give the movie that the sample was made from.",
        )


def check_movie_of(target: Target, movie: Movie, input_sha256: str) -> None:
    """Refuse another movie of the same size: recordings of one series all have the same.

    Raises
    ------
    MovieError
    """
    if target.is_registered(movie.paths[0]) or input_sha256 == target.input_sha256:
        return
    raise MovieError(
        movie.paths[0],
        f"is not the movie that {target.path.name} was made from (its content differs)",
        "Leave the movie out: the sample's registered movie is taken then.",
    )
