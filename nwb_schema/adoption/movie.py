"""The movie inside a foreign file, moved to where samples have theirs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py

from nwb_schema import local_hdf5
from nwb_schema.movie_file import DATASET, MovieFileWriter
from nwb_schema.sample_summary import SampleSummary

_BLOCK_BYTES = 1 << 26


def movable_series(file: h5py.File, summary: SampleSummary) -> str | None:
    """The one series whose frames, as large as the masks' frame, lie in the file; None where there is none such.

    Volumes, several series and a single picture stay where they are: a sample links to one movie of a plane.
    """
    acquisition = local_hdf5.local_group(file, "acquisition")
    if acquisition is None or not summary.rate_hz:
        return None
    found = [
        str(node.name)
        for _, node in local_hdf5.local_children(acquisition)
        if isinstance(node, h5py.Group) and local_hdf5.type_of(node) in ("TwoPhotonSeries", "OnePhotonSeries")
    ]
    if len(found) != 1:
        return None
    data = local_hdf5.local_dataset(file, f"{found[0]}/data")
    if data is None or data.ndim != 3 or data.shape[0] < 2 or data.dtype.kind not in "iuf":
        return None
    return found[0] if data.shape == (summary.n_frames, summary.width, summary.height) else None


def copy_movie(file: h5py.File, series: str, rate_hz: float, target: Path, report: Callable[[float], None]) -> None:
    """Write the frames of `series` into the new movie file `target`, with all that is said of them."""
    data = file[f"{series}/data"]
    n_frames, width, height = data.shape
    step = max(1, _BLOCK_BYTES // max(1, width * height * data.dtype.itemsize))
    with MovieFileWriter(
        target, n_frames=n_frames, height=height, width=width, dtype=data.dtype, rate_hz=rate_hz
    ) as writer:
        for start in range(0, n_frames, step):
            stop = min(start + step, n_frames)
            writer.write(start, data[start:stop].transpose(0, 2, 1))
            report(stop / n_frames)
    with h5py.File(target, "r+") as movie:
        for name, value in data.attrs.items():
            movie[DATASET].attrs[name] = value
