"""The seam between a movie and its components: what every engine takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.progress import Cancelled, Progress

__all__ = ["Cancelled", "Engine", "EngineResult", "Progress"]


@dataclass(frozen=True)
class EngineResult:
    """What an engine hands back.

    Attributes
    ----------
    results
        The results file, HDF5 in the layout of CaImAn's ``CNMF.save``.
    registered_movie
        The motion-corrected movie, in the layout of `nwb_schema.movie_file` (``/data``, ``(n_frames, width, height)``).
    shifts
        ``(n_frames, 2)`` float32, in pixels as ``(y, x)``: what was added to each frame's content to register it. Of
        volumes ``(n_frames, 3)``, as ``(y, x, z)``.
    summary_images
        ``(height, width)`` float32, of volumes ``(height, width, depth)``, by name:
        ``mean``, ``max``, ``std``, ``correlation``, ``pnr``.
    engine, version
        The engine's name (``builtin``, ``caiman``) and its version.
    seconds
        Wall-clock seconds by stage.
    peak_rss_mb
        Highest resident set size of the process while the engine ran.
    notes
        What a reader of the result has to know, one sentence each, such as a parameter that had no effect.
    """

    results: Path
    registered_movie: Path
    shifts: NDArray[np.float32]
    summary_images: Mapping[str, NDArray[np.float32]]
    engine: str
    version: str
    seconds: Mapping[str, float]
    peak_rss_mb: float
    notes: tuple[str, ...] = ()


class Engine(Protocol):
    """Anything that turns a movie into components."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...

    def check(self, params: Parameters, movie: Movie) -> None:
        """Refuse, before any work, parameters that this engine does not honour and movies that it cannot process.

        Raises
        ------
        nwb_schema.errors.ParameterError, nwb_schema.errors.MovieError, nwb_schema.errors.EngineError
        """
        ...

    def run(
        self, movie: Movie, params: Parameters, workdir: Path, progress: Progress, *, keep: Path | None = None
    ) -> EngineResult:
        """Process `movie`, writing only below `workdir` (which exists and is empty) and `keep`.

        `keep` is where finished stages stay when the process is killed: a folder on the same disk as `workdir`, for
        this work alone (movie, parameters, code), with what an earlier run of it has left. None: nothing is kept.
        """
        ...
