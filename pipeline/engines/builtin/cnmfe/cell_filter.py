"""The spatial filter that shows cells and hides the blurred background of a one-photon movie."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.threads import in_threads

Floats = NDArray[np.float32]

# The filter ends here, in units of gSig: as wide as a cell and a little of what surrounds it (CNMF-E).
REACH = 2
SLICE = 16
BORDER = cv2.BORDER_REFLECT


def filter_cells(frames: NDArray[np.number], gSig: tuple[int, ...], *, center_psf: bool = True) -> Floats:
    """Frames ``(n, height, width)`` seen through a Gaussian as wide as a cell, as float32.

    With `center_psf` the Gaussian has zero mean, so that whatever is flat over twice a cell's width disappears. Without
    it, frames are only smoothed.
    """
    out = np.empty(frames.shape, np.float32)

    def work(first: int) -> None:
        for t in range(first, min(first + SLICE, len(frames))):
            out[t] = filtered(np.ascontiguousarray(frames[t], dtype=np.float32), gSig, center_psf=center_psf)

    for _ in in_threads(work, range(0, len(frames), SLICE)):
        pass
    return out


def filtered(frame: Floats, gSig: tuple[int, ...], *, center_psf: bool) -> Floats:
    """`filter_cells` for one frame ``(height, width)``."""
    size = (2 * REACH * gSig[1] + 1, 2 * REACH * gSig[0] + 1)
    smooth = np.asarray(cv2.GaussianBlur(frame, size, sigmaX=gSig[1], sigmaY=gSig[0], borderType=BORDER), np.float32)
    if center_psf:
        smooth = np.asarray(smooth - cv2.blur(frame, size, borderType=BORDER), np.float32)
    return smooth
