"""Correlation and peak-to-noise images of a one-photon movie: where cells are, and what min_corr and min_pnr mean.

CNMF-E (Zhou et al. 2018) looks for cells where both images are high. They take one pass over the movie and nothing
else, so that thresholds can be chosen from them before anything is processed; the memory does not depend on the length
of the movie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.engines.builtin.cnmfe.cell_filter import filter_cells
from pipeline.engines.builtin.cnmfe.ring import enlarged, reduced
from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.survey import spectral_power
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

# Baseline and noise are taken from a few stretches spread over the movie.
STRETCHES = 4
STRETCH_FRAMES = 128
CHUNK_BYTES = 32 * 2**20
# What stays below this many standard deviations of the noise does not count for the correlation: neighbours share it,
# because the filter has smeared it.
NOISE_SIGMAS = 3.0
# Rows of the images that one thread sums up.
BAND = 16
# Two seeds are at least this many gSig apart.
SEED_DISTANCE = 1.0


class ReadableFrames(Protocol):
    """A movie ``(n_frames, height, width)`` that is read when asked for."""

    @property
    def shape(self) -> tuple[int, int, int]: ...
    def read(self, start: int, stop: int) -> NDArray[np.number]:
        """Frames ``start`` to ``stop`` (exclusive)."""
        ...


@dataclass(frozen=True)
class CorrPnr:
    """The two images ``(height, width)`` float32, and how to read them.

    Attributes
    ----------
    correlation
        Correlation of each pixel's filtered series with those of its 8 neighbours, counting only what exceeds noise.
    pnr
        Peak of the filtered series above its median, in multiples of its noise.
    gSig
        Half-size ``(y, x)`` of a cell, in pixels, that the movie was filtered with.
    """

    correlation: Floats
    pnr: Floats
    gSig: tuple[int, ...]

    def seeds(self, min_corr: float, min_pnr: float) -> NDArray[np.intp]:
        """Pixels ``(n, 2)`` as ``(y, x)`` from which cells would be grown, the best first; takes milliseconds."""
        return find_seeds(self.correlation, self.pnr, self.gSig, min_corr, min_pnr)


def corr_pnr(
    movie: ReadableFrames,
    gSig: tuple[int, ...],
    *,
    center_psf: bool = True,
    ssub: int = 1,
    progress: Callable[[float], None] = lambda done: None,
) -> CorrPnr:
    """Correlation and peak-to-noise image of `movie`, registered or raw.

    Parameters
    ----------
    gSig
        Half-size ``(y, x)`` of a typical cell, in pixels.
    center_psf
        Whether the filter has zero mean (one-photon) or only smoothes.
    ssub
        By how much frames are reduced beforehand: faster, and good enough where cells are large.
    progress
        Called with the fraction done; what it raises stops the work.
    """
    n_frames, height, width = movie.shape[0], -(-movie.shape[1] // ssub), -(-movie.shape[2] // ssub)
    small_gSig = (max(1, round(gSig[0] / ssub)), max(1, round(gSig[1] / ssub)))

    def seen(start: int, stop: int) -> Floats:
        known = reduced(_known(movie.read(start, stop)), ssub)
        return filter_cells(known, small_gSig, center_psf=center_psf)

    median, noise = _baseline(seen, (n_frames, height, width), lambda done: progress(0.2 * done))
    step = int(np.clip(CHUNK_BYTES // (4 * height * width), 1, 256))
    sums = ThresholdedSums(height, width)
    level = np.where(noise > 0, NOISE_SIGMAS * noise, np.inf).astype(np.float32)
    for start in range(0, n_frames, step):
        stop = min(start + step, n_frames)
        sums.add(seen(start, stop), median, level)
        progress(0.2 + 0.8 * stop / n_frames)
    pnr = (sums.highest / np.where(noise > 0, noise, np.inf)).astype(np.float32)
    correlation, pnr = (enlarged(image[None], ssub, movie.shape[1:])[0] for image in (sums.correlation(), pnr))
    return CorrPnr(correlation, pnr, gSig)


def find_seeds(
    correlation: Floats, pnr: Floats, gSig: tuple[int, ...], min_corr: float, min_pnr: float
) -> NDArray[np.intp]:
    """Local maxima of ``correlation * pnr`` at which both reach their least value: ``(n, 2)``, the highest first."""
    score, peaks = peaks_of(correlation, pnr, gSig)
    peaks &= (correlation >= min_corr) & (pnr >= min_pnr)
    # A plateau of equal values counts once.
    labels, n = ndimage.label(peaks, np.ones((3, 3), bool))
    if n == 0:
        return np.zeros((0, 2), np.intp)
    seeds = np.array(ndimage.maximum_position(score, labels, np.arange(1, n + 1)), np.intp)
    return seeds[np.argsort(-score[seeds[:, 0], seeds[:, 1]], kind="stable")]


def peaks_of(correlation: Floats, pnr: Floats, gSig: tuple[int, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """``correlation * pnr`` without single bright pixels, and which pixels ``(height, width)`` are its local maxima."""
    score = ndimage.median_filter(correlation, size=3) * ndimage.median_filter(pnr, size=3)
    size = tuple(2 * max(1, round(SEED_DISTANCE * g)) + 1 for g in gSig)
    return score, (score == ndimage.maximum_filter(score, size=size)) & (score > 0)


def _baseline(
    seen: Callable[[int, int], Floats], shape: tuple[int, int, int], progress: Callable[[float], None]
) -> tuple[Floats, Floats]:
    """Median and noise of each pixel of the filtered movie, from stretches spread over it."""
    n_frames, height, width = shape
    length = min(STRETCH_FRAMES, n_frames)
    starts = np.unique(np.linspace(0, n_frames - length, STRETCHES).astype(int))
    if n_frames <= STRETCHES * STRETCH_FRAMES:
        starts = np.arange(0, max(1, n_frames - length + 1), length)
    medians, power = [], np.zeros((height, width))
    for number, start in enumerate(starts):
        block = seen(int(start), int(start) + length)
        medians.append(np.median(block[:: max(1, length // 64)], axis=0))
        power += spectral_power(block)
        progress((number + 1) / len(starts))
    return np.median(medians, axis=0).astype(np.float32), np.sqrt(power / len(starts)).astype(np.float32)


def _known(frames: NDArray[np.number]) -> Floats:
    """As float32, what is not known (NaN borders) as zero."""
    known = np.asarray(frames, dtype=np.float32)
    return np.nan_to_num(known, nan=0.0) if np.isnan(known).any() else known


class ThresholdedSums:
    """Running sums over frames, from which the peak and the correlation with the 8 neighbours follow."""

    # Half of the neighbours; the others are the same pairs seen from the other pixel.
    DIRECTIONS = ((0, 1), (1, -1), (1, 0), (1, 1))

    def __init__(self, height: int, width: int) -> None:
        self.highest = np.zeros((height, width), np.float32)
        self._n = 0
        self._sum, self._square = np.zeros((height, width)), np.zeros((height, width))
        self._products = np.zeros((len(self.DIRECTIONS), height, width))

    def add(self, block: Floats, median: Floats, level: Floats) -> None:
        """Add frames ``(n, height, width)``; what is not above `level` over `median` counts as zero."""
        self._n += len(block)

        def work(first: int) -> None:
            last = min(first + BAND, block.shape[1])
            _add_band(block, median, level, first, last, self.highest, self._sum, self._square, self._products)

        for _ in in_threads(work, range(0, block.shape[1], BAND)):
            pass

    def correlation(self) -> Floats:
        """Mean correlation with the neighbours, ``(height, width)``; zero where nothing was above the level."""
        height, width = self.highest.shape
        mean = self._sum / max(1, self._n)
        std = np.sqrt(np.maximum(self._square / max(1, self._n) - mean**2, 0))
        total, count = np.zeros((height, width)), np.zeros((height, width))
        for (dy, dx), product in zip(self.DIRECTIONS, self._products, strict=True):
            here = (slice(0, height - dy), slice(max(0, -dx), width - max(0, dx)))
            there = (slice(dy, height), slice(max(0, dx), width + min(0, dx)))
            scale = std[here] * std[there]
            pair = (product[here] / max(1, self._n) - mean[here] * mean[there]) / np.where(scale > 0, scale, np.inf)
            for pixels in (here, there):
                total[pixels] += pair
                count[pixels] += 1
        return np.clip(total / np.maximum(count, 1), -1, 1).astype(np.float32)


@compiled
def _add_band(
    block: Floats,
    median: Floats,
    level: Floats,
    first: int,
    last: int,
    highest: Floats,
    total: Doubles,
    square: Doubles,
    products: Doubles,
) -> None:
    _, height, width = block.shape
    for t in range(len(block)):
        for y in range(first, last):
            for x in range(width):
                value = block[t, y, x] - median[y, x]
                if value > highest[y, x]:
                    highest[y, x] = value
                if value <= level[y, x]:
                    continue
                total[y, x] += value
                square[y, x] += value * value
                if x + 1 < width:
                    other = block[t, y, x + 1] - median[y, x + 1]
                    if other > level[y, x + 1]:
                        products[0, y, x] += value * other
                if y + 1 < height:
                    if x > 0:
                        other = block[t, y + 1, x - 1] - median[y + 1, x - 1]
                        if other > level[y + 1, x - 1]:
                            products[1, y, x] += value * other
                    other = block[t, y + 1, x] - median[y + 1, x]
                    if other > level[y + 1, x]:
                        products[2, y, x] += value * other
                    if x + 1 < width:
                        other = block[t, y + 1, x + 1] - median[y + 1, x + 1]
                        if other > level[y + 1, x + 1]:
                            products[3, y, x] += value * other
