"""Read samples, ours and foreign ones, with h5py alone: a few milliseconds each, and never beyond the file.

Every function opens the file read-only, briefly, and closes it: a sample is replaced as a whole when it is edited.
The order of pixels is ours everywhere here: images ``(height, width)``, footprints in C order.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema import local_hdf5
from nwb_schema.errors import SampleError
from nwb_schema.layout import (
    BACKGROUND_SEGMENTATION,
    BACKGROUND_TRACES,
    CURATED,
    DELETED,
    FLUORITE,
    PLANE_IMAGES,
    SCORES,
    SHIFTS,
    TRACE_KINDS,
    TRACES,
    plane_image_name,
)
from nwb_schema.limits import (
    MAX_IMAGE_PIXELS,
    MAX_METADATA_BYTES,
    MAX_SHIFTS,
    MAX_TEXT_BYTES,
    MAX_TRACE_BYTES,
    TooLargeError,
    require_at_most,
    require_readable,
)
from nwb_schema.linked_movie import registered_movie_path
from nwb_schema.regular_file import require_regular_file
from nwb_schema.sample_summary import SampleSummary, pixel_size_um, plane_spacing_um, summarise
from nwb_schema.stored_masks import StoredMasks, accept_flags, count_rois, find_images, find_segmentation
from nwb_schema.stored_traces import find_series, trace_rows

__all__ = [
    "TRACE_KINDS",
    "SampleSummary",
    "open_sample",
    "read_background",
    "read_footprints",
    "read_identifier",
    "read_images",
    "read_plane_images",
    "read_plane_spacing_um",
    "read_provenance",
    "read_rois",
    "read_shifts",
    "read_summary",
    "read_traces",
    "registered_movie_path",
    "roi_columns",
    "trace_kinds",
]

_ROI_COLUMNS = (
    *("index", "roi_uuid", "is_accepted", "evaluated", *SCORES, "area_px", "centroid_y", "centroid_x", "centroid_z"),
    *(CURATED, DELETED),
)


@contextmanager
def open_sample(path: Path) -> Iterator[h5py.File]:
    """The file opened read-only; whatever is wrong with it is raised as one `SampleError`.

    Raises
    ------
    SampleError
        When the file is missing, is not NWB 2, is damaged where it was read, or declares more than can be read
        (`nwb_schema.limits`).
    """
    require_regular_file(path)
    try:
        with h5py.File(path, "r") as file:
            if "nwb_version" in file and "nwb_version" not in file.attrs:
                raise SampleError(path, "is an NWB 1 file", "Convert it to NWB 2 first.")
            if "nwb_version" not in file.attrs:
                raise SampleError(path, "is an HDF5 file but not NWB", "Remove it from the samples folder.")
            yield file
    except SampleError:
        raise
    except BlockingIOError as error:
        raise SampleError(path, "is being written by another program", "Try again in a moment.") from error
    except TooLargeError as error:
        raise SampleError(path, f"is too large to read ({error})", "Ask whoever wrote it what it holds.") from error
    except MemoryError as error:
        raise SampleError(
            path, f"needs more memory than there is ({error})", "Close other programs, or ask whoever wrote the file."
        ) from error
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        # This is what h5py raises on damaged and on oddly built files.
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        raise SampleError(path, f"cannot be read ({cause})", "Restore the file from a backup.") from error


def read_identifier(path: Path) -> str:
    """The sample's NWB identifier."""
    with open_sample(path) as file:
        return local_hdf5.name_text(file, "identifier") or ""


def read_summary(path: Path) -> SampleSummary:
    """What a list of samples shows of one."""
    with open_sample(path) as file:
        return summarise(path, file)


def read_rois(path: Path) -> pd.DataFrame:
    """One row per ROI.

    Columns: ``index`` (row in the file), ``roi_uuid`` (None in foreign files), ``is_accepted``, ``evaluated``, ``snr``,
    ``r_values``, ``cnn_preds`` (NaN where not computed), ``area_px`` (pixels of the mask, voxels in a volume),
    ``centroid_y``, ``centroid_x`` and ``centroid_z`` (weighted, in pixels and planes; NaN for an empty mask, the last
    one also where there is one plane), ``curated`` (a person decided ``is_accepted``), ``deleted`` (a person deleted
    it). After these, one for every other column that the table has, tags above all.
    """
    with open_sample(path) as file:
        table = find_segmentation(file)
        if table is None:
            return _roi_frame(0, {})
        n_rois, own, others = roi_columns(table)
        return _roi_frame(n_rois, own, others)


def roi_columns(table: h5py.Group) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Number of ROIs, our own columns of an open table of ROIs and its other ones, as arrays or lists of texts."""
    masks = StoredMasks.of(table)
    n_rois = masks.n_rois
    accepted, evaluated = accept_flags(table, n_rois)
    columns: dict[str, Any] = {
        "roi_uuid": _text_column(table, "roi_uuid", n_rois),
        "is_accepted": accepted,
        "evaluated": evaluated,
        **{name: _float_column(table, name, n_rois) for name in SCORES},
    }
    names = ("area_px", "centroid_y", "centroid_x", "centroid_z")
    columns |= dict(zip(names, masks.geometry(), strict=True))
    columns |= {name: _flag_column(table, name, n_rois) for name in (CURATED, DELETED)}
    return n_rois, columns, _other_columns(table, n_rois)


def read_pixel_size_um(path: Path) -> tuple[float, float] | None:
    """Size of a pixel in micrometres as (y, x), or None where the file does not say."""
    with open_sample(path) as file:
        return pixel_size_um(file)


def read_plane_spacing_um(path: Path) -> float | None:
    """Distance of the planes of a volume in micrometres, or None where the file does not say."""
    with open_sample(path) as file:
        return plane_spacing_um(file)


def read_footprints(path: Path) -> sparse.csr_array:
    """Footprints ``(n_rois, n_pixels)`` float32, pixels in C order of ``(height, width)``, for volumes with ``depth``.

    Raises
    ------
    SampleError
        Also when the file does not say how large a frame is.
    """
    with open_sample(path) as file:
        summary = summarise(path, file)
        table = find_segmentation(file)
        if summary.height is None or summary.width is None:
            raise SampleError(path, "does not say how large a frame is", "Its masks cannot be placed in an image.")
        shape = (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())
        if table is None:
            return sparse.csr_array((0, int(np.prod(shape))), dtype=np.float32)
        return StoredMasks.of(table).footprints(shape)


def read_background(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Background components of the movie: images ``(n, n_pixels)``, pixels as in `read_footprints`, and traces.

    Traces are ``(n, n_frames)``. None where the sample has no background of this form, as those of one-photon movies.
    """
    with open_sample(path) as file:
        summary = summarise(path, file)
        table = local_hdf5.local_group(file, BACKGROUND_SEGMENTATION)
        series = local_hdf5.local_group(file, BACKGROUND_TRACES)
        data = None if series is None else _trace_data(series)
        if table is None or data is None or summary.height is None or summary.width is None:
            return None
        shape = (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())
        masks = StoredMasks.of(table)
        require_at_most("the background", masks.n_rois * int(np.prod(shape)), MAX_IMAGE_PIXELS, "pixels")
        require_at_most("the background's traces", data.size * data.dtype.itemsize, MAX_TRACE_BYTES, "bytes")
        if data.ndim != 2 or data.shape[1] != masks.n_rois:
            return None
        images = masks.footprints(shape).toarray().astype(np.float32)
        return images, np.ascontiguousarray(data[()].T, dtype=np.float32)


def trace_kinds(path: Path) -> tuple[str, ...]:
    """Which of `TRACE_KINDS` the sample has."""
    with open_sample(path) as file:
        return _kinds(file)


def read_traces(path: Path, kind: str, rows: Sequence[int] | None = None) -> NDArray[np.float32]:
    """Traces ``(n, n_frames)`` of the ROIs `rows` (row numbers, in any order), or of all; NaN where a ROI has none.

    Raises
    ------
    SampleError
        When the sample has no traces of this kind, or no such row.
    """
    if kind not in TRACES:
        raise ValueError(f"kind must be one of {TRACE_KINDS}, not {kind!r}")
    with open_sample(path) as file:
        series = find_series(file, kind)
        data = None if series is None else _trace_data(series)
        if series is None or data is None:
            if not rows:
                summary = summarise(path, file)
                if summary.is_ours and summary.n_rois == 0:
                    return np.empty((0, summary.n_frames or 0), np.float32)
            there = ", ".join(_kinds(file))
            raise SampleError(path, f"has no {kind} traces", f"It has: {there or 'none at all'}.")
        n_values = data.size if rows is None else data.shape[0] * len(rows)
        require_at_most(f"the block of {kind} traces", n_values * data.dtype.itemsize, MAX_TRACE_BYTES, "bytes")
        table = find_segmentation(file)
        n_rois = data.shape[-1] if table is None else count_rois(table)
        wrong = [row for row in rows or () if not 0 <= row < n_rois]
        if wrong:
            raise SampleError(path, f"has no ROI number {wrong[0]} (it has {n_rois})", "Read the ROI table again.")
        columns = trace_rows(series, n_rois)
        if columns is None and data.ndim == 2 and data.shape[1] == n_rois:
            if rows is None:
                return np.ascontiguousarray(data[()].T, dtype=np.float32)
            column_of = {row: row for row in rows}
        else:
            there_are = range(data.shape[1] if data.ndim == 2 else 1)
            column_of = {int(row): column for column, row in zip(there_are, _order(columns, there_are), strict=False)}
        wanted = range(n_rois) if rows is None else rows
        # A ROI that the file has no trace of has an unknown one.
        traces = np.full((len(wanted), data.shape[0]), np.nan, np.float32)
        for position, row in enumerate(wanted):
            if row in column_of:
                traces[position] = data[:, column_of[row]] if data.ndim == 2 else data[()]
        return traces


def _order(columns: NDArray[np.int64] | None, there_are: range) -> Sequence[int]:
    return there_are if columns is None else columns.tolist()


def read_images(path: Path) -> dict[str, NDArray[np.float32]]:
    """Summary images ``(height, width)`` by name."""
    with open_sample(path) as file:
        images = find_images(file)
        require_at_most("the images", sum(int(data.size) for data in images.values()), MAX_IMAGE_PIXELS, "pixels")
        return {name: np.ascontiguousarray(np.asarray(data[()], dtype=np.float32).T) for name, data in images.items()}


def read_plane_images(path: Path) -> dict[str, NDArray[np.float32]]:
    """Summary images of a volume, plane by plane: ``(height, width, depth)`` by name; none for a single plane.

    A file in which some plane is missing counts as one without that image.
    """
    with open_sample(path) as file:
        summary = summarise(path, file)
        group = local_hdf5.local_group(file, PLANE_IMAGES)
        if group is None or not (summary.height and summary.width and summary.depth):
            return {}
        stored = {name: data for name, data in local_hdf5.local_children(group) if isinstance(data, h5py.Dataset)}
        require_at_most("the planes", sum(int(data.size) for data in stored.values()), MAX_IMAGE_PIXELS, "pixels")
        found: dict[str, NDArray[np.float32]] = {}
        for image in sorted({name.rpartition("_z")[0] for name in stored}):
            planes = [stored.get(plane_image_name(image, plane)) for plane in range(summary.depth)]
            whole = [data for data in planes if data is not None and data.shape == (summary.width, summary.height)]
            if len(whole) == summary.depth:
                found[image] = np.stack([np.asarray(data[()], dtype=np.float32).T for data in whole], axis=2)
        return found


def read_shifts(path: Path) -> NDArray[np.float32] | None:
    """Motion shifts ``(n_frames, 2)`` in pixels as ``(y, x)``, or None where the sample has none.

    Those of a volume are ``(n_frames, 3)``, as ``(y, x, z)``.
    """
    with open_sample(path) as file:
        data = local_hdf5.local_dataset(file, f"{SHIFTS}/data")
        if data is not None:
            require_readable(data, MAX_SHIFTS)
        if data is None:
            return None
        x, y, *z = np.asarray(data[()], dtype=np.float32).T
        return np.stack([y, x, *z], axis=1)


def read_provenance(path: Path) -> dict[str, Any]:
    """How the sample came to be, JSON-able: `nwb_schema.provenance.Provenance`'s fields and the notes on metadata."""
    with open_sample(path) as file:
        group = local_hdf5.local_group(file, FLUORITE)
        found: dict[str, Any] = {}
        if group is not None:
            for name, _ in local_hdf5.local_children(group):
                found[name] = _plain(group, name)
        for name in ("parameters", "seconds", "movie_metadata"):
            if isinstance(found.get(name), str):
                try:
                    found[name] = json.loads(found[name])
                except json.JSONDecodeError:
                    continue  # shown as the text that it is
        found["was_generated_by"] = list(local_hdf5.texts(file, "general/was_generated_by"))
        return found


def _plain(group: h5py.Group, name: str) -> Any:
    dataset = local_hdf5.local_dataset(group, name)
    if dataset is None:
        return None
    if h5py.check_string_dtype(dataset.dtype) is not None:
        max_bytes = MAX_METADATA_BYTES if name == "movie_metadata" else MAX_TEXT_BYTES
        return local_hdf5.text(group, name, max_bytes) if dataset.shape == () else list(local_hdf5.texts(group, name))
    require_readable(dataset)
    return np.asarray(dataset[()]).tolist()


def _trace_data(series: h5py.Group) -> h5py.Dataset | None:
    data = local_hdf5.local_dataset(series, "data")
    return data if data is not None and data.ndim in (1, 2) else None


def _kinds(file: h5py.File) -> tuple[str, ...]:
    found = ((kind, find_series(file, kind)) for kind in TRACE_KINDS)
    return tuple(kind for kind, series in found if series is not None and _trace_data(series) is not None)


def _float_column(table: h5py.Group, name: str, n_rois: int) -> NDArray[np.float32]:
    data = local_hdf5.local_dataset(table, name)
    if data is None or data.shape != (n_rois,) or data.dtype.kind not in "iuf":
        return np.full(n_rois, np.nan, np.float32)
    return np.asarray(data[()], dtype=np.float32)


def _text_column(table: h5py.Group, name: str, n_rois: int) -> list[str | None]:
    values = local_hdf5.texts(table, name)
    return list(values) if len(values) == n_rois else [None] * n_rois


def _flag_column(table: h5py.Group, name: str, n_rois: int) -> NDArray[np.bool_]:
    data = local_hdf5.local_dataset(table, name)
    return np.zeros(n_rois, bool) if data is None or data.shape != (n_rois,) else np.asarray(data[()], dtype=bool)


def _other_columns(table: h5py.Group, n_rois: int) -> dict[str, Any]:
    """Columns with one plain value per ROI that are none of ours."""
    found: dict[str, Any] = {}
    for name in (local_hdf5.as_text(name) for name in table.attrs.get("colnames", ())):
        data = local_hdf5.local_dataset(table, name)
        if name in _ROI_COLUMNS or data is None or data.shape != (n_rois,) or f"{name}_index" in table:
            continue
        if h5py.check_string_dtype(data.dtype) is not None:
            found[name] = list(local_hdf5.texts(table, name))
        elif data.dtype.kind in "biuf":
            found[name] = np.asarray(data[()])
    return found


def _roi_frame(n_rois: int, columns: dict[str, Any], others: dict[str, Any] | None = None) -> pd.DataFrame:
    own = {name: columns.get(name, []) for name in _ROI_COLUMNS if name != "index"}
    frame = pd.DataFrame({"index": np.arange(n_rois), **own, **(others or {})})
    return frame.astype(dict.fromkeys(("is_accepted", "evaluated", CURATED, DELETED), bool) | {"area_px": np.int64})
