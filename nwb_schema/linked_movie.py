"""Where the registered movie of a sample is, found without following the link in the sample."""

from __future__ import annotations

from pathlib import Path

import h5py

from nwb_schema import local_hdf5
from nwb_schema.errors import SampleError
from nwb_schema.movie_file import DATASET
from nwb_schema.regular_file import require_regular_file

_SERIES = ("TwoPhotonSeries", "OnePhotonSeries", "ImageSeries")


def registered_movie_path(path: Path) -> Path:
    """The registered movie that the sample `path` links to.

    Raises
    ------
    SampleError
        When the sample has none, the file is missing, or the link leads anywhere but into the project's ``movies/``.
    """
    require_regular_file(path)
    try:
        with h5py.File(path, "r") as file:
            link = movie_link(file)
    except OSError as error:
        raise SampleError(path, f"cannot be read ({error})", "Restore the file from a backup.") from error
    if link is None:
        raise SampleError(path, "has no registered movie", "Import it again together with its movie.")
    return resolve_link(path, link)


def movie_link(file: h5py.File) -> h5py.ExternalLink | None:
    """The link to the movie in ``acquisition``, or None."""
    acquisition = local_hdf5.local_group(file, "acquisition")
    if acquisition is None:
        return None
    for _, series in local_hdf5.local_children(acquisition):
        if isinstance(series, h5py.Group) and local_hdf5.type_of(series) in _SERIES:
            link = series.get("data", getlink=True)
            if isinstance(link, h5py.ExternalLink):
                return link
    return None


def resolve_link(sample: Path, link: h5py.ExternalLink) -> Path:
    """The file that `link` in `sample` leads to, refused unless it lies in ``movies/`` beside the sample's folder."""
    movies = (sample.resolve().parent.parent / "movies").resolve()
    target = (sample.resolve().parent / str(link.filename)).resolve()
    if target.parent != movies or str(link.path).strip("/") != DATASET:
        raise SampleError(
            sample,
            f"its movie link leads outside the project ({link.filename}:{link.path})",
            "Do not trust this file; ask whoever gave it to you for a self-contained one.",
        )
    if not target.is_file():
        raise SampleError(
            sample, f"its movie {target.name} is missing", f"Restore {target.name} to the folder {movies}."
        )
    return target


def movie_problem(sample: Path, link: h5py.ExternalLink | None, shape: tuple[int | None, ...]) -> str | None:
    """Why the sample's movie cannot be shown, in one line, or None.

    Parameters
    ----------
    shape
        ``(n_frames, height, width)`` as the sample records it, of volumes ``(n_frames, height, width, depth)``.
    """
    if link is None:
        return "it has no registered movie"
    try:
        target = resolve_link(sample, link)
        with h5py.File(target, "r") as file:
            data = local_hdf5.local_dataset(file, DATASET)
            if data is None or data.ndim not in (3, 4):
                return f"{target.name} is not a registered movie"
            n_frames, width, height, *planes = data.shape
    except SampleError as error:
        return error.cause
    except OSError as error:
        return f"{target.name} cannot be read ({error})"
    found = (n_frames, height, width, *planes)
    if found != shape:
        return (
            f"{target.name} has {n_frames} frames of {_size(found)}, "
            f"but the sample records {shape[0]} of {_size(shape)}"
        )
    return None


def _size(shape: tuple[int | None, ...]) -> str:
    return " x ".join(map(str, shape[1:]))
