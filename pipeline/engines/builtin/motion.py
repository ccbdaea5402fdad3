"""Rigid motion correction (NoRMCorre, Pnevmatikakis & Giovannucci 2017), from the raw to the registered movie.

A frame is a plane or a volume.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile, MovieFileWriter
from pipeline.engines.builtin.shifts import ShiftEstimator, inside
from pipeline.engines.builtin.threads import in_threads
from pipeline.engines.builtin.volume_shifts import VolumeShiftEstimator, shift_volume
from pipeline.movies.movie import Movie
from pipeline.parameters.groups import Motion

Floats = NDArray[np.float32]
ShiftOf = Callable[[int, NDArray[Any]], tuple[float, ...] | Floats]
Estimator = Callable[[NDArray[np.floating]], tuple[float, ...]]

# Frames that the template is made from; beyond this it does not get sharper, and they are held in memory.
TEMPLATE_FRAMES = 200
# Volumes are larger than frames: of them, no more than this many bytes as float32, but at least so many.
TEMPLATE_BYTES = 128 * 2**20
LEAST_TEMPLATE_FRAMES = 20
# Bytes of raw frames handed to a thread at a time.
CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Registration:
    """What is known of a registered movie beside its frames.

    Attributes
    ----------
    shifts
        ``(n_frames, 2)`` float32: pixels ``(y, x)`` that were added to each frame's content; of volumes
        ``(n_frames, 3)``, ``(y, x, z)``.
    frames_a_checksum
        Frames that one checksum stands for (the last one may stand for fewer).
    checksums
        CRC-32 of the frames as stored, ``(n_frames, height, width[, depth])`` in C order, one a chunk, uint32.
    """

    shifts: Floats
    frames_a_checksum: int
    checksums: NDArray[np.uint32]

    def is_of(self, path: Path, progress: Callable[[float], None]) -> bool:
        """Whether the movie at `path` is there and holds the very frames that were written."""
        n_frames, step = len(self.shifts), self.frames_a_checksum
        try:
            with MovieFile(path) as file:
                if file.shape[0] != n_frames:
                    return False

                def checksum(start: int) -> int:
                    return _checksum(file.read(start, start + step))

                for number, found in enumerate(in_threads(checksum, range(0, n_frames, step))):
                    if found != self.checksums[number]:
                        return False
                    progress(min(1.0, (number + 1) * step / n_frames))
        except (MovieError, OSError):
            return False
        return True


def correct_motion(movie: Movie, params: Motion, path: Path, progress: Callable[[float], None]) -> Registration:
    """Register `movie` onto its own template and write it to `path`.

    Memory stays bounded by the template's frames and a few chunks, whatever the length of the movie.

    Parameters
    ----------
    movie
        The raw movie.
    params
        The group ``motion``; with ``motion_correct`` off the movie is copied as it is.
    path
        The new file, in the layout of `nwb_schema.movie_file`. Integer movies keep their type (values are rounded and
        clipped to its range), except with ``border_nan`` True, which needs float32.
    progress
        Called with the fraction done; what it raises stops the work and removes the file.

    """
    if not params.motion_correct:
        return write_registered(movie, params, path, None, progress)
    template = build_template(movie, params, lambda done: progress(0.3 * done))
    estimator = estimator_of(template, params)
    return write_registered(
        movie,
        params,
        path,
        lambda _, frame: estimator(frame.astype(np.float32)),
        lambda done: progress(0.3 + 0.7 * done),
    )


def write_registered(
    movie: Movie, params: Motion, path: Path, shift_of: ShiftOf | None, progress: Callable[[float], None]
) -> Registration:
    """Write `movie` to `path` with every frame moved by its shift, in one pass over the movie.

    Memory stays bounded by a few chunks for every thread, whatever the length of the movie.

    Parameters
    ----------
    movie
        The raw movie, or with `shift_of` None one that is registered already.
    params
        The group ``motion``: `registered_dtype` takes the type of the new file from it, `shift_frame` the border.
    path
        The new file, in the layout of `nwb_schema.movie_file`.
    shift_of
        The shift ``(y, x[, z])`` in pixels of a frame, given its number and the frame ``(height, width[, depth])``;
        called in several threads at once. None copies the frames as they are.
    progress
        Called with the fraction done; what it raises stops the work and removes the file.
    """
    n_frames, height, width, *planes = movie.shape
    dtype = movie.dtype.newbyteorder("=") if shift_of is None else registered_dtype(movie.dtype, params)
    shifts = np.zeros((n_frames, len(movie.shape) - 1), np.float32)

    def register(start: int) -> tuple[int, NDArray[Any], int]:
        raw = movie.read(start, min(start + chunk, n_frames))
        out = np.empty(raw.shape, dtype)
        if shift_of is None:
            out[:] = raw
            return start, out, _checksum(out)
        for index, frame in enumerate(raw):
            shifts[start + index] = shift_of(start + index, frame)
            # As stored, so that the same shifts make the same movie again.
            out[index] = to_dtype(moved(frame, tuple(shifts[start + index]), params.border_nan), dtype)
        return start, out, _checksum(out)

    chunk = max(1, CHUNK_BYTES // (math.prod(movie.shape[1:]) * 4))
    checksums = []
    with MovieFileWriter(
        path,
        n_frames=n_frames,
        height=height,
        width=width,
        depth=planes[0] if planes else None,
        dtype=dtype,
        rate_hz=movie.rate_hz,
    ) as writer:
        for start, frames, checksum in in_threads(register, range(0, n_frames, chunk)):
            writer.write(start, frames)
            checksums.append(checksum)
            progress((start + len(frames)) / n_frames)
    return Registration(shifts, chunk, np.array(checksums, np.uint32))


def build_template(movie: Movie, params: Motion, progress: Callable[[float], None]) -> Floats:
    """The template ``(height, width[, depth])``: a median of frames from all of it, sharpened by registering them.

    Each of the ``niter_rig`` passes registers the frames onto the last template and takes the median of the means of
    ten interleaved groups, which neither a flash nor a burst of activity can pull away.
    """
    n_frames = movie.shape[0]
    most = TEMPLATE_FRAMES
    if len(movie.shape) == 4:
        most = min(most, max(LEAST_TEMPLATE_FRAMES, TEMPLATE_BYTES // (math.prod(movie.shape[1:]) * 4)))
    numbers = np.unique(np.linspace(0, n_frames - 1, min(n_frames, most)).astype(int))
    passes, done = params.niter_rig + 2, 0

    def counted(found: Iterable[Floats]) -> Iterator[Floats]:
        nonlocal done
        for frame in found:
            done += 1
            progress(done / (passes * len(numbers)))
            yield frame

    frames = np.stack(list(counted(movie.read(int(number), int(number) + 1)[0] for number in numbers)))
    # The first template is sharpest where the movie happens to lie most of the time: a mean over all would be blurred
    # by the very motion to be found, but it has no preferred frame, and the passes sharpen it.
    template = _robust_mean(frames.astype(np.float32))
    for _ in range(passes - 1):
        estimator = estimator_of(template, params)

        def registered(frame: NDArray[Any], estimator: Estimator = estimator) -> Floats:
            return moved(frame, estimator(frame.astype(np.float32)), "copy")

        template = _robust_mean(np.stack(list(counted(in_threads(registered, frames)))))
    return template


def estimator_of(template: Floats, params: Motion) -> Estimator:
    """What finds the shifts of frames, or of volumes, against `template`."""
    if template.ndim == 3:
        return VolumeShiftEstimator(template, params.max_shifts)
    return ShiftEstimator(template, params.max_shifts, params.gSig_filt)


def moved(frame: NDArray[Any], shift: tuple[float, ...], border: bool | str) -> Floats:
    """`frame` ``(height, width[, depth])`` with its content moved by `shift`; see `shift_frame`."""
    return shift_volume(frame, shift, border) if frame.ndim == 3 else shift_frame(frame, shift, border)


def shift_frame(frame: NDArray[Any], shift: tuple[float, ...], border: bool | str) -> Floats:
    """`frame` ``(height, width)`` with its content moved by `shift` ``(y, x)`` pixels, cubic, as float32.

    What comes in from outside the field is filled as `border` says: ``copy``, ``min``, False (zero) or True (NaN).
    """
    dy, dx = float(shift[0]), float(shift[1])
    image = frame.astype(np.float32)
    if dy == 0 and dx == 0:
        return image
    height, width = image.shape
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    low, high = float(image.min()), float(image.max())
    moved: Floats = np.clip(
        np.asarray(warped, np.float32), low, high
    )  # cubic interpolation overshoots beside bright specks
    rows, columns = inside(height, dy), inside(width, dx)
    if border == "copy":
        moved[: rows.start] = moved[rows.start]
        moved[rows.stop :] = moved[rows.stop - 1]
        moved[:, : columns.start] = moved[:, columns.start, None]
        moved[:, columns.stop :] = moved[:, columns.stop - 1, None]
        return moved
    fill = low if border == "min" else (np.nan if border is True else 0.0)
    filled = np.full_like(moved, fill)
    filled[rows, columns] = moved[rows, columns]
    return filled


def registered_dtype(raw: np.dtype[Any], params: Motion) -> np.dtype[Any]:
    """The raw movie's own type where it is an integer that registered values fit, else float32."""
    if not params.motion_correct:
        return raw.newbyteorder("=")
    # Interpolation is in float32, which does not hold the integers of eight bytes.
    fits = raw.kind in "iu" and raw.itemsize <= 4 and params.border_nan is not True
    return raw.newbyteorder("=") if fits else np.dtype(np.float32)


def to_dtype(frame: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """`frame` in `dtype`: rounded and clipped to its range when it is an integer type."""
    if dtype.kind not in "iu":
        return frame.astype(dtype)
    limits = np.iinfo(dtype)
    # In float64, because the largest integer of four bytes rounds up in float32, and would wrap round.
    return np.clip(np.rint(frame.astype(np.float64)), limits.min, limits.max).astype(dtype)


def _robust_mean(frames: Floats) -> Floats:
    groups = min(10, len(frames))
    return np.median([frames[group::groups].mean(axis=0) for group in range(groups)], axis=0).astype(np.float32)


def _checksum(frames: NDArray[Any]) -> int:
    """CRC-32 of `frames` in C order."""
    return zlib.crc32(np.ascontiguousarray(frames).data)
