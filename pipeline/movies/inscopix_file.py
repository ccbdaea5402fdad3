"""Inscopix ``.isxd`` movies, through Inscopix's own isx package.

roiextractors' InscopixImagingExtractor is a thin layer over the same package, but refuses Python 3.13 and reads frame
by frame just the same, so isx is used directly.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.source import FileFacts, FileRate, OpenOptions, checked_dtype, jsonable

_SUBJECT = {
    "Animal ID": "subject_id",
    "Animal Species": "species",
    "Animal Sex": "sex",
    "Animal Description": "description",
    "Animal Date of Birth": "date_of_birth",
    "Animal Weight": "weight",
}
"""isx's names on the left, NWB's on the right."""
_SETTINGS = {
    "Exposure Time (ms)": ("exposure", " ms"),
    "Microscope Gain": ("gain", ""),
    "Microscope Focus": ("focus", ""),
    "efocus": ("electronic focus", ""),
    "Microscope EX LED Power (mw/mm^2)": ("excitation LED", " mW/mm^2"),
    "Microscope OG LED Power (mw/mm^2)": ("optogenetics LED", " mW/mm^2"),
}
"""Numbers that say how a recording was made, and how to write them."""


class InscopixFrames:
    """One ``.isxd`` file as frames.

    Dropped and cropped frames keep their place in time: isx reads them as zeros, and ``extra`` lists them under
    ``dropped_frames``, ``cropped_frames`` (first and last) and ``blank_frames``.

    Raises
    ------
    MovieError
        When isx is not installed, the file is damaged, or it holds something else than a movie.
    """

    axes = "TYX"

    def __init__(self, path: Path, options: OpenOptions) -> None:
        options.refuse(path, "dataset", "load_method", "channel", "plane", because="an Inscopix movie has none")
        if options.axes is not None and options.axes.strip().upper() != "TYX":
            raise AmbiguousAxesError(
                path, f"--axes {options.axes} was given, but Inscopix movies are TYX", "Leave --axes out."
            )
        try:
            import isx  # Inscopix builds it for few systems; without it the other formats still open.
        except (ImportError, OSError) as error:
            raise MovieError(
                path,
                f"reading .isxd needs the package isx, which does not load here ({error})",
                "Install isx (pip install isx), or export the movie as TIFF from the Inscopix software.",
            ) from error
        try:
            self._movie: Any = isx.Movie.read(str(path))
        except Exception as error:
            # isx raises bare Exceptions with the C library's message; anything else is not its doing.
            if type(error) is not Exception:
                raise
            raise _refusal(path, str(error)) from error
        timing = self._movie.timing
        height, width = self._movie.spacing.num_pixels
        self.paths: tuple[Path, ...] = (path,)
        self.shape = (int(timing.num_samples), int(height), int(width))
        self.dtype = checked_dtype(path, np.dtype(self._movie.data_type))
        self.facts = self._read_facts()
        self._lock = threading.Lock()

    def _read_facts(self) -> FileFacts:
        timing = self._movie.timing
        period_s = timing.period.secs_float
        info = self._movie.get_acquisition_info() or {}
        subject = {ours: str(info[theirs]) for theirs, ours in _SUBJECT.items() if info.get(theirs)}
        # The file's pixel size is the sensor's pitch times the binning (3 um a pixel unless told otherwise), not a
        # length in the tissue, so it must not become the sample's.
        extra = {
            "acquisition_info": jsonable(info),
            "dropped_frames": [int(frame) for frame in timing.dropped],
            "cropped_frames": [[int(first), int(last)] for first, last in timing.cropped],
            "blank_frames": [int(frame) for frame in timing.blank],
        }
        start = datetime.fromisoformat(str(timing.start))
        microscope = info.get("Microscope Type")
        return FileFacts(
            rate=FileRate(1.0 / period_s if period_s else 0.0, "frame period"),
            metadata=MovieMetadata(
                # isx writes 1970 where nobody said when.
                session_start=start if start.year > 1970 else None,
                source=f"Inscopix {microscope}" if microscope else "Inscopix",
                subject=subject,
                extra=extra,
                recorded=_recorded(info),
            ),
        )

    def read(self, start: int, stop: int) -> NDArray[Any]:
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        with self._lock:
            if self._movie is None:
                raise ValueError("the movie was closed")
            for number in range(start, stop):
                out[number - start] = self._movie.get_frame_data(number)
        return out

    def close(self) -> None:
        with self._lock:
            self._movie = None


def _recorded(info: Mapping[str, Any]) -> dict[str, Any]:
    """What the microscope wrote of itself, in neuroconv's layout."""
    software, serial = info.get("Acquisition SW Version"), info.get("Microscope Serial Number")
    known = [f"serial number {serial}" if serial else "", f"software {software}" if software else ""]
    device = {
        "name": info.get("Microscope Type"),
        "description": ", ".join(["Inscopix microscope", *filter(None, known)]) if any(known) else None,
        "manufacturer": "Inscopix",
    }
    settings = [f"{words} {info[name]:g}{unit}" for name, (words, unit) in _SETTINGS.items() if info.get(name)]
    plane = {"description": "One-photon imaging: " + ", ".join(settings)} if settings else {}
    found: dict[str, Any] = {
        "Ophys": {"Device": {name: value for name, value in device.items() if value}, "ImagingPlane": plane}
    }
    if info.get("Experimenter Name"):
        found["NWBFile"] = {"experimenter": [str(info["Experimenter Name"])]}
    return found


def _refusal(path: Path, message: str) -> MovieError:
    for kind in ("Cell Set", "Event Set", "GPIO", "Vessel Set"):
        if f"it is of type: {kind}" in message:
            return MovieError(
                path, f"it is an Inscopix {kind.lower()}, not a movie", "Give the movie that it was made from."
            )
    reason = message.strip().splitlines()[-1] if message.strip() else "isx gives no reason"
    return MovieError(path, f"isx cannot read it ({reason})", "Check the file, or copy it again.")
