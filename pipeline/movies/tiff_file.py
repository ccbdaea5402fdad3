"""TIFF movies: plain, multi-page, ImageJ, BigTIFF, OME, ScanImage.

tifffile reads them all, and reads single pages lazily; roiextractors' TIFF extractors sit on it as well, but each knows
one flavour, has to be told which, and gives up the checks made here. Frames that lie in one run in the file are read
as one block (measured on 1,200 uncompressed frames of 112 x 144: 12 times as fast as page by page); others page by
page. Nothing is memory-mapped unless a file stores time in the middle of its pages, so memory holds what was asked.
"""

from __future__ import annotations

import logging
import struct
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.layout import Layout, choose, describe, fit_axes, pick
from pipeline.movies.scanimage import ScanImageHeader, read_scanimage
from pipeline.movies.source import OpenOptions, checked_dtype, native
from pipeline.movies.tiff_integrity import check_not_truncated, mixed_pages
from pipeline.movies.tiff_metadata import missing_files, read_facts

# What tifffile finds odd in a file becomes an error here, with a cause and a remedy. Without a handler Python would
# print its log to stderr beside that one line; whoever sets up logging still gets it.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

LOAD_METHODS = ("asarray", "asarray-multi", "imread")

_FAR = 2**31
DAMAGE = (
    OSError, ValueError, TypeError, LookupError, ArithmeticError, AssertionError, RuntimeError, struct.error,
)  # fmt: skip
"""What tifffile and its codecs raise over damaged files: they trust the numbers in a file, and divide by them."""


class TiffFrames:
    """One TIFF file as frames.

    Parameters
    ----------
    path
        The file.
    options
        `axes`, `channel`, `plane` and `load_method` apply. ``asarray`` reads the first series, ``asarray-multi`` every
        series in order (a program that appends frame by frame makes each a series of its own), ``imread`` what
        `tifffile.imread` does with one file, which is the first series again. By default the file decides: one series
        is that series, several of equal frame size are one sequence, and anything else is asked about.

    Raises
    ------
    MovieError, AmbiguousAxesError
    """

    def __init__(self, path: Path, options: OpenOptions) -> None:
        options.refuse(path, "dataset", because="a TIFF has no datasets")
        if options.load_method not in (None, *LOAD_METHODS):
            raise MovieError(
                path, f"--load-method {options.load_method} is not known", f"Choose from {', '.join(LOAD_METHODS)}."
            )
        try:
            self._tiff, scanimage = _open_tiff(path)
        except DAMAGE as error:
            raise MovieError(
                path, f"it is not a readable TIFF ({error})", "Check the file, or copy it again."
            ) from error
        try:
            self._open(path, options, scanimage)
        except DAMAGE as error:
            self._tiff.close()
            raise MovieError(path, f"its TIFF structure is damaged ({error})", "Copy it again.") from error
        except BaseException:
            self._tiff.close()
            raise

    def _open(self, path: Path, options: OpenOptions, scanimage: ScanImageHeader | None) -> None:
        check_not_truncated(path, self._tiff)
        self._series = [self._tiff.series[0]] if scanimage else choose_series(path, self._tiff, options.load_method)
        first = self._series[0]
        self.dtype = checked_dtype(path, np.dtype(first.dtype))
        scattered = [series for series in self._series if series.dataoffset is None]
        if any(page is None for series in scattered for page in series.pages):
            gone = missing_files(path, self._tiff.ome_metadata or "")
            where = f", which are in {', '.join(gone)}" if gone else ""
            raise MovieError(
                path, f"some of the pages that it declares are missing{where}", "Put all files of it into one folder."
            )
        axes, shape = first.axes, tuple(int(length) for length in first.shape)
        if len(self._series) > 1:
            lead = len(shape) - 2
            axes, shape = "I" + axes[lead:], (sum(_n_pages(series) for series in self._series), *shape[lead:])
        self._starts = np.cumsum([0, *(_n_pages(series) for series in self._series)])
        self._stride, self._first = 1, 0
        self._planes: tuple[int, ...] = (0,)
        self._map: NDArray[Any] | None = None
        if scanimage is not None:
            self._layout = self._scanimage_layout(path, scanimage, options)
        else:
            self._layout = declared_layout(path, axes, shape, options, imagej=self._tiff.is_imagej)
            self._plan_pages(path)
        self.paths: tuple[Path, ...] = self._all_paths(path)
        self.shape = self._layout.movie_shape
        self.axes = self._layout.label
        self.facts = read_facts(path, self._tiff, scanimage)
        self._lock = threading.RLock()
        # tifffile reads segments under its file handle's own lock once it is told to; decoding then runs in parallel.
        self._tiff.filehandle.set_lock(True)

    def _all_paths(self, path: Path) -> tuple[Path, ...]:
        """The file, and the others that an OME-TIFF of several files refers to."""
        paths = [path]
        for page in self._series[0].pages if self._series[0].is_multifile else ():
            other = path if page is None else path.with_name(page.parent.filehandle.name)
            if other not in paths:
                paths.append(other)
        return tuple(paths)

    def _scanimage_layout(self, path: Path, header: ScanImageHeader, options: OpenOptions) -> Layout:
        pages = _n_pages(self._series[0])
        height, width = (int(length) for length in self._series[0].shape[-2:])
        n_channels = header.n_channels
        if n_channels is None:
            if options.axes is None:
                raise AmbiguousAxesError(
                    path,
                    "its ScanImage header does not say how many channels were saved",
                    "If every page is a frame of one channel, say so with --axes TYX.",
                )
            n_channels = 1
        channel = pick(path, "channel", n_channels, options.channel)
        volume = options.volume and header.n_planes > 1
        self._stride = n_channels * header.frames_per_volume
        if volume:
            plane, self._first = 0, channel
            self._planes = tuple(number * n_channels for number in range(header.n_planes))
            n_frames = max(0, (pages - 1 - self._first - self._planes[-1]) // self._stride + 1)
            if header.start_frame:
                raise MovieError(
                    path,
                    f"it begins within a volume (with frame {header.start_frame} of {header.frames_per_volume})",
                    "Record whole volumes into every file, or process single planes with --plane.",
                )
        else:
            planes = f" (volumes of {header.frames_per_volume} frames)"
            plane = pick(path, "plane", header.n_planes, options.plane, detail=planes)
            self._first = (plane - header.start_frame) % header.frames_per_volume * n_channels + channel
            n_frames = max(0, -(-(pages - self._first) // self._stride))
        axes, shape = "T", [n_frames]
        for axis, length in (("Z", header.n_planes), ("C", n_channels)):
            if length > 1:
                axes, shape = axes + axis, [*shape, length]
        axes, shape = axes + "YX", [*shape, height, width]
        if n_frames == 0:
            if volume:
                raise MovieError(path, "it holds no whole volume", "Choose the whole recording.")
            raise MovieError(path, f"it holds no frame of plane {plane}", "Choose another plane.")
        if options.axes is not None and options.axes.strip().upper() != axes:
            raise AmbiguousAxesError(
                path,
                f"--axes {options.axes} contradicts its ScanImage header, which says {describe(axes, tuple(shape))}",
                "Leave --axes out, and choose with --channel and --plane.",
            )
        return Layout(axes, tuple(shape), {"Z": plane, "C": channel}, volume)

    def _plan_pages(self, path: Path) -> None:
        """Work out where frame t lies: in page ``first + t * stride``, or in a map of the file when it is no page.

        Plane z of a volume lies ``planes[z]`` pages further.
        """
        layout = self._layout
        body = 3 if layout.axes.endswith("S") else 2
        if set(layout.axes[-body:]) - {"S"} == {"Y", "X"} and "S" not in layout.axes[:-body]:
            step = 1
            for axis, length in zip(reversed(layout.axes[:-body]), reversed(layout.shape[:-body]), strict=True):
                if axis == "T":
                    self._stride = step
                elif axis == "Z" and layout.volume:
                    self._planes = tuple(number * step for number in range(length))
                else:
                    self._first += layout.picks.get(axis, 0) * step
                step *= length
            return
        series = self._series[0]
        if series.dataoffset is None or len(self._series) > 1:
            raise MovieError(
                path,
                f"its pages are not images ({describe(layout.axes, layout.shape)}) and they are not in one run",
                "Save it uncompressed with time first (TYX).",
            )
        stored: np.dtype[Any] = np.dtype(series.dtype).newbyteorder(self._tiff.byteorder)
        self._map = np.memmap(path, stored, "r", series.dataoffset, layout.shape)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        if self._map is not None:
            index = list(self._layout.index)
            if "T" in self._layout.axes:
                index[self._layout.axes.index("T")] = slice(start, stop)
            frames = np.array(self._map[tuple(index)].transpose(self._layout.to_movie))
            return native(frames.reshape(-1, *self.shape[1:])[: stop - start])
        depth = len(self._planes)
        in_order = self._stride == depth and self._planes == tuple(range(depth))
        if len(self._series) == 1 and in_order and self._series[0].dataoffset is not None:
            run = native(self._run(self._series[0], self._first + start * depth, (stop - start) * depth))
            return self._stacked(run.reshape(stop - start, depth, *run.shape[1:]))
        out = np.empty((stop - start, depth, *self.shape[1:3]), self.dtype)
        for row in range(stop - start):
            for plane, pages in enumerate(self._planes):
                out[row, plane] = self._page(self._first + (start + row) * self._stride + pages)
        return self._stacked(out)

    def _stacked(self, planes: NDArray[Any]) -> NDArray[Any]:
        """What `read` returns, from ``(n, depth, height, width)``, the order in which volumes are stored."""
        return np.ascontiguousarray(np.moveaxis(planes, 1, -1)) if self._layout.volume else planes[:, 0]

    def _page(self, number: int) -> NDArray[Any]:
        """Page `number`, counted through all series, as ``(height, width)``."""
        which = int(np.searchsorted(self._starts, number, side="right")) - 1
        series, inside = self._series[which], number - int(self._starts[which])
        if series.dataoffset is not None:
            return self._run(series, inside, 1)[0]
        page = series.pages[inside]
        assert page is not None  # refused when the file was opened
        try:
            # tifffile closes the files of an OME-TIFF of several once it knows their pages, and opens one again, with a
            # warning, for every page that is read. Opened here they stay open; their handles have no lock of their own.
            with self._lock if series.is_multifile else nullcontext():
                if series.is_multifile:
                    page.parent.filehandle.open()
                image = page.asarray(maxworkers=1)
        except DAMAGE as error:
            path = self.paths[0]
            raise MovieError(path, f"page {number} cannot be read ({error})", "Copy the file again.") from error
        return self._oriented(image[np.newaxis])[0]

    def _run(self, series: tifffile.TiffPageSeries, first: int, count: int) -> NDArray[Any]:
        """Pages that lie one behind the other, uncompressed: one read for all of them."""
        stored = np.dtype(series.dtype).newbyteorder(self._tiff.byteorder)
        body = self._layout.shape[-3:] if self._layout.axes.endswith("S") else self._layout.shape[-2:]
        size = int(np.prod(body))
        assert series.dataoffset is not None
        offset = series.dataoffset + first * size * stored.itemsize
        with self._lock:
            block = self._tiff.filehandle.read_array(stored, count=count * size, offset=offset)
        return self._oriented(block.reshape(count, *body))

    def _oriented(self, pages: NDArray[Any]) -> NDArray[Any]:
        """``(n, height, width)`` from pages as stored: the chosen colour, and transposed where X comes before Y."""
        axes = self._layout.axes
        if axes.endswith("S"):
            pages, axes = pages[..., self._layout.picks["S"]], axes[:-1]
        return pages.swapaxes(1, 2) if axes.endswith("XY") else pages

    def close(self) -> None:
        self._map = None
        self._tiff.close()


def _open_tiff(path: Path) -> tuple[tifffile.TiffFile, ScanImageHeader | None]:
    """The opened file and, if ScanImage wrote it, its header."""
    tiff = tifffile.TiffFile(path)
    if not tiff.is_scanimage:
        return tiff, None
    try:
        header = read_scanimage(path, tiff)
        guessed = not tiff.is_bigtiff and tiff.filehandle.size < _FAR
    except BaseException:
        tiff.close()
        raise
    if guessed:
        # tifffile guesses where a classic ScanImage TIFF's pages lie from the distance of the first ones, and drops
        # the last page when nothing follows it. Needed beyond 2 GB only, where ScanImage's own offsets overflow.
        tiff.close()
        tiff = tifffile.TiffFile(path, is_scanimage=False)
    return tiff, header


def _n_pages(series: tifffile.TiffPageSeries) -> int:
    body = 3 if series.axes.endswith("S") else 2
    return int(np.prod(series.shape[:-body])) if len(series.shape) > body else 1


def choose_series(path: Path, tiff: tifffile.TiffFile, method: str | None) -> list[tifffile.TiffPageSeries]:
    """The series that together are the movie, by `load_method`; see `TiffFrames`."""
    every = list(tiff.series)
    if len(every) == 1 or method in ("asarray", "imread"):
        return every[:1]
    bodies = {(series.axes[-2:], tuple(series.shape[-2:]), np.dtype(series.dtype)) for series in every}
    if len(bodies) > 1:
        raise mixed_pages(path, {f"{shape[0]} x {shape[1]} {dtype}" for _, shape, dtype in bodies})
    sequences = all(series.axes[:-2] in ("", "I", "Q", "T") and series.axes.endswith("YX") for series in every)
    if not sequences or (method is None and (tiff.is_ome or tiff.is_lsm)):
        raise AmbiguousAxesError(
            path,
            f"it holds {len(every)} series of images ({every[0].axes}), which may be positions, channels or time",
            "Read the first with --load-method asarray, or all one after the other in time with "
            "--load-method asarray-multi.",
        )
    return every


def declared_layout(path: Path, axes: str, shape: tuple[int, ...], options: OpenOptions, *, imagej: bool) -> Layout:
    """The layout by the file's own axes, or by the person's where those do not contradict the file's."""
    if options.axes is None:
        why = "ImageJ saves a movie as slices unless told otherwise" if imagej else "it may be a z-stack"
        return choose(path, axes, shape, options, because=why)
    named = fit_axes(path, options.axes, shape)
    # A person may say what a stack is, or that unnamed axes are something else; a declared T or C stays what it is.
    # tifffile's Q means that nobody named the axes, so all of them are open.
    fixed = "" if "Q" in axes else "TCSYX"
    if any(said not in ("_", declared) and declared in fixed for said, declared in zip(named, axes, strict=True)):
        raise AmbiguousAxesError(
            path,
            f"--axes {options.axes} contradicts the file, which declares {describe(axes, shape)}",
            "Leave --axes out, or correct the file's metadata.",
        )
    return choose(path, named, shape, options)
