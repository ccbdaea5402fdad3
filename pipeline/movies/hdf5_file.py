"""HDF5 movies: a dataset chosen by name, or the only one that can be a movie.

h5py reads hyperslabs lazily. roiextractors' Hdf5ImagingExtractor assumes time first and height before width (or a file
that says otherwise in its own way); HDF5 itself says nothing about axes, so here a file without labels is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.layout import Layout, ask_for_axes, choose, fit_axes
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.source import FileFacts, FileRate, OpenOptions, checked_dtype, jsonable, native

_RATE_NAMES = (
    "rate_hz",
    "frame_rate",
    "framerate",
    "frame_rate_hz",
    "imaging_rate",
    "sampling_rate",
    "fps",
    "fr",
    "rate",
)
"""Attributes that hold frames per second; ``fr`` is CaImAn's name."""
_AXES_NAMES = ("axes", "dim_order", "dims", "dimensions", "DIMENSION_LABELS")
_WORDS = {
    "t": "T", "time": "T", "frame": "T", "frames": "T", "y": "Y", "height": "Y", "row": "Y", "rows": "Y",
    "x": "X", "width": "X", "column": "X", "columns": "X", "col": "X", "cols": "X", "z": "Z", "depth": "Z",
    "plane": "Z", "planes": "Z", "c": "C", "channel": "C", "channels": "C",
}  # fmt: skip


class ArrayFrames:
    """A dataset of an open HDF5 file as frames; the file is closed with it. h5py serialises threads by itself."""

    def __init__(self, path: Path, file: h5py.File, data: h5py.Dataset, layout: Layout, facts: FileFacts) -> None:
        self.paths: tuple[Path, ...] = (path,)
        self._file, self._data, self._layout = file, data, layout
        self.dtype = checked_dtype(path, data.dtype)
        self.shape = layout.movie_shape
        self.axes = layout.label
        self.facts = facts

    def read(self, start: int, stop: int) -> NDArray[Any]:
        index = list(self._layout.index)
        if "T" in self._layout.axes:
            index[self._layout.axes.index("T")] = slice(start, stop)
        try:
            block = np.asarray(self._data[tuple(index)])
        except OSError as error:
            raise MovieError(
                self.paths[0], f"frames {start} to {stop} cannot be read ({error})", "Copy the file again."
            ) from error
        block = block.transpose(self._layout.to_movie)
        if "T" not in self._layout.axes:
            block = block[np.newaxis][: stop - start]
        return native(block)

    def close(self) -> None:
        self._file.close()


def open_h5(path: Path) -> h5py.File:
    """`path` opened for reading only; MovieError when it is not HDF5 or is cut off."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise MovieError(
            path, f"it is not a readable HDF5 file ({error})", "Check the file, or copy it again."
        ) from error


def open_array(
    path: Path, options: OpenOptions, find: Callable[[h5py.File], tuple[h5py.Dataset, Layout, FileFacts]]
) -> ArrayFrames:
    """The frames of one dataset of an HDF5 file; whatever goes wrong, the file is closed again.

    Parameters
    ----------
    find
        Chooses the dataset, and says how frames lie in it and what the file says about the recording.
    """
    options.refuse(path, "load_method", because="that is for TIFF")
    file = open_h5(path)
    try:
        return ArrayFrames(path, file, *find(file))
    except BaseException:
        file.close()
        raise


def open_hdf5(path: Path, options: OpenOptions) -> ArrayFrames:
    """Open a movie in HDF5.

    Parameters
    ----------
    options
        `dataset` names the dataset when several could be meant; `axes` the order of its axes when its attributes do
        not (``axes``, ``dim_order``, or HDF5 dimension labels); `channel` and `plane` pick from more than three axes.

    Raises
    ------
    MovieError, AmbiguousAxesError
    """

    def find(file: h5py.File) -> tuple[h5py.Dataset, Layout, FileFacts]:
        data = choose_dataset(path, file, options.dataset)
        checked_dtype(path, data.dtype)
        return data, layout_of(path, data, options), facts_of(file, data)

    return open_array(path, options, find)


def choose_dataset(path: Path, file: h5py.File, name: str | None) -> h5py.Dataset:
    if name is not None:
        try:
            found = file[name]
        except (KeyError, ValueError):
            found = None
        if not isinstance(found, h5py.Dataset):
            raise MovieError(path, f"it has no dataset {name!r}", _choices(_candidates(file, 1)))
        if len(found.shape or ()) < 3:
            raise MovieError(
                path, f"dataset {name!r} has shape {found.shape}, which is no movie", _choices(_candidates(file, 3))
            )
        return found
    if "estimates" in file and "params" in file:
        raise MovieError(path, "it is a CaImAn results file, not a movie", "Use it with fluorite import.")
    three = _candidates(file, 3)
    exact = [data for data in three if data.ndim == 3]
    for group in (exact, three):
        if len(group) == 1:
            return group[0]
    if not three:
        raise MovieError(path, "it holds no dataset of three axes or more", "Choose a file that holds a movie.")
    raise AmbiguousAxesError(path, f"it holds {len(three)} datasets that could be the movie", _choices(three))


def _candidates(file: h5py.File, least_axes: int) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iufcb" and len(item.shape or ()) >= least_axes:
            found.append(item)

    file.visititems(visit)
    return found


def _choices(datasets: list[h5py.Dataset]) -> str:
    if not datasets:
        return "It has no dataset to choose."
    listed = ", ".join(f"{data.name.lstrip('/')} {data.shape}" for data in datasets[:8])
    return f"Choose one with --dataset: {listed}{', ...' if len(datasets) > 8 else ''}."


def layout_of(path: Path, data: h5py.Dataset, options: OpenOptions) -> Layout:
    declared = declared_axes(data)
    if options.axes is not None:
        named = fit_axes(path, options.axes, data.shape)
        if declared is not None and any(a != b for a, b in zip(named, declared, strict=True) if a != "_"):
            raise AmbiguousAxesError(
                path,
                f"--axes {options.axes} contradicts dataset {data.name!r}, which declares {declared}",
                "Leave --axes out, or correct the attribute.",
            )
        return choose(path, named, data.shape, options)
    if declared is None:
        size = " x ".join(str(length) for length in data.shape)
        raise ask_for_axes(path, data.shape, f"dataset {data.name!r} ({size}) does not say which axis is time")
    return choose(path, declared, data.shape, options, because="it may be a z-stack")


def declared_axes(data: h5py.Dataset) -> str | None:
    """The axes that `data`'s labels or attributes name in full, in tifffile's letters; None when they do not."""
    labels: list[str] = [dimension.label for dimension in data.dims]
    for name in _AXES_NAMES:
        if all(labels):
            break
        value = jsonable(data.attrs.get(name))
        if isinstance(value, str):
            for mark in ",; ":
                value = value.replace(mark, " ")
            labels = value.split() if " " in value.strip() else list(value)
        elif isinstance(value, list):
            labels = [str(item) for item in value]
    letters = "".join(_WORDS.get(label.strip().lower(), "?") for label in labels)
    return letters if len(letters) == data.ndim and "?" not in letters and len(set(letters)) == len(letters) else None


def facts_of(file: h5py.File, data: h5py.Dataset) -> FileFacts:
    """Rate and source from the attributes of the dataset, its group or the file, the nearest first."""
    rate = None
    extra: dict[str, Any] = {}
    for where in (data, data.parent, file):
        names = {name.lower(): name for name in where.attrs}
        for name in _RATE_NAMES:
            if rate is None and name in names:
                value = np.ravel(np.asarray(where.attrs[names[name]]))
                stated = jsonable(value[0] if value.size == 1 else value)
                rate = FileRate(stated, f'attribute "{names[name]}"')
    extra = {name: jsonable(value) for name, value in data.attrs.items() if name not in ("DIMENSION_LIST",)}
    source = jsonable(file.attrs.get("source"))
    return FileFacts(rate=rate, metadata=MovieMetadata(source=source if isinstance(source, str) else None, extra=extra))
