"""Write a sample: one NWB file, whole or not at all."""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from pynwb import NWBHDF5IO
from scipy import sparse

from nwb_schema.custom_columns import write_custom
from nwb_schema.errors import SampleError, SampleExistsError
from nwb_schema.layout import movie_series_name
from nwb_schema.metadata import SampleMetadata
from nwb_schema.movie_file import DATASET, MovieFile
from nwb_schema.nwb_container import build_nwbfile
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import partial_path, publish, sweep_partials
from nwb_schema.segmentation import Segmentation
from nwb_schema.verify import verify_sample


def write_sample(
    path: Path,
    *,
    identifier: str,
    metadata: SampleMetadata,
    segmentation: Segmentation,
    provenance: Provenance,
    registered_movie: Path | None,
    shifts: NDArray[np.float32] | None,
    custom: Mapping[str, Any] | None = None,
) -> None:
    """Write the sample `path`; it appears complete and checked, or not at all.

    Parameters
    ----------
    path
        The new file, in the project's ``samples/``.
    identifier
        The sample's UUID.
    metadata, segmentation, provenance
        What goes into it.
    registered_movie
        The motion-corrected movie, ``movies/<identifier>.h5`` beside ``samples/``; None when there is none at hand.
    shifts
        ``(n_frames, 2)`` pixels as ``(y, x)``, of volumes ``(n_frames, 3)`` as ``(y, x, z)``: what was added to each
        frame's content to register it; or None.
    custom
        Values of custom columns by their keys, as `nwb_schema.custom_columns.checked_custom` gives them.

    Raises
    ------
    SampleExistsError
        When the file is already there.
    SampleError
        When it cannot be written, or what was written does not read back as it should.
    """
    if path.exists():
        raise _exists(path)
    _check_fit(path, segmentation, registered_movie, shifts)
    segmentation = _as_stored(segmentation)
    temporary = partial_path(path.parent)
    try:
        sweep_partials(path.parent)
        nwbfile = build_nwbfile(
            identifier=identifier,
            metadata=metadata,
            segmentation=segmentation,
            provenance=provenance,
            movie=None if registered_movie is None else _movie_size(registered_movie),
            shifts=shifts,
            roi_uuids=[str(uuid.uuid4()) for _ in range(segmentation.n_rois)],
            now=datetime.now().astimezone(),
        )
        with warnings.catch_warnings():
            # The temporary name does not end in .nwb, so that nobody takes an unfinished file for a sample.
            warnings.filterwarnings("ignore", message="The file path provided")
            with NWBHDF5IO(str(temporary), "w") as io:
                io.write(nwbfile)
        if registered_movie is not None:
            _link_movie(temporary, registered_movie, metadata.one_photon)
        if custom:
            write_custom(temporary, custom)
        verify_sample(temporary, segmentation=segmentation, registered_movie=registered_movie, shifts=shifts)
        publish(temporary, path)
    except FileExistsError:
        raise _exists(path) from None
    except SampleError as error:
        # Verification speaks of the temporary file, which nobody will find.
        raise SampleError(path, error.cause, error.remedy) from error
    except OSError as error:
        raise SampleError(
            path, f"cannot be written ({error.strerror or error})", "Check permissions and free space of the project."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _exists(path: Path) -> SampleExistsError:
    return SampleExistsError(
        path, "a sample of this subject and session is already there", "Give another session: --session NAME."
    )


def _as_stored(segmentation: Segmentation) -> Segmentation:
    """The same with footprints in the one form in which they read back: float32, sorted, without explicit zeros."""
    footprints = sparse.csr_array(segmentation.footprints, dtype=np.float32, copy=True)
    footprints.sum_duplicates()
    footprints.eliminate_zeros()
    return replace(segmentation, footprints=footprints)


def _movie_size(path: Path) -> tuple[int, ...]:
    with MovieFile(path) as movie:
        return movie.shape


def _check_fit(
    path: Path, segmentation: Segmentation, registered_movie: Path | None, shifts: NDArray[np.float32] | None
) -> None:
    """Refuse what does not belong together before anything is written."""
    n_frames = segmentation.n_frames
    if registered_movie is not None:
        frames, *field = _movie_size(registered_movie)
        if segmentation.shape != tuple(field) or n_frames not in (None, frames):
            raise SampleError(
                path,
                f"the components ({_size(segmentation.shape, n_frames)}) do not fit the registered movie "
                f"({_size(tuple(field), frames)})",
                "Give the movie that the components were found in.",
            )
        if registered_movie.resolve().parent != (path.parent.resolve().parent / "movies").resolve():
            raise SampleError(
                registered_movie,
                "lies outside the project's movies folder, where a sample's link may lead",
                f"Move it to {path.parent.parent / 'movies'}.",
            )
        n_frames = frames
    axes = len(segmentation.shape)
    if shifts is not None and n_frames is not None and shifts.shape != (n_frames, axes):
        raise SampleError(
            path,
            f"the motion shifts have shape {shifts.shape}, but there are {n_frames} frames",
            f"Give one shift {'(y, x)' if axes == 2 else '(y, x, z)'} for every frame.",
        )


def _size(shape: tuple[int, ...], n_frames: int | None) -> str:
    frames = "no traces" if n_frames is None else f"{n_frames} frames"
    planes = f", {shape[2]} planes" if len(shape) == 3 else ""
    return f"{frames}, height {shape[0]}, width {shape[1]}{planes}"


def _link_movie(sample: Path, movie: Path, one_photon: bool) -> None:
    """Let the series' ``data`` lead to the movie, by a path relative to the sample, so that a project can be moved."""
    # Written out rather than computed: it must not spell out where a symbolic link leads today.
    target = f"../movies/{movie.name}"
    with h5py.File(sample, "r+") as file:
        series = file[f"acquisition/{movie_series_name(one_photon)}"]
        del series["data"]
        series["data"] = h5py.ExternalLink(target, f"/{DATASET}")
