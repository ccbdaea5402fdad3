"""A project with a sample of volumes in which every plane shows something else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.movie_file import MovieFileWriter
from nwb_schema.project import Project
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample
from tests.nwb_schema.made_samples import made_metadata, made_provenance

HEIGHT, WIDTH, DEPTH, N_FRAMES = 30, 44, 5, 12


@dataclass(frozen=True)
class MadeVolumes:
    """The sample and its frames ``(n, height, width, depth)`` and bodies ``(n_rois, height, width, depth)``."""

    path: Path
    identifier: str
    frames: NDArray[np.uint16]
    bodies: NDArray[np.float32]


def add_volumes(project: Project) -> MadeVolumes:
    """Write the sample: cell 0 is in planes 0 to 2, cell 1 in planes 3 and 4, and bars differ from plane to plane."""
    identifier = str(uuid.uuid4())
    y, x, z = np.indices((HEIGHT, WIDTH, DEPTH))
    frames = np.zeros((N_FRAMES, HEIGHT, WIDTH, DEPTH), np.uint16)
    frames[:] = 100 + 20 * np.arange(N_FRAMES)[:, None, None, None] + 150 * (y // 3 % DEPTH == z)
    bodies = np.stack(
        [
            ((y - 10) ** 2 + (x - 12) ** 2 <= 25) * np.array([0.5, 1.0, 0.5, 0.0, 0.0]),
            ((y - 18) ** 2 + (x - 30) ** 2 <= 36) * np.array([0.0, 0.0, 0.0, 1.0, 1.0]),
        ]
    ).astype(np.float32)
    path = project.movie_path(identifier)
    with MovieFileWriter(
        path, n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, depth=DEPTH, dtype=np.uint16, rate_hz=5.0
    ) as writer:
        writer.write(0, frames)
    mean = frames.mean(axis=0).astype(np.float32)
    traces = np.random.default_rng(1).normal(size=(2, N_FRAMES)).astype(np.float32)
    sample = project.sample_path("vol", "s1")
    write_sample(
        sample,
        identifier=identifier,
        metadata=made_metadata(subject="vol", grid_spacing=(1e-6, 1e-6, 5e-6)),
        segmentation=Segmentation(
            shape=(HEIGHT, WIDTH, DEPTH),
            footprints=sparse.csr_array(bodies.reshape(2, -1)),
            rate_hz=5.0,
            accepted=np.ones(2, bool),
            evaluated=True,
            denoised=traces,
            images={"mean": mean.max(axis=2), "max": frames.max(axis=(0, 3)).astype(np.float32)},
            plane_images={"mean": mean},
        ),
        provenance=made_provenance(),
        registered_movie=path,
        shifts=None,
    )
    return MadeVolumes(sample, identifier, frames, bodies)
