"""The first pass over the registered movie: summary images, noise, and a copy shortened in time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

# Cells are looked for in a copy averaged in time to this size at most: memory does not grow with the recording.
SHORT_COPY_BYTES = 384 * 2**20
NOISE_FRAMES = 3072
# Pixels that one thread works on at a time.
PIXELS_AT_ONCE = 4096


@dataclass(frozen=True)
class Survey:
    """What one pass over the movie tells.

    Attributes
    ----------
    images
        ``mean``, ``max``, ``std``, ``correlation`` (with the 8 neighbours), ``pnr`` (peak above the mean over the
        noise): ``(height, width)`` float32, for volumes ``(height, width, depth)``.
    noise
        The same shape, float32: standard deviation of each pixel's noise, from the upper half of its spectrum.
    short
        ``(n_short, height, width[, depth])`` float32: means of `factor` frames.
    factor
        Frames averaged into one of `short`.
    """

    images: Mapping[str, Floats]
    noise: Floats
    short: Floats
    factor: int


def survey(frames: Frames, tsub: int, progress: Callable[[float], None]) -> Survey:
    """Pass over `frames` once.

    Parameters
    ----------
    frames
        The registered movie.
    tsub
        Frames to average in the short copy; more when the copy would become too large for memory.
    """
    n_frames, field = frames.shape[0], frames.shape[1:]
    factor = max(1, tsub, -(-n_frames * math.prod(field) * 4 // SHORT_COPY_BYTES))
    factor = min(factor, n_frames)
    short = np.zeros((-(-n_frames // factor), *field), np.float32)
    sums = _Sums(field)
    power, weight = np.zeros(field), 0
    every = max(1, n_frames // NOISE_FRAMES)
    for number, (start, block) in enumerate(frames.chunks(progress)):
        bins = (start + np.arange(len(block))) // factor
        sums.add(block, bins, short)
        if (number % every == 0 and len(block) >= 16) or weight == 0:
            power += spectral_power(block) * len(block)
            weight += len(block)
    counts = np.bincount(np.arange(n_frames) // factor).astype(np.float32)
    short /= counts.reshape(-1, *(1 for _ in field))
    noise = np.sqrt(power / weight).astype(np.float32)
    mean, std, correlation = sums.images()
    highest = sums.highest
    pnr = (highest - mean) / np.where(noise > 0, noise, np.inf)
    images = {"mean": mean, "max": highest, "std": std, "correlation": correlation, "pnr": pnr.astype(np.float32)}
    return Survey(images, noise, short, factor)


def spectral_power(block: Floats) -> NDArray[np.float64]:
    """Variance of white noise in each series of `block` ``(n_frames, ...)``, from its power above 0.25 cycles/frame.

    Calcium is slow, so that half of the spectrum holds noise alone (CaImAn and CNMF estimate noise in this way).
    """
    n = len(block)
    variance = np.zeros(block.shape[1:])
    # The highest frequency of an even number of frames has one degree of freedom instead of two.
    bins = slice(n // 4 + 1, n // 2 if n % 2 == 0 and n // 2 > n // 4 + 1 else None)
    rows = max(1, PIXELS_AT_ONCE // math.prod(block.shape[2:]))

    def work(first: int) -> None:
        part = block[:, first : first + rows]
        spectrum = fft.rfft(part - part.mean(axis=0), axis=0)[bins]
        if len(spectrum):
            power = spectrum.real**2 + spectrum.imag**2
            variance[first : first + rows] = power.mean(axis=0, dtype=np.float64) / n

    for _ in in_threads(work, range(0, block.shape[1], rows)):
        pass
    return variance


class _Sums:
    """Running sums for the mean, the standard deviation and the correlation with the 8 neighbours in the plane.

    In a volume the neighbours above and below do not count: planes lie several times farther apart than pixels.

    Attributes
    ----------
    highest
        The field's shape, float32: the largest value of each pixel.
    """

    # Half of the neighbours; the other half are the same pairs seen from the other pixel. As in `_add_frames`.
    DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))

    def __init__(self, field: tuple[int, ...]) -> None:
        self._n = 0
        self._offset: Floats | None = None
        self._sum = np.zeros(field)
        self._square = np.zeros(field)
        self._products = np.zeros((len(self.DIRECTIONS), *field))
        self.highest = np.full(field, -np.inf, np.float32)

    def add(self, block: Floats, bins: NDArray[np.intp], short: Floats) -> None:
        """Add the frames of `block`; and each to the frame of `short` that `bins` ``(n_frames,)`` names."""
        if self._offset is None:
            self._offset = block.mean(axis=0)  # sums of squares of large numbers would lose the variance
        self._n += len(block)
        height, depth = block.shape[1], math.prod(block.shape[3:])
        lines = (len(block), height, -1)
        offset, highest = self._offset.reshape(height, -1), self.highest.reshape(height, -1)
        total, square = self._sum.reshape(height, -1), self._square.reshape(height, -1)
        products = self._products.reshape(len(self.DIRECTIONS), height, -1)
        rows = max(1, PIXELS_AT_ONCE // math.prod(block.shape[2:]))
        flat, shorter = block.reshape(lines), short.reshape(len(short), height, -1)

        def work(first: int) -> None:
            last = min(first + rows, height)
            _add_frames(flat, first, last, depth, bins, offset, total, square, highest, products, shorter)

        for _ in in_threads(work, range(0, height, rows)):
            pass

    def images(self) -> tuple[Floats, Floats, Floats]:
        """Mean, standard deviation and local correlation, each of the field's shape, float32."""
        if self._offset is None:
            raise ValueError("no frames were added")
        mean = self._sum / self._n
        variance = np.maximum(self._square / self._n - mean**2, 0)
        std = np.sqrt(variance)
        total, neighbours = np.zeros_like(mean), np.zeros_like(mean)
        for (dy, dx), product in zip(self.DIRECTIONS, self._products, strict=True):
            here, there = _pair_slices(dy, dx)
            scale = std[here] * std[there]
            pair = (product[here] / self._n - mean[here] * mean[there]) / np.where(scale > 0, scale, np.inf)
            for pixels in (here, there):
                total[pixels] += pair
                neighbours[pixels] += 1
        correlation = total / np.maximum(neighbours, 1)
        return (
            (mean + self._offset).astype(np.float32),
            std.astype(np.float32),
            np.clip(correlation, -1, 1).astype(np.float32),
        )


@compiled
def _add_frames(
    block: Floats,
    first: int,
    last: int,
    depth: int,
    bins: NDArray[np.intp],
    offset: Floats,
    total: NDArray[np.float64],
    square: NDArray[np.float64],
    highest: Floats,
    products: NDArray[np.float64],
    short: Floats,
) -> None:
    """Add the rows `first` to `last` of the frames `block` ``(n_frames, height, width * depth)`` to all sums at once.

    `products` are those with the right neighbour and with the three below, in the order of `_Sums.DIRECTIONS`.
    """
    n_frames, height, length = block.shape
    inner = length - depth
    sums = np.empty((6, length), np.float32)
    here, below = np.empty(length, np.float32), np.zeros(length, np.float32)
    for y in range(first, last):
        sums[:] = 0
        own, own_square, right, under, under_right, under_left = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
        most, level = highest[y], offset[y]
        next_level = offset[min(y + 1, height - 1)]
        for t in range(n_frames):
            line, next_line, mean = block[t, y], block[t, min(y + 1, height - 1)], short[bins[t], y]
            for x in range(length):
                value = line[x]
                mean[x] += value
                most[x] = max(most[x], value)
                here[x] = value - level[x]
                below[x] = next_line[x] - next_level[x]
                own[x] += here[x]
                own_square[x] += here[x] * here[x]
                under[x] += here[x] * below[x]
            for x in range(inner):
                right[x] += here[x] * here[x + depth]
                under_right[x] += here[x] * below[x + depth]
                under_left[x + depth] += here[x + depth] * below[x]
        total[y] += own
        square[y] += own_square
        products[0, y] += right
        if y + 1 < height:
            products[1, y] += under
            products[2, y] += under_right
            products[3, y] += under_left


def _pair_slices(dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of an image and of the same image moved by one pixel, so that they pair each pixel with a neighbour."""
    columns = (slice(None, -1), slice(1, None)) if dx > 0 else (slice(1, None), slice(None, -1))
    here_x, there_x = columns if dx else (slice(None), slice(None))
    here_y, there_y = (slice(None, -1), slice(1, None)) if dy else (slice(None), slice(None))
    return (here_y, here_x), (there_y, there_x)
