"""What made a sample: the engine, its parameters, its input, and what had to be assumed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Provenance:
    """How a sample came to be; stored in it and shown with it.

    Attributes
    ----------
    engine, engine_version
        What turned the movie into components (``builtin``, ``caiman``).
    parameters
        The engine's parameters, grouped under CaImAn's names, JSON-able.
    parameters_sha256
        SHA-256 of the canonical JSON of the parameters.
    input_files
        The raw files, in order of time, as they were given.
    input_sha256
        SHA-256 over the bytes of the input files, in order. Empty when no raw movie was at hand.
    fluorite_version
        The version of this package.
    job_id
        UUID of the job that made it, or empty.
    boundaries
        Index of the first frame of every recording after the first, for a series.
    notes
        What a reader has to know: what was assumed, left out or not at hand. One sentence each.
    seconds
        Wall-clock seconds by stage.
    configuration_version
        Version of the project's configuration at that time, or None.
    """

    engine: str
    engine_version: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameters_sha256: str = ""
    input_files: tuple[str, ...] = ()
    input_sha256: str = ""
    fluorite_version: str = ""
    job_id: str = ""
    boundaries: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    configuration_version: int | None = None


def canonical_json(value: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, no spaces, NumPy values as plain ones.

    NaN and infinities, which JSON lacks, become null.
    """
    return json.dumps(jsonable(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def jsonable(value: Any) -> Any:
    """`value` built of dict, list, str, int, float, bool and None alone."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    return value.as_posix() if isinstance(value, PurePath) else str(value)
