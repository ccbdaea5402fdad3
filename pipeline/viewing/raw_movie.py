"""The raw movie that a sample was made from, found again where it was, and only if it is still the same."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import FluoriteError, JobError, MovieError
from nwb_schema.movie_file import MovieFile
from nwb_schema.project import Project
from nwb_schema.reader import SampleSummary, read_provenance, read_summary
from pipeline.jobs.ledger import Ledger
from pipeline.movies.digest import files_sha256
from pipeline.movies.movie import Movie

COMPARED_BYTES = 512 * 2**20
"""Files up to this size are read whole to see whether they are the same; of larger ones, the size of frames and their
number have to do."""


_NO_RAW_MOVIE = "has no raw movie to show: "


class RawMovie:
    """The raw movie of a sample in the registered movie's values; see `pipeline.viewing.frames.View`.

    Attributes
    ----------
    note
        What could not be made sure of, as a sentence, or nothing.
    """

    def __init__(self, movie: Movie, offset: float, note: str) -> None:
        self._movie, self._offset, self.note = movie, offset, note
        self.path, self.shape, self.rate_hz = movie.paths[0], movie.shape, movie.rate_hz

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames `start` to `stop` (exclusive) as ``(stop - start, height, width[, depth])``."""
        frames = self._movie.read(start, stop)
        return frames if self._offset == 0 else frames.astype(np.float32) - np.float32(self._offset)

    def close(self) -> None:
        """Release the file handles."""
        self._movie.close()


def open_raw_movie(project: Project, path: Path, registered: Path) -> RawMovie:
    """The raw movie of the sample `path`, opened as it was opened when the sample was made.

    Parameters
    ----------
    registered
        The sample's registered movie; the raw one has to have as many frames of the same size.

    Raises
    ------
    MovieError
        When no raw movie is recorded, it is not there any more, or it is another one, with the reason.
    """
    summary = read_summary(path)
    with MovieFile(registered) as file:
        shape, offset = file.shape, file.offset
    movie, hashed = _open(project, path, summary)
    try:
        if tuple(movie.shape) != shape:
            sizes = [" x ".join(map(str, size)) for size in (movie.shape, shape)]
            raise MovieError(
                movie.paths[0],
                f"has {sizes[0]} (frames x height x width), but the registered movie of {path.name} {sizes[1]}",
                "It was cut or changed in size before it was registered, or is another movie.",
            )
        note = _compare(path, movie, hashed, summary.input_sha256)
    except BaseException:
        movie.close()
        raise
    return RawMovie(movie, offset, note)


def raw_movie_problem(project: Project, path: Path) -> str | None:
    """Why the raw movie cannot be shown, as far as it can be told without opening it; None when nothing speaks against.

    A line for people.
    """
    try:
        files = _files(project, path)[0]
    except MovieError as error:
        return error.cause.removeprefix(_NO_RAW_MOVIE)
    missing = next((file for file in files if not file.is_file()), None)
    return None if missing is None else f"the raw movie {missing} is not there any more"


def _files(project: Project, path: Path) -> tuple[list[Path], dict[str, Any] | None]:
    """The raw movie's files, and the request of the job that read them, if the ledger still has it."""
    summary, job = read_summary(path), None
    if project.writable:  # SQLite needs to write beside the ledger even to read it
        with suppress(JobError):
            job = Ledger(project).job(summary.identifier)
    if job is not None and job.kind == "process":
        return [Path(file) for file in job.spec["movies"]], {"kind": "process", **job.spec}
    if job is not None and job.kind == "import":
        if not (job.spec.get("movie") and job.spec.get("raw_movie")):
            raise _none(path, "it was imported with the registered movie or none")
        return [Path(job.spec["movie"])], {"kind": "import", **job.spec}
    if job is not None:
        raise _none(path, "it was made of a file that another program wrote")
    files = [Path(file) for file in read_provenance(path).get("input_files") or ()]
    if not files or any(note.startswith("Imported from ") for note in summary.notes):
        raise _none(path, "the sample does not say which file it was")
    return files, None


def _open(project: Project, path: Path, summary: SampleSummary) -> tuple[Movie, list[Path] | None]:
    """The movie, and the files whose digest the sample records, in order (None: those of the movie)."""
    # Imported when they are needed, because they bring the readers of all formats.
    from pipeline.importing import ImportRequest
    from pipeline.movies import open_movie
    from pipeline.request import parse_request

    files, request = _files(project, path)
    missing = next((file for file in files if not file.is_file()), None)
    if missing is not None:
        raise MovieError(missing, "the raw movie is not there any more", "Put it back to see it beside the registered.")
    rate_hz, volume = summary.rate_hz, bool(summary.depth)
    kind = None if request is None else request.pop("kind")
    try:
        if kind == "process":
            asked = parse_request({**(request or {}), "follow": False, "online": False})
            options = asked.movie.model_copy(update={"frame_rate_hz": rate_hz})
            return asked.model_copy(update={"movie": options}).open_movie()[0], None
        if kind == "import":
            imported = ImportRequest.model_validate(request)
            named = imported.model_dump(include={"axes", "dataset", "channel", "plane"})
            movie = open_movie(files[0], frame_rate_hz=rate_hz, volume=volume, **named)
            return movie, [imported.results, *movie.paths]
        return open_movie(files, frame_rate_hz=rate_hz, volume=volume), None
    except MovieError:
        raise
    except (FluoriteError, ValueError) as error:
        raise MovieError(files[0], f"cannot be opened as it was then ({error})", "Process the movie again.") from error


def _compare(path: Path, movie: Movie, hashed: list[Path] | None, recorded: str | None) -> str:
    """What could not be made sure of; a movie that is another one is refused."""
    files = list(movie.paths) if hashed is None else hashed
    if not recorded or any(not file.is_file() for file in files):
        return "Whether it is still the same file cannot be told: its digest is not recorded. Its size agrees."
    if sum(file.stat().st_size for file in files) > COMPARED_BYTES:
        return "It is too large to compare every byte; its number of frames and their size agree."
    if files_sha256(files) != recorded:
        raise MovieError(
            movie.paths[0],
            f"is not the file any more that {path.name} was made from (its digest differs)",
            "Put the original back to see it beside the registered movie.",
        )
    return ""


def _none(path: Path, why: str) -> MovieError:
    return MovieError(path, f"{_NO_RAW_MOVIE}{why}", "Process the raw movie to have both.")
