"""The engine ``caiman``: CaImAn itself does the work, and what it saved is what the sample gets."""

from __future__ import annotations

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from numpy.typing import NDArray

from nwb_schema.errors import EngineError, MovieError, ParameterError, ResultsError
from nwb_schema.movie_file import MovieFileWriter
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.motion import registered_dtype, to_dtype, write_registered
from pipeline.engines.builtin.survey import survey
from pipeline.engines.caiman.child import Outcome, run_child
from pipeline.engines.caiman.installation import Installation, child_environment, probe
from pipeline.engines.caiman.task import caiman_task
from pipeline.engines.engine import EngineResult
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.progress import Progress
from pipeline.results_file import add_own_group

WORKER = Path(__file__).with_name("worker.py")
MIB = 2**20
LEAST_FRAMES = 100
_CHUNK_BYTES = 64 * 2**20
_COMPARED_FRAMES = 20
# CaImAn writes the movie twice as float32, corrected and re-ordered, beside the raw one that it is given.
_SCRATCH_BYTES_A_PIXEL = 8


class CaimanEngine:
    """CaImAn in its own interpreter. Implements `Engine`.

    Stages reported: ``preparing the movie``, ``starting CaImAn``, ``motion correction``, ``memory map``,
    ``extraction``, ``refinement``, ``evaluation``, ``dF/F``, ``saving``, ``registered movie``, ``summary images``.

    Parameters
    ----------
    python
        The interpreter of an environment that has CaImAn.
    online
        Let CaImAn Online (OnACID) do it, frame by frame.
    """

    def __init__(self, python: Path, *, online: bool = False) -> None:
        self.python = python
        self.online = online

    @property
    def name(self) -> str:
        """``caiman``, or ``caiman-online``: the same parameters give another result there."""
        return "caiman-online" if self.online else "caiman"

    @cached_property
    def installation(self) -> Installation:
        """What that interpreter has; asked once."""
        return probe(self.python)

    @property
    def version(self) -> str:
        """CaImAn's version."""
        return self.installation.version or "unknown"

    def check(self, params: Parameters, movie: Movie) -> None:
        """Refuse, before any work, an interpreter without CaImAn and what CaImAn could not process.

        Raises
        ------
        EngineError
            When that interpreter cannot run CaImAn.
        ParameterError, MovieError
            Naming the parameter, or what is wrong with the movie.
        """
        self.installation.require()
        n_frames, *field = movie.shape
        where = movie.paths[0] if movie.paths else "movie"
        if n_frames < LEAST_FRAMES:
            raise MovieError(
                where,
                f"has {n_frames} frames; at least {LEAST_FRAMES} are needed to tell transients from noise",
                "Process a longer recording.",
            )
        if params.motion.is3D != (len(field) == 3):
            kind = "volumes" if len(field) == 3 else "one plane"
            raise ParameterError(
                "motion.is3D",
                f"is {str(params.motion.is3D).lower()}, but the movie is of {kind}",
                "Use the preset 3d for volumes, and 2p or 1p for planes.",
            )
        if max(params.init.gSig) * 2 >= min(field[:2]):
            raise ParameterError(
                "init.gSig", f"is {params.init.gSig}, too large for a field of {field[0]} x {field[1]} pixels",
                f"Use at most {(min(field[:2]) - 1) // 2}.",
            )  # fmt: skip
        if params.patch.rf is not None and params.patch.stride is None:
            raise ParameterError(
                "patch.stride", "is not given, but patches (rf) need an overlap", "Set stride, half of rf for example."
            )

    def run(
        self, movie: Movie, params: Parameters, workdir: Path, progress: Progress, *, keep: Path | None = None
    ) -> EngineResult:
        """Process `movie`: ``registered.h5``, ``results.hdf5`` and CaImAn's log ``caiman.txt`` in `workdir`.

        CaImAn cannot go on where it was killed, so `keep` stays empty. Whatever `progress` raises ends CaImAn with all
        of its processes; its memory maps go with `workdir`'s folder ``caiman``, however the run ends.

        Raises
        ------
        EngineError
            When CaImAn fails, dies, or hands back what cannot be understood.
        """
        self.check(params, movie)
        refuse_full_disk(workdir, movie)
        seconds: dict[str, float] = {}
        scratch = workdir / "caiman"
        scratch.mkdir()
        registered, results = workdir / "registered.h5", workdir / "results.hdf5"
        try:
            with _timed(seconds, "preparing the movie"):
                raw = write_raw(movie, scratch, lambda done: progress("preparing the movie", done))
            task, notes = caiman_task(params, movie.shape, movie.rate_hz)
            task |= {"movie": str(raw), "results": str(scratch / "results.hdf5"), "online": self.online}
            outcome = self._run_caiman(task, scratch, workdir / "caiman.txt", progress)
            seconds.update(_seconds(outcome.answer))
            with _timed(seconds, "registered movie"):
                shifts = shifts_of(outcome.answer, movie.shape)
                write_registered_movie(
                    movie, params, outcome.answer, shifts, registered, lambda done: progress("registered movie", done)
                )
            with _timed(seconds, "summary images"), Frames(registered) as frames:
                images = survey(frames, 1, lambda done: progress("summary images", done)).images
            notes = (*notes, *outcome.notes)
            finish_results(scratch / "results.hdf5", (self.name, self.version), shifts, notes, images)
            os.replace(scratch / "results.hdf5", results)
        except BaseException:
            # Also on Cancelled and KeyboardInterrupt: nothing half-done stays behind.
            registered.unlink(missing_ok=True)
            results.unlink(missing_ok=True)
            raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return EngineResult(
            results=results,
            registered_movie=registered,
            shifts=shifts,
            summary_images=images,
            engine=self.name,
            version=self.version,
            seconds=seconds,
            peak_rss_mb=outcome.peak_rss_bytes / MIB,
            notes=notes,
        )

    def _run_caiman(self, task: Mapping[str, Any], scratch: Path, log: Path, progress: Progress) -> Outcome:
        """Hand the task to the worker, whose memory maps and other temporary files stay in `scratch`."""
        file = scratch / "task.json"
        file.write_text(json.dumps(task), encoding="utf-8")
        environment = {**child_environment(), "CAIMAN_TEMP": str(scratch), "TMPDIR": str(scratch)}
        command = [str(self.python), str(WORKER), str(file)]
        return run_child(command, folder=scratch, log=log, environment=environment, progress=progress)


def refuse_full_disk(folder: Path, movie: Movie) -> None:
    """Refuse, before hours of work, what CaImAn's memory maps would not fit on the disk for.

    Raises
    ------
    EngineError
        Naming what is free and what is needed.
    """
    needed = math.prod(movie.shape) * (_SCRATCH_BYTES_A_PIXEL + 2 * max(2, movie.dtype.itemsize))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            folder,
            f"has {free / 1e6:.0f} MB of free disk space, and CaImAn needs about {needed / 1e6:.0f} MB for its copies",
            "Free some space, or use --engine builtin, which needs a quarter of that.",
        )


def write_raw(movie: Movie, folder: Path, progress: Callable[[float], None]) -> Path:
    """The movie as a file that all versions of CaImAn read alike: uncompressed TIFF, of volumes HDF5 (``mov``)."""
    n_frames = movie.shape[0]
    keeps = movie.dtype.kind in "iuf" and movie.dtype.itemsize <= 4
    dtype = movie.dtype.newbyteorder("=") if keeps else np.dtype(np.float32)
    step = max(1, _CHUNK_BYTES // (math.prod(movie.shape[1:]) * 4))

    def blocks() -> Iterator[NDArray[Any]]:
        for start in range(0, n_frames, step):
            yield movie.read(start, min(start + step, n_frames)).astype(dtype, copy=False)
            progress(min(start + step, n_frames) / n_frames)

    if len(movie.shape) == 4:
        # What the axes of a TIFF of four dimensions are, nobody agrees upon.
        path = folder / "raw.h5"
        with h5py.File(path, "x") as file:
            data = file.create_dataset("mov", movie.shape, dtype)
            for number, block in enumerate(blocks()):
                data[number * step : number * step + len(block)] = block
        return path
    path = folder / "raw.tif"
    frames = (frame for block in blocks() for frame in block)
    big = math.prod(movie.shape) * dtype.itemsize > 3 * 2**30
    tifffile.imwrite(path, frames, shape=movie.shape, dtype=dtype, photometric="minisblack", bigtiff=big)
    return path


def shifts_of(answer: Mapping[str, Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """``(n_frames, n_axes)``: what CaImAn added to each frame's content; zero where it corrected nothing.

    Raises
    ------
    EngineError
        When what it told is no such thing.
    """
    n_axes = len(shape) - 1
    if answer.get("shifts") is None:
        return np.zeros((shape[0], n_axes), np.float32)
    try:
        shifts = np.asarray(answer["shifts"], np.float32)
    except (TypeError, ValueError) as error:
        raise _not_understood(f"its shifts are no numbers ({error})") from error
    if shifts.shape != (shape[0], n_axes):
        raise _not_understood(f"it told shifts of shape {shifts.shape} for {shape[0]} frames")
    return shifts


def write_registered_movie(
    movie: Movie,
    params: Parameters,
    answer: Mapping[str, Any],
    shifts: NDArray[np.float32],
    path: Path,
    progress: Callable[[float], None],
) -> None:
    """CaImAn's corrected movie in our layout; where it kept none, the raw one moved by its shifts, or as it is.

    Raises
    ------
    EngineError
        When the corrected movie is not what CaImAn said.
    """
    told = answer.get("registered")
    if told is None:
        moved = params.motion.motion_correct and bool(shifts.any())
        shift_of = (lambda number, _: shifts[number]) if moved else None
        write_registered(movie, params.motion, path, shift_of, progress)
        return
    try:
        n_frames, dims = int(told["n_frames"]), tuple(int(size) for size in told["dims"])
        offset = np.float32(told["offset"])
        # CaImAn numbers pixels in Fortran order, frame after frame: read in C order, the axes come backwards.
        mapped = np.memmap(told["path"], np.float32, "r", shape=(n_frames, *dims[::-1]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise _not_understood(f"its corrected movie cannot be read ({error})") from error
    if (n_frames, *dims) != tuple(movie.shape):
        raise _not_understood(f"its corrected movie is {(n_frames, *dims)}, the raw one {tuple(movie.shape)}")
    offset = left_out(movie, mapped, offset)
    dtype = registered_dtype(movie.dtype, params.motion)
    step = max(1, _CHUNK_BYTES // (math.prod(dims) * 4))
    with MovieFileWriter(
        path,
        n_frames=n_frames,
        height=dims[0],
        width=dims[1],
        depth=dims[2] if len(dims) == 3 else None,
        dtype=dtype,
        rate_hz=movie.rate_hz,
    ) as writer:
        for start in range(0, n_frames, step):
            block = mapped[start : start + step] + offset
            frames = block.transpose(0, *range(block.ndim - 1, 0, -1))
            writer.write(start, to_dtype(frames, dtype))
            progress((start + len(block)) / n_frames)


def left_out(movie: Movie, mapped: NDArray[Any], minimum: np.float32) -> np.float32:
    """What has to be added to CaImAn's corrected movie to be in the raw one's units again.

    It stores the movie without its minimum, unless it filtered it before looking for motion (gSig_filt): then the
    minimum that it tells is that of the filtered frames, and the stored ones are whole. Which it is, frames tell.

    Parameters
    ----------
    mapped
        ``(n_frames, ...)``, the corrected movie as stored.
    """
    numbers = np.unique(np.linspace(0, len(mapped) - 1, _COMPARED_FRAMES).astype(int))
    levels = [float(movie.read(number, number + 1).mean()) - float(mapped[number].mean()) for number in numbers]
    missing = float(np.nanmedian(levels))
    return minimum if abs(missing - float(minimum)) < abs(missing) else np.float32(0)


def finish_results(
    path: Path,
    made_by: tuple[str, str],
    shifts: NDArray[np.float32],
    notes: tuple[str, ...],
    images: Mapping[str, NDArray[np.float32]],
) -> None:
    """Add our root group to what CaImAn saved, which stays as it is.

    Raises
    ------
    EngineError
        When there is no such file, or it cannot be opened.
    """
    try:
        add_own_group(path, engine=made_by[0], version=made_by[1], shifts=shifts, notes=notes, images=images)
    except ResultsError as error:
        raise _not_understood(error.cause) from error


def _not_understood(cause: str) -> EngineError:
    return EngineError(
        "CaImAn",
        f"handed back what cannot be understood: {cause}",
        "Look at the job's log; `fluorite check-caiman` looks at the installation.",
    )


def _seconds(answer: Mapping[str, Any]) -> dict[str, float]:
    told = answer.get("seconds")
    pairs = told.items() if isinstance(told, dict) else ()
    return {str(stage): float(value) for stage, value in pairs if isinstance(value, int | float)}


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
