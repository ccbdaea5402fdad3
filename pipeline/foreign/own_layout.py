"""A results file in CaImAn's layout for components that came in another one: every import leaves the same kind of file.

CaImAn, `fluorite import --into` and whatever else reads that layout then take all of them alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema.publishing import fsync_file
from pipeline.foreign.found import Found
from pipeline.results_file import Results, write_results


def write_found(path: Path, found: Found, originals: Mapping[str, Any] | None = None) -> None:
    """Write what was found to `path`, with the other program's own arrays, unchanged, in ``fluorite/originals``.

    Raises
    ------
    ResultsError
        When it cannot be written.
    """
    cells = found.segmentation
    n_frames = cells.n_frames or 0
    empty = np.zeros((cells.n_rois, n_frames), np.float32)
    denoised = empty if cells.denoised is None else cells.denoised
    images = {**cells.images, **cells.plane_images}
    write_results(
        path,
        Results(
            shape=cells.shape,
            rate_hz=cells.rate_hz,
            footprints=cells.footprints,
            denoised=denoised,
            deconvolved=empty if cells.deconvolved is None else cells.deconvolved,
            # CaImAn's raw traces are C + YrA.
            residual=empty if cells.raw is None else cells.raw - denoised,
            dff=empty if cells.dff is None else cells.dff,
            background_footprints=np.zeros((0, int(np.prod(cells.shape))), np.float32),
            background_traces=np.zeros((0, n_frames), np.float32),
            snr=cells.snr,
            r_values=cells.r_values,
            accepted=cells.accepted,
            per_trace={
                "g": np.zeros((cells.n_rois, 1), np.float32),
                **{name: np.zeros(cells.n_rois, np.float32) for name in ("bl", "c1", "neurons_sn", "lam")},
            },
            noise=np.zeros(cells.shape, np.float32),
            # Of no frame: these are not known to be zero.
            shifts=np.zeros((0, len(cells.shape)), np.float32) if found.shifts is None else found.shifts,
            images=images,
            parameters=found.parameters,
            engine=found.engine,
            version=found.engine_version,
            notes=found.notes,
            evaluated=cells.evaluated,
        ),
    )
    if originals:
        with h5py.File(path, "r+") as file:
            group = file["fluorite"].create_group("originals")
            for name, values in originals.items():
                group.create_dataset(name, data=values)
        fsync_file(path)
