"""A small project whose samples hold the truth of a simulation, so that no engine has to run."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy import sparse

from nwb_schema.metadata import build_metadata
from nwb_schema.movie_file import MovieFileWriter
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance, canonical_json
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample
from pipeline.simulate import Simulation, simulate_movie

HEIGHT, WIDTH, N_FRAMES, RATE_HZ = 72, 112, 150, 15.0


@dataclass(frozen=True)
class MadeSample:
    """A sample and what went into it."""

    path: Path
    identifier: str
    simulation: Simulation


def simulate() -> Simulation:
    """A non-square two-photon recording that holds still."""
    return simulate_movie(
        "2p", n_frames=N_FRAMES, height=HEIGHT, width=WIDTH, n_cells=9, rate_hz=RATE_HZ, seed=5, motion_px=0.0
    )


def add_sample(
    project: Project, simulation: Simulation, *, subject: str = "m1", session: str = "s1", with_movie: bool = True
) -> MadeSample:
    """Write one sample from a simulation's truth: its last cell is rejected, all others are accepted."""
    n_cells, height, width = simulation.footprints.shape
    frames = simulation.frames
    identifier = str(uuid.uuid4())
    movie = project.movie_path(identifier) if with_movie else None
    if movie is not None:
        with MovieFileWriter(
            movie, n_frames=len(frames), height=height, width=width, dtype=frames.dtype, rate_hz=simulation.rate_hz
        ) as writer:
            writer.write(0, frames)
    images = {"mean": frames.mean(0, dtype=np.float32), "max": frames.max(0).astype(np.float32)}
    segmentation = Segmentation(
        shape=(height, width),
        footprints=sparse.csr_array(simulation.footprints.reshape(n_cells, height * width)),
        rate_hz=simulation.rate_hz,
        accepted=np.arange(n_cells) < n_cells - 1,
        evaluated=True,
        raw=simulation.traces + 1,
        denoised=simulation.traces,
        deconvolved=simulation.spikes,
        dff=simulation.traces / 100,
        snr=np.linspace(2, 9, n_cells, dtype=np.float32),
        r_values=np.linspace(0.3, 0.95, n_cells, dtype=np.float32),
        images=images if with_movie else {},
    )
    start = datetime(2026, 3, 4, 10, 12, tzinfo=UTC)
    metadata = build_metadata(
        subject=subject,
        session=session,
        overrides={},
        one_photon=False,
        movie_session_start=start,
        movie_subject={},
        movie_source=None,
        movie_pixel_size_um=None,
        movie_extra={},
        file_date=start,
        default_session=session,
        source="test",
    )
    parameters = {"data": {"fr": simulation.rate_hz, "dxy": [1.0, 1.0]}, "init": {"K": 9, "nb": None}}
    provenance = Provenance(
        engine="builtin",
        engine_version="0.1.0",
        parameters=parameters,
        parameters_sha256=hashlib.sha256(canonical_json(parameters).encode()).hexdigest(),
        input_files=("recording.tif",),
        input_sha256="cd" * 32,
        fluorite_version="0.1.0",
        notes=("The traces are the simulation's truth.",),
        seconds={"extraction": 1.5},
    )
    path = project.sample_path(subject, session)
    write_sample(
        path,
        identifier=identifier,
        metadata=metadata,
        segmentation=segmentation,
        provenance=provenance,
        registered_movie=movie,
        shifts=None,
    )
    return MadeSample(path, identifier, simulation)
