"""Clips of a movie as files that others can play: MP4 and animated GIF."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from nwb_schema.errors import ExportError
from nwb_schema.publishing import partial_path
from pipeline.viewing.pictures import Rgb

# What players keep up with. GIF counts in hundredths of a second, and browsers slow down what is faster than 2 of them.
MOST_HZ = {".mp4": 60.0, ".gif": 50.0}
# 7,600 frames of 480 x 546 take a minute and half a gigabyte as MP4; a GIF is put together in memory.
MOST_PIXELS = {".mp4": 2e9, ".gif": 1.2e8}


@dataclass(frozen=True)
class ClipPlan:
    """Which frames a clip shows, and how fast.

    Attributes
    ----------
    frames
        Numbers of the movie's frames.
    rate_hz
        Frames per second of the clip.
    """

    frames: range
    rate_hz: float

    @property
    def duration_s(self) -> float:
        """How long it plays."""
        return len(self.frames) / self.rate_hz


def plan_clip(suffix: str, first: int, stop: int, rate_hz: float, speed: float) -> ClipPlan:
    """The clip of the frames `first` to `stop` (exclusive), played `speed` times as fast as they were recorded.

    Where players could not keep up, only every second frame is shown, or every third, ...
    """
    wanted = rate_hz * speed
    stride = max(1, int(np.ceil(wanted / MOST_HZ[suffix] - 1e-9)))
    return ClipPlan(range(first, stop, stride), wanted / stride)


def check_clip(out: Path, plan: ClipPlan, height: int, width: int) -> None:
    """Refuse, before any work, a clip that nobody could open.

    Raises
    ------
    ExportError
        With what would make it smaller.
    """
    if not len(plan.frames):
        raise ExportError(out, "has no frame to show", "Let the clip end after it begins.")
    pixels, most = len(plan.frames) * height * width, MOST_PIXELS[out.suffix]
    if pixels > most:
        fit = int(most // (height * width))
        other = "" if out.suffix == ".mp4" else "save it as MP4, "
        raise ExportError(
            out,
            f"would have {len(plan.frames):,} pictures of {height} x {width} px, more than a {out.suffix[1:].upper()} "
            f"of {most:.2g} pixels",
            f"Show at most {fit:,} pictures of this size: {other}choose fewer frames, a higher speed or a smaller "
            "size.",
        )


def write_clip(out: Path, plan: ClipPlan, pictures: Iterator[Rgb], progress: Callable[[float], None]) -> None:
    """Write `pictures` ``(height, width, 3)``, one for each frame of the plan, to `out`, whole or not at all.

    Parameters
    ----------
    progress
        Called with the fraction done; what it raises (a cancellation) stops the work.

    Raises
    ------
    ExportError
        When the file cannot be written.
    """
    temporary = partial_path(out.parent).with_suffix(out.suffix)
    write = _write_gif if out.suffix == ".gif" else _write_mp4
    try:
        write(temporary, plan, _counted(pictures, len(plan.frames), progress))
        temporary.replace(out)
    except OSError as error:
        raise ExportError(out, f"cannot be written ({error})", "Check free space and permissions.") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _counted(pictures: Iterator[Rgb], n: int, progress: Callable[[float], None]) -> Iterator[Rgb]:
    for number, picture in enumerate(pictures):
        yield picture
        progress((number + 1) / n)


def _write_mp4(path: Path, plan: ClipPlan, pictures: Iterator[Rgb]) -> None:
    first = next(pictures)
    height, width = first.shape[:2]
    # Players want even numbers of pixels; what is missing is black.
    size = (width + width % 2, height + height % 2)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), plan.rate_hz, size)
    try:
        if not writer.isOpened():
            raise OSError("OpenCV cannot write MP4 there")
        for picture in itertools.chain([first], pictures):
            even = np.zeros((size[1], size[0], 3), np.uint8)
            even[:height, :width] = picture[..., ::-1]
            writer.write(even)
    finally:
        writer.release()


def _write_gif(path: Path, plan: ClipPlan, pictures: Iterator[Rgb]) -> None:
    def small(picture: Rgb) -> Image.Image:
        return Image.fromarray(picture).quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)

    first = small(next(pictures))
    # In hundredths of a second, as GIF has it.
    duration_ms = 10 * max(2, round(100 / plan.rate_hz))
    first.save(path, save_all=True, append_images=(small(one) for one in pictures), duration=duration_ms, loop=0)
