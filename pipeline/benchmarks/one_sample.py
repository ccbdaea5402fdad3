"""One sample of a usual size: written, read and edited. ``python -m pipeline.benchmarks.one_sample`` prints JSON.

In a process of its own, because the peak of a process's memory never falls.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from nwb_schema.generated import random_segmentation, write_random_sample
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_traces
from pipeline.benchmarks.edits import measure as measure_edits
from pipeline.benchmarks.edits import median_ms


def main() -> None:
    """Print the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rois", type=int, default=500)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="fluorite-bench-") as folder:
        report = measure(Path(folder), options.rois, options.frames, options.repeats)
    json.dump(report, sys.stdout)


def measure(folder: Path, n_rois: int, n_frames: int, repeats: int) -> dict[str, Any]:
    """All numbers for one size of sample; JSON-able."""
    project = Project.create(folder / "one")
    segmentation = random_segmentation(n_rois, n_frames)
    # pynwb loads its schemas once a process.
    write_random_sample(project.sample_path("first", "0"), random_segmentation(2, 10), subject="first", session="0")
    path = project.sample_path("bench", "s1")
    start = time.perf_counter()
    write_random_sample(path, segmentation, subject="bench", session="s1")
    write_s = time.perf_counter() - start
    peak_mb = peak_memory_mb()
    del segmentation
    return {
        "n_rois": n_rois,
        "n_frames": n_frames,
        "write_s": round(write_s, 2),
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "peak_rss_mb": peak_mb,
        "one_trace_ms": median_ms(lambda number: read_traces(path, "raw", [number % n_rois]), repeats),
        "all_traces_ms": median_ms(lambda _: read_traces(path, "raw"), repeats),
        "all_masks_ms": median_ms(lambda _: read_footprints(path), repeats),
        "edits": measure_edits(folder / "edits", n_rois, n_frames, repeats),
    }


def peak_memory_mb() -> float:
    """The most memory that this process had."""
    status = Path("/proc/self/status")
    if status.is_file():  # what `getrusage` says would include the process that started this one
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return round(int(line.split()[1]) * 1024 / 1e6, 1)
    if sys.platform == "win32":
        return round(psutil.Process().memory_info().peak_wset / 1e6, 1)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


if __name__ == "__main__":
    main()
