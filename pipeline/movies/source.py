"""What a reader of one file format hands over, and what a person may say about a file when opening it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.movie import LazyFrames, MovieMetadata


@dataclass(frozen=True)
class OpenOptions:
    """A person's answers to what a file leaves open; None means that nothing was said.

    Attributes
    ----------
    axes
        The axes of the file as stored, in tifffile's letters (``TYX``, ``YXT``, ``TZYX``, ...).
    dataset
        Path of the dataset in an HDF5 file, or of the series in an NWB file.
    channel, plane
        Which channel and which plane to read, both counted from 0.
    volume
        Whether all planes are read, as volumes.
    load_method
        ``asarray``, ``asarray-multi`` or ``imread``: the Mesmerize manual's choices for TIFF.
    """

    axes: str | None = None
    dataset: str | None = None
    channel: int | None = None
    plane: int | None = None
    volume: bool = False
    load_method: str | None = None

    def refuse(self, path: Path, *names: str, because: str) -> None:
        """Raise a `MovieError` when one of the options `names` was given: an option is never silently ignored.

        `channel` and `plane` 0 pass, because a file that has one channel has a channel 0.
        """
        for name in names:
            value = getattr(self, name)
            if value is None or (name in ("channel", "plane") and value == 0):
                continue
            flag = "--" + name.replace("_", "-")
            raise MovieError(path, f"{flag} {value} was given, but {because}", f"Leave {flag} out.")


@dataclass(frozen=True)
class FileRate:
    """The rate that a file states, unchecked, and which field of the file says it."""

    value: Any
    field: str


@dataclass(frozen=True)
class FileFacts:
    """What a file says about its recording besides the frames.

    Attributes
    ----------
    rate
        The stated rate in Hz, or None.
    rate_problem
        Why the file's own timing gives no rate (irregular timestamps), as a clause, or None.
    metadata
        The rest.
    """

    rate: FileRate | None = None
    rate_problem: str | None = None
    metadata: MovieMetadata = field(default_factory=MovieMetadata)


class FrameSource(LazyFrames, Protocol):
    """One opened file: everything of a `Movie` but the rate, which the side-car or the user may say instead.

    `read` is only asked for ``0 <= start <= stop <= n_frames``.
    """

    @property
    def facts(self) -> FileFacts: ...


def native(frames: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in this machine's byte order."""
    return frames.astype(frames.dtype.newbyteorder("="), copy=False)


def checked_dtype(path: Path, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """`dtype` in native byte order; MovieError unless pixels are integers or real floating-point numbers."""
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise MovieError(
            path,
            f"its pixels are of type {dtype}, which is not a brightness",
            "Save the movie with integer or floating-point pixels.",
        )
    return dtype.newbyteorder("=")


def jsonable(value: Any) -> Any:
    """`value` with everything that JSON cannot hold turned into what it can: arrays to lists, the rest to text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, np.ndarray):
        return [jsonable(item) for item in value.tolist()]
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [jsonable(item) for item in value]
    return str(value)
