"""What a microscope wrote beside or into its movies, read by neuroconv's interfaces, so that nobody types it again.

Our own readers say what stands in a movie itself, also of ScanImage and Inscopix: neuroconv 0.10 refuses real files of
both (ScanImage 3.8; Inscopix's multiplane) and knows no more of the others. What Bruker, Thorlabs and the Miniscope
write beside their movies is neuroconv's. It is imported only for a recording of theirs: that takes over a second.
"""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

logger = logging.getLogger("fluorite.movies")

_SECTIONS = {
    "NWBFile": ("session_start_time", "experimenter", "session_description", "experiment_description"),
    "Device": ("name", "description", "manufacturer"),
    "ImagingPlane": (
        "description", "indicator", "location", "excitation_lambda", "grid_spacing", "grid_spacing_unit",
    ),
    "optical_channel": ("name", "description", "emission_lambda"),
}  # fmt: skip
# neuroconv fills in what a file does not say, because NWB demands it.
_PLACEHOLDERS = {
    "", "unknown", "microscope", "opticalchannel", "no description", "no description.", "2p imaging plane",
    "the plane or volume being imaged by the microscope.", "an optical channel of the microscope.",
    "default", "n.a.", "the imaging plane origin_coords units are in the microscope reference frame.",
}  # fmt: skip


@dataclass(frozen=True)
class Acquisition:
    """What was written down of a recording.

    Attributes
    ----------
    program
        Who wrote it.
    metadata
        In neuroconv's layout (``NWBFile``, ``Ophys``), as a person would write it in a metadata file; without
        placeholders.
    rate_hz
        Frames per second, or None.
    """

    program: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    rate_hz: float | None = None


@dataclass(frozen=True)
class _Kind:
    """A format of neuroconv: how to tell it without opening anything, and what reads it."""

    program: str
    applies: Callable[[Path], bool]
    open: Callable[[Path], Any]


def read_acquisition(movie: Path) -> Acquisition | None:
    """What is written about the recording that `movie` is (a part of), or None where nothing is.

    A file that neuroconv cannot read is none of the user's concern here: the log says why.
    """
    movie = Path(movie)
    kind = next((kind for kind in _KINDS if kind.applies(movie)), None)
    if kind is None:
        return None
    try:
        return _read(kind.program, movie.resolve(), movie.stat().st_mtime_ns)
    except Exception as error:  # noqa: BLE001 - whatever a foreign reader raises: the movie itself may be perfectly fine
        logger.info("%s: neuroconv cannot read what %s wrote (%s)", movie.name, kind.program, error)
        return None


@lru_cache(maxsize=16)
def _read(program: str, movie: Path, changed_ns: int) -> Acquisition:
    del changed_ns  # only there so that a file which changed is read again
    kind = next(kind for kind in _KINDS if kind.program == program)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        interface = kind.open(movie)
        said = interface.get_metadata()
        rate_hz = float(interface.imaging_extractor.get_sampling_frequency())
    return Acquisition(program, _cleaned(said), rate_hz if math.isfinite(rate_hz) and rate_hz > 0 else None)


def _cleaned(said: Mapping[str, Any]) -> dict[str, Any]:
    """What neuroconv says, without what it made up and without what has no place in a sample."""
    ophys = said.get("Ophys", {})
    # neuroconv is on its way from lists to mappings; its interfaces hand out one or the other.
    plane = _first(ophys.get("ImagingPlanes") or ophys.get("ImagingPlane"))
    devices = said.get("Devices") or ophys.get("Device")
    kept_plane = _kept("ImagingPlane", plane)
    if "grid_spacing" not in kept_plane:
        kept_plane.pop("grid_spacing_unit", None)
    channel = _kept("optical_channel", _first(plane.get("optical_channel")))
    device = _kept("Device", _first(devices))
    if channel:
        kept_plane["optical_channel"] = channel
    found = {
        "NWBFile": _kept("NWBFile", said.get("NWBFile", {})),
        "Ophys": {"Device": device, "ImagingPlane": kept_plane},
    }
    return {section: content for section, content in found.items() if content}


def _first(value: Any) -> Mapping[str, Any]:
    """The first of a list or a mapping of descriptions."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        value = value[0] if value else {}
    return value if isinstance(value, Mapping) else {}


def _kept(section: str, values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: _plain(values[name]) for name in _SECTIONS[section] if name in values}
    return {name: value for name, value in kept.items() if not _is_placeholder(value)}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def _is_placeholder(value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return True
    return value is None or (isinstance(value, str) and value.strip().lower() in _PLACEHOLDERS)


def _open_bruker(movie: Path) -> Any:
    from neuroconv.datainterfaces import BrukerTiffImagingInterface

    channel = re.search(r"_(Ch\d+)_", movie.name)
    try:
        return BrukerTiffImagingInterface(folder_path=movie.parent)
    except ValueError:
        if channel is None:
            raise
        # Of several channels it wants to be told one.
        return BrukerTiffImagingInterface(folder_path=movie.parent, channel_name=channel[1])


def _open_thor(movie: Path) -> Any:
    from neuroconv.datainterfaces import ThorImagingInterface

    return ThorImagingInterface(file_path=movie, channel_name=movie.name.split("_")[0])


def _open_miniscope(movie: Path) -> Any:
    from neuroconv.datainterfaces import MiniscopeImagingInterface

    return MiniscopeImagingInterface(folder_path=movie.parent)


def _is_tiff(movie: Path) -> bool:
    return movie.suffix.lower() in (".tif", ".tiff")


_KINDS = (
    _Kind(
        "Bruker Prairie View",
        lambda movie: _is_tiff(movie) and (movie.parent / f"{movie.parent.name}.xml").is_file(),
        _open_bruker,
    ),
    _Kind(
        "Thorlabs ThorImage", lambda movie: _is_tiff(movie) and (movie.parent / "Experiment.xml").is_file(), _open_thor
    ),
    _Kind(
        "Miniscope",
        lambda movie: movie.suffix.lower() == ".avi" and (movie.parent / "metaData.json").is_file(),
        _open_miniscope,
    ),
)
