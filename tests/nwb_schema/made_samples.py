"""Small projects and samples, made from a seed. Nothing is square: height 24, width 40."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.metadata import SampleMetadata, build_metadata
from nwb_schema.movie_file import MovieFileWriter
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample

HEIGHT, WIDTH, N_FRAMES, RATE_HZ = 24, 40, 50, 7.5
START = datetime(2025, 3, 1, 14, 30, tzinfo=UTC)


def made_segmentation(
    n_rois: int = 5,
    *,
    shape: tuple[int, ...] = (HEIGHT, WIDTH),
    n_frames: int = N_FRAMES,
    background: bool = True,
    traces: bool = True,
    **changes: Any,
) -> Segmentation:
    """Discs at random places with random traces; `changes` are passed to `Segmentation`."""
    rng = np.random.default_rng(7)
    grids = np.meshgrid(*(np.arange(size) for size in shape), indexing="ij")
    dense = np.zeros((n_rois, *shape), np.float32)
    for mask in dense:
        centre = [rng.integers(4, size - 4) if size > 8 else size // 2 for size in shape]
        inside = sum((grid - at) ** 2 for grid, at in zip(grids, centre, strict=True)) < 9
        mask[inside] = rng.uniform(0.1, 1.0, int(inside.sum()))

    def random(rows: int) -> NDArray[np.float32]:
        return rng.normal(size=(rows, n_frames)).astype(np.float32)

    values: dict[str, Any] = {
        "accepted": np.arange(n_rois) % 2 == 0,
        "evaluated": True,
        "snr": rng.uniform(1, 9, n_rois).astype(np.float32),
        "r_values": rng.uniform(0, 1, n_rois).astype(np.float32),
        "images": {"mean": rng.uniform(0, 100, shape[:2]).astype(np.float32)},
    }
    if traces:
        values |= {kind: random(n_rois) for kind in ("raw", "denoised", "deconvolved", "dff")}
    if background:
        values["background_footprints"] = rng.uniform(0, 1, (2, int(np.prod(shape)))).astype(np.float32)
        values["background_traces"] = random(2)
    flat = sparse.csr_array(dense.reshape(n_rois, -1) if n_rois else (0, int(np.prod(shape))), dtype=np.float32)
    return Segmentation(shape=shape, footprints=flat, rate_hz=RATE_HZ, **{**values, **changes})


def made_metadata(
    *,
    subject: str = "m1",
    session: str = "s1",
    one_photon: bool = False,
    grid_spacing: tuple[float, ...] = (2e-6, 1e-6),
) -> SampleMetadata:
    """Everything that NWB wants to know."""
    return build_metadata(
        subject=subject,
        session=session,
        one_photon=one_photon,
        overrides={
            "NWBFile": {
                "session_start_time": START,
                "experimenter": ["Doe, Jane"],
                "experiment_description": "A test.",
                "institution": "Institute",
                "lab": "Lab",
            },
            "Subject": {"species": "Rattus norvegicus", "sex": "F", "age": "P90D", "description": "A rat."},
            "Ophys": {
                "Device": [{"name": "Scope", "description": "A microscope."}],
                "ImagingPlane": [
                    {
                        "indicator": "GCaMP6f",
                        "location": "V1",
                        "excitation_lambda": 920.0,
                        "grid_spacing": list(grid_spacing),
                        "optical_channel": [{"name": "Green", "emission_lambda": 510.0, "description": "Green."}],
                    }
                ],
            },
        },
    )


def made_provenance(**changes: Any) -> Provenance:
    """A complete provenance; `changes` replace fields."""
    values: dict[str, Any] = {
        "engine": "builtin",
        "engine_version": "0.1",
        "parameters": {"init": {"K": 5, "gSig": [3, 3]}},
        "parameters_sha256": "ab" * 32,
        "input_files": ("/data/movie.tif",),
        "input_sha256": "cd" * 32,
        "fluorite_version": "0.1.0",
    }
    return Provenance(**{**values, **changes})


def made_movie(
    project: Project, identifier: str, n_frames: int = N_FRAMES, depth: int | None = None
) -> tuple[Path, NDArray[np.uint16]]:
    """A registered movie of the project and its frames ``(n_frames, height, width[, depth])``."""
    shape = (n_frames, HEIGHT, WIDTH) if depth is None else (n_frames, HEIGHT, WIDTH, depth)
    frames = np.random.default_rng(3).integers(0, 4000, shape).astype(np.uint16)
    path = project.movie_path(identifier)
    with MovieFileWriter(
        path, n_frames=n_frames, height=HEIGHT, width=WIDTH, depth=depth, dtype=np.uint16, rate_hz=RATE_HZ
    ) as writer:
        writer.write(0, frames)
    return path, frames


def made_shifts(n_frames: int = N_FRAMES, axes: int = 2) -> NDArray[np.float32]:
    """Motion shifts ``(n_frames, axes)`` as ``(y, x[, z])``."""
    return np.random.default_rng(5).normal(0, [1, 4, 0.5][:axes], (n_frames, axes)).astype(np.float32)


def made_sample(
    project: Project,
    *,
    subject: str = "m1",
    session: str = "s1",
    segmentation: Segmentation | None = None,
    movie: bool = True,
    one_photon: bool = False,
    identifier: str | None = None,
) -> Path:
    """Write a sample into the project and return its path."""
    identifier = identifier or str(uuid.uuid4())
    path = project.sample_path(subject, session)
    segmentation = segmentation if segmentation is not None else made_segmentation()
    _, _, *planes = segmentation.shape
    write_sample(
        path,
        identifier=identifier,
        metadata=made_metadata(
            subject=subject,
            session=session,
            one_photon=one_photon,
            grid_spacing=(2e-6, 1e-6, 5e-6)[: len(segmentation.shape)],
        ),
        segmentation=segmentation,
        provenance=made_provenance(),
        registered_movie=made_movie(project, identifier, depth=planes[0] if planes else None)[0] if movie else None,
        shifts=made_shifts(axes=len(segmentation.shape)) if movie else None,
    )
    return path
