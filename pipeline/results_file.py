"""Write a results file: HDF5 in the layout of CaImAn's ``CNMF.save``, so that CaImAn and roiextractors open it.

Rules of that layout: text is an attribute of its group, a missing value the scalar string ``NoneType``, footprints a
sparse group in CSC form with pixels in Fortran order (``y + x * height``). What the layout has no place for is in a
root group ``fluorite``, which CaImAn's loader ignores.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import ResultsError
from nwb_schema.publishing import fsync_file

MISSING = "NoneType"
# After this many bytes a file goes to disk, so that no single wait for the disk is long: a cancel waits for it.
SYNC_BYTES = 16 * 2**20
PLANE_IMAGES = ("mean", "correlation")
"""Summary images that are kept plane by plane for a volume."""


@dataclass(frozen=True)
class RingWeights:
    """The background of a one-photon movie.

    Attributes
    ----------
    weights
        ``(n_small, n_small)`` CSR, W: pixels of the field reduced to `small_shape`, in C order.
    small_shape
        ``(height, width)`` of the reduced field.
    offset
        ``(n_pixels,)``: b0, in C order.
    """

    weights: sparse.csr_array
    small_shape: tuple[int, int]
    offset: NDArray[np.float32]


@dataclass(frozen=True)
class Results:
    """All that a results file holds, in memory, pixels in C order.

    Attributes
    ----------
    shape
        ``(height, width)``, or ``(height, width, depth)`` for volumes.
    rate_hz
        Frames per second.
    footprints
        ``(n, n_pixels)`` CSR.
    denoised, deconvolved, residual
        ``(n, n_frames)``: CaImAn's C, S and YrA.
    dff
        ``(n, n_frames)``, F_dff.
    background_footprints, background_traces
        ``(nb, n_pixels)`` and ``(nb, n_frames)``: b and f.
    snr, r_values
        ``(n,)``: SNR_comp and r_values; None where nobody computed them.
    accepted
        ``(n,)`` bool.
    evaluated
        Whether an evaluation decided `accepted`.
    per_trace
        CaImAn's ``g`` ``(n, p)`` and ``bl``, ``c1``, ``neurons_sn``, ``lam``, each ``(n,)``.
    noise
        The same shape: sn.
    patch_shifts
        With piecewise-rigid correction ``(n_frames, ny, nx, 2)`` pixels ``(y, x)`` added to the content at the places
        `patch_rows` ``(ny,)`` and `patch_columns` ``(nx,)``.
    shifts
        ``(n_frames, 2)``: pixels ``(y, x)`` added to each frame's content; of volumes ``(n_frames, 3)``, ``(y, x, z)``.
    images
        Summary images by name, of the same shape as a frame.
    parameters
        By group, JSON-able (`Parameters.to_dict`).
    engine, version
        Who made it.
    notes
        What a reader should know of this run, one sentence each.
    cnn_preds
        ``(n,)``: scores of the footprints' shapes; None where they were not judged.
    ring
        ``(W, b0)`` and the reduced field's shape of a one-photon movie, in place of a background of low rank, or None:
        `RingWeights`.
    latency_s
        ``(n, 2)`` of an online run: work and delay of each frame, in seconds.
    """

    shape: tuple[int, ...]
    rate_hz: float
    footprints: sparse.csr_array
    denoised: NDArray[np.float32]
    deconvolved: NDArray[np.float32]
    residual: NDArray[np.float32]
    dff: NDArray[np.float32]
    background_footprints: NDArray[np.float32]
    background_traces: NDArray[np.float32]
    snr: NDArray[np.float32] | None
    r_values: NDArray[np.float32] | None
    accepted: NDArray[np.bool_]
    per_trace: Mapping[str, NDArray[np.float32]]
    noise: NDArray[np.float32]
    shifts: NDArray[np.float32]
    images: Mapping[str, NDArray[np.float32]]
    parameters: Mapping[str, Mapping[str, Any]]
    engine: str
    version: str
    notes: tuple[str, ...] = ()
    cnn_preds: NDArray[np.float32] | None = None
    patch_shifts: NDArray[np.float32] | None = None
    patch_rows: NDArray[np.float32] | None = None
    patch_columns: NDArray[np.float32] | None = None
    ring: RingWeights | None = None
    latency_s: NDArray[np.float32] | None = None
    evaluated: bool = True


def write_results(path: Path, results: Results, tick: Callable[[], None] = lambda: None) -> Path:
    """Write `results` to `path` under a temporary name, flush it to disk, and move it into place.

    An existing file is replaced in one step; after a failure nothing new is there. `tick` is called after every value;
    what it raises (a cancellation) stops the work.

    Raises
    ------
    ResultsError
        When the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with h5py.File(temporary, "x") as file:
            _fill(file, results, _Written(file, temporary, tick))
            file.flush()
        fsync_file(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise ResultsError(path, f"cannot be written ({error})", "Check free space and permissions.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path


def add_own_group(
    path: Path,
    *,
    engine: str,
    version: str,
    shifts: NDArray[np.float32],
    notes: tuple[str, ...],
    images: Mapping[str, NDArray[np.float32]],
) -> None:
    """Add the root group ``fluorite`` to a file that CaImAn saved, and flush it to disk; the rest stays as it is.

    Raises
    ------
    ResultsError
        When there is no such file, or it is no HDF5 file.
    """
    try:
        with h5py.File(path, "r+") as file:
            _put_own_group(file, engine=engine, version=version, shifts=shifts, notes=notes, images=images)
        fsync_file(path)
    except OSError as error:
        raise ResultsError(path, f"cannot be completed ({error})", "Check free space and permissions.") from error


def seen_from_above(
    images: Mapping[str, NDArray[np.float32]],
) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Summary images ``(height, width)``, and the planes ``(height, width, depth)`` that are kept of a volume's.

    What is seen of a volume is the maximum over its planes.
    """
    flat = {name: image if image.ndim == 2 else image.max(axis=2) for name, image in images.items()}
    return flat, {name: image for name, image in images.items() if image.ndim == 3 and name in PLANE_IMAGES}


class _Written:
    """Told of everything that was put into the file, it brings that to disk piece by piece, and ticks."""

    def __init__(self, file: h5py.File, path: Path, tick: Callable[[], None]) -> None:
        self._file, self._path, self._tick, self._waiting = file, path, tick, 0

    def add(self, n_bytes: int) -> None:
        self._waiting += n_bytes
        if self._waiting >= SYNC_BYTES:
            self._file.flush()
            fsync_file(self._path)
            self._waiting = 0
        self._tick()


def _fill(file: h5py.File, results: Results, written: _Written) -> None:
    file.attrs["mmap_file"] = MISSING
    for name, value in {"dims": results.shape, "dview": None, "remove_very_bad_comps": False}.items():
        _put(file, name, value)
    _put(file, "skip_refinement", False)
    estimates = file.create_group("estimates")
    _put_footprints(estimates, results)
    accepted = np.flatnonzero(results.accepted).astype(np.int64)
    rejected = np.flatnonzero(~results.accepted).astype(np.int64)
    values: dict[str, Any] = {
        "C": results.denoised.astype(np.float64),
        "S": results.deconvolved.astype(np.float64),
        "YrA": results.residual.astype(np.float64),
        "R": results.residual.astype(np.float64),
        "F_dff": results.dff.astype(np.float64),
        **_background(results),
        "Cn": results.images.get("correlation"),
        "SNR_comp": _doubles(results.snr),
        "r_values": _doubles(results.r_values),
        "cnn_preds": _doubles(results.cnn_preds),
        "idx_components": accepted if results.evaluated else None,
        "idx_components_bad": rejected if results.evaluated else None,
        "g": results.per_trace["g"].astype(np.float64),
        **{name: results.per_trace[name].astype(np.float64) for name in ("bl", "c1", "neurons_sn", "lam")},
        "sn": results.noise.ravel(order="F").astype(np.float64),
        "center": _centres(results.footprints, results.shape),
        "dims": results.shape,
        "shifts": results.shifts.astype(np.float64),
        "nr": len(results.denoised),
        "discarded_components": None,
    }
    for name, value in values.items():
        _put(estimates, name, value)
        written.add(np.asarray(value).nbytes)
    _put_ring(estimates, results.ring)
    written.add(0)
    _put_parameters(file, results)
    _put_own_group(
        file,
        engine=results.engine,
        version=results.version,
        shifts=results.shifts,
        notes=results.notes,
        images=results.images,
    )
    for name in ("patch_shifts", "patch_rows", "patch_columns"):
        if getattr(results, name) is not None:
            file["fluorite"].create_dataset(name, data=getattr(results, name).astype(np.float32))
    if results.ring is not None:
        # Files of before had W by rows, and CaImAn took it for its transpose.
        file["fluorite"].attrs["ring_stored"] = "columns"
    if results.latency_s is not None:
        file["fluorite"].create_dataset("latency_s", data=results.latency_s)


def _doubles(values: NDArray[np.float32] | None) -> NDArray[np.float64] | None:
    return None if values is None else values.astype(np.float64)


def _put_own_group(
    file: h5py.File,
    *,
    engine: str,
    version: str,
    shifts: NDArray[np.float32],
    notes: tuple[str, ...],
    images: Mapping[str, NDArray[np.float32]],
) -> None:
    ours = file.create_group("fluorite")
    n_axes = shifts.shape[1]
    ours.attrs.update(engine=engine, version=version, layout="CNMF.save", shifts_axes="y,x,z"[: 2 * n_axes - 1])
    ours.create_dataset("shifts", data=shifts.astype(np.float32))
    ours.create_dataset("notes", data=list(notes), dtype=h5py.string_dtype(), shape=(len(notes),))
    flat, planes = seen_from_above(images)
    for name, group in (("summary_images", flat), ("plane_images", planes)):
        if group or name == "summary_images":
            into = ours.create_group(name)
            for kind, image in group.items():
                into.create_dataset(kind, data=image.astype(np.float32))


def _background(results: Results) -> dict[str, Any]:
    """CaImAn's b, f and b0; one-photon results have no b and f, and all others no b0. W is put by itself."""
    if results.ring is not None:
        return {"b": None, "f": None, "b0": _fortran(results.ring.offset[None], results.shape)[0]}
    return {
        "b": _fortran(results.background_footprints, results.shape).T.astype(np.float64),
        "f": results.background_traces.astype(np.float64),
        "b0": None,
    }


def _put_ring(estimates: h5py.Group, ring: RingWeights | None) -> None:
    if ring is None:
        _put(estimates, "W", None)
        return
    entries = sparse.coo_array(ring.weights)
    rows, columns = (
        np.ravel_multi_index(np.unravel_index(pixels, ring.small_shape), ring.small_shape, order="F")
        for pixels in (entries.row, entries.col)
    )
    # In CSC form, as CaImAn saves its own: it makes rows of it again when it loads them.
    matrix = sparse.csc_array((entries.data.astype(np.float64), (rows, columns)), shape=ring.weights.shape)
    _put_sparse(estimates.create_group("W"), matrix)


def _put_footprints(estimates: h5py.Group, results: Results) -> None:
    entries = sparse.coo_array(results.footprints)
    axes = np.unravel_index(entries.col, results.shape)
    # CaImAn's A is (n_pixels, n): one column a component, its pixels numbered down the columns of the image.
    pixels = np.ravel_multi_index(axes, results.shape, order="F")
    matrix = sparse.csc_array((entries.data.astype(np.float64), (pixels, entries.row)), shape=entries.shape[::-1])
    matrix.eliminate_zeros()
    _put_sparse(estimates.create_group("A"), matrix)


def _put_sparse(group: h5py.Group, matrix: sparse.csc_array | sparse.csr_array) -> None:
    matrix.sort_indices()
    group.create_dataset("data", data=matrix.data)
    group.create_dataset("indices", data=matrix.indices.astype(np.int32))
    group.create_dataset("indptr", data=matrix.indptr.astype(np.int32))
    group.create_dataset("shape", data=np.array(matrix.shape, np.int64))


def _put_parameters(file: h5py.File, results: Results) -> None:
    params = file.create_group("params")
    groups = {name: dict(values) for name, values in results.parameters.items()}
    # The frame rate and the size of the registered movie, not of any file: roiextractors cannot do without them.
    groups.setdefault("data", {}).update(fr=results.rate_hz, dims=results.shape)
    for name in ("data", "init", "merging", "motion", "online", "patch", "preprocess", "quality", "ring_CNN",
                 "spatial", "temporal"):  # fmt: skip
        group = params.create_group(name)
        for key, value in groups.get(name, {}).items():
            # CaImAn computes with its online parameters as soon as a loaded file's are changed, and has no automatic
            # ones there: what is left out has its own default.
            if name != "online" or value not in (None, "auto"):
                _put(group, key, value)


def _put(group: h5py.Group, name: str, value: Any) -> None:
    if isinstance(value, str):
        group.attrs[name] = value
    elif value is None:
        group.create_dataset(name, data=MISSING)
    else:
        group.create_dataset(name, data=np.asarray(value))


def _fortran(images: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Images ``(n, n_pixels)`` from C to Fortran order of the pixels."""
    turned = images.reshape(len(images), *shape).transpose(0, *range(len(shape), 0, -1))
    return turned.reshape(images.shape)


def _centres(footprints: sparse.csr_array, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Centres of mass ``(n, 2)`` as ``(y, x)``, or ``(n, 3)`` as ``(y, x, z)``."""
    entries = sparse.coo_array(footprints)
    n = footprints.shape[0]
    total = np.bincount(entries.row, entries.data, n)
    sums = [np.bincount(entries.row, entries.data * axis, n) for axis in np.unravel_index(entries.col, shape)]
    return np.stack(sums, axis=1) / np.where(total > 0, total, 1)[:, None]
