"""Read a results file: the HDF5 layout of CaImAn's ``CNMF.save``, whichever engine wrote it.

Planes go through roiextractors' ``CaimanSegmentationExtractor``. Volumes and several kinds of real files it does not
open, and some others it reads wrongly (all components count as accepted when none was): those are read here.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import ResultsError
from nwb_schema.provenance import canonical_json, jsonable
from nwb_schema.segmentation import Segmentation
from pipeline.caiman_layout import ResultsLayout
from pipeline.results_file import RingWeights

logger = logging.getLogger("fluorite.results")

_SCORES = {"snr": "SNR_comp", "r_values": "r_values", "cnn_preds": "cnn_preds"}


def read_results(path: Path, *, rate_hz: float | None = None) -> Segmentation:
    """The components in a results file.

    Parameters
    ----------
    path
        An HDF5 file that CaImAn's ``CNMF.save`` or one of our engines wrote.
    rate_hz
        Frames per second, where the file's own (``params/data/fr``) is missing or wrong.

    Raises
    ------
    ResultsError
        When the file cannot be read, or contradicts itself. What can be left out (a score of the wrong length) is, with
        a warning in the log and in `read_results_notes`.
    """
    with _open(path) as layout:
        dims = layout.dims()
        if len(dims) == 2 and layout.extractor_obstacle(dims) is None:
            segmentation = _through_roiextractors(path, dims, layout.footprints(dims))
        else:
            segmentation = Segmentation(
                shape=dims,
                footprints=layout.footprints(dims),
                rate_hz=0.0,
                accepted=np.ones(0, bool),
                evaluated=False,
                **layout.traces(),
            )
        accepted, evaluated = layout.accepted(segmentation.n_rois)
        scores: dict[str, Any] = {ours: layout.score(theirs, segmentation.n_rois) for ours, theirs in _SCORES.items()}
        for note in layout.notes(dims):
            logger.warning("%s: %s", path, note)
        return replace(
            segmentation,
            rate_hz=rate_hz if rate_hz is not None else layout.rate_hz(),
            accepted=accepted,
            evaluated=evaluated,
            background_footprints=layout.background_footprints(dims),
            background_traces=layout.background_traces(),
            images=layout.images(dims),
            plane_images=layout.plane_images(dims),
            **scores,
        )


def read_results_notes(path: Path) -> tuple[str, ...]:
    """What `read_results` leaves out of this file, and why: one sentence each."""
    with _open(path) as layout:
        return tuple(layout.notes(layout.dims()))


def read_cells(path: Path) -> Segmentation:
    """The components without their traces: quick, also of a long recording.

    Raises
    ------
    ResultsError
        As `read_results`.
    """
    with _open(path) as layout:
        dims = layout.dims()
        n_rois = layout.n_rois()
        accepted, evaluated = layout.accepted(n_rois)
        scores: dict[str, Any] = {ours: layout.score(theirs, n_rois) for ours, theirs in _SCORES.items()}
        return Segmentation(
            shape=dims,
            footprints=layout.footprints(dims),
            rate_hz=0.0,
            accepted=accepted,
            evaluated=evaluated,
            **scores,
        )


def is_online(path: Path) -> bool:
    """Whether a run of our online mode wrote the file: only then its online parameters had any effect."""
    with _open(path) as layout:
        return layout.has_latency()


def read_counts(path: Path) -> tuple[int, int]:
    """How many components the file has, and how many of them are accepted; of a large file only this is read."""
    with _open(path) as layout:
        accepted, _ = layout.accepted(layout.n_rois())
    return len(accepted), int(accepted.sum())


def read_shifts(path: Path) -> NDArray[np.float32] | None:
    """Motion shifts ``(n_frames, 2)`` in pixels as ``(y, x)``, added to each frame's content, or None.

    Of volumes ``(n_frames, 3)``, as ``(y, x, z)``.
    """
    with _open(path) as layout:
        return layout.shifts()


def read_patch_shifts(path: Path) -> tuple[NDArray[np.float32], ...] | None:
    """Shifts of patches ``(n_frames, ny, nx, 2)`` in pixels as ``(y, x)``, and their rows and columns, or None.

    Only our own engine's files hold them: CaImAn's layout has no place for them.
    """
    with _open(path) as layout:
        return layout.patch_shifts()


def read_ring(path: Path) -> RingWeights | None:
    """The background of a one-photon movie, W and b0, or None where there is none or another one."""
    with _open(path) as layout:
        return layout.ring(layout.dims())


def read_engine(path: Path) -> tuple[str, str]:
    """Name and version of the engine that wrote the file."""
    with _open(path) as layout:
        return layout.engine()


def read_parameters(path: Path) -> tuple[dict[str, Any], str]:
    """The parameters, grouped under CaImAn's names and JSON-able, and the SHA-256 of their canonical JSON."""
    with _open(path) as layout:
        parameters = jsonable(layout.parameters())
    return parameters, hashlib.sha256(canonical_json(parameters).encode()).hexdigest()


def is_one_photon(path: Path) -> bool:
    """Whether the components were found by CNMF-E, the method for one-photon movies."""
    with _open(path) as layout:
        return layout.parameters().get("init", {}).get("method_init") == "corr_pnr"


def check_fits_movie(segmentation: Segmentation, movie_shape: tuple[int, ...], *, results: Path, movie: Path) -> None:
    """Refuse results that were not found in this movie.

    Parameters
    ----------
    movie_shape
        ``(n_frames, height, width)``, of volumes ``(n_frames, height, width, depth)``.

    Raises
    ------
    ResultsError
        When the size of a frame or the number of frames differs.
    """
    n_frames, *field = movie_shape
    found = segmentation.shape
    if found != tuple(field):
        swapped = " (height and width are swapped)" if found == (field[1], field[0], *field[2:]) else ""
        names = "height x width x depth" if len(found) == 3 else "height x width"
        raise ResultsError(
            results,
            f"has frames of {' x '.join(map(str, found))} ({names}), "
            f"but {movie} has {' x '.join(map(str, field))}{swapped}",
            "Give the movie in which the components were found, or name its axes with --axes.",
        )
    if segmentation.n_frames not in (None, n_frames):
        raise ResultsError(
            results,
            f"has traces of {segmentation.n_frames} frames, but {movie} has {n_frames}",
            "Give the movie in which the components were found; for a series, all of its files in order.",
        )


def _through_roiextractors(path: Path, dims: tuple[int, ...], footprints: sparse.csr_array) -> Segmentation:
    from roiextractors import CaimanSegmentationExtractor

    extractor = CaimanSegmentationExtractor(path)
    ids = extractor.get_roi_ids()
    # Its pixel masks are left alone: besides being (y, x, weight) whatever its docstring says, 0.10 pairs weights with
    # the wrong pixels where A's row indices are not sorted, as in what CaImAn 1.12 writes for CNMF-E.
    traces: dict[str, Any] = {
        kind: np.ascontiguousarray(np.asarray(values)[:].T, dtype=np.float32)
        for kind, values in extractor.get_traces_dict().items()
        if kind in ("raw", "denoised", "deconvolved", "dff") and values is not None
    }
    if "dff" in traces and traces["dff"].shape != _shape_of_others(traces):
        del traces["dff"]  # `ResultsLayout.notes` says so
    return Segmentation(
        shape=dims,
        footprints=footprints,
        rate_hz=float(extractor.get_sampling_frequency()),
        accepted=np.asarray(extractor.get_property("is_accepted", ids), dtype=bool),
        evaluated=False,
        **traces,
    )


def _shape_of_others(traces: dict[str, Any]) -> tuple[int, ...] | None:
    others = [values.shape for kind, values in traces.items() if kind != "dff"]
    return others[0] if others else traces["dff"].shape


@contextmanager
def _open(path: Path) -> Iterator[ResultsLayout]:
    """The file opened read-only; whatever is wrong with it is raised as one `ResultsError`."""
    path = Path(path)
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "there is no such file"
        raise ResultsError(path, kind, "Give the HDF5 file that CaImAn's CNMF.save wrote.")
    try:
        with h5py.File(path, "r") as file:
            yield ResultsLayout(path, file)
    except ResultsError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError) as error:
        # This is what h5py, scipy and roiextractors raise on damaged and on oddly built files.
        cause = " ".join(str(error).split())[:300] or type(error).__name__
        raise ResultsError(
            path, f"cannot be read as CaImAn results ({cause})", "Save it again with CaImAn's CNMF.save."
        ) from error
