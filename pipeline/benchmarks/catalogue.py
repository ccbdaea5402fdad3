"""How fast a project of many samples is listed and filtered, and one sample is written, read and edited."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nwb_schema import configure
from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import FluoriteError
from nwb_schema.generated import write_varied_samples
from nwb_schema.project import Project
from pipeline.benchmarks.edits import median_ms
from pipeline.benchmarks.machine import calibration_s, describe
from pipeline.progress import Progress

ROOT = Path(__file__).resolve().parents[2]
_TAG = "quality"
_PAGE = 100
_FILTERS: dict[str, dict[str, str]] = {
    "number, greater": {"snr": "$>:5"},
    "number, equal": {"area_px": "113|97"},
    "number as text": {"snr": "$STR:3.14"},
    "yes/no": {"is_accepted": "yes"},
    "tag": {_TAG: "good"},
    "tag, not": {_TAG: "$NOT:good|dim"},
    "uuid, part": {"roi_uuid": "ab12"},
    "of the sample": {"subject_id": "mouse07"},
    "four together": {"snr": "$>:3", "r_values": "$<:0.9", _TAG: "good|dim", "subject_id": "mouse"},
}
_GROUPS: dict[str, tuple[str, dict[str, str]]] = {
    "tag": (_TAG, {}),
    "yes/no": ("is_accepted", {}),
    "of the sample": ("subject_id", {}),
    "tag, filtered": (_TAG, {"snr": "$>:5"}),
}


@dataclass(frozen=True)
class Size:
    """How large a project is made."""

    n_samples: int = 1000
    n_rois: int = 500
    n_frames: int = 200
    n_frames_of_one: int = 10_000


def benchmark(
    size: Size, *, folder: Path | None = None, repeats: int = 7, progress: Progress = lambda stage, fraction: None
) -> dict[str, Any]:
    """Make a project, measure everything, and remove it; JSON-able. Times are medians unless they say otherwise.

    Parameters
    ----------
    folder
        Where to work: on the disk that is to be measured.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix="fluorite-bench-") as temporary:
        place = Path(temporary)
        progress("making samples", 0.0)
        start = time.perf_counter()
        project = Project.create(place / "project")
        configure.add_column(project, ColumnDefinition(_TAG, ColumnKind.ROI_TAG))
        write_varied_samples(project, size.n_samples, size.n_rois, size.n_frames, _TAG)
        make_s = time.perf_counter() - start
        listed = _measure_catalogue(project, repeats, progress)
        progress("one sample", 0.8)
        one = _measure_one(place, size, repeats)
    progress("done", 1.0)
    report = {"machine": describe(), "calibration_s": round(calibration_s(), 3), "make_s": round(make_s, 1)}
    report |= {"n_samples": size.n_samples, "n_rois": size.n_samples * size.n_rois, **listed, "one_sample": one}
    return report | {"goals": _goals(report)}


def _measure_catalogue(project: Project, repeats: int, progress: Progress) -> dict[str, Any]:
    progress("reading samples", 0.4)
    index_s, index_cpu_s = _timed(lambda: Catalogue(project).rebuild())
    progress("filters", 0.7)
    fresh = Catalogue(project)
    first_ms = 1e3 * _timed(lambda: fresh.page("rois", {_TAG: "good"}, limit=_PAGE))[0]
    catalogue = Catalogue(project)
    rescan_ms = median_ms(lambda _: catalogue.refresh(), repeats)

    def filtered(filters: dict[str, str]) -> float:
        catalogue.page("rois", filters, limit=_PAGE)  # columns are loaded once
        return median_ms(lambda _: catalogue.page("rois", filters, limit=_PAGE), repeats)

    def grouped(column: str, filters: dict[str, str]) -> float:
        catalogue.values(column, filters, level="rois")
        return median_ms(lambda _: catalogue.values(column, filters, level="rois"), repeats)

    def sorted_by(column: str) -> float:
        return median_ms(lambda _: catalogue.page("rois", order_by=[(column, True)], limit=_PAGE), repeats)

    return {
        "index_s": round(index_s, 2),
        "index_cpu_s": round(index_cpu_s, 2),
        "rescan_s": round(rescan_ms / 1e3, 3),
        "first_filter_ms": round(first_ms, 1),
        "filters_ms": {name: filtered(filters) for name, filters in _FILTERS.items()},
        "group_counts_ms": {name: grouped(*group) for name, group in _GROUPS.items()},
        "sorted_page_ms": {column: sorted_by(column) for column in ("snr", "subject_id")},
        "list_samples_ms": median_ms(lambda _: catalogue.samples(), repeats),
        "catalogue_mb": round(project.catalogue_path.stat().st_size / 1e6, 1),
        "rss_mb": round(psutil.Process().memory_info().rss / 1e6, 1),
    }


def _measure_one(folder: Path, size: Size, repeats: int) -> dict[str, Any]:
    numbers = ("--rois", size.n_rois, "--frames", size.n_frames_of_one, "--repeats", repeats)
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.benchmarks.one_sample", "--folder", str(folder), *map(str, numbers)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        check=False,
    )
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise FluoriteError("one_sample", f"the benchmark failed ({last[0]})", "Check free space and memory.")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _goals(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What was wanted of the size that is measured by default, and what came out."""
    one = report["one_sample"]
    rows: list[tuple[str, float | None, float, str]] = [
        ("index all samples", report["index_s"], 10, "s"),
        ("rescan, nothing changed", report["rescan_s"], 0.3, "s"),
        ("slowest filter", max(report["filters_ms"].values()), 100, "ms"),
        ("slowest group counts", max(report["group_counts_ms"].values()), 100, "ms"),
        ("write one sample", one["write_s"], 4, "s"),
        ("size of one sample", one["file_mb"], 50, "MB"),
        ("memory to write it", one["peak_rss_mb"], 400, "MB"),
        ("read one trace", one["one_trace_ms"], 2, "ms"),
        ("read all traces of a kind", one["all_traces_ms"], 100, "ms"),
        ("read all masks", one["all_masks_ms"], 20, "ms"),
        ("commit one edit", one["edits"]["one_tag_ms"], 150, "ms"),
        ("commit 1,000 tags", one["edits"]["thousand_tags_ms"], 500, "ms"),
    ]
    return [
        {
            "what": what,
            "measured": measured,
            "goal": goal,
            "unit": unit,
            "ok": measured is not None and measured <= goal,
        }
        for what, measured, goal, unit in rows
    ]


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock, and seconds of processor of this process and those that it started."""
    start, before = time.perf_counter(), os.times()
    work()
    after = os.times()
    return time.perf_counter() - start, sum(after[:4]) - sum(before[:4])
