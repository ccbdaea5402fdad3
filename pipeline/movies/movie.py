"""The one form that every recording takes when it comes in: a lazy movie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MovieMetadata:
    """What the file, or the side-car beside it, says about the recording.

    Attributes
    ----------
    session_start
        When the recording began; naive where the file names no time zone; None where it says nothing.
    source
        The program or microscope that wrote the file, or None.
    pixel_size_um
        ``(y, x)`` micrometres per pixel, or ``(y, x, z)`` where the distance of planes is known, or None.
    subject
        What the file knows of the animal, under NWB's names (``subject_id``, ``sex``, ``species``, ...).
    recorded
        What the microscope wrote of itself, in neuroconv's layout (``Ophys``: ``Device``, ``ImagingPlane``), for a
        format whose reader knows it; `pipeline.movies.acquisition` reads what lies beside the others.
    extra
        Everything else that the microscope or the side-car wrote and that may matter later (``orig_meta``), JSON-able.
    """

    session_start: datetime | None = None
    source: str | None = None
    pixel_size_um: tuple[float, ...] | None = None
    subject: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    recorded: Mapping[str, Any] = field(default_factory=dict)


class LazyFrames(Protocol):
    """Frames that are read when asked for: what an opened file and a whole recording have in common."""

    @property
    def paths(self) -> tuple[Path, ...]: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def axes(self) -> str: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as an array ``(stop - start, height, width)``.

        Of volumes, as ``(stop - start, height, width, depth)``.

        Safe to call from several threads at once.
        """
        ...

    def close(self) -> None:
        """Release the file handles. Reading after this is an error."""
        ...


@runtime_checkable
class Movie(LazyFrames, Protocol):
    """A recording of one plane or of volumes, read lazily: opening it reads no frame.

    The planes of a volume are the last axis, ``z``, everywhere in Fluorite: in movies, masks and images.

    Attributes
    ----------
    paths
        The files that it is made of, in order of time.
    shape
        ``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``; a frame is then a whole volume.
    axes
        The axes of the file as read, in tifffile's letters (``TYX``, ``YXT``, ...); `read` always returns ``TYX``, of
        volumes ``TYXZ``.
    dtype
        The dtype of the frames that `read` returns: the file's own, nothing is converted.
    rate_hz
        Frames per second; of volumes, volumes per second.
    boundaries
        Index of the first frame of every file (or recording) after the first, for a series; empty for one file.
    """

    @property
    def rate_hz(self) -> float: ...
    @property
    def boundaries(self) -> tuple[int, ...]: ...
    @property
    def metadata(self) -> MovieMetadata: ...
