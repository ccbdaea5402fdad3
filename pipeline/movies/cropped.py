"""A part of a movie, and a smaller one: crop and resize as a step before processing.

Nothing is written: frames are cut, and averaged to fewer pixels, as they are read. What remains known is where each
pixel lies in the raw movie (`FieldOfRaw`), so that masks can be traced back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from nwb_schema.errors import MovieError, ParameterError
from pipeline.movies.movie import Movie

# No engine finds a cell in less.
LEAST_SIDE_PX = 16
KEY = "field_of_raw_movie"
"""Under which a sample's movie metadata have `FieldOfRaw.to_json`."""

_CROP = re.compile(r"\s*(\d*)\s*:\s*(\d*)\s*,\s*(\d*)\s*:\s*(\d*)\s*")


@dataclass(frozen=True)
class Crop:
    """Rows `top` to `bottom` and columns `left` to `right` of the raw frame; the second of each is excluded."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def width(self) -> int:
        return self.right - self.left

    def __str__(self) -> str:
        return f"{self.top}:{self.bottom},{self.left}:{self.right}"


@dataclass(frozen=True)
class FieldOfRaw:
    """Where a processed field lies in the raw frame.

    Attributes
    ----------
    crop
        The part that was taken, in raw pixels.
    raw_height, raw_width
        Size of the raw frame.
    height, width
        Size of the processed frame.
    """

    crop: Crop
    raw_height: int
    raw_width: int
    height: int
    width: int

    @property
    def scale(self) -> tuple[float, float]:
        """Raw pixels ``(y, x)`` that one processed pixel stands for."""
        return self.crop.height / self.height, self.crop.width / self.width

    @property
    def is_whole(self) -> bool:
        """Whether the processed frame is the raw one."""
        return (self.height, self.width) == (self.raw_height, self.raw_width)

    def to_raw(self, y: float, x: float) -> tuple[float, float]:
        """The place in the raw frame of a place in the processed one, both counted from the middle of pixel (0, 0)."""
        scale_y, scale_x = self.scale
        return self.crop.top + (y + 0.5) * scale_y - 0.5, self.crop.left + (x + 0.5) * scale_x - 0.5

    def to_json(self) -> dict[str, Any]:
        """For a sample's provenance."""
        return {
            "crop_y": [self.crop.top, self.crop.bottom],
            "crop_x": [self.crop.left, self.crop.right],
            "raw_height": self.raw_height,
            "raw_width": self.raw_width,
            "height": self.height,
            "width": self.width,
            "raw_pixels_per_pixel": list(self.scale),
        }

    def note(self) -> str:
        """One sentence for a reader of the sample."""
        crop, parts = self.crop, []
        if (crop.height, crop.width) != (self.raw_height, self.raw_width):
            parts.append(
                f"rows {crop.top} to {crop.bottom - 1} and columns {crop.left} to {crop.right - 1} of the raw movie "
                f"({self.raw_height} x {self.raw_width} pixels) were processed"
            )
        if (crop.height, crop.width) != (self.height, self.width):
            parts.append(
                f"its frames were reduced to {self.height} x {self.width} pixels, each the mean of "
                f"{self.scale[0]:.4g} x {self.scale[1]:.4g} raw ones"
            )
        text = "; ".join(parts)
        offset = "pixel (0, 0) of masks lies at ({:.4g}, {:.4g}) of the raw movie".format(*self.to_raw(0, 0))
        return f"{text[:1].upper()}{text[1:]}; {offset}."


class PreparedMovie:
    """A `Movie` of a part of another, in smaller frames.

    Frames keep the raw type; averaged integers are rounded. The pixel size grows with the pixels, and `FieldOfRaw` is
    in the metadata's ``extra`` under `KEY`.

    Parameters
    ----------
    raw
        The movie; closing this one closes it.
    crop
        What to take of it; None for all.
    resize
        Sides after cropping are multiplied by this: 0.5 makes each pixel the mean of 2 x 2.

    Raises
    ------
    ParameterError
        When nothing, or too little to find a cell in, would be left.
    """

    def __init__(self, raw: Movie, crop: Crop | None = None, resize: float = 1.0) -> None:
        self._raw = raw
        n_frames, height, width, *planes = raw.shape
        crop = crop or Crop(0, height, 0, width)
        if not (0 <= crop.top < crop.bottom <= height and 0 <= crop.left < crop.right <= width):
            raise ParameterError(
                "--crop",
                f"{crop} is not inside frames of {height} x {width} pixels",
                f"Give rows up to {height} and columns up to {width}, as in --crop 10:{height - 10},10:{width - 10}.",
            )
        checked_resize(resize)
        small = (max(1, round(crop.height * resize)), max(1, round(crop.width * resize)))
        if min(small) < LEAST_SIDE_PX:
            raise ParameterError(
                "--crop" if min(crop.height, crop.width) < LEAST_SIDE_PX else "--resize",
                f"leaves {small[0]} x {small[1]} pixels, too few to find cells in",
                f"Leave at least {LEAST_SIDE_PX} in each direction.",
            )
        self.field = FieldOfRaw(crop, height, width, *small)
        self.paths, self.axes, self.dtype = raw.paths, raw.axes, raw.dtype
        self.rate_hz, self.boundaries = raw.rate_hz, raw.boundaries
        self.shape: tuple[int, ...] = (n_frames, *small, *planes)
        size = raw.metadata.pixel_size_um
        self.metadata = replace(
            raw.metadata,
            pixel_size_um=None
            if size is None
            else (size[0] * self.field.scale[0], size[1] * self.field.scale[1], *size[2:]),
            extra={**raw.metadata.extra, KEY: self.field.to_json()},
        )

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Frames ``start`` to ``stop`` (exclusive) as ``(n, height, width[, depth])`` in the raw movie's type."""
        crop = self.field.crop
        part = self._raw.read(start, stop)[:, crop.top : crop.bottom, crop.left : crop.right]
        if part.shape[1:3] == self.shape[1:3]:
            return np.ascontiguousarray(part)
        out = np.empty((len(part), *self.shape[1:]), self.dtype)
        for frame, small in zip(part, out, strict=True):
            _reduce(frame, small)
        return out

    def close(self) -> None:
        """Release the raw movie's files."""
        self._raw.close()


def _reduce(frame: NDArray[Any], out: NDArray[Any]) -> None:
    """Fill `out` ``(height, width[, depth])`` with means over the pixels of `frame`."""
    height, width = out.shape[:2]
    # OpenCV takes four channels at a time for more than that, and a volume has more planes.
    planes = frame[..., None] if frame.ndim == 2 else frame
    target = out[..., None] if out.ndim == 2 else out
    for number in range(planes.shape[2]):
        wide = frame.dtype.itemsize > 4 or (frame.dtype.kind in "iu" and frame.dtype.itemsize > 2)
        plane: NDArray[np.floating] = planes[..., number].astype(np.float64 if wide else np.float32)
        small = np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA))
        target[..., number] = np.rint(small) if out.dtype.kind in "iu" else small


def prepared(movie: Movie, crop: str | None, resize: float | None) -> Movie:
    """`movie` as it is to be processed: cropped (``auto``: as `automatic_crop` says) and resized, or itself.

    Raises
    ------
    ParameterError
        When crop or resize cannot be understood, or leave nothing.
    """
    if crop is None and (resize is None or resize == 1):
        return movie
    _, height, width = movie.shape[:3]
    if crop is None:
        part = None
    elif crop.strip().lower() == "auto":
        part = automatic_crop(movie)
    else:
        part = parse_crop(crop, height, width)
    result = PreparedMovie(movie, part, 1.0 if resize is None else resize)
    return movie if result.field.is_whole else result


def field_of_raw(movie: Movie) -> FieldOfRaw | None:
    """Where `movie` lies in its raw one, or None where it is the raw one."""
    return movie.field if isinstance(movie, PreparedMovie) else None


def parse_crop(text: str, height: int, width: int) -> Crop:
    """``Y0:Y1,X0:X1``: rows, then columns, from 0, the last excluded; a number may be left out for the edge.

    Raises
    ------
    ParameterError
        When it is nothing of that kind.
    """
    match = _CROP.fullmatch(text)
    if match is None:
        raise ParameterError(
            "--crop",
            f"'{text}' is no rectangle",
            f"Give Y0:Y1,X0:X1 (rows, then columns), such as 10:{height - 10},10:{width - 10}, or auto.",
        )
    top, bottom, left, right = match.groups()
    return Crop(int(top or 0), int(bottom or height), int(left or 0), int(right or width))


def checked_resize(factor: float) -> float:
    """`factor`, above 0 and at most 1.

    Raises
    ------
    ParameterError
    """
    if not 0 < factor <= 1:
        raise ParameterError(
            "--resize", f"{factor:g} is not a factor above 0 and up to 1", "Give 0.5 for half as many rows and columns."
        )
    return factor


# ---- automatic crop ----

# Frames that are looked at, spread over the movie.
LOOKED_AT = 60
# The share of a line that may be dead without the line being a border: single dead pixels are no border.
DEAD_SHARE = 0.05
# A border that motion correction left is narrower than this share of a side; more is what was recorded.
WIDEST_SHARE = 0.25
FILLED_PERCENTILE = 95


def automatic_crop(movie: Movie) -> Crop:
    """The frame without its dead border: NaN, constant in time, or filled in by motion correction (a constant, or
    repeated copies of the nearest line) in any of the frames that are looked at.

    Raises
    ------
    MovieError
        When hardly anything would be left.
    """
    n_frames, height, width = movie.shape[:3]
    numbers = np.unique(np.linspace(0, n_frames - 1, min(n_frames, LOOKED_AT)).astype(int))
    unknown = np.zeros((height, width), bool)
    lowest = highest = None
    margins: list[tuple[int, int, int, int]] = []
    for number in numbers:
        frame = movie.read(int(number), int(number) + 1)[0]
        frame = (frame if frame.ndim == 2 else frame.reshape(height, width, -1)).astype(np.float64, copy=False)
        planes = frame[..., None] if frame.ndim == 2 else frame
        finite = np.isfinite(planes)
        flat = np.where(finite, planes, 0)
        if flat.min() == flat.max():
            continue  # a frame that the microscope dropped says nothing about borders
        unknown |= ~finite.all(axis=2)
        lowest = flat if lowest is None else np.minimum(lowest, flat)
        highest = flat if highest is None else np.maximum(highest, flat)
        margins.append(filled_margins(flat))
    if lowest is None or highest is None:
        lowest, highest, margins = np.zeros((height, width, 1)), np.zeros((height, width, 1)), [(0, 0, 0, 0)]
    still = (lowest == highest).all(axis=2)
    # In a dark movie, a line may be black by chance in a frame or two.
    above, below, before, after = np.percentile(margins, FILLED_PERCENTILE, axis=0, method="higher").astype(int)
    crop = Crop(int(above), height - int(below), int(before), width - int(after))
    crop = peeled(still, crop, DEAD_SHARE)
    crop = peeled(unknown, crop, 0.0)
    if min(crop.height, crop.width) < LEAST_SIDE_PX:
        raise MovieError(
            movie.paths[0],
            "an automatic crop would leave next to nothing: most pixels are NaN or never change",
            "Look at the movie, and give the rectangle yourself with --crop Y0:Y1,X0:X1.",
        )
    return crop


def filled_margins(frame: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """Lines at the top, bottom, left and right of a frame ``(height, width, depth)`` that hold no data of their own:
    one value all along, or the same values as the next line further in."""
    height, width = frame.shape[:2]
    by_row, by_column = frame.reshape(height, -1), frame.transpose(1, 0, 2).reshape(width, -1)
    return (
        _filled(by_row),
        _filled(by_row[::-1]),
        _filled(by_column),
        _filled(by_column[::-1]),
    )


def _filled(lines: NDArray[np.float64]) -> int:
    most = int(WIDEST_SHARE * len(lines))
    count = 0
    while count < most:
        line, inner = lines[count], lines[count + 1]
        if line.min() == line.max() or np.array_equal(line, inner):
            count += 1
            continue
        break
    return count


def peeled(dead: NDArray[np.bool_], crop: Crop, share: float) -> Crop:
    """`crop` less its outer lines, the worst first, until none has more than `share` of dead pixels."""
    top, bottom, left, right = crop.top, crop.bottom, crop.left, crop.right
    while bottom - top > 1 and right - left > 1:
        part = dead[top:bottom, left:right]
        shares = [part[0].mean(), part[-1].mean(), part[:, 0].mean(), part[:, -1].mean()]
        worst = int(np.argmax(shares))
        if shares[worst] <= share:
            break
        top, bottom = top + (worst == 0), bottom - (worst == 1)
        left, right = left + (worst == 2), right - (worst == 3)
    return Crop(top, bottom, left, right)
