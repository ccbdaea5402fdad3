"""What Suite2p's settings say: ``ops.npy``, and since version 1 ``settings.npy`` and ``db.npy`` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.errors import ResultsError
from pipeline.foreign.pickled_values import read_pickled_npy

FILES = ("settings.npy", "db.npy", "ops.npy")
"""What comes later counts, where they say different things."""
REMEDY = "Give the folder that Suite2p wrote (suite2p/plane0), or its Fall.mat."


def read_settings(folder: Path) -> tuple[dict[str, Any], tuple[Path, ...]]:
    """All settings of a plane's folder by their own names, and the files that said them.

    Raises
    ------
    ResultsError
        When one of the files cannot be read as data.
    """
    files = tuple(folder / name for name in FILES if (folder / name).is_file())
    found: dict[str, Any] = {}
    for path in files:
        found |= flat_settings(read_pickled_npy(path))
    return found, files


def flat_settings(tree: Any) -> dict[str, Any]:
    """Settings by their last name: Suite2p 1 keeps them in groups, older versions all together."""
    flat: dict[str, Any] = {}
    for name, value in tree.items() if isinstance(tree, Mapping) else ():
        if isinstance(value, Mapping):
            flat |= {str(inner): item for inner, item in value.items() if not isinstance(item, Mapping)}
        else:
            flat[str(name)] = value
    return flat


def plane_size(settings: Mapping[str, Any], where: Path) -> tuple[int, int]:
    """``(height, width)`` of the plane.

    Raises
    ------
    ResultsError
        When the settings do not say it.
    """
    height, width = (number(settings.get(name)) for name in ("Ly", "Lx"))
    if not height or not width or min(height, width) < 1:
        raise ResultsError(where, "does not say how large a frame is (Ly and Lx)", REMEDY)
    return int(height), int(width)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in "biuf":
        value = value.item()
    return float(value) if isinstance(value, bool | int | float | np.number) and np.isfinite(value) else None
