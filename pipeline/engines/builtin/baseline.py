"""Where traces rest: their mode, and percentiles that move along with them.

Definitions are CaImAn's, found by fitting candidates to what it saved (its C and YrA as input, its SNR_comp and F_dff
as the answer), so that scores and dF/F of both engines mean the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, optimize

from pipeline.engines.builtin.threads import in_threads

Doubles = NDArray[np.float64]

# Frames that a running baseline is taken over.
WINDOW = 500
# The baseline of the signal-to-noise ratio: this many blocks a trace, none longer than this many frames (the second
# is our own, so that the baseline of a long recording follows its bleaching; CaImAn's results at hand are short).
BLOCKS = 5
LONGEST_BLOCK = 800
# Cells of the histogram that a density is estimated from, and how far it reaches beyond the data on each side.
DENSITY_CELLS = 2**12
# Leading terms of its cosine transform; the bandwidth leaves nothing of the others.
TERMS = 2**10
DENSITY_MARGIN = 0.1


def half_sample_mode(ordered: Doubles) -> float:
    """Mode of sorted values: the shortest half of the sample, of that half, and so on (Bickel & Fruehwirth 2006).

    As CaImAn has it, with which scores agree to 1e-7: halves begin in the lower half of the values only, and of three
    values the lower two count when they are closer, else the middle one.
    """
    while len(ordered) > 3:
        half = (len(ordered) + 1) // 2
        starts = min(half, len(ordered) - half + 1)
        start = int(np.argmin(ordered[half - 1 : half - 1 + starts] - ordered[:starts]))
        ordered = ordered[start : start + half]
    if len(ordered) == 3:
        lower, upper = np.diff(ordered)
        return float(ordered[:2].mean() if lower < upper else ordered[1])
    return float(ordered.mean()) if len(ordered) else 0.0


def block_percentile(traces: Doubles, percentile: float) -> Doubles:
    """A slow baseline of traces ``(n, n_frames)``: a percentile of each block of a fifth, joined by a cubic spline."""
    n, n_frames = traces.shape
    block = max(1, min(n_frames // BLOCKS, LONGEST_BLOCK))
    blocks = -(-n_frames // block)
    missing = blocks * block - n_frames
    before = missing // 2
    padded = np.pad(traces, ((0, 0), (before, missing - before)), mode="reflect" if n_frames > block else "edge")
    levels = np.percentile(padded.reshape(n, blocks, block), percentile, axis=2)
    smooth: Doubles = ndimage.zoom(levels, (1, block), order=min(3, blocks - 1), mode="mirror") if n else padded
    return smooth[:, before : before + n_frames]


def running_percentile(traces: Doubles, percentiles: Doubles, window: int = WINDOW) -> Doubles:
    """A percentile of each trace in a window that moves along, mirrored at the ends.

    Parameters
    ----------
    traces
        ``(n, n_frames)``.
    percentiles
        ``(n,)``: 0 to 100, of each trace.
    window
        Frames; of a shorter trace all frames count, at each moment.
    """
    n, n_frames = traces.shape
    out = np.empty((n, n_frames))

    def work(row: int) -> None:
        if n_frames <= window:
            out[row] = np.percentile(traces[row], percentiles[row])
        else:
            out[row] = ndimage.percentile_filter(traces[row], percentiles[row], size=window)

    for _ in in_threads(work, range(n)):
        pass
    return out


def mode_percentile(values: Doubles) -> float:
    """The percentile (0 to 100) that the mode of `values` is, the mode being that of a kernel density estimate."""
    lowest, highest = float(values.min()), float(values.max())
    if not highest > lowest:
        return 50.0
    margin = DENSITY_MARGIN * (highest - lowest)
    counts, _ = np.histogram(values, bins=DENSITY_CELLS, range=(lowest - margin, highest + margin))
    spectrum = fft.dct(counts / counts.sum())
    spectrum[TERMS:] = 0
    width = diffusion_time(spectrum[:TERMS], len(np.unique(values)))
    density = fft.idct(spectrum * np.exp(-(np.arange(DENSITY_CELLS) ** 2) * np.pi**2 * width / 2))
    mass = np.cumsum(np.maximum(density, 0))
    return float(100 * mass[int(np.argmax(density))] / mass[-1])


def diffusion_time(spectrum: Doubles, n: int) -> float:
    """Squared bandwidth of a kernel density estimate, in units of the histogram's length (Botev et al. 2010, improved
    Sheather-Jones), from the cosine transform of the histogram of `n` different values."""
    orders = np.arange(1, len(spectrum), dtype=np.float64) ** 2
    power = (spectrum[1:] / 2) ** 2

    def gap(time: float) -> float:
        norm = 2 * np.pi**14 * np.sum(orders**7 * power * np.exp(-orders * np.pi**2 * time))
        for order in range(6, 1, -1):
            odd = np.prod(np.arange(1, 2 * order, 2)) / np.sqrt(2 * np.pi)
            last = (2 * odd * (1 + 0.5 ** (order + 0.5)) / 3 / n / norm) ** (2 / (3 + 2 * order))
            norm = 2 * np.pi ** (2 * order) * np.sum(orders**order * power * np.exp(-orders * np.pi**2 * last))
        return float(time - (2 * n * np.sqrt(np.pi) * norm) ** -0.4)

    try:
        return float(optimize.brentq(gap, 1e-12, 0.1))
    except ValueError:
        return float(0.28 * n**-0.4)  # no root: the paper's rule of thumb
