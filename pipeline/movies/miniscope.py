"""The rate of Miniscope recordings, which their videos do not hold.

The Miniscope DAQ software (Aharoni-Lab/Miniscope-DAQ-QT, ``datasaver.cpp``) opens every video with 60 frames per
second, whatever the camera does, and writes when each frame was taken into ``timeStamps.csv`` beside the videos 0.avi,
1.avi, ... roiextractors' MiniscopeImagingExtractor takes the rate from there too.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from pipeline.movies.source import FileFacts, FileRate

PLACEHOLDER_HZ = 60.0
TIMES = "timeStamps.csv"
_COLUMN = "Time Stamp (ms)"


def video_rate(path: Path, header_hz: float) -> FileFacts:
    """The rate of a video whose header says `header_hz`, as `FileFacts` with a rate or why there is none."""
    beside = path.with_name(TIMES)
    if path.stem.isdigit() and beside.is_file():
        return _from_times(beside)
    if path.suffix.lower() == ".avi" and header_hz == PLACEHOLDER_HZ:
        return FileFacts(
            rate_problem="its header says 60 Hz, which the Miniscope software writes into every video whatever the "
            f"camera's rate, and there is no {TIMES} beside it"
        )
    return FileFacts(rate=FileRate(header_hz, "frame rate in the video's header"))


def _from_times(path: Path) -> FileFacts:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file, skipinitialspace=True)
            times_ms = np.array([float(row[_COLUMN]) for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError):
        return FileFacts(rate_problem=f'{path.name} beside it has no column of numbers "{_COLUMN}"')
    if len(times_ms) < 2:
        return FileFacts(rate_problem=f"{path.name} beside it holds {len(times_ms)} frames, which give no rate")
    steps = np.diff(times_ms)
    mean, median = float(steps.mean()), float(np.median(steps))
    # Single times jitter by milliseconds and are whole ones, so the mean is right; but only where none is missing.
    if not np.isfinite(mean) or median <= 0 or abs(mean / median - 1) > 0.1:
        return FileFacts(rate_problem=f"the times in {path.name} beside it are irregular, so that they give no rate")
    return FileFacts(rate=FileRate(1000.0 / mean, f"{path.name} beside it"))
