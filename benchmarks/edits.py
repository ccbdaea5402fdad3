"""Time commits of edits to one sample: ``python -m benchmarks.edits [--rois 500] [--frames 10000] [--repeats 15]``.

Prints one JSON object. Times are medians in milliseconds; ``copy_fsync_ms`` is what copying the same file and putting
the copy on disk costs alone, and ``ratio`` a commit relative to that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Delete, Tag, commit, undo
from nwb_schema.metadata import build_metadata
from nwb_schema.project import Project
from nwb_schema.provenance import Provenance
from nwb_schema.publishing import fsync_file
from nwb_schema.reader import read_rois
from nwb_schema.segmentation import Segmentation
from nwb_schema.writer import write_sample

HEIGHT, WIDTH = 480, 546


def main() -> None:
    """Make the sample, time everything, print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rois", type=int, default=500)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="Where to work: on the disk that is to be measured.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="fluorite-bench-") as folder:
        print(json.dumps(measure(Path(folder), options.rois, options.frames, options.repeats), indent=2))


def measure(folder: Path, n_rois: int, n_frames: int, repeats: int) -> dict[str, Any]:
    """All numbers for one size of sample."""
    project = Project.create(folder / "project")
    path = made_sample(project, n_rois, n_frames)
    Catalogue(project).refresh()
    rois = list(read_rois(path)["roi_uuid"])
    columns = [ColumnDefinition(name, ColumnKind.ROI_TAG) for name in ("quality", "layer")]
    size_mb = path.stat().st_size / 1e6

    def copy() -> None:
        target = folder / "copy.nwb"
        target.unlink(missing_ok=True)
        shutil.copyfile(path, target)
        fsync_file(target)

    def one(number: int) -> None:
        commit(project, path, Tag((rois[number],), columns[0], f"value {number}"), actor="bench")

    def thousand(number: int) -> None:
        # Two tag columns of every ROI: 1,000 tags of 500 ROIs.
        edits = [Tag(tuple(rois), column, f"value {number}") for column in columns]
        assert sum(len(record.changes) for record in commit(project, path, edits, actor="bench").records) >= 2 * n_rois

    def thousand_edits(number: int) -> None:
        edits = [Tag((roi,), column, f"edit {number}") for column in columns for roi in rois]
        assert len(commit(project, path, edits, actor="bench").records) == 2 * n_rois

    one(0)  # numba, catalogue and journal are made once
    plain = median_ms(lambda _: copy(), repeats)
    single = median_ms(lambda number: one(number + 1), repeats)
    deleted = median_ms(lambda number: commit(project, path, Delete((rois[number],)), actor="bench"), repeats)
    undone = median_ms(lambda _: undo(project, path, actor="bench"), repeats)
    many = median_ms(thousand, max(3, repeats // 3))
    many_edits = median_ms(thousand_edits, 3)
    return {
        "n_rois": n_rois,
        "n_frames": n_frames,
        "file_mb": round(size_mb, 1),
        "file_after_mb": round(path.stat().st_size / 1e6, 1),
        "cores": os.cpu_count(),
        "copy_fsync_ms": plain,
        "one_tag_ms": single,
        "one_tag_ratio": round(single / plain, 2),
        "one_delete_ms": deleted,
        "one_undo_ms": undone,
        "thousand_tags_ms": many,
        "thousand_tags_ratio": round(many / plain, 2),
        "thousand_separate_edits_ms": many_edits,
        "goals_ms": {"one": 150, "thousand": 500},
    }


def median_ms(work: Callable[[int], object], repeats: int) -> float:
    """Median time of `work`, called with 0, 1, 2 and so on."""
    times = []
    for number in range(repeats):
        start = time.perf_counter()
        work(number)
        times.append(1e3 * (time.perf_counter() - start))
    return round(statistics.median(times), 1)


def made_sample(project: Project, n_rois: int, n_frames: int) -> Path:
    """A sample of random discs and traces of the size of a real one."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[-6:7, -6:7]
    disc = np.argwhere(y**2 + x**2 <= 36) - 6
    centres = np.stack([rng.integers(6, HEIGHT - 6, n_rois), rng.integers(6, WIDTH - 6, n_rois)], axis=1)
    pixels = (centres[:, None, :] + disc[None]) @ np.array([WIDTH, 1])
    rows = np.repeat(np.arange(n_rois), len(disc))
    weights = rng.uniform(0.1, 1, rows.size).astype(np.float32)
    footprints = sparse.csr_array((weights, (rows, pixels.ravel())), shape=(n_rois, HEIGHT * WIDTH), dtype=np.float32)

    def traces() -> np.ndarray:
        return rng.normal(size=(n_rois, n_frames)).astype(np.float32)

    spikes = np.maximum(traces() - 2, 0)
    segmentation = Segmentation(
        shape=(HEIGHT, WIDTH),
        footprints=footprints,
        rate_hz=15.0,
        accepted=rng.uniform(size=n_rois) > 0.3,
        evaluated=True,
        raw=traces(),
        denoised=np.cumsum(spikes, axis=1) % 7,
        deconvolved=spikes,
        dff=traces(),
        snr=rng.uniform(1, 9, n_rois).astype(np.float32),
        images={"mean": rng.uniform(0, 100, (HEIGHT, WIDTH)).astype(np.float32)},
    )
    path = project.sample_path("bench", "s1")
    write_sample(
        path,
        identifier=str(uuid.uuid4()),
        metadata=build_metadata(subject="bench", session="s1"),
        segmentation=segmentation,
        provenance=Provenance(engine="none", engine_version="0"),
        registered_movie=None,
        shifts=None,
    )
    return path


if __name__ == "__main__":
    main()
