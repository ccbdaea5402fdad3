"""How far apart pixels are: in micrometres as people write it, and as ``grid_spacing`` of NWB's imaging plane."""

from __future__ import annotations

import math
import re
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5

UM_PER_UNIT = {"meters": 1e6, "millimeters": 1e3, "micrometers": 1.0, "microns": 1.0, "um": 1.0}
"""Micrometres in each unit that ``grid_spacing`` may have."""

_UNIT = "meters"
_SMALLEST_UM, _LARGEST_UM = 0.001, 10_000
_MOST_AXES = 3
_AMBIGUOUS = re.compile(r"\d+,\d+")


def parse_pixel_size(value: Any) -> tuple[float, ...]:
    """A pixel size as people give it, in micrometres and in NWB's order: ``(x, y)``, of a volume ``(x, y, z)``.

    Examples
    --------
    >>> parse_pixel_size("1.2"), parse_pixel_size("1.2, 1.1"), parse_pixel_size([1.2, 1.1, 5])
    ((1.2, 1.2), (1.2, 1.1), (1.2, 1.1, 5.0))

    Parameters
    ----------
    value
        A number for square pixels, or two or three, as a list or as text with commas between them.

    Raises
    ------
    ValueError
        When it is none, with what is expected.
    """
    if isinstance(value, str):
        text = re.sub(r"\s*(?:[\u00b5\u03bc]m|um)$", "", value.strip())
        if _AMBIGUOUS.fullmatch(text):
            raise ValueError("write decimals with a point and a space after the comma between two numbers: 1.2, 1.1")
        parts: list[Any] = text.split(",")
    else:
        parts = list(value) if isinstance(value, (list, tuple)) else [value]
    try:
        sizes = [float(part) for part in parts]
    except (TypeError, ValueError):
        raise ValueError("it is one number of micrometres, or several with commas: 1.2, 1.1") from None
    if not 1 <= len(sizes) <= _MOST_AXES:
        raise ValueError("it is one number, two (x, y), or three for a volume (x, y, distance of planes)")
    # Also finds metres typed for micrometres, and nan.
    if not all(_SMALLEST_UM <= size <= _LARGEST_UM for size in sizes):
        raise ValueError(f"a pixel size is in micrometres, between {_SMALLEST_UM:g} and {_LARGEST_UM}")
    return (sizes[0], sizes[0]) if len(sizes) == 1 else tuple(sizes)


def as_grid_spacing(value: Any) -> list[Any]:
    """What people gave in the form of `read_grid_spacing`; raises what `parse_pixel_size` does."""
    return [*(um * 1e-6 for um in parse_pixel_size(value)), _UNIT]


def read_grid_spacing(file: h5py.File, path: str) -> list[Any] | None:
    """What the dataset at `path` holds exactly: ``[x, y, unit]`` or ``[x, y, z, unit]``.

    A number that is none is None, as is a unit that is not there.
    """
    data = local_hdf5.local_dataset(file, path)
    if data is None or data.ndim != 1 or data.dtype.kind not in "fiu" or not 1 <= data.size <= _MOST_AXES:
        return None
    sizes = [float(size) for size in data[()]]
    unit = data.attrs.get("unit")
    stored_unit = None if unit is None else local_hdf5.as_text(unit)
    return [*(size if math.isfinite(size) else None for size in sizes), stored_unit]


def write_grid_spacing(file: h5py.File, path: str, stored: list[Any] | None) -> None:
    """Write what `read_grid_spacing` gave, in place of what is there; None removes it."""
    present = local_hdf5.local_dataset(file, path)
    attributes = {} if present is None else {name: value for name, value in present.attrs.items() if name != "unit"}
    if present is not None:
        del file[path]
    if stored is None:
        return
    *sizes, unit = stored
    data = file.create_dataset(path, data=np.array([math.nan if size is None else size for size in sizes], np.float64))
    data.attrs.update(attributes)
    if unit is not None:
        data.attrs["unit"] = unit


def pixel_size_text(stored: list[Any] | None) -> str:
    """What `read_grid_spacing` gave as people write it, in micrometres; empty where pixels have no size.

    Examples
    --------
    >>> pixel_size_text([2e-6, 1.1e-6, "meters"]), pixel_size_text([2e-6, 2e-6, "meters"])
    ('2, 1.1', '2')
    """
    if stored is None:
        return ""
    *sizes, unit = stored
    um = UM_PER_UNIT.get(_UNIT if unit is None else unit)
    if um is None or not sizes or any(size is None or size <= 0 for size in sizes):
        return ""
    words = [f"{size * um:.6g}" for size in sizes]
    return words[0] if len(words) == 2 and words[0] == words[1] else ", ".join(words)
