"""The two passes over the movie that CNMF needs: data times traces, and footprints times data.

Both go through the movie once in chunks of time, so that their memory does not depend on its length. Values are taken
relative to the mean image and the part of the mean is added afterwards: float32 then keeps the small changes that
matter, on top of a large constant that does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.threads import in_threads, still_wanted

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Window = tuple[slice, ...]

# Frames that one thread projects at a time.
SLICE = 16


def project_onto_footprints(
    frames: Frames,
    footprints: sparse.csr_array,
    background: Floats,
    mean: Floats,
    progress: Callable[[float], None],
) -> tuple[Floats, Doubles]:
    """``A'Y`` and ``b'Y``: the movie seen through each footprint and each background image.

    Parameters
    ----------
    footprints
        ``(n, n_pixels)``, pixels in C order.
    background
        ``(nb, n_pixels)``.
    mean
        ``(height, width[, depth])``: any image close to the movie's mean.

    Returns
    -------
    ``(n, n_frames)`` float32 and ``(nb, n_frames)`` float64.
    """
    n_frames = frames.shape[0]
    flat_mean = mean.ravel()
    through = np.zeros((footprints.shape[0], n_frames), np.float32)
    behind = np.zeros((len(background), n_frames))
    offsets = (footprints @ flat_mean.astype(np.float64))[:, None]
    background_offsets = (background.astype(np.float64) @ flat_mean)[:, None]
    indptr, indices, data = footprints.indptr, footprints.indices, footprints.data
    for start, block in frames.chunks(progress):
        flat = block.reshape(len(block), -1)

        def work(first: int, flat: Floats = flat, start: int = start) -> None:
            part = flat[first : first + SLICE] - flat_mean
            here = slice(start + first, start + first + len(part))
            through[:, here] = project_block(part, indptr, indices, data) + offsets
            behind[:, here] = (part @ background.T).T + background_offsets

        for _ in in_threads(work, range(0, len(block), SLICE)):
            pass
    return through, behind


@compiled
def project_block(part: Floats, indptr: NDArray[np.int32], indices: NDArray[np.int32], data: Floats) -> Doubles:
    """``footprints @ part.T`` for frames ``(n_frames, n_pixels)`` and footprints in CSR form, summed in float64."""
    n = len(indptr) - 1
    out = np.zeros((n, len(part)))
    for t in range(len(part)):
        frame = part[t]
        for k in range(n):
            total = 0.0
            for position in range(indptr[k], indptr[k + 1]):
                total += data[position] * frame[indices[position]]
            out[k, t] = total
    return out


class Tiles:
    """A field cut into small boxes, each with the components that may reach into it.

    Parameters
    ----------
    field
        ``(height, width)``, or ``(height, width, depth)`` for volumes.
    supports
        ``(n, n_pixels)``: the stored entries of each row are the pixels, in C order, that the component may reach.

    Attributes
    ----------
    windows
        ``(rows, columns[, planes])`` slices of each tile.
    members
        Numbers of the components whose support touches each tile.
    """

    # About as many pixels in a box of a volume as in a rectangle of a plane.
    SIDES: ClassVar[dict[int, tuple[int, ...]]] = {2: (24, 24), 3: (12, 12, 6)}

    def __init__(self, field: tuple[int, ...], supports: sparse.csr_array) -> None:
        sides = self.SIDES[len(field)]
        starts = [range(0, length, side) for length, side in zip(field, sides, strict=True)]
        self.windows: list[Window] = [
            tuple(
                slice(start, min(start + side, length))
                for start, side, length in zip(corner, sides, field, strict=True)
            )
            for corner in product(*starts)
        ]
        self._field, self._supports = field, supports
        touching: list[list[int]] = [[] for _ in self.windows]
        grid = tuple(len(along) for along in starts)
        for component in range(supports.shape[0]):
            still_wanted()
            corners = tuple(axis // side for axis, side in zip(self._pixels(component), sides, strict=True))
            for number in np.unique(np.ravel_multi_index(corners, grid)):
                touching[number].append(component)
        self.members: list[NDArray[np.intp]] = [np.array(components, np.intp) for components in touching]

    def reached(self, number: int) -> NDArray[np.bool_]:
        """``(n_pixels_of_tile, n_members)``: which pixels of a tile each of its members may reach."""
        window = self.windows[number]
        shape = tuple(part.stop - part.start for part in window)
        out = np.zeros((*shape, len(self.members[number])), bool)
        for position, component in enumerate(self.members[number]):
            axes = self._pixels(component)
            here = np.logical_and.reduce(
                [(axis >= part.start) & (axis < part.stop) for axis, part in zip(axes, window, strict=True)]
            )
            inside = tuple(axis[here] - part.start for axis, part in zip(axes, window, strict=True))
            out[(*inside, position)] = True
        return out.reshape(math.prod(shape), out.shape[-1])

    def _pixels(self, component: int) -> tuple[NDArray[np.intp], ...]:
        indptr = self._supports.indptr
        return np.unravel_index(self._supports.indices[indptr[component] : indptr[component + 1]], self._field)


def correlate_with_traces(
    frames: Frames,
    tiles: Tiles,
    traces: Floats,
    background_traces: Floats,
    mean: Floats,
    progress: Callable[[float], None],
) -> list[Doubles]:
    """``Y [C; f]'`` tile by tile, for the components that reach into each tile and for the background.

    Returns
    -------
    For each tile ``(n_pixels_of_tile, n_members + nb)`` float64.
    """
    designs = [np.concatenate([traces[members], background_traces]).T for members in tiles.members]
    sums = [
        np.outer(mean[window].ravel().astype(np.float64), design.sum(axis=0, dtype=np.float64))
        for window, design in zip(tiles.windows, designs, strict=True)
    ]
    for start, block in frames.chunks(progress):

        def work(number: int, block: Floats = block, start: int = start) -> None:
            window = tiles.windows[number]
            part = (block[(slice(None), *window)] - mean[window]).reshape(len(block), -1)
            sums[number] += part.T @ designs[number][start : start + len(block)]

        for _ in in_threads(work, range(len(tiles.windows))):
            pass
    return sums
