"""How much is read from a sample at most, in one place.

A few kilobytes of HDF5 can declare any number of values. Samples come from anyone, and one that declares too much must
be refused with a reason instead of taking memory from everything else.
"""

from __future__ import annotations

import h5py

MAX_ROIS = 1_000_000
MAX_MASK_PIXELS = 50_000_000
"""Pixels of all masks of a table together."""
MAX_FRAMES = 1_000_000_000
MAX_FRAME_PIXELS = 1 << 30
"""Of one frame or volume."""
MAX_IMAGE_PIXELS = 200_000_000
"""Pixels of all summary images together."""
MAX_SHIFTS = 200_000_000
"""Two for each frame."""
MAX_TRACE_BYTES = 1 << 35
"""Of the traces that are asked for at once."""
MAX_VALUES = 1_000_000
"""Of any other dataset."""
MAX_NAME_BYTES = 10_000
"""Of an identifier, a name, a time."""
MAX_TEXT_BYTES = 1_000_000
"""Of a description, or of parameters as JSON."""
MAX_METADATA_BYTES = 64_000_000
"""Of the metadata of the raw movie as JSON: the OME-XML of a long series has megabytes."""
MAX_READ_BYTES = 1 << 32
"""Of any other dataset that is read at once."""


class TooLargeError(ValueError):
    """A file declares more than is read. `open_sample` makes it a SampleError that names the file."""


def require_at_most(what: str, number: int, limit: int, unit: str) -> None:
    """Refuse `number` beyond `limit`.

    Raises
    ------
    TooLargeError
        With `what`, the number and the limit.
    """
    if number > limit:
        raise TooLargeError(f"{what} has {number} {unit}, more than the {limit} that are read")


def require_readable(dataset: h5py.Dataset, limit: int = MAX_VALUES, unit: str = "values") -> None:
    """Refuse a dataset with more than `limit` elements, or with enormous ones, before anything of it is read.

    Raises
    ------
    TooLargeError
        With the dataset's name.
    """
    require_at_most(str(dataset.name), int(dataset.size or 0), limit, unit)
    require_at_most(str(dataset.name), int(dataset.size or 0) * int(dataset.dtype.itemsize), MAX_READ_BYTES, "bytes")
