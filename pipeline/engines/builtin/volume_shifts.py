"""How far a volume lies from a template, and moving it there: as `shifts` does for planes, with a third axis.

Along z there are few planes, far apart, and the correlation of all of them would wrap round: volumes are padded with
empty planes before they are compared.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pipeline.engines.builtin.shifts import FINE_REACH, UPSAMPLING, inside, taper, twiddles

Floats = NDArray[np.float32]

# Keys' cubic convolution with OpenCV's constant, so that all three axes are interpolated alike.
CUBIC = -0.75


class VolumeShiftEstimator:
    """Shifts of volumes against one template.

    Parameters
    ----------
    template
        ``(height, width, depth)``.
    max_shifts
        Largest shift looked for, ``(y, x, z)`` pixels.
    """

    def __init__(self, template: Floats, max_shifts: tuple[int, ...]) -> None:
        height, width, depth = template.shape
        # A shift beyond half the field has no meaning: the correlation is circular.
        self._max = tuple(min(most, (length - 1) // 2) for most, length in zip(max_shifts, template.shape, strict=True))
        self._window = (taper(height, self._max[0])[:, None] * taper(width, self._max[1])[None, :])[:, :, None]
        padded = fft.next_fast_len(depth + self._max[2] + 1, real=True)
        self._size = (height, width, padded)
        spectrum = self._spectrum(template)
        self._flat = bool(np.abs(spectrum).max() <= 1e-6 * max(1.0, float(np.abs(template).max())) * template.size)
        self._conjugate = np.conj(spectrum).astype(np.complex64)
        # Half a spectrum stands for both halves: all of it but the first plane (and the last of an even number) twice.
        weight = np.full(padded // 2 + 1, 2.0)
        weight[0] = 1.0
        if padded % 2 == 0:
            weight[-1] = 1.0
        self._axes = (
            twiddles(fft.fftfreq(height), self._max[0]),
            twiddles(fft.fftfreq(width), self._max[1]),
            twiddles(fft.rfftfreq(padded), self._max[2]) * weight,
        )

    def __call__(self, volume: NDArray[np.floating]) -> tuple[float, ...]:
        """The shift ``(y, x, z)`` in pixels that, added to the content of `volume`, puts it onto the template."""
        if self._flat:
            return 0.0, 0.0, 0.0
        cross = self._spectrum(volume) * self._conjugate
        whole = _correlation(cross, *(axis[FINE_REACH::UPSAMPLING] for axis in self._axes))
        best = np.unravel_index(int(whole.argmax()), whole.shape)
        near = [slice(int(at) * UPSAMPLING, int(at) * UPSAMPLING + 2 * FINE_REACH + 1) for at in best]
        fine = _correlation(cross, *(axis[part] for axis, part in zip(self._axes, near, strict=True)))
        finest = np.unravel_index(int(fine.argmax()), fine.shape)
        found = [
            int(at) - most + (int(part) - FINE_REACH) / UPSAMPLING
            for at, part, most in zip(best, finest, self._max, strict=True)
        ]
        # A volume displaced by d correlates best at d; what registers it is -d.
        return tuple(-float(np.clip(d, -most, most)) + 0.0 for d, most in zip(found, self._max, strict=True))

    def _spectrum(self, volume: NDArray[np.floating]) -> NDArray[np.complex64]:
        """Every plane relative to its own mean: how bright a plane is says nothing of where its cells are."""
        prepared = volume.astype(np.float32)
        prepared = (prepared - prepared.mean(axis=(0, 1))) * self._window
        return np.asarray(fft.rfftn(prepared, s=self._size), np.complex64)


def shift_volume(volume: NDArray[Any], shift: tuple[float, ...], border: bool | str) -> Floats:
    """`volume` ``(height, width, depth)`` with its content moved by `shift` ``(y, x, z)`` pixels, cubic, as float32.

    What comes in from outside is filled as `border` says: ``copy``, ``min``, False (zero) or True (NaN).
    """
    image = volume.astype(np.float32)
    dy, dx, dz = (float(part) for part in shift)
    if dy == 0 and dx == 0 and dz == 0:
        return image
    height, width, depth = image.shape
    low, high = float(image.min()), float(image.max())
    planes = np.ascontiguousarray(np.moveaxis(image @ _between_planes(depth, dz).T, 2, 0))
    if dy != 0 or dx != 0:
        matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
        for plane in planes:
            plane[:] = cv2.warpAffine(
                plane, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
            )
    # Cubic interpolation overshoots beside bright specks.
    moved = np.clip(np.moveaxis(planes, 0, 2), low, high)
    if border == "copy":  # which both interpolations did at the borders
        return np.ascontiguousarray(moved)
    window = tuple(inside(length, part) for length, part in zip(image.shape, (dy, dx, dz), strict=True))
    filled = np.full(image.shape, low if border == "min" else (np.nan if border is True else 0.0), np.float32)
    filled[window] = moved[window]
    return filled


def _between_planes(depth: int, shift: float) -> Floats:
    """``(depth, depth)``: planes moved by `shift` as weighted sums of planes, the last repeated beyond the ends."""
    weights = np.zeros((depth, depth), np.float32)
    for plane in range(depth):
        at = plane - shift
        first = int(np.floor(at)) - 1
        for tap in range(first, first + 4):
            weights[plane, min(max(tap, 0), depth - 1)] += _cubic(abs(at - tap))
    return weights


def _cubic(distance: float) -> float:
    if distance <= 1:
        return (CUBIC + 2) * distance**3 - (CUBIC + 3) * distance**2 + 1
    return CUBIC * (distance**3 - 5 * distance**2 + 8 * distance - 4) if distance < 2 else 0.0


def _correlation(
    cross: NDArray[np.complex64],
    rows: NDArray[np.complex64],
    columns: NDArray[np.complex64],
    planes: NDArray[np.complex64],
) -> NDArray[np.floating]:
    """The correlation at a grid of shifts, from the cross-spectrum ``(height, width, half of the padded depth)``."""
    height, width, half = cross.shape
    along_y = (rows @ cross.reshape(height, width * half)).reshape(len(rows), width, half)
    along_x = np.matmul(columns, along_y)
    return np.asarray((along_x @ planes.T).real)
