"""Rate, time, pixel size and origin from the metadata that programs write into a TIFF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape

import tifffile

from pipeline.movies.movie import MovieMetadata
from pipeline.movies.scanimage import ScanImageHeader
from pipeline.movies.source import FileFacts, FileRate, jsonable

_SECONDS = {
    "": 1.0, "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "minute": 60.0, "minutes": 60.0,
    "h": 3600.0, "hour": 3600.0, "hours": 3600.0,
}  # fmt: skip
_MICROMETRES = {
    "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0,
    "nm": 1e-3, "mm": 1e3, "cm": 1e4, "inch": 25400.0,
}  # fmt: skip


def read_facts(path: Path, tiff: tifffile.TiffFile, scanimage: ScanImageHeader | None) -> FileFacts:
    """What the TIFF says of its recording; each program's own fields, none mixed with another's."""
    if scanimage is not None:
        return FileFacts(
            rate=scanimage.rate,
            metadata=MovieMetadata(
                session_start=scanimage.session_start,
                source=scanimage.version,
                pixel_size_um=scanimage.pixel_size_um,
                extra=_extra(tiff),
            ),
        )
    if tiff.ome_metadata is not None:
        return _ome(tiff)
    if tiff.imagej_metadata is not None:
        return _imagej(tiff)
    return _shaped(tiff)


def _extra(tiff: tifffile.TiffFile) -> dict[str, Any]:
    """TIFF's own DateTime is when the file was saved, perhaps years later: kept, but not taken for the session."""
    date = tiff.pages.first.tags.get("DateTime")
    return {} if date is None else {"tiff_datetime": jsonable(date.value)}


def _shaped(tiff: tifffile.TiffFile) -> FileFacts:
    """tifffile's JSON description; ``fps`` is where the demo recordings of several packages keep the rate."""
    first: Mapping[str, Any] = tiff.shaped_metadata[0] if tiff.shaped_metadata else {}
    rate = None
    for key in ("fps", "frame_rate", "rate_hz", "fr"):
        if key in first:
            rate = FileRate(first[key], f'"{key}" in the TIFF description')
            break
    extra = {key: jsonable(value) for key, value in first.items() if key not in ("shape", "axes", "fps", "truncated")}
    software = tiff.pages.first.software or None
    if software and software.startswith("tifffile"):  # a Python library, and no microscope
        software = None
    return FileFacts(rate=rate, metadata=MovieMetadata(source=software, extra=_extra(tiff) | extra))


def _imagej(tiff: tifffile.TiffFile) -> FileFacts:
    metadata = tiff.imagej_metadata or {}
    rate = None
    interval = metadata.get("finterval")
    unit = _SECONDS.get(str(metadata.get("tunit", "")).strip().lower())
    # finterval is the acquisition's; fps is the speed at which ImageJ plays, which is all that some programs set.
    # ImageJ writes 0 for "not set".
    if isinstance(interval, int | float) and interval != 0 and unit is not None:
        rate = FileRate(1.0 / (interval * unit), "ImageJ finterval")
    elif metadata.get("fps"):
        rate = FileRate(metadata["fps"], "ImageJ fps")
    extra = {key: jsonable(value) for key, value in metadata.items() if key in ("Info", "spacing", "unit")}
    return FileFacts(
        rate=rate,
        metadata=MovieMetadata(
            source=f"ImageJ {metadata.get('ImageJ', '')}".strip(),
            pixel_size_um=_imagej_pixel_size(tiff, metadata),
            extra=_extra(tiff) | extra,
        ),
    )


def _imagej_pixel_size(tiff: tifffile.TiffFile, metadata: Mapping[str, Any]) -> tuple[float, ...] | None:
    """ImageJ's resolution is pixels per its own ``unit``, which is a length only when a scale was set."""
    unit = str(metadata.get("unit", "")).strip().replace("\\u00B5", "µ").lower()
    scale = _MICROMETRES.get(unit)
    x, y = tiff.pages.first.resolution
    if scale is None or x <= 0 or y <= 0:
        return None
    # ``spacing`` is the distance of slices, in the same unit; for a movie of one plane it means nothing.
    spacing = metadata.get("spacing")
    if metadata.get("slices", 1) > 1 and isinstance(spacing, int | float) and spacing > 0:
        return (scale / y, scale / x, spacing * scale)
    return (scale / y, scale / x)


def _ome(tiff: tifffile.TiffFile) -> FileFacts:
    images = tifffile.xml2dict(tiff.ome_metadata or "").get("OME", {}).get("Image", {})
    image: Mapping[str, Any] = images[0] if isinstance(images, list) and images else images
    pixels: Mapping[str, Any] = image.get("Pixels", {}) if isinstance(image, Mapping) else {}
    increment = pixels.get("TimeIncrement")
    unit = _SECONDS.get(str(pixels.get("TimeIncrementUnit", "s")).strip().lower())
    rate = None
    if isinstance(increment, int | float) and increment != 0 and unit is not None:
        rate = FileRate(1.0 / (increment * unit), "OME TimeIncrement")
    return FileFacts(
        rate=rate,
        metadata=MovieMetadata(
            session_start=_iso_date(image.get("AcquisitionDate") if isinstance(image, Mapping) else None),
            source="OME-TIFF",
            pixel_size_um=_ome_pixel_size(pixels),
            extra=_extra(tiff),
        ),
    )


def missing_files(path: Path, ome_xml: str) -> list[str]:
    """The files that an OME-TIFF of several names, but that are not beside it."""
    names = {unescape(name, {"&quot;": '"'}) for name in re.findall(r'FileName="([^"]+)"', ome_xml)}
    return sorted(name for name in names if not path.with_name(Path(name).name).is_file())


def _ome_pixel_size(pixels: Mapping[str, Any]) -> tuple[float, ...] | None:
    sizes: list[float] = []
    for axis in "YXZ":
        size = pixels.get(f"PhysicalSize{axis}")
        scale = _MICROMETRES.get(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")).strip().lower())
        if not isinstance(size, int | float) or scale is None or size <= 0:
            break
        sizes.append(float(size) * scale)
    return tuple(sizes) if len(sizes) >= 2 else None


def _iso_date(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
