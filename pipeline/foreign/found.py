"""What an import finds before it makes a sample of it, whichever program left it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.provenance import canonical_json
from nwb_schema.segmentation import Segmentation
from pipeline.movies.movie import MovieMetadata

Report = Callable[[float], None]
Extract = Callable[[Segmentation, Path, Report], Segmentation]
"""``extract(segmentation, registered_movie, report)``: the same with traces."""
PatchShifts = tuple[NDArray[np.float32], ...]
"""Shifts of patches ``(n_frames, ny, nx, 2)`` as ``(y, x)``, their rows ``(ny,)`` and columns ``(nx,)``."""


@dataclass(frozen=True)
class Found:
    """Components that another program found, and what it left beside them.

    Attributes
    ----------
    source
        The file or folder that was given, for messages and notes.
    files
        What was read of it; their content is the sample's input.
    segmentation
        The components. Those that were only outlined have no traces yet, and `extract` makes them.
    keep
        ``keep(path, found)`` writes the results file that is kept with the sample, in CaImAn's layout.
    session
        The session where nobody gives one.
    engine, engine_version, parameters, notes
        For the sample's provenance.
    shifts, patch_shifts
        By which a raw movie is registered, ``(n_frames, 2)`` as ``(y, x)``, of volumes ``(n_frames, 3)``, or None.
    unknown_shifts
        Why a raw movie cannot be registered with the shifts that there are, as a clause; None where it can.
    movie, movie_note
        The registered movie that lies beside the results, or None; what to say where it is taken.
    metadata
        What was written down of the recording.
    """

    source: Path
    files: tuple[Path, ...]
    segmentation: Segmentation
    keep: Callable[[Path, Found], None]
    session: str
    engine: str
    engine_version: str = "unknown"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    one_photon: bool = False
    shifts: NDArray[np.float32] | None = None
    patch_shifts: PatchShifts | None = None
    unknown_shifts: str | None = None
    movie: Path | None = None
    movie_note: str | None = None
    metadata: MovieMetadata = field(default_factory=MovieMetadata)
    extract: Extract | None = None

    @property
    def parameters_sha256(self) -> str:
        """SHA-256 of the parameters' canonical JSON."""
        return hashlib.sha256(canonical_json(self.parameters).encode()).hexdigest()
