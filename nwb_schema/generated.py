"""Samples of random data, valid and quickly made: what benchmarks and demonstrations of large projects are made of."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy import signal, sparse

from nwb_schema.columns import ColumnType
from nwb_schema.edits.tables import TEXT, new_column
from nwb_schema.layout import PLANE_SEGMENTATION
from nwb_schema.metadata import build_metadata
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import partial_path, publish
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample

HEIGHT, WIDTH = 480, 546
RATE_HZ = 15.0
_WORDS = np.array(["good", "dim", "doubtful", "untagged"], dtype=object)
_DECAY = 0.9


def random_segmentation(n_rois: int, n_frames: int, seed: int = 0) -> Segmentation:
    """Discs at random places; traces of random transients, with noise where a recording has some."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-6:7, -6:7]
    disc = np.argwhere(y**2 + x**2 <= 36) - 6
    centres = np.stack([rng.integers(6, HEIGHT - 6, n_rois), rng.integers(6, WIDTH - 6, n_rois)], axis=1)
    pixels = (centres[:, None, :] + disc[None]) @ np.array([WIDTH, 1])
    rows = np.repeat(np.arange(n_rois), len(disc))
    weights = rng.uniform(0.1, 1, rows.size).astype(np.float32)
    footprints = sparse.csr_array((weights, (rows, pixels.ravel())), shape=(n_rois, HEIGHT * WIDTH), dtype=np.float32)
    traces: dict[str, NDArray[Any]] = {
        kind: np.empty((n_rois, n_frames), np.float32) for kind in ("raw", "denoised", "deconvolved", "dff")
    }
    for row in range(n_rois):
        # One by one: what a benchmark of memory measures is not this.
        spikes = np.where(rng.random(n_frames) < 0.02, rng.uniform(1, 4, n_frames), 0)
        traces["deconvolved"][row] = spikes
        traces["denoised"][row] = signal.lfilter([1.0], [1.0, -_DECAY], spikes)
        traces["raw"][row] = traces["denoised"][row] + 0.3 * rng.standard_normal(n_frames)
        traces["dff"][row] = traces["raw"][row] / 5
    return Segmentation(
        shape=(HEIGHT, WIDTH),
        footprints=footprints,
        rate_hz=RATE_HZ,
        accepted=rng.random(n_rois) > 0.3,
        evaluated=True,
        raw=traces["raw"],
        denoised=traces["denoised"],
        deconvolved=traces["deconvolved"],
        dff=traces["dff"],
        snr=rng.uniform(1, 9, n_rois).astype(np.float32),
        r_values=rng.uniform(0, 1, n_rois).astype(np.float32),
        images={"mean": rng.uniform(0, 100, (HEIGHT, WIDTH)).astype(np.float32)},
    )


def write_random_sample(
    path: Path,
    segmentation: Segmentation,
    *,
    subject: str,
    session: str,
    identifier: str | None = None,
    registered_movie: Path | None = None,
) -> None:
    """Write a sample, without a movie and under a new identifier unless these are given."""
    write_sample(
        path,
        identifier=identifier or str(uuid.uuid4()),
        metadata=build_metadata(subject=subject, session=session),
        segmentation=segmentation,
        provenance=Provenance(engine="none", engine_version="0"),
        registered_movie=registered_movie,
        shifts=None,
    )


def write_varied_samples(project: Project, number: int, n_rois: int, n_frames: int, tag: str) -> list[Path]:
    """Write many samples, each with its own identities, decisions, scores and tags, over copies of one file.

    Parameters
    ----------
    tag
        Key of a text column of ROI tags.
    """
    template = partial_path(project.samples_dir)
    made = project.sample_path("generated", "0")
    write_random_sample(made, random_segmentation(n_rois, n_frames), subject="generated", session="0")
    made.replace(template)
    try:
        with h5py.File(template, "r+") as file:
            table = file[PLANE_SEGMENTATION]
            new_column(table, tag, ColumnType.TEXT, "A tag.", ["untagged"] * n_rois)
        return [_varied(project, template, index, tag) for index in range(number)]
    finally:
        template.unlink()


def _varied(project: Project, template: Path, index: int, tag: str) -> Path:
    rng = np.random.default_rng([index, 1])
    subject, session = f"mouse{index // 10:03d}", f"day{index % 10}"
    temporary = partial_path(project.samples_dir)
    shutil.copyfile(template, temporary)
    with h5py.File(temporary, "r+") as file:
        file["identifier"][()] = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        file["general/subject/subject_id"][()] = subject
        file["general/session_id"][()] = session
        table = file[PLANE_SEGMENTATION]
        n_rois = len(table["id"])
        uuids = [str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(n_rois)]
        table["roi_uuid"][:] = np.array(uuids, dtype=TEXT)
        table["is_accepted"][:] = rng.random(n_rois) > 0.3
        table["snr"][:] = rng.uniform(1, 9, n_rois)
        table["r_values"][:] = rng.uniform(0, 1, n_rois)
        table[tag][:] = rng.choice(_WORDS, n_rois)
    path = project.sample_path(subject, session)
    publish(temporary, path)
    return path
