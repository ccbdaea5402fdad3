"""AVI (and MP4) movies, as miniscopes write them.

OpenCV reads every codec that miniscopes use (FFV1, MJPEG, GREY/Y800) and seeks by frame; PyAV would be one more
dependency for the same FFmpeg, and roiextractors' miniscope extractor sits on OpenCV as well but keeps one of the
three colours without looking at the others. OpenCV hands every frame over as 8-bit blue, green, red.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import AmbiguousAxesError, MovieError
from pipeline.movies.miniscope import video_rate
from pipeline.movies.movie import MovieMetadata
from pipeline.movies.source import OpenOptions

_LOSSLESS = {"", "FFV1", "HFYU", "FFVH", "GREY", "Y800", "Y8", "RAW", "DIB", "RGBA", "BGR", "MPNG", "PNG", "LAGS"}
"""Codecs (and none at all) that bring grey back exactly, in all three colours."""
_LOSSY_TOLERANCE = 12
"""How far the colours of a grey pixel may lie apart after MJPEG or MPEG-4, of 255: measured up to 6, on pure noise."""
_SKIP = 32
"""Decoding up to this many frames forward costs less than seeking, which starts again at the last key frame."""


class VideoFrames:
    """One video file as grey frames.

    Parameters
    ----------
    path
        The file.
    options
        `channel` 0, 1 or 2 takes red, green or blue; it is needed only when the three differ.

    Raises
    ------
    MovieError, AmbiguousAxesError
    """

    axes = "TYX"
    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, options: OpenOptions) -> None:
        options.refuse(path, "dataset", "load_method", "plane", because="a video has none")
        if options.axes is not None and options.axes.strip().upper() != "TYX":
            raise AmbiguousAxesError(
                path, f"--axes {options.axes} was given, but the frames of a video are TYX", "Leave --axes out."
            )
        if options.channel is not None and options.channel not in (0, 1, 2):
            raise MovieError(
                path,
                f"--channel {options.channel} was given, but a video has three",
                "Choose 0 red, 1 green or 2 blue.",
            )
        self._channel = options.channel
        self._video = cv2.VideoCapture(str(path))
        self._lock = threading.Lock()
        self._next = 0
        self._tolerance = 0
        self.paths: tuple[Path, ...] = (path,)
        try:
            if not self._video.isOpened():
                raise MovieError(
                    path, "it is not a video that OpenCV can decode", "Check that it plays, or copy it again."
                )
            self._refuse_deep_pixels(path)
            self._tolerance = 0 if self._codec().upper() in _LOSSLESS else _LOSSY_TOLERANCE
            first = self._decode(0)
            self.shape = (self._count(path), first.shape[0], first.shape[1])
        except BaseException:
            self._video.release()
            raise
        rate = video_rate(path, float(self._video.get(cv2.CAP_PROP_FPS)))
        self.facts = replace(rate, metadata=MovieMetadata(source=f"video {self._codec()}".strip()))

    def _codec(self) -> str:
        """The codec's four letters, which miniscopes leave out for uncompressed grey."""
        return int(self._video.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little").decode("latin-1").strip("\0 ")

    def _refuse_deep_pixels(self, path: Path) -> None:
        """OpenCV would cut 10- to 16-bit grey down to 8 bits without a word; FFmpeg calls it Y1 and the depth."""
        layout = (int(self._video.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)) & 0xFFFFFFFF).to_bytes(4, "little")
        if (layout[:3] == b"Y1\0" and layout[3] > 8) or (layout[1:] == b"\x001Y" and layout[0] > 8):
            raise MovieError(
                path,
                "its pixels have more than 8 bits, which reading as video would throw away",
                "Convert it to TIFF (ImageJ: File > Save As > Tiff) and open that.",
            )

    def _count(self, path: Path) -> int:
        """The number of frames: the header's, if its last frame is the last; else every frame is visited."""
        stated = int(self._video.get(cv2.CAP_PROP_FRAME_COUNT))
        if stated > 0:
            self._seek(stated - 1)
            if self._video.grab():
                self._next = stated
                if not self._video.grab():
                    self._rewind(path)
                    return stated
        self._rewind(path)
        count = 0
        while self._video.grab():
            count += 1
        self._rewind(path)
        if count < stated:
            raise MovieError(
                path,
                f"it is truncated: its header declares {stated} frames but only {count} can be decoded",
                "Copy it again; if that is all there is, re-save what remains as a new file.",
            )
        return count

    def _rewind(self, path: Path) -> None:
        # After the end of the file some codecs do not seek any more: open anew.
        self._video.release()
        self._video = cv2.VideoCapture(str(path))
        self._next = 0

    def _seek(self, number: int) -> None:
        if self._next <= number <= self._next + _SKIP:
            while self._next < number and self._video.grab():
                self._next += 1
        if self._next != number:
            self._video.set(cv2.CAP_PROP_POS_FRAMES, number)
            self._next = number

    def _decode(self, number: int) -> NDArray[Any]:
        """Frame `number` as ``(height, width)``."""
        path = self.paths[0]
        self._seek(number)
        good, frame = self._video.read()
        if not good:
            raise MovieError(path, f"frame {number} cannot be decoded", "Check that it plays, or copy it again.")
        self._next = number + 1
        return self._grey(path, number, np.asarray(frame))

    def _grey(self, path: Path, number: int, frame: NDArray[Any]) -> NDArray[Any]:
        if frame.ndim == 2:
            return frame
        if self._channel is not None:
            # The option counts as everybody does, red first; OpenCV stores blue first.
            return frame[..., 2 - self._channel]
        blue, green, red = cv2.split(frame)
        apart = max(cv2.norm(blue, green, cv2.NORM_INF), cv2.norm(blue, red, cv2.NORM_INF))
        if apart > self._tolerance:
            raise AmbiguousAxesError(
                path,
                f"its frames are in colour (frame {number}: red, green and blue differ), not one brightness",
                "Choose one colour with --channel 0 (red), 1 (green) or 2 (blue).",
            )
        # The brightness that a lossy codec stores; where all three are equal, as in a lossless one, it is their value.
        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) if apart else blue)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        out = np.empty((stop - start, *self.shape[1:]), self.dtype)
        with self._lock:
            for number in range(start, stop):
                out[number - start] = self._decode(number)
        return out

    def close(self) -> None:
        with self._lock:
            self._video.release()
