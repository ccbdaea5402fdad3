"""A TIFF that is still being written: a page counts once all of it is in the file.

tifffile looks at a file once, when it opens it; so the chain of pages is followed here, and each page is handed to
tifffile by its place. The file is read without a buffer, which would hold what the writer has since changed.
"""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from nwb_schema.errors import MovieError
from pipeline.movies.not_yet import NotYet
from pipeline.movies.scanimage import ScanImageHeader, read_scanimage
from pipeline.movies.source import OpenOptions, checked_dtype, native
from pipeline.movies.tiff_file import DAMAGE
from pipeline.movies.tiff_metadata import read_facts

_REMEDY = "Process it without --follow when it is finished, or record each frame as a page of one channel and plane."


class GrowingTiff:
    """One TIFF, a page for each frame, as far as it has been written.

    Raises
    ------
    MovieError
        When it cannot be followed: several channels or planes, colours.
    NotYet
        While its first page is not there.
    """

    axes = "TYX"

    def __init__(self, path: Path, options: OpenOptions) -> None:
        because = "a TIFF that is still being written is read page by page"
        options.refuse(path, "dataset", "load_method", "channel", "plane", because=because)
        if options.axes is not None and options.axes.strip().upper() != "TYX":
            options.refuse(path, "axes", because=because)
        self.paths: tuple[Path, ...] = (path,)
        self._lock = threading.Lock()
        self._places: list[int] = []
        self._file = path.open("rb", buffering=0)
        try:
            self._tiff = tifffile.TiffFile(self._file)
            self._first = self._tiff.pages.first.offset
            if self.look() == 0:
                raise NotYet(path, "its first page is not there yet")
            self._describe(path)
        except DAMAGE as error:
            self._file.close()
            raise NotYet(path, f"its first page is not there yet ({error})") from error
        except BaseException:
            self._file.close()
            raise

    def _describe(self, path: Path) -> None:
        first = self._page_at(self._places[0])
        header: ScanImageHeader | None = None
        if self._tiff.is_scanimage:
            header = read_scanimage(path, self._tiff)
            if header.n_channels != 1 or header.n_planes != 1:
                raise MovieError(path, "its ScanImage header speaks of several channels or planes", _REMEDY)
        imagej = self._tiff.imagej_metadata or {}
        # ImageJ writes a movie as slices unless told otherwise; only both mean planes.
        planes = int(imagej.get("slices", 1)) > 1 and int(imagej.get("frames", 1)) > 1
        if planes or int(imagej.get("channels", 1)) > 1:
            raise MovieError(path, "ImageJ's header speaks of several channels or planes", _REMEDY)
        if first.ndim != 2 or self._tiff.is_ome:
            raise MovieError(path, f"its pages are {first.axes}, not images of one channel", _REMEDY)
        self.dtype = checked_dtype(path, np.dtype(first.dtype))
        self._size: tuple[int, int] = (int(first.shape[0]), int(first.shape[1]))
        self.facts = read_facts(path, self._tiff, header)

    @property
    def shape(self) -> tuple[int, ...]:
        """``(whole frames by now, height, width)``."""
        return (len(self._places), *self._size)

    def look(self) -> int:
        """Look at the file again; how many whole pages it has by now."""
        with self._lock:
            self._reopen()
            if not self._places and self._whole(self._first) is not None:
                self._places.append(self._first)
            while self._places:
                # The last page says that it is the last, until the next one is entered there.
                following = self._whole(self._places[-1])
                if not following or self._whole(following) is None:
                    break
                self._places.append(following)
        return len(self._places)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(n, height, width)``."""
        out = np.empty((max(0, stop - start), *self._size), self.dtype)
        for row, place in enumerate(self._places[start:stop]):
            with self._lock:
                page = self._page_at(place)
                if page.shape != self._size or page.dtype != self.dtype.newbyteorder("="):
                    raise MovieError(
                        self.paths[0],
                        f"page {start + row} is {page.shape} {page.dtype}, the first one {self._size} {self.dtype}",
                        "Record frames of one size and type to a file.",
                    )
                try:
                    out[row] = native(page.asarray(maxworkers=1))
                except DAMAGE as error:
                    raise MovieError(
                        self.paths[0], f"page {start + row} cannot be read ({error})", "Record it again."
                    ) from error
        return out

    def close(self) -> None:
        """Release the file handle."""
        self._file.close()

    def _reopen(self) -> None:
        """Let tifffile see how large the file is by now: it asks once, when it opens it."""
        if os.fstat(self._file.fileno()).st_size != self._tiff.filehandle.size:
            self._file.seek(0)
            self._tiff = tifffile.TiffFile(self._file)

    def _whole(self, place: int) -> int | None:
        """Where the page after that at `place` is (0: there is none), or None while the page is not whole."""
        layout, handle = self._tiff.tiff, self._tiff.filehandle
        size = handle.size
        if place <= 0 or place + layout.tagnosize > size:
            return None
        handle.seek(place)
        (count,) = struct.unpack(layout.tagnoformat, handle.read(layout.tagnosize))
        end = place + layout.tagnosize + count * layout.tagsize
        if count == 0 or end + layout.offsetsize > size:
            return None
        try:
            page = self._page_at(place)
        except DAMAGE:
            return None
        ends = [offset + length for offset, length in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > size or min(page.databytecounts) <= 0 or min(page.dataoffsets) <= 0:
            return None
        handle.seek(end)
        (following,) = struct.unpack(layout.offsetformat, handle.read(layout.offsetsize))
        return int(following)

    def _page_at(self, place: int) -> tifffile.TiffPage:
        self._tiff.filehandle.seek(place)
        return tifffile.TiffPage(self._tiff, 0)
