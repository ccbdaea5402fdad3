"""Open a movie of any supported format: the one door through which recordings come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from nwb_schema.errors import MovieError
from pipeline.movies.hdf5_file import open_hdf5
from pipeline.movies.inscopix_file import InscopixFrames
from pipeline.movies.mapped_file import open_caiman_map, open_suite2p_binary
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.nwb_file import open_nwb
from pipeline.movies.rate import checked_option_rate, is_rate, rate_origin, resolve_rate
from pipeline.movies.recording import Recording, check_fits
from pipeline.movies.sidecar import Sidecar, find_sidecar, read_sidecar
from pipeline.movies.source import FileFacts, FrameSource, OpenOptions, jsonable
from pipeline.movies.tiff_file import TiffFrames
from pipeline.movies.video_file import VideoFrames

_READERS: dict[str, Callable[[Path, OpenOptions], FrameSource]] = {
    ".tif": TiffFrames,
    ".tiff": TiffFrames,
    ".btf": TiffFrames,
    ".tf8": TiffFrames,
    ".avi": VideoFrames,
    ".mp4": VideoFrames,
    ".mkv": VideoFrames,
    ".mov": VideoFrames,
    ".h5": open_hdf5,
    ".hdf5": open_hdf5,
    ".hdf": open_hdf5,
    ".nwb": open_nwb,
    ".isxd": InscopixFrames,
    ".mmap": open_caiman_map,
    ".bin": open_suite2p_binary,
}
SUPPORTED_EXTENSIONS = tuple(_READERS)
"""What `open_movie` reads, by the ending of the file's name."""

RATE_TOLERANCE = 1e-3
"""Rates of one recording's files may differ by this part: headers round, and a real difference is far larger."""


def open_movie(
    paths: Path | Sequence[Path],
    *,
    frame_rate_hz: float | None = None,
    axes: str | None = None,
    dataset: str | None = None,
    channel: int | None = None,
    plane: int | None = None,
    volume: bool = False,
    load_method: str | None = None,
    sidecar: Path | None = None,
) -> Recording:
    """Open a recording lazily: TIFF, AVI, HDF5, NWB, Inscopix ``.isxd``, or several of them that are one recording.

    The frame rate, the session's start and the source are taken from, in this order of precedence: the option
    (`frame_rate_hz`), Mesmerize's side-car (`sidecar`, else ``<movie>.json`` beside it), the file's own metadata.

    Parameters
    ----------
    paths
        One file, or the files of one recording in order of time (equal frame size, dtype and rate).
    frame_rate_hz
        Frames per second; overrides every other source.
    axes
        The order of the axes as stored, in tifffile's letters (``TYX``), for a file that does not say it.
    dataset
        Which dataset of an HDF5 file, or which series of an NWB file.
    channel, plane
        Which channel and which plane to read, counted from 0, where the file holds several.
    volume
        Read all planes: every frame is a volume ``(height, width, depth)``.
    load_method
        For TIFF, the Mesmerize manual's ``asarray`` (the first series), ``asarray-multi`` (every series, in order) or
        ``imread`` (`tifffile.imread`, the first series); by default the file's metadata decide.
    sidecar
        The side-car to read instead of the one beside the (first) movie.

    Returns
    -------
    Recording
        A `pipeline.movies.movie.Movie`; also a context manager that closes its files.

    Raises
    ------
    AmbiguousAxesError
        When the file does not say which axis is which, or holds several channels or planes.
    MissingRateError
        When nobody states a rate.
    MetadataError
        When the side-car or `frame_rate_hz` cannot be used.
    MovieError
        For every other file that cannot be read, or not without losing or inventing data.

    Examples
    --------
    >>> with open_movie(Path("cortex.tif"), frame_rate_hz=30.0) as movie:  # doctest: +SKIP
    ...     first_second = movie.read(0, 30)
    """
    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    if not files:
        raise MovieError("movie", "no file was given", "Name at least one movie file.")
    option_rate = checked_option_rate(frame_rate_hz)
    options = OpenOptions(axes, dataset, channel, plane, volume, load_method)
    if volume and plane is not None:
        raise MovieError(
            files[0],
            f"--plane {plane} picks one plane, but volumes have all of them",
            "Leave --plane out, or process that plane with --preset 2p.",
        )
    for path in files:
        check_openable(path)

    def opener(path: Path) -> FrameSource:
        source = _READERS[path.suffix.lower()](path, options)
        if volume and len(source.shape) == 3:
            source.close()
            raise MovieError(
                path,
                f"it holds one plane ({source.axes}), but volumes were asked for",
                "Process it with --preset 2p, or name the axes of its volumes with --axes, such as --axes TZYX.",
            )
        return source

    first = opener(files[0])
    try:
        lengths = [(files[0], first.shape[0])]
        read_paths = list(first.paths)
        seen = {path.resolve() for path in read_paths}
        side = _read_side(files[0], sidecar, option_rate)
        rates = {files[0]: _stated_rate(side, first.facts)}
        for path in files[1:]:
            source = opener(path)
            try:
                check_fits(path, source, first)
                lengths.append((path, source.shape[0]))
                repeated = [other for other in source.paths if other.resolve() in seen]
                seen.update(other.resolve() for other in source.paths)
                read_paths += source.paths
                rates[path] = _stated_rate(None if sidecar else _read_side(path, None, option_rate), source.facts)
            finally:
                source.close()
            if repeated:
                raise MovieError(repeated[0], "it is in the series twice", "Give every file of a recording once.")
        told = option_rate is not None or (sidecar is not None and side is not None and side.rate_hz is not None)
        if not told:
            _check_rates(rates)
        known = next((rate for rate in rates.values() if rate is not None), None)
        if option_rate is None and known is not None and rates[files[0]] is None and first.facts.rate is None:
            # A side-car beside a later file speaks for the recording as well, when the first file has no rate.
            rate_hz = known
        else:
            rate_hz = resolve_rate(files[0], option_rate, side, first.facts)
        return Recording(
            lengths,
            opener,
            first,
            paths=tuple(read_paths),
            rate_hz=rate_hz,
            metadata=merge_metadata(first.facts.metadata, side, rate_origin(option_rate, side, first.facts)),
        )
    except BaseException:
        first.close()
        raise


def check_openable(path: Path) -> None:
    """Refuse what no reader could open: nothing there, a folder, an empty file, a format that is not supported.

    Raises
    ------
    MovieError
    """
    if path.is_dir():
        raise MovieError(
            path, "it is a folder, not a movie", f"Give its files: {path.name}/*.tif with --series for one recording."
        )
    if not path.is_file():
        raise MovieError(path, "there is no such file", "Check the path and its spelling.")
    if path.suffix.lower() not in _READERS:
        supported = ", ".join(SUPPORTED_EXTENSIONS)
        raise MovieError(
            path, f"movies of type {path.suffix or '(no extension)'} are not supported", f"Supported: {supported}."
        )
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except OSError as error:
        raise MovieError(path, f"it cannot be read ({error.strerror})", "Check the file's permissions.") from error
    if empty:
        raise MovieError(path, "the file is empty (0 bytes)", "Copy it again from where it was recorded.")


def _read_side(movie: Path, given: Path | None, option_rate: float | None) -> Sidecar | None:
    found = find_sidecar(movie, given)
    return None if found is None else read_sidecar(found, rate_is_given=option_rate is not None)


def _stated_rate(side: Sidecar | None, facts: FileFacts) -> float | None:
    """The rate of one file of a series, None where nobody says it or what is said is no rate."""
    if side is not None and side.rate_hz is not None:
        return side.rate_hz
    return float(facts.rate.value) if facts.rate is not None and is_rate(facts.rate.value) else None


def _check_rates(rates: dict[Path, float | None]) -> None:
    """Refuse files that state different rates; one that states none goes with the others."""
    known = [(path, rate) for path, rate in rates.items() if rate is not None]
    for path, rate in known[1:]:
        if not np.isclose(rate, known[0][1], rtol=RATE_TOLERANCE, atol=0):
            raise MovieError(
                path,
                f"its rate is {rate:g} Hz, that of {known[0][0].name} {known[0][1]:g} Hz",
                "Take it out of the series, or say the rate of all with --frame-rate HZ.",
            )


def merge_metadata(file: MovieMetadata, side: Sidecar | None, rate_from: str) -> MovieMetadata:
    """The file's metadata with what the side-car says in place of it; the side-car's other keys join `extra`.

    `rate_from`, who said the rate, joins `extra` as well. What the file says of itself is never replaced there.
    """
    if side is None:
        return replace(file, extra={**file.extra, "rate_from": rate_from})
    others = {str(key): jsonable(value) for key, value in side.extra.items()}
    return replace(
        file,
        session_start=side.session_start or file.session_start,
        source=side.source or file.source,
        extra={**others, **file.extra, "rate_from": rate_from},
    )
