"""Updating footprints: for every pixel, the non-negative, sparse mixture of traces that explains it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.projections import Doubles, Floats, Tiles, Window, correlate_with_traces
from pipeline.engines.builtin.threads import in_threads, still_wanted

# How many pixels a footprint may grow by in one update (CNMF searches a dilation of the last footprint).
GROWTH = 2
# Weight of the L1 penalty in units of the noise that a pixel's projection onto a trace has.
SPARSITY = 1.0
MOST_SWEEPS = 200
TOLERANCE = 1e-5


def update_footprints(
    frames: Frames,
    footprints: sparse.csr_array,
    traces: Floats,
    background_traces: Floats,
    noise: Floats,
    mean: Floats,
    progress: Callable[[float], None],
) -> tuple[sparse.csr_array, Floats]:
    """New footprints and background images for given traces.

    For each pixel ``min |y - a C - b f|^2 / 2 + sum(penalty * a)`` with ``a >= 0``, where the penalty is the noise of
    the pixel's projection onto the trace: what noise alone would put into a footprint stays out. The background is
    free and is eliminated exactly, so that coordinate descent runs over the few components that reach the pixel.

    Parameters
    ----------
    footprints
        ``(n, n_pixels)``: the last footprints; a new one stays within a few pixels of the last.
    traces, background_traces
        ``(n, n_frames)`` and ``(nb, n_frames)``.
    noise, mean
        ``(height, width)``, or ``(height, width, depth)`` for volumes.

    Returns
    -------
    Footprints ``(n, n_pixels)`` in CSR form (rows may be empty) and background images ``(nb, n_pixels)`` float32.
    """
    field = frames.shape[1:]
    n, nb = footprints.shape[0], len(background_traces)
    tiles = Tiles(field, grown(footprints, field))
    data = correlate_with_traces(frames, tiles, traces, background_traces, mean, progress)
    both = np.concatenate([traces, background_traces]).astype(np.float64)
    gram = both @ both.T
    of_background = np.linalg.pinv(gram[n:, n:], hermitian=True)
    background = np.zeros((nb, *field), np.float32)
    entries: list[tuple[NDArray[np.intp], NDArray[np.intp], Floats]] = []

    def solve(number: int) -> tuple[NDArray[np.intp], Doubles, Doubles]:
        members, window, products = tiles.members[number], tiles.windows[number], data[number]
        k = len(members)
        inner = gram[np.ix_(members, members)]
        cross = gram[np.ix_(members, np.arange(n, n + nb))]
        reduced = inner - cross @ of_background @ cross.T
        target = products[:, :k] - products[:, k:] @ of_background @ cross.T
        scale = np.sqrt(np.maximum(np.diag(reduced), 0))
        penalty = SPARSITY * noise[window].reshape(-1, 1).astype(np.float64) * scale
        mixture = descend(reduced, target, penalty, tiles.reached(number), MOST_SWEEPS, TOLERANCE)
        rest = (products[:, k:] - mixture @ cross) @ of_background
        return members, mixture, rest

    for number, (members, mixture, rest) in enumerate(in_threads(solve, range(len(tiles.windows)))):
        window = tiles.windows[number]
        shape = tuple(part.stop - part.start for part in window)
        background[(slice(None), *window)] = rest.T.reshape(nb, *shape)
        pixel, member = np.nonzero(mixture)
        flat = moved_pixels(np.unravel_index(pixel, shape), window, field)
        entries.append((members[member], flat, mixture[pixel, member].astype(np.float32)))
    of_row, of_pixel, weights = (np.concatenate(part) for part in zip(*entries, strict=True))
    raw = sparse.csr_array((weights, (of_row, of_pixel)), shape=(n, math.prod(field)))
    return raw, background.reshape(nb, -1)


def grown(footprints: sparse.csr_array, field: tuple[int, ...]) -> sparse.csr_array:
    """Where each footprint may be after an update: ``(n, n_pixels)`` bool, pixels in C order of `field`."""
    diamond = ndimage.generate_binary_structure(len(field), 1)
    rows: list[NDArray[np.intp]] = []
    for row in range(footprints.shape[0]):
        still_wanted()
        pixels = footprints.indices[footprints.indptr[row] : footprints.indptr[row + 1]]
        window = bounding_window(pixels, field, GROWTH + 1)
        support = np.zeros([part.stop - part.start for part in window], bool)
        support[pixels_within(pixels, window, field)] = True
        larger = ndimage.binary_dilation(support, diamond, iterations=GROWTH)
        rows.append(moved_pixels(np.nonzero(larger), window, field))
    indptr = np.cumsum([0, *map(len, rows)])
    indices = np.concatenate(rows) if rows else np.zeros(0, np.intp)
    return sparse.csr_array((np.ones(len(indices), bool), indices, indptr), shape=footprints.shape)


def bounding_window(pixels: NDArray[np.integer], field: tuple[int, ...], margin: int) -> Window:
    """Slices around `pixels` (C order of `field`), `margin` wider on each side where the field allows."""
    if len(pixels) == 0:
        return tuple(slice(0, 0) for _ in field)
    return tuple(
        slice(max(0, int(axis.min()) - margin), min(length, int(axis.max()) + margin + 1))
        for axis, length in zip(np.unravel_index(pixels, field), field, strict=True)
    )


def pixels_within(pixels: NDArray[np.integer], window: Window, field: tuple[int, ...]) -> tuple[NDArray[np.intp], ...]:
    """What to index an array of the window's size with, for `pixels` (C order of `field`) inside it."""
    axes = np.unravel_index(pixels, field)
    return tuple(axis - part.start for axis, part in zip(axes, window, strict=True))


def moved_pixels(inside: tuple[NDArray[np.intp], ...], window: Window, field: tuple[int, ...]) -> NDArray[np.intp]:
    """Pixels in C order of `field`, from their indices inside a window; the inverse of `pixels_within`."""
    axes = tuple(axis + part.start for axis, part in zip(inside, window, strict=True))
    return np.ravel_multi_index(axes, field)


def tidied(
    footprints: sparse.csr_array, field: tuple[int, ...], nrgthr: float, *, thin: bool = False
) -> sparse.csr_array:
    """Footprints in one piece: median filter, the brightest pixels that hold `nrgthr` of the energy, largest piece.

    With `thin` the median filter is left out: it would remove dendrites. Rows may come out empty: what the filter
    removes altogether was scattered noise. In a volume every plane is filtered for itself, because a cell may be in one
    or two planes only.
    """
    rows, columns, values = [], [], []
    size = (3, 3, 1)[: len(field)]
    touching = np.ones((3,) * len(field), bool)
    for row in range(footprints.shape[0]):
        still_wanted()
        part = slice(footprints.indptr[row], footprints.indptr[row + 1])
        pixels, weights = footprints.indices[part], footprints.data[part]
        if len(pixels) == 0:
            continue
        window = bounding_window(pixels, field, 2)
        image = np.zeros([part.stop - part.start for part in window], np.float32)
        image[pixels_within(pixels, window, field)] = weights
        smooth = image if thin else ndimage.median_filter(image, size=size)
        energy = np.sort(smooth.ravel())[::-1].astype(np.float64) ** 2
        if energy.sum() == 0:
            continue
        count = int(np.searchsorted(np.cumsum(energy), nrgthr * energy.sum())) + 1
        level = np.sqrt(energy[min(count, len(energy)) - 1])
        kept = ndimage.binary_closing((smooth >= level) & (smooth > 0), np.ones(size, bool))
        labels, pieces = ndimage.label(kept, touching)
        if pieces == 0:
            continue
        strength = ndimage.sum_labels(smooth.astype(np.float64) ** 2, labels, np.arange(1, pieces + 1))
        kept = labels == 1 + int(np.argmax(strength))
        found = np.nonzero(kept & (smooth > 0))
        rows.append(np.full(len(found[0]), row))
        columns.append(moved_pixels(found, window, field))
        values.append(smooth[found])
    if not rows:
        return sparse.csr_array(footprints.shape, dtype=np.float32)
    coordinates = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), coordinates), shape=footprints.shape, dtype=np.float32)


@compiled
def descend(
    gram: Doubles, target: Doubles, penalty: Doubles, allowed: NDArray[np.bool_], sweeps: int, tolerance: float
) -> Doubles:
    """Coordinate descent for ``min a G a'/2 - a h + penalty a``, ``a >= 0``, in every pixel: ``(n_pixels, k)``.

    `target` (h) and `penalty` are ``(n_pixels, k)``; coefficients where `allowed` is False stay zero.
    """
    n_pixels, k = target.shape
    out = np.zeros((n_pixels, k))
    for pixel in range(n_pixels):
        a = out[pixel]
        for _ in range(sweeps):
            largest, moved = 0.0, 0.0
            for i in range(k):
                if not allowed[pixel, i] or gram[i, i] <= 0:
                    continue
                slope = target[pixel, i] - penalty[pixel, i]
                for j in range(k):
                    if j != i and a[j] != 0.0:
                        slope -= gram[i, j] * a[j]
                new = max(0.0, slope / gram[i, i])
                # In units of the data, so that a faint trace with a large coefficient does not stop the descent early.
                moved = max(moved, abs(new - a[i]) * np.sqrt(gram[i, i]))
                largest = max(largest, new * np.sqrt(gram[i, i]))
                a[i] = new
            if moved <= tolerance * largest:
                break
    return out
