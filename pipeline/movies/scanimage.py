"""What ScanImage's headers say: how pages interleave channels and planes, the rate, when and how large.

ScanImage 3.8 writes ``state.acq...`` into each page's description; ScanImage 4 and later ``SI...`` into the file's
header and a few lines per frame into the descriptions. tifffile parses both, but its axes ignore them (a volumetric
recording comes out as one z-stack), so the order of pages is worked out here from
https://docs.scanimage.org (TIFF header specification): channels fastest, then planes, then volumes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from nwb_schema.errors import MovieError
from pipeline.movies.source import FileRate

_STACK = "SI.hStackManager."


@dataclass(frozen=True)
class ScanImageHeader:
    """What matters of a ScanImage header.

    Attributes
    ----------
    n_channels
        Channels saved; page p holds channel ``p % n_channels``. None where the header does not say it.
    n_planes
        Planes of a volume; 1 for a recording of one plane.
    frames_per_volume
        Planes plus the frames of the flyback that were saved with them.
    start_frame
        Position of the file's first frame within a volume: a recording may be cut into files mid-volume.
    rate
        Frames per second of one plane.
    """

    n_channels: int | None
    n_planes: int
    frames_per_volume: int
    start_frame: int
    rate: FileRate | None
    version: str
    session_start: datetime | None
    pixel_size_um: tuple[float, ...] | None


def read_scanimage(path: Path, tiff: tifffile.TiffFile) -> ScanImageHeader:
    """Parse the header of `tiff`, of any ScanImage version."""
    description = tifffile.tifffile.scanimage_description_metadata(tiff.pages.first.description)
    # tifffile hands out a list where a header is nothing that it knows.
    fields = flatten(description) if isinstance(description, Mapping) else {}
    if any(key.startswith("state.") for key in fields):
        return _legacy(fields)
    header = (tiff.scanimage_metadata or {}).get("FrameData") or {}
    if not header and tiff.pages.first.software.startswith("SI."):
        # Files that another program cut or re-saved lose the file header, but keep this copy of it.
        header = tifffile.matlabstr2py(tiff.pages.first.software)
    if not header:
        # ScanImage 2015 wrote all of it into the descriptions, under a longer name.
        header = {key.removeprefix("scanimage."): value for key, value in fields.items()}
    return _modern(path, header, fields)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def _legacy(fields: Mapping[str, Any]) -> ScanImageHeader:
    saved = fields.get("state.acq.numberOfChannelsSave")
    if saved is None:
        saved = sum(bool(fields.get(f"state.acq.savingChannel{number}")) for number in range(1, 5))
    planes = max(1, int(fields.get("state.acq.numberOfZSlices", 1)))
    frame_rate = fields.get("state.acq.frameRate")
    # A saved frame is the mean of this many scanned ones.
    averaged = _positive(fields.get("state.acq.numAvgFramesSave")) or 1
    rate = None
    if isinstance(frame_rate, int | float):
        rate = FileRate(frame_rate / averaged / planes, "ScanImage state.acq.frameRate")
    start = None
    for key in ("state.internal.triggerTimeFirstString", "state.internal.triggerTimeString"):
        start = start or _legacy_time(fields.get(key))
    return ScanImageHeader(
        n_channels=max(1, int(saved)),
        n_planes=planes,
        frames_per_volume=planes,
        start_frame=0,
        rate=rate,
        version=f"ScanImage {fields.get('state.software.version', '3')}",
        session_start=start,
        pixel_size_um=None,
    )


def _modern(path: Path, header: Mapping[str, Any], frame: Mapping[str, Any]) -> ScanImageHeader:
    channels = header.get("SI.hChannels.channelSave")
    volumetric = bool(header.get(_STACK + "enable", header.get("SI.hFastZ.enable", False)))
    planes = int(header.get(_STACK + "actualNumSlices") or header.get(_STACK + "numSlices") or 1) if volumetric else 1
    per_slice = header.get(_STACK + "framesPerSlice", 1)
    slow = header.get(_STACK + "stackMode") == "slow"
    if planes > 1 and slow and per_slice != 1:
        raise MovieError(
            path,
            f"it is a slow z-stack with {per_slice} frames at each of {planes} planes, one plane after the other",
            "Split it into one file per plane (in ScanImage or ImageJ) and process those.",
        )
    per_volume = planes
    if planes > 1:
        per_volume = int(header.get(_STACK + "numFramesPerVolumeWithFlyback") or _with_flyback(header, planes))
    averaged = _positive(header.get("SI.hScan2D.logAverageFactor")) or 1
    name = "SI.hRoiManager.scanVolumeRate" if planes > 1 else "SI.hRoiManager.scanFrameRate"
    value = header.get(name)
    # Where the volume rate is missing it follows from the frame rate, flyback frames included.
    if value is None and planes > 1 and isinstance(header.get("SI.hRoiManager.scanFrameRate"), int | float):
        value = header["SI.hRoiManager.scanFrameRate"] / per_volume
    rate = None if value is None else FileRate(value / averaged if isinstance(value, int | float) else value, name)
    number = frame.get("frameNumbers", 1)
    return ScanImageHeader(
        n_channels=None if channels is None else max(1, len(np.ravel(channels))),
        n_planes=planes,
        frames_per_volume=per_volume,
        start_frame=(int(number) - 1) % per_volume if isinstance(number, int) else 0,
        rate=rate,
        version=f"ScanImage {header.get('SI.VERSION_MAJOR', '')}".strip(),
        session_start=_epoch(frame.get("epoch")),
        pixel_size_um=_pixel_size(header, planes),
    )


def _with_flyback(header: Mapping[str, Any], planes: int) -> int:
    """Frames per volume from the older fields, for headers that do not say it outright."""
    stated = header.get("SI.hFastZ.numFramesPerVolume")
    if isinstance(stated, int) and stated >= planes:
        return stated
    return planes + int(header.get("SI.hFastZ.numDiscardFlybackFrames") or 0)


def _pixel_size(header: Mapping[str, Any], planes: int) -> tuple[float, ...] | None:
    """``(y, x)`` um from the corners of the field of view; None when the objective was never calibrated.

    Of several planes ``(y, x, z)``, where the header says how far apart they are.
    """
    corners = header.get("SI.hRoiManager.imagingFovUm")
    lines, pixels = header.get("SI.hRoiManager.linesPerFrame"), header.get("SI.hRoiManager.pixelsPerLine")
    if corners is None or not lines or not pixels or header.get("SI.hRoiManager.mroiEnable"):
        return None
    points = np.asarray(corners, dtype=float)
    if points.shape != (4, 2) or not np.isfinite(points).all():
        return None
    width, height = np.ptp(points, axis=0)
    if width <= 0 or height <= 0:
        return None
    step = header.get(_STACK + "actualStackZStepSize") or header.get(_STACK + "stackZStepSize")
    known = planes > 1 and isinstance(step, int | float) and np.isfinite(step) and step != 0
    # Upwards the step is negative.
    return (float(height / lines), float(width / pixels), *([abs(float(step or 0))] if known else []))


def _epoch(value: Any) -> datetime | None:
    """``[2025, 4, 30, 14, 51, 53.601]`` as a date; None where ScanImage left it empty."""
    try:
        year, month, day, hour, minute, seconds = value
        whole = int(seconds)
        return datetime(
            int(year), int(month), int(day), int(hour), int(minute), whole, round((seconds - whole) * 1e6) % 1_000_000
        )
    except (TypeError, ValueError):
        return None


def _legacy_time(value: Any) -> datetime | None:
    """``10/9/2017 16:57:07.967``: month first, as ScanImage 3 wrote it whatever the computer's language."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.strptime(value, "%m/%d/%Y %H:%M:%S.%f")
    except ValueError:
        return None


def _positive(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
