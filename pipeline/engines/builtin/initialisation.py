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

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.shape import cell_sized
from pipeline.engines.builtin.smoothing import blurred, noise_gain
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
# The null's local maxima below which the search stops (see `null_level`). Low, so that dim cells are found: what is no
# cell among them, the evaluation rejects (with 0.85, cells at 0.3 of the usual brightness were found to four fifths).
NULL_QUANTILE = 0.7
NOISE_SIGMAS = 6.0
# Candidates that are taken out side by side.
AT_ONCE = 8
# Pixels whose activity one thread follows at a time.
PIXELS_AT_ONCE = 8192
# Pixels around a seed (y, x, z) in which a footprint's brightest point may lie, and which no other seed may have.
CLOSE_TO = (2, 2, 1)
NEXT_TO = (1, 1, 1)


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
    allowed: NDArray[np.bool_] | None = None,
    short_rate_hz: float,
    factor: int,
    progress: Callable[[float], None],
) -> Candidates:
    """Find components in a shortened movie.

    Parameters
    ----------
    short
        ``(n_short, height, width[, depth])``: the movie averaged over `factor` frames.
    noise
        ``(height, width[, depth])``: noise of one pixel in one frame of the full movie.
    params
        The group ``init``: K, gSig, gSiz, rolling_sum, rolling_length, normalize_init.
    short_rate_hz
        Frames per second of `short`.
    allowed
        ``(height, width[, depth])``: where cells may be centred; everywhere when not given.
    """
    field = short.shape[1:]
    floor = np.median(noise[noise > 0]) if (noise > 0).any() else 0.0
    if floor == 0:
        return _nothing(short)
    # A dead pixel has no noise; dividing by its own would make it the most active of all.
    scale = np.maximum(noise, 0.2 * floor) if params.normalize_init else np.full_like(noise, floor)
    residual = flattened(short, short_rate_hz, progress)
    residual *= np.float32(np.sqrt(factor)) / scale
    blur = tuple(BLUR * g for g in params.gSig)
    _blur_in_place(residual, tuple(NEUROPIL * g for g in params.gSig), progress, subtract=True)
    smooth = residual.copy()
    _blur_in_place(smooth, blur, progress, subtract=False)
    smooth *= noise_gain(blur, field)
    progress(0.0)
    window = max(1, min(len(short), params.rolling_length // factor if params.rolling_sum else len(short)))
    search = _Search(residual, smooth, blur, window, params, allowed)
    progress(0.0)
    # As many as would fill the field: discs in a plane, balls in a volume.
    one = math.prod(params.gSig) * (np.pi if len(field) == 2 else 4 / 3 * np.pi)
    most = params.K if params.K is not None else int(math.prod(field) / one)
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
        smooth: Floats,
        blur: tuple[float, ...],
        window: int,
        params: Init,
        allowed: NDArray[np.bool_] | None,
    ) -> None:
        self.footprints: list[sparse.csr_array] = []
        self.traces: list[Floats] = []
        self._residual, self._smooth, self._blur, self._window = residual, smooth, blur, window
        self._gSig = params.gSig
        self._box = params.gSiz if params.gSiz is not None else tuple(2 * g + 1 for g in params.gSig)
        self._reach = tuple(int(np.ceil(3 * b)) for b in blur)
        self._field = residual.shape[1:]
        self._gain = noise_gain(blur, self._field)
        self._up = np.zeros(self._field, np.float32)
        self._down = np.zeros(self._field, np.float32)
        self._allowed = np.ones(self._field, bool) if allowed is None else allowed.copy()
        self._refresh(tuple(slice(0, length) for length in self._field))

    def run(self, most: int, *, automatic: bool, progress: Callable[[float], None]) -> None:
        """Take out components until there are `most`, or (`automatic`) until what is left looks like the null.

        Candidates so far apart that none touches what another changes are taken out side by side: the result is that of
        taking them one after the other.
        """
        tried = 0
        while len(self.footprints) < most and tried < 4 * most + 50:
            level = max(null_level(self._down, self._gSig), white_noise_level(self._window)) if automatic else 0.0
            seeds = self._candidates(min(AT_ONCE, most - len(self.footprints)), level)
            if not seeds:
                break
            tried += len(seeds)
            for row, trace in filter(None, in_threads(self._take, seeds)):
                self.footprints.append(row)
                self.traces.append(trace)
            progress(min(1.0, len(self.footprints) / most))

    def _candidates(self, most: int, level: float) -> list[tuple[int, ...]]:
        """The most active pixels above `level`, the first of which is the highest of all."""
        activity = np.where(self._allowed, self._up, 0)
        apart = tuple(2 * (box + reach) for box, reach in zip(self._box, self._reach, strict=False))
        seeds: list[tuple[int, ...]] = []
        while len(seeds) < most:
            seed = tuple(int(axis) for axis in np.unravel_index(int(activity.argmax()), self._field))
            if activity[seed] <= level:
                break
            seeds.append(seed)
            activity[around(seed, apart, self._field)] = 0
        return seeds

    def _take(self, seed: tuple[int, ...]) -> tuple[sparse.csr_array, Floats] | None:
        """Take out what is at `seed`; its footprint and trace when it is a cell."""
        window = around(seed, self._box, self._field)
        box = self._residual[(slice(None), *window)]
        inside = tuple(centre - part.start for centre, part in zip(seed, window, strict=True))
        footprint, trace = fit_one(box, inside, self._blur)
        # Whatever comes of it, the same spot is not tried again: a fit that fails once would fail for ever.
        self._allowed[around(seed, NEXT_TO, self._field)] = False
        if not footprint.any():
            return None
        course = trace.reshape(-1, *(1 for _ in self._field))
        box -= course * footprint
        whole = np.zeros(self._field, np.float32)
        whole[window] = footprint
        grown = tuple(
            slice(max(0, part.start - reach), min(length, part.stop + reach))
            for part, reach, length in zip(window, self._reach, self._field, strict=True)
        )
        smeared = blurred(whole, self._blur) * self._gain
        # Blurring is linear, so the blurred residual needs no second blur.
        self._smooth[(slice(None), *grown)] -= course * smeared[grown]
        self._refresh(grown)
        # Dendrites and boutons are active, too: they are taken out of the residual, but they are no cells.
        row = sparse.csr_array(whole.reshape(1, -1))
        return (row, trace) if cell_sized(row, self._field, self._gSig)[0] else None

    def _refresh(self, window: tuple[slice, ...]) -> None:
        self._up[window], self._down[window] = rolling_energy(self._smooth[(slice(None), *window)], self._window)


def around(seed: tuple[int, ...], reach: tuple[int, ...], field: tuple[int, ...]) -> tuple[slice, ...]:
    """The box `reach` pixels to every side of `seed`, cut at the borders of `field`."""
    return tuple(
        slice(max(0, centre - far), min(length, centre + far + 1))
        for centre, far, length in zip(seed, reach, field, strict=False)
    )


def fit_one(box: Floats, seed: tuple[int, ...], blur: tuple[float, ...]) -> tuple[Floats, Floats]:
    """One component around a seed: footprint ``(h, w[, d])`` with maximum 1, non-negative trace ``(n_short,)``.

    Alternates between the trace (projection onto the footprint) and the footprint (mean of the frames in which the
    trace is active, cut at a share of its maximum to the piece that holds the seed).
    """
    n_short, shape = len(box), box.shape[1:]
    flat = box.reshape(n_short, -1)
    axes = np.indices(shape)
    distance = [((axis - centre) / b) ** 2 for axis, centre, b in zip(axes, seed, blur, strict=True)]
    footprint = np.exp(-sum(distance) / 2).astype(np.float32).ravel()
    nothing = np.zeros(shape, np.float32), np.zeros(n_short, np.float32)
    near = around(seed, CLOSE_TO, shape)
    for _ in range(4):
        trace = flat @ footprint / np.float32(footprint @ footprint)
        spread = 1.4826 * np.median(np.abs(trace - np.median(trace)))
        active = np.where(trace - np.median(trace) > ACTIVE * spread, trace, 0)
        if active.max() <= 0:
            return nothing
        image = (active @ flat / np.float32(active @ active)).reshape(shape)
        smooth = ndimage.gaussian_filter(image, 0.6)
        peak = smooth[near].max()
        if peak <= 0:
            return nothing
        labels, _ = ndimage.label(smooth > EDGE * peak)
        label = np.bincount(labels[near][labels[near] > 0]).argmax()
        kept = ndimage.binary_fill_holes(labels == label)
        footprint = np.where(kept, np.maximum(image, 0), 0).astype(np.float32).ravel()
        if footprint.max() <= 0:
            return nothing
        footprint /= footprint.max()
    trace = flat @ footprint / np.float32(footprint @ footprint)
    return footprint.reshape(shape), np.maximum(trace, 0)


def null_level(down: Floats, gSig: tuple[int, ...]) -> float:
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


def rolling_energy(smooth: Floats, window: int) -> tuple[Floats, Floats]:
    """Largest rolling mean of squares over time, of the upward and of the downward parts: two images.

    `smooth` is ``(n_short, height, width[, depth])``; `window` is at most n_short.
    """
    field = smooth.shape[1:]
    up, down = np.empty(field, np.float32), np.empty(field, np.float32)
    rows = max(1, PIXELS_AT_ONCE // math.prod(field[1:]))

    def work(first: int) -> None:
        part = np.ascontiguousarray(smooth[:, first : first + rows])
        found = _rolling_energy(part.reshape(len(part), -1), window)
        for image, values in zip((up, down), found, strict=True):
            image[first : first + rows] = values.reshape(part.shape[1:])

    if field[0] <= rows:
        work(0)
    else:
        for _ in in_threads(work, range(0, field[0], rows)):
            pass
    return up, down


@compiled
def _rolling_energy(smooth: Floats, window: int) -> tuple[Floats, Floats]:
    n, n_pixels = smooth.shape
    up_best = np.zeros(n_pixels, np.float32)
    down_best = np.zeros(n_pixels, np.float32)
    up = np.zeros(n_pixels, np.float32)
    down = np.zeros(n_pixels, np.float32)
    nothing = np.float32(0)
    # Written without branches, so that several pixels are followed in one instruction.
    for t in range(n):
        for pixel in range(n_pixels):
            value = smooth[t, pixel]
            above = max(value, nothing)
            below = min(value, nothing)
            up[pixel] += above * above
            down[pixel] += below * below
        if t >= window:
            for pixel in range(n_pixels):
                value = smooth[t - window, pixel]
                above = max(value, nothing)
                below = min(value, nothing)
                up[pixel] -= above * above
                down[pixel] -= below * below
        if t >= window - 1:
            for pixel in range(n_pixels):
                up_best[pixel] = max(up_best[pixel], up[pixel])
                down_best[pixel] = max(down_best[pixel], down[pixel])
    return up_best / np.float32(window), down_best / np.float32(window)


def flattened(short: Floats, rate_hz: float, tick: Callable[[float], None] = lambda _: None) -> Floats:
    """`short` without each pixel's slowly changing baseline: medians of about a minute, joined by straight lines.

    `tick` is called with 0 again and again, so that a cancel is noticed.
    """
    n = len(short)
    pieces = max(1, round(n / rate_hz / 60))
    edges = np.linspace(0, n, pieces + 1).astype(int)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    step = max(1, n // pieces // 200)  # a median of 200 frames is good enough and costs less
    right = np.clip(np.searchsorted(centres, np.arange(n)), 1, max(1, pieces - 1))
    width = centres[right] - centres[right - 1] if pieces > 1 else np.ones(n)
    share = np.clip((np.arange(n) - centres[right - 1]) / width, 0, 1).astype(np.float32) if pieces > 1 else None
    out = np.empty_like(short)
    rows = max(1, PIXELS_AT_ONCE // math.prod(short.shape[2:]))

    def work(first: int) -> None:
        part = (slice(None), slice(first, first + rows))
        levels = [np.median(short[a:b:step, first : first + rows], axis=0) for a, b in pairwise(edges)]
        if share is None:
            np.subtract(short[part], levels[0], out=out[part])
            return
        for t in range(n):
            before, after = levels[right[t] - 1], levels[right[t]]
            out[t, first : first + rows] = short[t, first : first + rows] - (before + share[t] * (after - before))

    for _ in in_threads(work, range(0, short.shape[1], rows)):
        tick(0.0)
    return out


def _blur_in_place(movie: Floats, sigma: tuple[float, ...], tick: Callable[[float], None], *, subtract: bool) -> None:
    """Blur every frame of `movie` with a Gaussian, or subtract the blurred frame; for `tick` see `flattened`."""
    # A volume counts as many frames as it has planes.
    step = max(1, 32 // math.prod(movie.shape[3:]))

    def work(start: int) -> None:
        for image in movie[start : start + step]:
            smooth = blurred(image, sigma)
            image[:] = image - smooth if subtract else smooth

    for _ in in_threads(work, range(0, len(movie), step)):
        tick(0.0)


def _nothing(short: Floats) -> Candidates:
    n_pixels = math.prod(short.shape[1:])
    return Candidates(sparse.csr_array((0, n_pixels), dtype=np.float32), np.zeros((0, len(short)), np.float32))
