"""Time commits of edits to one sample.

``python -m pipeline.benchmarks.edits [--rois 500] [--frames 10000] [--repeats 15]``

Prints one JSON object. Times are medians in milliseconds; ``copy_fsync_ms`` is what copying the same file and putting
the copy on disk costs alone, and ``ratio`` a commit relative to that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import Delete, EditKind, NewRois, RoiArrays, Tag, commit, undo
from nwb_schema.generated import random_segmentation, write_random_sample
from nwb_schema.project import Project
from nwb_schema.publishing import fsync_file
from nwb_schema.reader import TRACE_KINDS, read_rois
from pipeline.curation.rois import merge_rois, plane_of


def main() -> None:
    """Make the sample, time everything, print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rois", type=int, default=500)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--folder", type=Path, help="Where to work: on the disk that is to be measured.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="fluorite-bench-") as folder:
        json.dump(measure(Path(folder), options.rois, options.frames, options.repeats), sys.stdout, indent=2)


def measure(folder: Path, n_rois: int, n_frames: int, repeats: int) -> dict[str, Any]:
    """All numbers for one size of sample."""
    project = Project.create(folder / "project")
    path = project.sample_path("bench", "s1")
    write_random_sample(path, random_segmentation(n_rois, n_frames), subject="bench", session="s1")
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

    shape = plane_of(path)

    def add(number: int) -> None:
        pixels = np.arange(100) + 100 * number
        mask = sparse.csr_array(
            (np.ones(100, np.float32), (np.zeros(100, int), pixels)), shape=(1, shape[0] * shape[1])
        )
        traces = {kind: np.full((1, n_frames), number, np.float32) for kind in TRACE_KINDS}
        commit(project, path, NewRois(EditKind.ADD, RoiArrays(shape, mask, traces)), actor="bench")

    def merge(number: int) -> None:
        # The last ones: the deconvolution of a pair is part of it, and is compiled by the first.
        merge_rois(project, path, rois[n_rois - 2 * number - 2 : n_rois - 2 * number], actor="bench")

    one(0)  # numba, catalogue and journal are made once
    plain = median_ms(lambda _: copy(), repeats)
    single = median_ms(lambda number: one(number + 1), repeats)
    deleted = median_ms(lambda number: commit(project, path, Delete((rois[number],)), actor="bench"), repeats)
    undone = median_ms(lambda _: undo(project, path, actor="bench"), repeats)
    added = median_ms(add, max(3, repeats // 3))
    merge(0)
    merged = median_ms(lambda number: merge(number + 1), 3)
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
        "one_add_ms": added,
        "one_merge_ms": merged,
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


if __name__ == "__main__":
    main()
