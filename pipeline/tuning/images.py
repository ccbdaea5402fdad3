"""The images that sizes and thresholds are chosen on: mean, local correlation and peak-to-noise ratio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.engines.builtin.cnmfe.corr_pnr import CorrPnr, corr_pnr, peaks_of
from pipeline.tuning.registered import RegisteredPart

Floats = NDArray[np.float32]

_CHUNK_FRAMES = 64


@dataclass(frozen=True)
class TuningImages:
    """What a part of a movie shows.

    Attributes
    ----------
    mean, correlation, pnr
        ``(height, width)`` float32; the last two through a filter of a cell's size (see `corr_pnr`).
    seeds
        ``(n, 3)`` as ``(y, x, peak)``: the pixels of every local maximum of correlation times PNR, the best first. Of
        each peak, the first pixel at which both reach ``min_corr`` and ``min_pnr`` is where a cell is grown from
        (`seeds_above`), so that thresholds need no server.
    gSig
        Half-size ``(y, x)`` of a cell that the movie was filtered with, in pixels.
    n_frames
        How many frames were looked at.
    """

    mean: Floats
    correlation: Floats
    pnr: Floats
    seeds: NDArray[np.intp]
    gSig: tuple[int, int]
    n_frames: int


def tuning_images(
    movie: RegisteredPart,
    gSig: tuple[int, int],
    *,
    center_psf: bool,
    progress: Callable[[float], None] = lambda done: None,
) -> TuningImages:
    """Look at a part of a movie.

    Parameters
    ----------
    movie
        The part, with or without its motion corrected: what moves smears both images.
    center_psf
        Whether the filter has zero mean (one-photon) or only smoothes.
    progress
        Called with the fraction done; what it raises stops the work.
    """
    n_frames, height, width = movie.shape
    total = np.zeros((height, width))
    for start in range(0, n_frames, _CHUNK_FRAMES):
        block = movie.read(start, min(start + _CHUNK_FRAMES, n_frames))
        total += block.sum(axis=0, dtype=np.float64)
        progress(0.2 * min(1.0, (start + _CHUNK_FRAMES) / n_frames))
    found = corr_pnr(movie, gSig, center_psf=center_psf, progress=lambda done: progress(0.2 + 0.8 * done))
    seeds = peak_pixels(found)
    return TuningImages(
        (total / n_frames).astype(np.float32), found.correlation, found.pnr, seeds, (gSig[0], gSig[1]), n_frames
    )


def peak_pixels(found: CorrPnr) -> NDArray[np.intp]:
    """``(n, 3)`` as ``(y, x, peak)``: all pixels of all local maxima, the highest first; equal neighbours are one."""
    score, peaks = peaks_of(found.correlation, found.pnr, found.gSig)
    labels, _ = ndimage.label(peaks, np.ones((3, 3), bool))
    y, x = (axis[::-1] for axis in np.nonzero(peaks))
    order = np.argsort(-score[y, x], kind="stable")
    return np.stack([y[order], x[order], labels[y, x][order]], axis=1).astype(np.intp)


def seeds_above(images: TuningImages, min_corr: float, min_pnr: float) -> NDArray[np.intp]:
    """Seeds ``(n, 2)`` as ``(y, x)`` for two thresholds; what the page does by itself."""
    y, x, peak = images.seeds.T
    passing = (images.correlation[y, x] >= min_corr) & (images.pnr[y, x] >= min_pnr)
    _, first = np.unique(peak[passing], return_index=True)
    return images.seeds[passing][np.sort(first), :2]
