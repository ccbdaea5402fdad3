"""Finding the first cells: greedy, one after the other, where the residual is most active.

The scheme is CNMF's greedy initialisation with a rolling window (Pnevmatikakis et al. 2016; Giovannucci et al. 2019):
blur with a cell-sized kernel, take the pixel whose best stretch of time holds most energy, fit one rank-1 component
around it, subtract, repeat. Three things are our own:

* Only brightening counts, because calcium transients go up. What goes *down* (noise, motion, neuropil) is used as the
  null instead: it has the same statistics without any cell in it, and tells when to stop.
* A footprint is averaged over the frames in which the candidate is active, so that a silent neighbour does not enter.
* Slow drift is removed in time and the neuropil in space beforehand, for this step only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.threads import in_threads
from pipeline.parameters.groups import Init

Floats = NDArray[np.float32]

# The blur that a cell is looked for with, in units of gSig: a little narrower than the cell, so that neighbours part.
BLUR = 0.65
# Width of the Gaussian whose blur counts as neuropil, in units of gSig.
NEUROPIL = 2.0
# A footprint ends where it falls below this share of its maximum.
EDGE = 0.2
# Active frames: where the candidate's trace exceeds this many of its noise's standard deviations.
ACTIVE = 2.5
# The null's local maxima below which the search stops (see `null_level`).
NULL_QUANTILE = 0.85
NOISE_SIGMAS = 6.0
CHECK_EVERY = 10


@dataclass(frozen=True)
class Candidates:
    """Components found in the shortened movie.

    Attributes
    ----------
    footprints
        ``(n, n_pixels)`` float32 CSR, pixels in C order, maximum 1.
    traces
        ``(n, n_short)`` float32.
    """

    footprints: sparse.csr_array
    traces: Floats


def find_cells(
    short: Floats,
    noise: Floats,
    params: Init,
    *,
    short_rate_hz: float,
    factor: int,
    border_pix: int,
    progress: Callable[[float], None],
) -> Candidates:
    """Find components in a shortened movie.

    Parameters
    ----------
    short
        ``(n_short, height, width)``: the movie averaged over `factor` frames.
    noise
        ``(height, width)``: noise of one pixel in one frame of the full movie.
    params
        The group ``init``: K, gSig, gSiz, rolling_sum, rolling_length, normalize_init.
    short_rate_hz
        Frames per second of `short`.
    border_pix
        Pixels at each border in which no cell may be centred.
    """
    _, height, width = short.shape
    floor = np.median(noise[noise > 0]) if (noise > 0).any() else 0.0
    if floor == 0:
        return _nothing(short)
    # A dead pixel has no noise; dividing by its own would make it the most active of all.
    scale = np.maximum(noise, 0.2 * floor) if params.normalize_init else np.full_like(noise, floor)
    residual = _flattened(short, short_rate_hz)
    residual *= np.float32(np.sqrt(factor)) / scale
    blur = tuple(BLUR * g for g in params.gSig)
    _blur_in_place(residual, tuple(NEUROPIL * g for g in params.gSig), subtract=True)
    blurred = residual.copy()
    _blur_in_place(blurred, blur, subtract=False)
    blurred *= np.float32(_gain(blur))
    window = max(1, min(len(short), params.rolling_length // factor if params.rolling_sum else len(short)))
    search = _Search(residual, blurred, blur, window, params, border_pix)
    most = params.K if params.K is not None else int(height * width / (np.pi * params.gSig[0] * params.gSig[1]))
    search.run(most, automatic=params.K is None, progress=progress)
    if not search.footprints:
        return _nothing(short)
    # Back from multiples of the noise to the units of the movie.
    scaled = sparse.vstack(search.footprints, format="csr").multiply(scale.ravel() / np.float32(np.sqrt(factor)))
    peaks = scaled.max(axis=1).toarray().astype(np.float32).ravel()
    footprints = sparse.csr_array(sparse.diags_array(1 / peaks) @ scaled, dtype=np.float32)
    return Candidates(footprints, np.stack(search.traces) * peaks[:, None])


class _Search:
    """The residual movie and its activity image, kept up to date while components are taken out."""

    def __init__(
        self,
        residual: Floats,
        blurred: Floats,
        blur: tuple[float, ...],
        window: int,
        params: Init,
        border_pix: int,
    ) -> None:
        self.footprints: list[sparse.csr_array] = []
        self.traces: list[Floats] = []
        self._residual, self._blurred, self._blur, self._window = residual, blurred, blur, window
        self._gSig = params.gSig
        self._box = params.gSiz if params.gSiz is not None else (2 * params.gSig[0] + 1, 2 * params.gSig[1] + 1)
        self._reach = tuple(int(np.ceil(3 * b)) for b in blur)
        shape = residual.shape[1:]
        self._up = np.zeros(shape, np.float32)
        self._down = np.zeros(shape, np.float32)
        self._allowed = np.ones(shape, bool)
        if border_pix:
            self._allowed[:] = False
            self._allowed[border_pix:-border_pix, border_pix:-border_pix] = True
        self._refresh(slice(0, shape[0]), slice(0, shape[1]))

    def run(self, most: int, *, automatic: bool, progress: Callable[[float], None]) -> None:
        """Take out components until there are `most`, or (`automatic`) until what is left looks like the null."""
        level, tried = 0.0, 0
        while len(self.footprints) < most and tried < 4 * most + 50:
            if automatic and tried % CHECK_EVERY == 0:
                level = max(null_level(self._down, self._gSig), white_noise_level(self._window))
            activity = np.where(self._allowed, self._up, 0)
            y, x = divmod(int(activity.argmax()), activity.shape[1])
            if activity[y, x] <= level:
                break
            tried += 1
            self._take(y, x)
            progress(min(1.0, len(self.footprints) / most))

    def _take(self, y: int, x: int) -> None:
        height, width = self._residual.shape[1:]
        rows = slice(max(0, y - self._box[0]), min(height, y + self._box[0] + 1))
        columns = slice(max(0, x - self._box[1]), min(width, x + self._box[1] + 1))
        box = self._residual[:, rows, columns]
        footprint, trace = fit_one(box, (y - rows.start, x - columns.start), self._blur)
        # Whatever comes of it, the same spot is not tried again: a fit that fails once would fail for ever.
        self._allowed[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = False
        if not footprint.any():
            return
        box -= trace[:, None, None] * footprint
        grown_rows = slice(max(0, rows.start - self._reach[0]), min(height, rows.stop + self._reach[0]))
        grown_columns = slice(max(0, columns.start - self._reach[1]), min(width, columns.stop + self._reach[1]))
        whole = np.zeros((height, width), np.float32)
        whole[rows, columns] = footprint
        smeared = cv2.GaussianBlur(
            whole, (0, 0), sigmaX=self._blur[1], sigmaY=self._blur[0], borderType=cv2.BORDER_REFLECT
        ) * np.float32(_gain(self._blur))
        # Blurring is linear, so the blurred residual needs no second blur.
        self._blurred[:, grown_rows, grown_columns] -= trace[:, None, None] * smeared[grown_rows, grown_columns]
        self._refresh(grown_rows, grown_columns)
        # Dendrites and boutons are active, too: they are taken out of the residual, but they are no cells.
        row = sparse.csr_array(whole.reshape(1, -1))
        if cell_sized(row, width, self._gSig)[0]:
            self.footprints.append(row)
            self.traces.append(trace)

    def _refresh(self, rows: slice, columns: slice) -> None:
        part = np.ascontiguousarray(self._blurred[:, rows, columns])
        self._up[rows, columns], self._down[rows, columns] = rolling_energy(part, self._window)


def fit_one(box: Floats, seed: tuple[int, int], blur: tuple[float, ...]) -> tuple[Floats, Floats]:
    """One component around a seed: footprint ``(h, w)`` with maximum 1, non-negative trace ``(n_short,)``.

    Alternates between the trace (projection onto the footprint) and the footprint (mean of the frames in which the
    trace is active, cut at a share of its maximum to the piece that holds the seed).
    """
    n_short, height, width = box.shape
    flat = box.reshape(n_short, -1)
    rows, columns = np.mgrid[:height, :width]
    weights = np.exp(-(((rows - seed[0]) / blur[0]) ** 2 + ((columns - seed[1]) / blur[1]) ** 2) / 2)
    footprint = weights.astype(np.float32).ravel()
    nothing = np.zeros((height, width), np.float32), np.zeros(n_short, np.float32)
    for _ in range(4):
        trace = flat @ footprint / np.float32(footprint @ footprint)
        spread = 1.4826 * np.median(np.abs(trace - np.median(trace)))
        active = np.where(trace - np.median(trace) > ACTIVE * spread, trace, 0)
        if active.max() <= 0:
            return nothing
        image = (active @ flat / np.float32(active @ active)).reshape(height, width)
        smooth = ndimage.gaussian_filter(image, 0.6)
        peak = smooth[max(0, seed[0] - 2) : seed[0] + 3, max(0, seed[1] - 2) : seed[1] + 3].max()
        if peak <= 0:
            return nothing
        labels, _ = ndimage.label(smooth > EDGE * peak)
        near = labels[max(0, seed[0] - 2) : seed[0] + 3, max(0, seed[1] - 2) : seed[1] + 3]
        label = np.bincount(near[near > 0]).argmax()
        kept = ndimage.binary_fill_holes(labels == label)
        footprint = np.where(kept, np.maximum(image, 0), 0).astype(np.float32).ravel()
        if footprint.max() <= 0:
            return nothing
        footprint /= footprint.max()
    trace = flat @ footprint / np.float32(footprint @ footprint)
    return footprint.reshape(height, width), np.maximum(trace, 0)


def null_level(down: Floats, gSig: tuple[int, int]) -> float:
    """How much activity a place without a cell reaches: a high quantile of the local maxima of downward activity.

    Noise, motion and neuropil go up as often as down; transients only go up.
    """
    size = tuple(2 * g + 1 for g in gSig)
    maxima = down[(down == ndimage.maximum_filter(down, size=size)) & (down > 0)]
    return float(np.quantile(maxima, NULL_QUANTILE)) if len(maxima) else 0.0


def white_noise_level(window: int) -> float:
    """What a rolling mean of upward squares hardly ever reaches in white noise of variance 1.

    The squares of the upward half have mean 1/2 and variance 5/4. Without this floor, a movie of noise alone would
    yield the top tenth of its own maxima.
    """
    return 0.5 + NOISE_SIGMAS * float(np.sqrt(1.25 / window))


@compiled
def rolling_energy(blurred: Floats, window: int) -> tuple[Floats, Floats]:
    """Largest rolling mean of squares over time, of the upward and of the downward parts: two images.

    `blurred` is ``(n_short, height, width)``; `window` is at most n_short.
    """
    n, height, width = blurred.shape
    up_best = np.zeros((height, width), np.float32)
    down_best = np.zeros((height, width), np.float32)
    up = np.zeros((height, width), np.float32)
    down = np.zeros((height, width), np.float32)
    for t in range(n):
        for y in range(height):
            for x in range(width):
                value = blurred[t, y, x]
                if value > 0:
                    up[y, x] += value * value
                else:
                    down[y, x] += value * value
                if t >= window:
                    old = blurred[t - window, y, x]
                    if old > 0:
                        up[y, x] -= old * old
                    else:
                        down[y, x] -= old * old
                if t >= window - 1:
                    up_best[y, x] = max(up_best[y, x], up[y, x])
                    down_best[y, x] = max(down_best[y, x], down[y, x])
    return up_best / np.float32(window), down_best / np.float32(window)


def _flattened(short: Floats, rate_hz: float) -> Floats:
    """`short` without each pixel's slowly changing baseline: medians of about a minute, joined by straight lines."""
    n = len(short)
    pieces = max(1, round(n / rate_hz / 60))
    edges = np.linspace(0, n, pieces + 1).astype(int)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    step = max(1, n // pieces // 200)  # a median of 200 frames is good enough and costs less
    levels = np.stack([np.median(short[a:b:step], axis=0) for a, b in pairwise(edges)])
    out = np.empty_like(short)
    for t in range(n):
        right = int(np.clip(np.searchsorted(centres, t), 1, max(1, pieces - 1)))
        if pieces == 1:
            out[t] = short[t] - levels[0]
            continue
        share = np.clip((t - centres[right - 1]) / (centres[right] - centres[right - 1]), 0, 1)
        out[t] = short[t] - ((1 - share) * levels[right - 1] + share * levels[right])
    return out


def _blur_in_place(movie: Floats, sigma: tuple[float, ...], *, subtract: bool) -> None:
    """Blur every frame of `movie` with a Gaussian, or subtract the blurred frame from it."""

    def work(start: int) -> None:
        for image in movie[start : start + 32]:
            blurred = cv2.GaussianBlur(image, (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_REFLECT)
            image[:] = image - blurred if subtract else blurred

    for _ in in_threads(work, range(0, len(movie), 32)):
        pass


def _gain(sigma: tuple[float, ...]) -> float:
    """What a Gaussian blur has to be multiplied with so that white noise keeps its variance."""
    size = 2 * int(np.ceil(4 * max(sigma))) + 1
    impulse = np.zeros((size, size), np.float32)
    impulse[size // 2, size // 2] = 1
    kernel = cv2.GaussianBlur(impulse, (0, 0), sigmaX=sigma[1], sigmaY=sigma[0], borderType=cv2.BORDER_REFLECT)
    return float(1 / np.sqrt((kernel**2).sum()))


def _nothing(short: Floats) -> Candidates:
    n_short, height, width = short.shape
    return Candidates(sparse.csr_array((0, height * width), dtype=np.float32), np.zeros((0, n_short), np.float32))
