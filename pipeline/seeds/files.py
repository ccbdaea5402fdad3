"""Read masks from whatever holds them: arrays, images, ImageJ's ROIs, samples and results files."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage, sparse

from nwb_schema.errors import EditError, FluoriteError, ParameterError
from nwb_schema.reader import read_footprints, read_rois, read_summary
from pipeline.curation.mask_files import read_masks
from pipeline.results import read_results
from pipeline.seeds.structure import segment_structure

NAME = "init.Ain"
REMEDY = (
    "Give masks as .npy or .npz (n, height, width), a label image or a picture of a structural channel (.npy, .tif), "
    "ImageJ's RoiSet.zip, shapes as .json, a sample (.nwb) or a results file (.hdf5)."
)
# Of a label image at least this share of the labels is in one piece; the grey values of a picture hardly ever are.
ONE_PIECE = 0.8


@dataclass(frozen=True)
class Seeds:
    """Masks in the order of their file.

    Attributes
    ----------
    footprints
        ``(n, n_pixels)`` float32 CSR, pixels in C order, non-negative, no row empty.
    origin
        What they are, for people: ``12 masks of cells.npy``.
    """

    footprints: sparse.csr_array
    origin: str


def seeds_sha256(path: Path) -> str:
    """SHA-256 of the file, so that a result can be traced back to the masks that it started from.

    Raises
    ------
    ParameterError
        When the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ParameterError(NAME, f"{path} cannot be read ({error.strerror or error})", REMEDY) from error


def load_seeds(path: Path, field: tuple[int, ...], gSig: tuple[int, ...]) -> Seeds:
    """The masks in `path`, of the field ``(height, width)`` or ``(height, width, depth)``.

    Parameters
    ----------
    gSig
        Half-size of a cell ``(y, x)``: what a picture of a structural channel is segmented with.

    Raises
    ------
    ParameterError
        When the file cannot be read, is of another size, or holds an empty or negative mask.
    """
    path = Path(path)
    seeds_sha256(path)  # refuses what is not there or may not be read
    readers: dict[str, Callable[[], tuple[sparse.csr_array, str]]] = {
        ".npy": lambda: from_array(np.load(path, allow_pickle=False), path, field, gSig),
        ".npz": lambda: from_array(_array_of(path), path, field, gSig),
        ".tif": lambda: from_array(tifffile.imread(path), path, field, gSig),
        ".zip": lambda: (_drawn(path, field), "drawn ROIs"),
        ".nwb": lambda: (_of_sample(path, field), "accepted ROIs"),
        ".hdf5": lambda: (_of_results(path, field), "accepted components"),
    }
    same = {".tiff": ".tif", ".roi": ".zip", ".json": ".zip", ".h5": ".hdf5"}
    suffix = path.suffix.lower()
    reader = readers.get(same.get(suffix, suffix))
    if reader is None:
        raise ParameterError(NAME, f"{path} is of a kind that holds no masks ('{suffix}')", REMEDY)
    try:
        footprints, kind = reader()
    except ParameterError:
        raise
    except FluoriteError as error:
        raise ParameterError(NAME, f"{path} {error.cause}", error.remedy) from error
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, tifffile.TiffFileError) as error:
        raise ParameterError(NAME, f"{path} cannot be read ({' '.join(str(error).split())[:200]})", REMEDY) from error
    footprints.eliminate_zeros()
    footprints.sort_indices()
    if footprints.shape[0] == 0:
        raise ParameterError(NAME, f"{path} holds no mask", REMEDY)
    if not np.isfinite(footprints.data).all() or footprints.data.min(initial=0) < 0:
        raise ParameterError(NAME, f"{path} holds masks with negative or undefined weights", REMEDY)
    empty = np.flatnonzero(np.diff(footprints.indptr) == 0)
    if len(empty):
        raise ParameterError(NAME, f"{path}: mask {empty[0]} (from 0) has no pixel in the field", "Leave it out.")
    return Seeds(footprints, f"{footprints.shape[0]} {kind} of {path.name}")


def from_array(
    values: NDArray[np.generic], path: Path, field: tuple[int, ...], gSig: tuple[int, ...]
) -> tuple[sparse.csr_array, str]:
    """Masks, and what they are called, from a stack ``(n, *field)``, a label image or a picture, both of `field`."""
    if values.dtype.kind not in "biuf":
        raise ParameterError(NAME, f"{path} holds {values.dtype}, not numbers", REMEDY)
    if values.shape[1:] == field:
        return sparse.csr_array(values.reshape(len(values), -1).astype(np.float32)), "masks"
    if values.shape != field:
        swapped = tuple(reversed(values.shape[-2:])) == field[:2] and field[0] != field[1]
        raise ParameterError(
            NAME,
            f"{path} has the shape {values.shape}, but the field is {' x '.join(map(str, field))} (height x width"
            f"{' x depth' if len(field) == 3 else ''})" + ("; height and width are swapped" if swapped else ""),
            "Give (n, height, width) masks, or one image, of the registered movie's field.",
        )
    labels = are_labels(values)
    kind = "labels" if labels else "cells of the picture"
    if not labels:
        if len(field) == 3:
            raise ParameterError(NAME, f"{path} is a picture of a volume", "Segment it yourself and give the masks.")
        values = segment_structure(values.astype(np.float32), (gSig[0], gSig[1]))
    numbers = values.ravel()
    inside = np.flatnonzero(numbers)
    names, rows = np.unique(numbers[inside], return_inverse=True)
    shape = (len(names), numbers.size)
    return sparse.csr_array((np.ones(len(inside), np.float32), (rows, inside)), shape=shape), kind


def are_labels(image: NDArray[np.generic]) -> bool:
    """Whether an image numbers its cells (0 is none): whole numbers, nearly all of them in one piece."""
    if image.dtype.kind == "b":
        return True
    if image.dtype.kind == "f" and not np.array_equal(image, np.round(image.astype(np.float64))):
        return False
    names = np.unique(image)
    if not len(names) or names[0] != 0 or len(names) > image.size // 9:
        return False
    pieces = [ndimage.label(image == name, np.ones((3,) * image.ndim))[1] for name in names[1:]]
    return len(pieces) == 0 or float(np.mean([count == 1 for count in pieces])) >= ONE_PIECE


def _array_of(path: Path) -> NDArray[np.generic]:
    with np.load(path, allow_pickle=False) as arrays:
        names = [name for name in ("A", "masks") if name in arrays.files] or arrays.files
        if len(names) != 1:
            raise ParameterError(NAME, f"{path} holds several arrays ({', '.join(names)})", "Call the masks 'A'.")
        return np.asarray(arrays[names[0]])


def _drawn(path: Path, field: tuple[int, ...]) -> sparse.csr_array:
    if len(field) != 2:
        raise EditError(path, "holds ROIs of a plane, but the movie is of volumes", "Give masks (n, *field).")
    return read_masks(path, (field[0], field[1]))


def _of_sample(path: Path, field: tuple[int, ...]) -> sparse.csr_array:
    summary = read_summary(path)
    size = (summary.height, summary.width) + ((summary.depth,) if summary.depth else ())
    _same_field(path, size, field)
    rois = read_rois(path)
    wanted = np.flatnonzero(rois["is_accepted"].to_numpy(bool) & ~rois["deleted"].to_numpy(bool))
    return sparse.csr_array(read_footprints(path)[wanted])


def _of_results(path: Path, field: tuple[int, ...]) -> sparse.csr_array:
    results = read_results(path, rate_hz=1.0)
    _same_field(path, results.shape, field)
    return sparse.csr_array(results.footprints[np.flatnonzero(results.accepted)])


def _same_field(path: Path, size: tuple[int | None, ...], field: tuple[int, ...]) -> None:
    if size != field:
        raise ParameterError(
            NAME,
            f"{path} has frames of {' x '.join(map(str, size))}, but this movie has {' x '.join(map(str, field))}",
            "Give masks of the same field of view.",
        )
