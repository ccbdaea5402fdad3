"""How far a frame lies from a template: FFT cross-correlation, refined to a tenth of a pixel.

The search follows Guizar-Sicairos, Thurman and Fienup (Optics Letters 2008), as NoRMCorre does: the cross-correlation
is needed only within the largest allowed shift, so it is evaluated there by two small matrix products instead of an
inverse FFT, first at whole pixels and then on a grid of 0.1 px around the best one.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

Floats = NDArray[np.float32]

UPSAMPLING = 10
# The fine grid reaches over the neighbouring pixels' halves, so that a wrong whole pixel can still be put right.
FINE_REACH = 7


class ShiftEstimator:
    """Shifts of frames against one template.

    Parameters
    ----------
    template
        ``(height, width)``.
    max_shifts
        Largest shift looked for, ``(y, x)`` pixels.
    gSig_filt
        Size of cells ``(y, x)``: frames are band-pass filtered to that size before they are compared (1p), or None.
    """

    def __init__(self, template: Floats, max_shifts: tuple[int, ...], gSig_filt: tuple[int, ...] | None = None) -> None:
        height, width = template.shape
        # A shift beyond half the field has no meaning: the correlation is circular.
        self._max = (min(max_shifts[0], (height - 1) // 2), min(max_shifts[1], (width - 1) // 2))
        self._filter = gSig_filt
        self._taper = taper(height, self._max[0])[:, None] * taper(width, self._max[1])[None, :]
        spectrum = fft.rfft2(self._prepared(template))
        spectrum[0, 0] = 0
        self._flat = bool(np.abs(spectrum).max() <= 1e-6 * max(1.0, float(np.abs(template).max())) * template.size)
        self._conjugate = np.conj(spectrum).astype(np.complex64)
        self._rows = twiddles(fft.fftfreq(height), self._max[0])
        # Half a spectrum stands for both halves: every column but the first (and the last of an even width) twice.
        weight = np.full(width // 2 + 1, 2.0)
        weight[0] = 1.0
        if width % 2 == 0:
            weight[-1] = 1.0
        self._columns = twiddles(fft.rfftfreq(width), self._max[1]) * weight

    def __call__(self, frame: NDArray[np.floating]) -> tuple[float, float]:
        """The shift ``(y, x)`` in pixels that, added to the content of `frame`, puts it onto the template."""
        if self._flat:
            return 0.0, 0.0
        cross = fft.rfft2(self._prepared(frame)) * self._conjugate
        step = UPSAMPLING
        margin = FINE_REACH
        coarse = (self._rows[margin::step] @ cross @ self._columns[margin::step].T).real
        y, x = np.unravel_index(int(coarse.argmax()), coarse.shape)
        rows = self._rows[y * step : y * step + 2 * margin + 1]
        columns = self._columns[x * step : x * step + 2 * margin + 1]
        fine = (rows @ cross @ columns.T).real
        fine_y, fine_x = np.unravel_index(int(fine.argmax()), fine.shape)
        # A frame displaced by d correlates best at d; what registers it is -d.
        dy = y - self._max[0] + (int(fine_y) - margin) / step
        dx = x - self._max[1] + (int(fine_x) - margin) / step
        return (
            -float(np.clip(dy, -self._max[0], self._max[0])) + 0.0,
            -float(np.clip(dx, -self._max[1], self._max[1])) + 0.0,
        )

    def _prepared(self, image: NDArray[np.floating]) -> Floats:
        prepared = high_pass(image, self._filter) if self._filter is not None else np.asarray(image, np.float32)
        centred = prepared - prepared.mean()
        centred *= self._taper
        return centred


def high_pass(image: NDArray[np.floating], gSig: tuple[int, ...]) -> Floats:
    """Band-pass `image` ``(height, width)`` to things of the size of a cell (difference of two Gaussians).

    Removes the blurred background of one-photon movies, which does not move with the tissue.
    """
    image = np.ascontiguousarray(image, np.float32)
    small, large = (
        cv2.GaussianBlur(image, (0, 0), sigmaX=part * gSig[1], sigmaY=part * gSig[0], borderType=cv2.BORDER_REFLECT)
        for part in (0.7, 2.0)
    )
    return np.asarray(small - large, np.float32)


def inside(n: int, shift: float) -> slice:
    """The part of an axis of `n` pixels that still shows the field after its content moved by `shift` pixels."""
    start, stop = int(np.ceil(max(0.0, shift))), n - int(np.ceil(max(0.0, -shift)))
    return slice(min(start, n - 1), max(stop, min(start, n - 1) + 1))


def taper(n: int, reach: int) -> Floats:
    """Window that falls to zero at the edges, where a shift brings other tissue in and the correlation wraps round."""
    width = max(2, min(n // 4, 2 * reach))
    window = np.ones(n, np.float32)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(width) + 0.5) / width)).astype(np.float32)
    window[:width] = ramp
    window[-width:] = ramp[::-1]
    return window


def twiddles(frequencies: NDArray[np.floating], reach: int) -> NDArray[np.complex64]:
    """Rows of an inverse DFT at every tenth of a pixel from ``-reach - 0.7`` to ``reach + 0.7``."""
    positions = np.arange(-reach * UPSAMPLING - FINE_REACH, reach * UPSAMPLING + FINE_REACH + 1) / UPSAMPLING
    return np.exp(2j * np.pi * positions[:, None] * frequencies[None, :]).astype(np.complex64)
