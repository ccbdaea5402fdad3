"""Simulated recordings of volumes with known cells, traces, spikes and motion: `pipeline.simulate` with a third axis.

Planes lie farther apart than pixels, and light is blurred along z, as under a microscope.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, special

from pipeline.simulate import CHUNK, Floats, Simulation, activity, motion

# Blur of the microscope along z, in planes.
POINT_SPREAD_PLANES = 0.7
NEUROPIL_PX = 12.0


def simulate_volumes(
    *,
    n_frames: int = 800,
    height: int = 40,
    width: int = 48,
    depth: int = 12,
    n_cells: int = 20,
    rate_hz: float = 6.0,
    seed: int = 0,
    motion_px: float = 1.0,
    radius_px: float = 4.5,
    plane_px: float = 2.0,
    decay_s: float = 0.8,
    brightness: float = 1.0,
) -> Simulation:
    """Simulate a recording of volumes.

    Parameters
    ----------
    n_frames, height, width, depth
        Size in volumes, pixels and planes.
    n_cells
        Cells to place; fewer come out when the volume is full.
    rate_hz
        Volumes per second.
    seed
        Equal seeds give equal movies.
    motion_px
        Standard deviation of the motion in y and x, in pixels; along z it moves as far in the tissue. 0 for none.
    radius_px
        Mean radius of a cell, in pixels.
    plane_px
        Distance of two planes, in pixels.
    decay_s, brightness
        As of `pipeline.simulate.simulate_movie`.

    Raises
    ------
    ValueError
        When the volume is too small for one cell, or there is no frame.
    """
    if n_frames < 1 or min(height, width, depth * plane_px) < 2 * radius_px + 2:
        raise ValueError(f"volumes of {height} x {width} x {depth} have no room for a cell of radius {radius_px} px")
    rng = np.random.default_rng(seed)
    field, scale = (height, width, depth), np.array([1.0, 1.0, plane_px])
    # Brain beyond the field, so that motion brings something in.
    margin = np.ceil((4 * motion_px + radius_px + 2) / scale).astype(int)
    canvas = tuple(int(length + 2 * more) for length, more in zip(field, margin, strict=True))
    window = tuple(slice(int(more), int(more + length)) for length, more in zip(field, margin, strict=True))
    cells = _cells(rng, canvas, window, n_cells, radius_px, scale)
    spikes, traces = activity(rng, len(cells), n_frames, rate_hz, decay_s)
    traces *= (90.0 * brightness * rng.uniform(0.6, 1.4, len(cells)))[:, None].astype(np.float32)
    still = _still_volume(rng, canvas, cells)
    patch = _smooth_noise(rng, canvas, NEUROPIL_PX / scale)
    course = motion(rng, n_frames, rate_hz, 1.0, axes=1)[:, 0]  # any slow course will do
    shifts = motion(rng, n_frames, rate_hz, motion_px, axes=3) / scale.astype(np.float32)

    frames = np.empty((n_frames, *field), np.uint16)
    flat = cells.reshape(len(cells), -1)
    for start in range(0, n_frames, CHUNK):
        part = slice(start, min(start + CHUNK, n_frames))
        bright = (traces[:, part].T @ flat).reshape(-1, *canvas) + still
        bright += patch * (10 * np.exp(0.5 * course[part]))[:, None, None, None]
        for offset, image in enumerate(bright):
            moved = _moved(image, shifts[start + offset])[window]
            frames[start + offset] = np.minimum(rng.poisson(np.maximum(moved, 0.1)), 65535)
    inside = np.ascontiguousarray(cells[(slice(None), *window)])
    return Simulation("3d", frames, inside, traces, spikes, shifts.astype(np.float32), float(rate_hz))


def _cells(
    rng: np.random.Generator,
    canvas: tuple[int, ...],
    window: tuple[slice, ...],
    n_cells: int,
    radius_px: float,
    scale: NDArray[np.floating],
) -> Floats:
    """Footprints ``(n, *canvas)``, maximum 1: ellipsoids with a dark nucleus, centred in the field, hardly touching."""
    low = np.array([part.start for part in window]) + 0.6 * radius_px / scale
    high = np.array([part.stop for part in window]) - 0.6 * radius_px / scale
    centres: list[NDArray[np.floating]] = []
    for _ in range(400 * n_cells):
        if len(centres) == n_cells:
            break
        centre = rng.uniform(low, high)
        if all(np.linalg.norm((centre - other) * scale) > 1.7 * radius_px for other in centres):
            centres.append(centre)
    grid = np.indices(canvas).astype(np.float32)
    cells = np.zeros((len(centres), *canvas), np.float32)
    for cell, centre in zip(cells, centres, strict=True):
        radii = radius_px * rng.uniform(0.85, 1.15) * rng.uniform(0.85, 1.15, 3) / scale
        offsets = (grid - centre.reshape(3, 1, 1, 1)) / radii.reshape(3, 1, 1, 1)
        distance = np.sqrt((offsets**2).sum(axis=0))
        soma = special.expit((1 - distance) * 9) * (1 - rng.uniform(0.2, 0.6) * np.exp(-((distance / 0.5) ** 2) / 2))
        cell[:] = ndimage.gaussian_filter1d(soma, POINT_SPREAD_PLANES, axis=2)
        cell[cell < 0.02 * cell.max()] = 0
        cell /= cell.max()
    return cells


def _still_volume(rng: np.random.Generator, canvas: tuple[int, ...], cells: Floats) -> Floats:
    """Resting brightness ``canvas``: tissue, and the cells at rest; deeper planes are darker."""
    tissue = _smooth_noise(rng, canvas, np.array([1.5, 1.5, 0.8])) - 0.5
    tissue += _smooth_noise(rng, canvas, np.array([6.0, 6.0, 2.0])) - 0.5
    volume = 40 * np.exp(1.2 * tissue) * np.linspace(1.15, 0.85, canvas[2])
    volume += np.tensordot(rng.uniform(0.2, 0.7, len(cells)) * 60.0, cells, axes=1)
    return np.asarray(volume, np.float32)


def _smooth_noise(rng: np.random.Generator, canvas: tuple[int, ...], blur: NDArray[np.floating]) -> Floats:
    """Blurred noise ``canvas`` between 0 and 1."""
    noise = ndimage.gaussian_filter(rng.standard_normal(canvas), blur)
    noise -= noise.min()
    return np.asarray(noise / noise.max(), np.float32)


def _moved(volume: Floats, shift: NDArray[np.floating]) -> Floats:
    """`volume` with its content moved by `shift` ``(y, x, z)``, exactly, by the shift theorem; it wraps at its ends."""
    spectrum = fft.rfftn(volume)
    for axis, part in enumerate(shift):
        frequencies = (fft.rfftfreq if axis == 2 else fft.fftfreq)(volume.shape[axis])
        ramp = np.exp(-2j * np.pi * frequencies * float(part)).astype(np.complex64)
        spectrum *= ramp.reshape([-1 if other == axis else 1 for other in range(3)])
    return np.asarray(fft.irfftn(spectrum, s=volume.shape), np.float32)
