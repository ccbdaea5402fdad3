"""Motion correction (NoRMCorre, Pnevmatikakis & Giovannucci 2017), from the raw to the registered movie.

Rigid, or piecewise-rigid: each place by its own shift. A frame is a plane or (rigid only) a volume.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from nwb_schema.movie_file import MovieFile, MovieFileWriter
from pipeline.engines.builtin.patches import PatchEstimator
from pipeline.engines.builtin.shifts import ShiftEstimator
from pipeline.engines.builtin.threads import in_threads
from pipeline.engines.builtin.volume_shifts import VolumeShiftEstimator, shift_volume
from pipeline.engines.builtin.warp import Grid, shift_frame, warp_frame
from pipeline.movies.movie import Movie
from pipeline.parameters.groups import Motion

Floats = NDArray[np.float32]
ShiftOf = Callable[[int, NDArray[Any]], tuple[float, ...] | Floats]
PatchShiftsOf = Callable[[int, NDArray[Any], Floats], Floats]
Estimator = Callable[[NDArray[np.floating]], tuple[float, ...]]

# Frames that the template is made from; beyond this it does not get sharper, and they are held in memory.
TEMPLATE_FRAMES = 200
# Volumes are larger than frames: of them, no more than this many bytes as float32, but at least so many.
TEMPLATE_BYTES = 128 * 2**20
LEAST_TEMPLATE_FRAMES = 20
# Frames of these whose noise is measured.
NOISE_FRAMES = 20
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
    patch_shifts, grid
        With piecewise-rigid correction, ``(n_frames, ny, nx, 2)`` float32 pixels ``(y, x)`` that were added at the
        places of `grid`; `shifts` are then those of the whole frames, from which the patches' were looked for.
    """

    shifts: Floats
    frames_a_checksum: int
    checksums: NDArray[np.uint32]
    patch_shifts: Floats | None = None
    grid: Grid | None = None

    def notes(self) -> tuple[str, ...]:
        """What a reader of the results should know of the registration, one sentence each."""
        if self.patch_shifts is None:
            return ()
        apart = self.patch_shifts - self.shifts[:, None, None]
        rows, columns = apart.shape[1:3]
        return (
            f"Motion was corrected piecewise-rigidly: {rows} x {columns} patches, which moved "
            f"{np.sqrt(np.mean(apart**2)):.2f} px (root mean square) apart from their frames.",
        )

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
    estimator, patches = build_estimators(movie, params, lambda done: progress(0.2 * done))
    return write_registered(
        movie,
        params,
        path,
        lambda _, frame: estimator(frame.astype(np.float32)),
        lambda done: progress(0.2 + 0.8 * done),
        patches=None if patches is None else (patches.grid, lambda _, frame, rigid: patches(frame, rigid)),
    )


def write_registered(
    movie: Movie,
    params: Motion,
    path: Path,
    shift_of: ShiftOf | None,
    progress: Callable[[float], None],
    *,
    patches: tuple[Grid, PatchShiftsOf] | None = None,
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
    patches
        The places whose shifts differ, and their shifts ``(ny, nx, 2)`` given a frame's number, the frame and its rigid
        shift; without it, frames move as a whole.
    """
    n_frames, height, width, *planes = movie.shape
    dtype = movie.dtype.newbyteorder("=") if shift_of is None else registered_dtype(movie.dtype, params)
    shifts = np.zeros((n_frames, len(movie.shape) - 1), np.float32)
    grid = patches[0] if patches is not None else None
    patch_shifts = None if grid is None else np.zeros((n_frames, len(grid.rows), len(grid.columns), 2), np.float32)

    def registered(number: int, frame: NDArray[Any]) -> Floats:
        assert shift_of is not None
        shifts[number] = shift_of(number, frame)
        # Moved by what is stored, so that the same shifts make the same movie again.
        if patches is None or patch_shifts is None:
            return moved(frame, tuple(shifts[number]), params.border_nan)
        patch_shifts[number] = patches[1](number, frame, shifts[number])
        return warp_frame(frame, patch_shifts[number], patches[0], params.border_nan)

    def register(start: int) -> tuple[int, NDArray[Any], int]:
        raw = movie.read(start, min(start + chunk, n_frames))
        out = np.empty(raw.shape, dtype)
        if shift_of is None:
            out[:] = raw
            return start, out, _checksum(out)
        for index, frame in enumerate(raw):
            out[index] = to_dtype(registered(start + index, frame), dtype)
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
    return Registration(shifts, chunk, np.array(checksums, np.uint32), patch_shifts, grid)


def build_estimators(
    movie: Movie, params: Motion, progress: Callable[[float], None]
) -> tuple[Estimator, PatchEstimator | None]:
    """What finds the shifts of the movie's frames, and with ``pw_rigid`` those of their patches.

    The patches have a template of their own: the first frames moved patch by patch.
    """
    passes = params.niter_rig + 1 + params.pw_rigid
    frames = _some_frames(movie, lambda done: progress(done / (passes + 1)))
    template = _rigid_template(
        frames, params, lambda done: progress((1 + done * (passes - params.pw_rigid)) / (passes + 1))
    )
    estimator = estimator_of(template, params)
    if not params.pw_rigid:
        return estimator, None
    rigid = list(in_threads(lambda frame: estimator(frame.astype(np.float32)), frames))
    sample = list(zip(frames, rigid, strict=True))[:: max(1, len(frames) // NOISE_FRAMES)]

    def patches_on(template: Floats) -> PatchEstimator:
        return PatchEstimator(
            template,
            sample,
            strides=params.strides,
            overlaps=params.overlaps,
            max_deviation_rigid=params.max_deviation_rigid,
            gSig_filt=params.gSig_filt,
        )

    patches = patches_on(template)

    def warped(number: int) -> Floats:
        frame, shift = frames[number], rigid[number]
        return warp_frame(frame, patches(frame, shift), patches.grid, "copy")

    mean = _RobustMean(len(frames), movie.shape[1:])
    for number, frame in enumerate(in_threads(warped, range(len(frames)))):
        mean.add(frame)
        progress((passes + (number + 1) / len(frames)) / (passes + 1))
    return estimator, patches_on(mean.image())


def build_template(movie: Movie, params: Motion, progress: Callable[[float], None]) -> Floats:
    """The template ``(height, width[, depth])`` that frames are registered onto as a whole."""
    frames = _some_frames(movie, lambda done: progress(0.3 * done))
    return _rigid_template(frames, params, lambda done: progress(0.3 + 0.7 * done))


def _some_frames(movie: Movie, progress: Callable[[float], None]) -> list[NDArray[Any]]:
    """Frames from the whole movie, as many as the template needs and memory allows."""
    most = TEMPLATE_FRAMES
    if len(movie.shape) == 4:
        most = min(most, max(LEAST_TEMPLATE_FRAMES, TEMPLATE_BYTES // (math.prod(movie.shape[1:]) * 4)))
    numbers = np.unique(np.linspace(0, movie.shape[0] - 1, min(movie.shape[0], most)).astype(int))
    frames = []
    for number in numbers:
        frames.append(movie.read(int(number), int(number) + 1)[0])
        progress(len(frames) / len(numbers))
    return frames


def _rigid_template(frames: list[NDArray[Any]], params: Motion, progress: Callable[[float], None]) -> Floats:
    """The template that each of ``niter_rig`` passes has made sharper, by registering the frames onto the last one."""
    # The first template is blurred by the very motion to be found, but it prefers no frame, and the passes sharpen it.
    first = _RobustMean(len(frames), frames[0].shape)
    for frame in frames:
        first.add(frame.astype(np.float32))
    template, passes = first.image(), params.niter_rig + 1
    for number_of_pass in range(passes):
        estimator = estimator_of(template, params)

        def registered(frame: NDArray[Any], estimator: Estimator = estimator) -> Floats:
            return moved(frame, estimator(frame.astype(np.float32)), "copy")

        mean = _RobustMean(len(frames), frames[0].shape)
        for number, frame in enumerate(in_threads(registered, frames)):
            mean.add(frame)
            progress((number_of_pass + (number + 1) / len(frames)) / passes)
        template = mean.image()
    return template


def estimator_of(template: Floats, params: Motion) -> Estimator:
    """What finds the shifts of frames, or of volumes, against `template`."""
    if template.ndim == 3:
        return VolumeShiftEstimator(template, params.max_shifts)
    return ShiftEstimator(template, params.max_shifts, params.gSig_filt)


def moved(frame: NDArray[Any], shift: tuple[float, ...], border: bool | str) -> Floats:
    """`frame` ``(height, width[, depth])`` with its content moved by `shift`; see `shift_frame`."""
    return shift_volume(frame, shift, border) if frame.ndim == 3 else shift_frame(frame, shift, border)


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
    rounded = np.rint(frame if dtype.itemsize <= 2 else frame.astype(np.float64))
    return np.clip(rounded, limits.min, limits.max, out=rounded).astype(dtype)


class _RobustMean:
    """The median of the means of ten interleaved groups: neither a flash nor a burst of activity can pull it away."""

    def __init__(self, n_frames: int, field: tuple[int, ...]) -> None:
        self._sums = np.zeros((min(10, n_frames), *field), np.float32)
        self._n = 0

    def add(self, frame: Floats) -> None:
        self._sums[self._n % len(self._sums)] += frame
        self._n += 1

    def image(self) -> Floats:
        counts = np.bincount(np.arange(self._n) % len(self._sums)).astype(np.float32)
        return np.median(self._sums / counts.reshape(-1, *[1] * (self._sums.ndim - 1)), axis=0).astype(np.float32)


def _checksum(frames: NDArray[Any]) -> int:
    """CRC-32 of `frames` in C order."""
    return zlib.crc32(np.ascontiguousarray(frames).data)
