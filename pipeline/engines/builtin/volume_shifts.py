"""How far a volume lies from a template, and moving it there: as `shifts` does for planes, with a third axis.

Volumes are small: with the tapered correlation of `shifts`, two edges a plane away from everything would pull every
estimate towards zero (measured: by a quarter along z). So it is the inner part of the template that is looked for in
the whole volume, by normalised cross-correlation, which has no such bias.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pipeline.engines.builtin.shifts import FINE_REACH, UPSAMPLING, inside, twiddles

Floats = NDArray[np.float32]

# Keys' cubic convolution with OpenCV's constant, so that all three axes are interpolated alike.
CUBIC = -0.75
# Pixels of the template along y, x and z that have to be left to look for.
LEAST_INSIDE = (8, 8, 3)


class VolumeShiftEstimator:
    """Shifts of volumes against one template.

    Parameters
    ----------
    template
        ``(height, width, depth)``.
    max_shifts
        Largest shift looked for, ``(y, x, z)`` pixels; less where too little of the template would be left inside.
    """

    def __init__(self, template: Floats, max_shifts: tuple[int, ...]) -> None:
        shape = template.shape
        self._max = tuple(
            max(0, min(most, (length - least) // 2))
            for most, length, least in zip(max_shifts, shape, LEAST_INSIDE, strict=True)
        )
        inner = np.zeros(shape, np.float32)
        inner[tuple(slice(most, length - most) for most, length in zip(self._max, shape, strict=True))] = 1
        self._n_inner = float(inner.sum())
        self._dark = float(template.min())
        wanted = self._even(template)
        wanted = (wanted - (wanted * inner).sum() / self._n_inner) * inner
        self._flat = bool(np.abs(wanted).max() <= 1e-6 * max(1.0, float(np.abs(template).max())))
        self._template = np.conj(fft.rfftn(wanted))
        self._inner = np.conj(fft.rfftn(inner))
        # Half a spectrum stands for both halves: all of it but the first plane (and the last of an even number) twice.
        weight = np.full(shape[2] // 2 + 1, 2.0)
        weight[0] = 1.0
        if shape[2] % 2 == 0:
            weight[-1] = 1.0
        self._axes = (
            twiddles(fft.fftfreq(shape[0]), self._max[0]),
            twiddles(fft.fftfreq(shape[1]), self._max[1]),
            twiddles(fft.rfftfreq(shape[2]), self._max[2]) * (weight / template.size),
        )

    def __call__(self, volume: NDArray[np.floating]) -> tuple[float, ...]:
        """The shift ``(y, x, z)`` in pixels that, added to the content of `volume`, puts it onto the template."""
        if self._flat:
            return 0.0, 0.0, 0.0
        even = self._even(volume)
        spectrum = fft.rfftn(even)
        crosses = (spectrum * self._template, spectrum * self._inner, fft.rfftn(even * even) * self._inner)
        whole = self._similarity(crosses, [axis[FINE_REACH::UPSAMPLING] for axis in self._axes])
        best = np.unravel_index(int(whole.argmax()), whole.shape)
        near = [slice(int(at) * UPSAMPLING, int(at) * UPSAMPLING + 2 * FINE_REACH + 1) for at in best]
        fine = self._similarity(crosses, [axis[part] for axis, part in zip(self._axes, near, strict=True)])
        finest = np.unravel_index(int(fine.argmax()), fine.shape)
        found = [
            int(at) - most + (int(part) - FINE_REACH) / UPSAMPLING
            for at, part, most in zip(best, finest, self._max, strict=True)
        ]
        # A volume displaced by d is most similar at d; what registers it is -d.
        return tuple(-float(np.clip(d, -most, most)) + 0.0 for d, most in zip(found, self._max, strict=True))

    def _even(self, volume: NDArray[np.floating]) -> Floats:
        """Every plane relative to its own mean, in a scale in which bright cells are no noisier than dark tissue."""
        root = np.sqrt(np.maximum(volume.astype(np.float32) - self._dark, 0))
        return np.asarray(root - root.mean(axis=(0, 1)), np.float32)

    def _similarity(
        self, crosses: tuple[NDArray[np.complexfloating], ...], axes: list[NDArray[np.complex64]]
    ) -> NDArray[np.floating]:
        """Normalised cross-correlation at a grid of shifts."""
        product, total, square = (_correlation(cross, *axes) for cross in crosses)
        variance = square - total**2 / self._n_inner
        return product / np.sqrt(np.maximum(variance, 1e-6 * max(float(variance.max()), 1e-30)))


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
    cross: NDArray[np.complexfloating],
    rows: NDArray[np.complex64],
    columns: NDArray[np.complex64],
    planes: NDArray[np.complex64],
) -> NDArray[np.floating]:
    """The correlation at a grid of shifts, from the cross-spectrum ``(height, width, depth // 2 + 1)``."""
    height, width, half = cross.shape
    along_y = (rows @ cross.reshape(height, width * half)).reshape(len(rows), width, half)
    along_x = np.matmul(columns, along_y)
    return np.asarray((along_x @ planes.T).real)
