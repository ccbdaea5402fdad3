"""What of a movie neither the ring background nor the cells explain, frame by frame when asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pipeline.engines.builtin.cnmfe.ring import RingBackground
from pipeline.engines.builtin.compiled import compiled
from pipeline.engines.builtin.frames import Frames
from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

# Frames that one thread works on at a time.
SLICE = 16


class ResidualFrames:
    """``Y - B - A C``, readable like the movie itself.

    Parameters
    ----------
    frames
        The registered movie.
    ring
        Its background.
    footprints, traces
        ``(n, n_pixels)`` and ``(n, n_frames)`` of the cells, or nothing of either (``n`` = 0).
    """

    def __init__(self, frames: Frames, ring: RingBackground, footprints: sparse.csr_array, traces: Floats) -> None:
        self._frames, self._ring, self._footprints, self._traces = frames, ring, footprints, traces
        n_frames, height, width = frames.shape
        self.shape = (n_frames, height, width)

    def read(self, start: int, stop: int) -> Floats:
        """Frames `start` to `stop` (exclusive) as ``(stop - start, height, width)`` float32."""
        block = self._frames.read(start, stop)
        out = np.empty_like(block)

        def work(first: int) -> None:
            part = block[first : first + SLICE].copy()
            here = slice(start + first, start + first + len(part))
            remove_cells(part, self._footprints, self._traces[:, here])
            out[first : first + len(part)] = self._ring.subtract(part)

        for _ in in_threads(work, range(0, len(block), SLICE)):
            pass
        return out


def remove_cells(block: Floats, footprints: sparse.csr_array, traces: Floats) -> None:
    """Take ``A C`` out of frames ``(n, height, width)``, in place."""
    flat = block.reshape(len(block), -1)
    _remove(flat, footprints.indptr, footprints.indices, footprints.data, np.ascontiguousarray(traces))


@compiled
def _remove(flat: Floats, indptr: NDArray[np.int32], indices: NDArray[np.int32], data: Floats, traces: Floats) -> None:
    for t in range(len(flat)):
        for k in range(len(indptr) - 1):
            value = traces[k, t]
            if value != 0:
                for position in range(indptr[k], indptr[k + 1]):
                    flat[t, indices[position]] -= value * data[position]
