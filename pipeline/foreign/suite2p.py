"""Results of Suite2p: the folder of a plane (``suite2p/plane0``), or its ``Fall.mat``.

What the files hold is on https://suite2p.readthedocs.io (Outputs). ``stat.npy`` and ``ops.npy`` are pickles and are
read as data (`pickled_values`); roiextractors would unpickle them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal, sparse

from nwb_schema.errors import MissingResultsRateError, ResultsError
from nwb_schema.provenance import jsonable
from nwb_schema.segmentation import Segmentation
from pipeline.engines.builtin.dff import change_against
from pipeline.foreign.found import Found
from pipeline.foreign.own_layout import write_found
from pipeline.foreign.pickled_values import read_pickled_npy
from pipeline.foreign.suite2p_settings import REMEDY, flat_settings, number, plane_size, read_settings

NEUROPIL_COEFFICIENT, TAU_S = 0.7, 1.0
"""Suite2p's own defaults, for files that do not say which were used."""
TRACES = ("F", "Fneu", "spks")
MOVIE = "data.bin"
_SCALARS = (bool, int, float, str, np.generic)


def is_plane_folder(path: Path) -> bool:
    """Whether Suite2p's results of one plane are in this folder."""
    return (path / "stat.npy").is_file() and (path / "F.npy").is_file()


def plane_folders(path: Path) -> list[Path]:
    """The planes in a folder ``suite2p``, or in one that holds it, in order; none where there are none."""
    for folder in (path, path / "suite2p"):
        planes = [plane for plane in folder.glob("plane*") if plane.name[5:].isdigit() and is_plane_folder(plane)]
        if planes:
            return sorted(planes, key=lambda plane: int(plane.name[5:]))
    return []


def read_plane_folder(folder: Path, *, rate_hz: float | None = None) -> Found:
    """The components of one plane, with the registered movie (``data.bin``) where it was kept.

    Raises
    ------
    ResultsError
        When a file is missing, damaged, or does not fit the others.
    """
    stat = read_pickled_npy(folder / "stat.npy")
    ops, read = read_settings(folder)
    files = [folder / "stat.npy", *read]
    arrays: dict[str, Any] = {}
    for name in (*TRACES, "iscell"):
        path = folder / f"{name}.npy"
        if path.is_file():
            arrays[name] = _numbers(path)
            files.append(path)
    movie = folder / MOVIE
    found = _found(folder, tuple(files), stat, ops, arrays, rate_hz=rate_hz)
    return found if not movie.is_file() else _with_movie(found, movie)


def read_mat(path: Path, *, rate_hz: float | None = None) -> Found:
    """The components in a ``Fall.mat``, which Suite2p writes beside its folder's files when ``save_mat`` is on.

    Raises
    ------
    ResultsError
        When the file cannot be read, or is of something else.
    """
    from scipy.io import loadmat

    try:
        content = loadmat(path, simplify_cells=True)
    except Exception as error:  # whatever scipy raises on files that are damaged or of MATLAB's HDF5 kind
        cause = " ".join(str(error).split())[:200] or type(error).__name__
        raise ResultsError(path, f"cannot be read as a MATLAB file ({cause})", REMEDY) from error
    if "stat" not in content or "ops" not in content:
        raise ResultsError(path, "is not Suite2p's Fall.mat (it has no stat and ops)", REMEDY)
    stat = content["stat"]
    stat = [stat] if isinstance(stat, Mapping) else list(np.ravel(stat))
    arrays = {name: np.asarray(content[name]) for name in (*TRACES, "iscell") if name in content}
    # MATLAB has no arrays of one axis: what has one cell was squeezed on the way back.
    arrays = {name: values.reshape(len(stat), -1) for name, values in arrays.items() if stat and values.size}
    return _found(path, (path,), stat, flat_settings(content["ops"]), arrays, rate_hz=rate_hz)


def _found(
    source: Path,
    files: tuple[Path, ...],
    stat: Any,
    ops: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    *,
    rate_hz: float | None,
) -> Found:
    shape = plane_size(ops, source)
    rate = rate_hz or number(ops.get("fs"))
    if not rate or rate <= 0:
        raise MissingResultsRateError(source, "does not say the imaging rate (fs)", "Give it: --frame-rate HZ.")
    footprints = _footprints(stat, shape, source)
    n_rois = footprints.shape[0]
    traces = {name: arrays[name] for name in TRACES if name in arrays}
    _check_traces(source, n_rois, traces)
    settings = {name: jsonable(value) for name, value in ops.items() if _is_setting(value)}
    coefficient = number(ops.get("neuropil_coefficient", ops.get("neucoeff"))) or 0.0
    if "neuropil_coefficient" not in ops and "neucoeff" not in ops:
        coefficient = NEUROPIL_COEFFICIENT
    tau_s = number(ops.get("tau")) or TAU_S
    is_cell, evaluated = _is_cell(source, n_rois, arrays.get("iscell"))
    raw = _corrected(traces, coefficient)
    notes = [
        "Raw traces are Suite2p's F less its neuropil: F - "
        f"{coefficient:g} (Fneu - median of Fneu). F, Fneu, spks and iscell themselves are in the results file.",
        f"Denoised traces are Suite2p's deconvolved ones with its decay of {tau_s:g} s put back; dF/F is Fluorite's.",
    ]
    if not evaluated:
        notes.append("There is no iscell.npy: all ROIs count as accepted.")
    shifts, unknown_shifts = _shifts(ops, traces)
    originals = {**arrays, "settings": json.dumps(settings)}
    return Found(
        source=source,
        files=files,
        segmentation=Segmentation(
            shape=shape,
            footprints=footprints,
            rate_hz=rate,
            accepted=is_cell,
            evaluated=evaluated,
            raw=raw,
            denoised=_denoised(traces.get("spks"), tau_s, rate),
            deconvolved=traces["spks"].astype(np.float32) if "spks" in traces else None,
            dff=None if raw is None else change_against(raw.astype(np.float64), np.zeros(raw.shape)),
            images=_images(ops, shape),
        ),
        keep=lambda path, found: write_found(path, found, originals),
        session=_session(source),
        engine="suite2p",
        engine_version=_version(ops),
        parameters={"suite2p": settings},
        notes=tuple(notes),
        one_photon=bool(number(ops.get("1Preg"))),
        shifts=shifts,
        unknown_shifts=unknown_shifts,
    )


def _with_movie(found: Found, movie: Path) -> Found:
    note = "Suite2p keeps its registered movie as 16-bit integers, at half the brightness of movies of unsigned ones."
    return replace(found, movie=movie, movie_note=note)


def _footprints(stat: Any, shape: tuple[int, int], source: Path) -> sparse.csr_array:
    """``(n_rois, n_pixels)`` float32: Suite2p's weights ``lam`` at ``(ypix, xpix)``."""
    if not isinstance(stat, Sequence) or not all(isinstance(cell, Mapping) for cell in stat):
        raise ResultsError(source, "holds no list of cells (stat)", REMEDY)
    rows, pixels, weights = [np.zeros(0, int)], [np.zeros(0, int)], [np.zeros(0)]
    for row, cell in enumerate(stat):
        try:
            y, x, lam = (np.ravel(np.atleast_1d(cell[name])) for name in ("ypix", "xpix", "lam"))
        except KeyError as error:
            raise ResultsError(source, f"its cell {row} has no {error}", REMEDY) from error
        inside = len(y) == len(x) == len(lam) and all(values.dtype.kind in "iuf" for values in (y, x, lam))
        if inside and len(y):
            inside = bool(min(y.min(), x.min()) >= 0 and y.max() < shape[0] and x.max() < shape[1])
        if not inside or not np.isfinite(lam).all():
            raise ResultsError(
                source, f"its cell {row} does not lie in the frame of {shape[0]} x {shape[1]} pixels", REMEDY
            )
        rows.append(np.full(len(y), row))
        pixels.append(y.astype(int) * shape[1] + x.astype(int))
        weights.append(lam)
    entries = (np.concatenate(weights).astype(np.float32), (np.concatenate(rows), np.concatenate(pixels)))
    matrix = sparse.csr_array(entries, shape=(len(stat), shape[0] * shape[1]), dtype=np.float32)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix


def _numbers(path: Path) -> NDArray[Any]:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ResultsError(path, f"cannot be read ({' '.join(str(error).split())[:200]})", REMEDY) from error
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or values.ndim != 2:
        raise ResultsError(path, "is not a table of numbers", REMEDY)
    return values


def _check_traces(source: Path, n_rois: int, traces: Mapping[str, NDArray[Any]]) -> None:
    if "F" not in traces:
        raise ResultsError(source, "has no traces (F)", REMEDY)
    shape = traces["F"].shape
    for name, values in traces.items():
        if values.shape != shape or shape[0] != n_rois:
            raise ResultsError(
                source, f"its {name} has shape {values.shape}, but there are {n_rois} cells and F has {shape}", REMEDY
            )


def _corrected(traces: Mapping[str, NDArray[Any]], coefficient: float) -> NDArray[np.float32]:
    """Fluorescence without what the neuropil does beyond its own level, ``(n, n_frames)``.

    What Suite2p deconvolves is ``F - coefficient * Fneu``; the median of Fneu stays here, so that the level is the
    cell's and dF/F has something to divide by.
    """
    own = traces["F"].astype(np.float64)
    if "Fneu" in traces and own.size:
        around = traces["Fneu"].astype(np.float64)
        own = own - coefficient * (around - np.median(around, axis=1, keepdims=True))
    return own.astype(np.float32)


def _denoised(spikes: NDArray[Any] | None, tau_s: float, rate_hz: float) -> NDArray[np.float32] | None:
    """Calcium of Suite2p's model, ``c[t] = exp(-1 / (tau fs)) c[t-1] + s[t]`` (Friedrich et al., 2017), of its s."""
    if spikes is None:
        return None
    decay = float(np.exp(-1 / (tau_s * rate_hz)))
    return np.asarray(signal.lfilter([1.0], [1.0, -decay], spikes.astype(np.float64), axis=1), np.float32)


def _is_cell(source: Path, n_rois: int, table: NDArray[Any] | None) -> tuple[NDArray[np.bool_], bool]:
    if table is None or (n_rois and not table.size):
        return np.ones(n_rois, bool), False
    if len(table) != n_rois:
        raise ResultsError(source, f"its iscell has {len(table)} rows for {n_rois} cells", REMEDY)
    return np.asarray(table[:, 0] > 0), True


def _images(ops: Mapping[str, Any], shape: tuple[int, int]) -> dict[str, NDArray[np.float32]]:
    """Suite2p's mean image, of the size of a frame; its others are cropped and scaled for the eye."""
    mean = ops.get("meanImg")
    if isinstance(mean, np.ndarray) and mean.shape == shape and mean.dtype.kind in "iuf":
        return {"mean": mean.astype(np.float32)}
    return {}


def _shifts(
    ops: Mapping[str, Any], traces: Mapping[str, NDArray[Any]]
) -> tuple[NDArray[np.float32] | None, str | None]:
    """``(n_frames, 2)`` as ``(y, x)`` added to the content: Suite2p's offsets, which it takes away."""
    offsets = [ops.get(name) for name in ("yoff", "xoff")]
    n_frames = traces["F"].shape[1]
    if not all(isinstance(values, np.ndarray) and values.shape == (n_frames,) for values in offsets):
        return None, "it keeps no offsets of the frames"
    shifts = -np.stack([np.asarray(values, np.float32) for values in offsets], axis=1)
    blocks = ops.get("yoff1")
    piecewise = isinstance(blocks, np.ndarray) and blocks.size > 0
    return shifts, "Suite2p moved parts of the frames by their own offsets (nonrigid)" if piecewise else None


def _session(source: Path) -> str:
    """The name of the recording's folder, ``day1`` of ``day1/suite2p/plane0``, and with several planes theirs."""
    folder = source if source.is_dir() else source.parent
    above = [part for part in (folder.name, folder.parent.name, folder.parent.parent.name) if part]
    name = next((name for name in above if name != "suite2p" and not name.startswith("plane")), folder.name)
    return f"{name}-{folder.name}" if len(plane_folders(folder.parent)) > 1 else name


def _version(ops: Mapping[str, Any]) -> str:
    for name in ("suite2p_version", "version"):
        if isinstance(ops.get(name), str):
            return str(ops[name])
    return "unknown"


def _is_setting(value: Any) -> bool:
    if isinstance(value, _SCALARS) or value is None:
        return True
    small = isinstance(value, list | tuple) and len(value) <= 20
    return small and all(isinstance(item, _SCALARS) for item in value)
