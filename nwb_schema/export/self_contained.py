"""One self-contained file of a sample: its movie inside, compressed; nothing of this computer in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.errors import ExportError
from nwb_schema.export.redaction import add_note, redact
from nwb_schema.layout import FLUORITE
from nwb_schema.linked_movie import movie_link
from nwb_schema.movie_file import DATASET
from nwb_schema.publishing import partial_path
from nwb_schema.repacking import repack

Report = Callable[[float], None]

CHUNK = (20, 128, 128, 1)
"""Frames, columns, rows (and planes) of a chunk: a frame reads in some 30 ms, a pixel's course without the rest."""

_GZIP = 4
_BLOCK_BYTES = 1 << 26
_DATA_ATTRIBUTES = ("conversion", "offset", "resolution", "unit")
_DESCRIPTIONS = {
    3: "Motion-corrected movie, (n_frames, width, height).",
    4: "Motion-corrected movie, (n_frames, width, height, depth).",
}
_LEFT_OUT = "The movie was left out of this file on export."


def write_self_contained(
    sample: Path, target: Path, *, movie: Path | None, keep_movie: bool, report: Report = lambda _: None
) -> None:
    """Write the self-contained copy of `sample` into the new file `target`.

    Parameters
    ----------
    movie
        The registered movie that the sample links to, or None when it has none to embed.
    keep_movie
        When False, the file gets no movie, and says so.
    report
        Told which part of the movie is in the file.
    """
    edited = partial_path(target.parent)
    try:
        shutil.copyfile(sample, edited)
        with h5py.File(edited, "r+") as file:
            redact(file)
            series = series_of_movie(file)
            if series is not None and not keep_movie:
                _leave_out(file, series)
            elif series is not None and movie is not None:
                del file[series]["data"]
                with h5py.File(movie, "r") as linked:
                    file[series].attrs["description"] = _DESCRIPTIONS[linked[DATASET].ndim]
        # What was overwritten or deleted is still among the bytes of an HDF5 file: a new one holds nothing of it.
        repack(edited, target)
    finally:
        edited.unlink(missing_ok=True)
    if movie is not None and keep_movie and series is not None:
        _embed(target, series, movie, report)


def series_of_movie(file: h5py.File) -> str | None:
    """Path of the series whose frames are the sample's movie, linked or inside; None where it has no movie."""
    acquisition = local_hdf5.local_group(file, "acquisition")
    if acquisition is None:
        return None
    found = [
        name
        for name, node in local_hdf5.local_children(acquisition)
        if isinstance(node, h5py.Group) and local_hdf5.type_of(node) in ("TwoPhotonSeries", "OnePhotonSeries")
    ]
    linked = [name for name in found if isinstance(acquisition[name].get("data", getlink=True), h5py.ExternalLink)]
    names = linked if movie_link(file) is not None else found
    return f"/acquisition/{names[0]}" if names else None


def frame_blocks(movie: h5py.Dataset) -> Iterator[slice]:
    """Blocks of whole chunks of frames, each about 64 MB."""
    frame_bytes = int(np.prod(movie.shape[1:])) * movie.dtype.itemsize
    size = max(1, _BLOCK_BYTES // max(1, frame_bytes) // CHUNK[0]) * CHUNK[0]
    for start in range(0, movie.shape[0], size):
        yield slice(start, min(start + size, movie.shape[0]))


def _leave_out(file: h5py.File, series: str) -> None:
    pointing: list[str] = []

    def look(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if not isinstance(node, h5py.Group):
            return
        for child in node:
            link = node.get(child, getlink=True)
            if isinstance(link, h5py.SoftLink) and link.path.startswith(series):
                pointing.append(f"{name}/{child}")

    file.visititems(look)
    if pointing:
        raise ExportError(
            file.filename, f"{pointing[0]} refers to the movie, which cannot be left out", "Export it with its movie."
        )
    del file[series]
    if FLUORITE in file:
        add_note(file, _LEFT_OUT)


def _embed(target: Path, series: str, movie: Path, report: Report) -> None:
    with h5py.File(movie, "r") as source, h5py.File(target, "r+") as file:
        frames = source[DATASET]
        chunks = tuple(min(size, length) for size, length in zip(CHUNK, frames.shape, strict=False))
        data = file[series].create_dataset(
            "data",
            shape=frames.shape,
            dtype=frames.dtype,
            chunks=chunks,
            compression="gzip",
            compression_opts=_GZIP,
            shuffle=True,
        )
        for name in _DATA_ATTRIBUTES:
            if name in frames.attrs:
                data.attrs[name] = frames.attrs[name]
        for block in frame_blocks(frames):
            data[block] = frames[block]
            report(block.stop / frames.shape[0])
