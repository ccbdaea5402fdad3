"""Simulated recordings with known cells, traces, spikes and motion, for the demo, the tests and the benchmarks.

The movie is what a microscope would have counted: photons of a brain that moves under the objective. Cells are bent
ellipses with a dark nucleus (2p) or soft blobs (1p); calcium follows an AR(1) process driven by bursts of spikes; the
background has structure, drifts slowly and, in 1p, is an order of magnitude brighter than the cells; noise is Poisson.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage, signal, special

Floats = NDArray[np.float32]
Kind = Literal["2p", "1p", "3d"]

# Frames rendered at a time: bounds the memory for floats to about 64 frames, whatever the length of the movie.
CHUNK = 64
# Tissue is stiff: places closer than this move together.
STIFF_PX = 150.0


@dataclass(frozen=True)
class Simulation:
    """A simulated recording and the truth behind it.

    Attributes
    ----------
    kind
        ``2p``, ``1p`` or ``3d`` (`pipeline.simulate_volumes`).
    frames
        ``(n_frames, height, width)`` uint16: the movie; of volumes ``(n_frames, height, width, depth)``.
    footprints
        ``(n_cells, height, width[, depth])`` float32, maximum 1, in the coordinates of a frame with shift 0.
    traces
        ``(n_cells, n_frames)`` float32: calcium, in photons at the footprint's brightest pixel.
    spikes
        ``(n_cells, n_frames)`` float32: number of spikes in each frame.
    shifts
        ``(n_frames, 2)`` float32, in pixels as ``(y, x)``: how far each frame's content was moved. Registering it adds
        the opposite. Of volumes ``(n_frames, 3)``, as ``(y, x, z)``.
    rate_hz
        Frames per second.
    warp_modes, warp_courses
        ``(n, 2, height, width)`` and ``(n, n_frames)`` float32: what of the motion differs from place to place, as in
        `displacement`; their mean over the field is 0. Without such motion `n` is 0.
    """

    kind: Kind
    frames: NDArray[np.uint16]
    footprints: Floats
    traces: Floats
    spikes: Floats
    shifts: Floats
    rate_hz: float
    warp_modes: Floats = field(default_factory=lambda: np.zeros((0, 2, 1, 1), np.float32))
    warp_courses: Floats = field(default_factory=lambda: np.zeros((0, 1), np.float32))

    def displacement(self, frame: int) -> Floats:
        """How far tissue was moved in a frame, ``(2, height, width)`` in pixels as ``(y, x)``.

        The place is that of the tissue in a frame without motion. Registering the frame adds the opposite.
        """
        moved: Floats = self.shifts[frame, :, None, None] + np.tensordot(
            self.warp_courses[:, frame], self.warp_modes, axes=1
        )
        return moved


def simulate_movie(
    kind: Literal["2p", "1p"] = "2p",
    *,
    n_frames: int = 1000,
    height: int = 128,
    width: int = 160,
    n_cells: int = 35,
    rate_hz: float = 15.0,
    seed: int = 0,
    motion_px: float = 1.5,
    warp_px: float = 0.0,
    radius_px: float = 5.5,
    decay_s: float = 0.5,
    brightness: float = 1.0,
) -> Simulation:
    """Simulate a recording.

    Parameters
    ----------
    kind
        ``2p`` (two-photon: dim, sparse background) or ``1p`` (one-photon: bright, blurred background).
    n_frames, height, width
        Size in frames and pixels.
    n_cells
        Cells to place; fewer come out when the field is full.
    rate_hz
        Frames per second.
    seed
        Equal seeds give equal movies.
    motion_px
        Standard deviation of the motion, in pixels; 0 for none.
    warp_px
        Standard deviation, in pixels, of how much places differ in their motion (non-rigid motion); 0 for none.
    radius_px
        Mean radius of a cell, in pixels.
    decay_s
        Time constant of the indicator, in seconds.
    brightness
        Factor on the photons of every transient: 1 is a good recording, 0.3 a dim one.

    Raises
    ------
    ValueError
        When the field is too small for one cell, or there is no frame.
    """
    margin = int(np.ceil(4 * (motion_px + warp_px) + radius_px)) + 2
    if n_frames < 1 or min(height, width) < 2 * radius_px + 2:
        raise ValueError(f"a movie of {n_frames} x {height} x {width} has no room for a cell of radius {radius_px} px")
    rng = np.random.default_rng(seed)
    canvas = (height + 2 * margin, width + 2 * margin)  # brain beyond the field, so that motion brings something in
    cells = _cells(rng, kind, canvas, margin, n_cells, radius_px)
    spikes, traces = activity(rng, len(cells), n_frames, rate_hz, decay_s)
    peak = (90.0 if kind == "2p" else 220.0) * brightness
    traces *= (peak * rng.uniform(0.6, 1.4, len(cells)))[:, None].astype(np.float32)
    still = _still_image(rng, kind, canvas, cells, radius_px)
    patches, courses = _neuropil(rng, kind, canvas, n_frames, rate_hz)
    shifts = motion(rng, n_frames, rate_hz, motion_px)
    modes, warps = _warps(rng, canvas, margin, n_frames, rate_hz, warp_px)

    n_pixels = canvas[0] * canvas[1]
    flat_cells, flat_patches = cells.reshape(len(cells), n_pixels), patches.reshape(len(patches), n_pixels)
    frames = np.empty((n_frames, height, width), np.uint16)
    for start in range(0, n_frames, CHUNK):
        part = slice(start, min(start + CHUNK, n_frames))
        bright = traces[:, part].T @ flat_cells + courses[:, part].T @ flat_patches
        bright = bright.reshape(-1, *canvas) + still
        for offset, image in enumerate(bright):
            y, x = shifts[start + offset]
            if len(modes):
                image = _warped(image, np.tensordot(warps[:, start + offset], modes, axes=1))
            matrix = np.array([[1, 0, x - margin], [0, 1, y - margin]], np.float64)
            moved = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
            frames[start + offset] = np.minimum(rng.poisson(np.maximum(moved, 0.1)), 65535)
    seen = (..., slice(margin, margin + height), slice(margin, margin + width))
    inside, modes = np.ascontiguousarray(cells[seen]), np.ascontiguousarray(modes[seen])
    return Simulation(kind, frames, inside, traces, spikes, shifts, float(rate_hz), modes, warps)


def write_simulation(simulation: Simulation, path: Path) -> Path:
    """Write the movie as TIFF, with a Mesmerize side-car ``.json`` (source, fps, date) beside it; return `path`."""
    frames = simulation.frames
    axes = "TYX" if frames.ndim == 3 else "TZYX"
    if frames.ndim == 4:  # pages of a TIFF are planes
        frames = frames.transpose(0, 3, 1, 2)
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": axes})
    sidecar = {"source": "simulated", "fps": simulation.rate_hz, "date": "20260101_120000"}
    path.with_suffix(".json").write_text(json.dumps(sidecar), encoding="utf-8")
    return path


def write_truth(simulation: Simulation, path: Path) -> Path:
    """Write the truth as ``.npz``: ``A`` (n, *shape of a frame), ``C``, ``S`` (n, n_frames), ``shifts``, ``fr``."""
    np.savez_compressed(
        path,
        A=simulation.footprints,
        C=simulation.traces,
        S=simulation.spikes,
        shifts=simulation.shifts,
        fr=simulation.rate_hz,
    )
    return path


def _cells(
    rng: np.random.Generator, kind: Kind, canvas: tuple[int, int], margin: int, n_cells: int, radius_px: float
) -> Floats:
    """Footprints ``(n, *canvas)``, maximum 1, with centres in the field and a little overlap at most."""
    rows, columns = np.mgrid[: canvas[0], : canvas[1]].astype(np.float32)
    low = margin + 0.6 * radius_px
    centres: list[tuple[float, float]] = []
    for _ in range(400 * n_cells):
        if len(centres) == n_cells:
            break
        y, x = rng.uniform(low, canvas[0] - low), rng.uniform(low, canvas[1] - low)
        if all(np.hypot(y - cy, x - cx) > 1.7 * radius_px for cy, cx in centres):
            centres.append((y, x))
    cells = np.zeros((len(centres), *canvas), np.float32)
    for cell, (y, x) in zip(cells, centres, strict=True):
        radius, stretch = radius_px * rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.25)
        turn, bend, phase = rng.uniform(0, np.pi), rng.uniform(0, 0.12), rng.uniform(0, 2 * np.pi)
        dy, dx = rows - y, columns - x
        along, across = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        distance = np.hypot(along / stretch, across * stretch) / radius
        distance *= 1 + bend * np.cos(3 * np.arctan2(dy, dx) + phase)
        if kind == "2p":
            soma = special.expit((1 - distance) * 9)
            nucleus = rng.uniform(0.2, 0.6) * np.exp(-((distance / 0.5) ** 2) / 2)
            cell[:] = soma * (1 - nucleus)
        else:
            cell[:] = np.exp(-(distance**2) * 1.1)
        cell *= ndimage.gaussian_filter(rng.uniform(0.8, 1.2, canvas), 1.0).astype(np.float32)
        cell[cell < 0.02 * cell.max()] = 0
        cell /= cell.max()
    return cells


def activity(
    rng: np.random.Generator, n_cells: int, n_frames: int, rate_hz: float, decay_s: float
) -> tuple[Floats, Floats]:
    """Spikes and AR(1) calcium ``(n_cells, n_frames)``; calcium is scaled to a maximum of 1 for the median cell."""
    rate = rng.uniform(0.08, 0.35, n_cells)[:, None] / rate_hz  # bursts per frame: a cell fires every 3 to 12 s
    bursts = rng.random((n_cells, n_frames)) < rate
    for row in np.flatnonzero(~bursts.any(axis=1)):
        bursts[row, rng.integers(n_frames)] = True  # a cell that never fires could not be found by anyone
    spikes = np.where(bursts, 1 + rng.poisson(1.5, bursts.shape), 0).astype(np.float32)
    decay = np.exp(-1 / (decay_s * rate_hz))
    traces = signal.lfilter([1.0], [1.0, -decay], spikes, axis=1).astype(np.float32)
    return spikes, traces / np.float32(max(1e-6, float(np.median(traces.max(axis=1))))) if n_cells else traces


def _still_image(
    rng: np.random.Generator, kind: Kind, canvas: tuple[int, int], cells: Floats, radius_px: float
) -> Floats:
    """Resting brightness ``canvas``: tissue, vessels, resting cells, and (2p) bright specks that never change."""
    tissue = ndimage.gaussian_filter(rng.standard_normal(canvas), 1.2) * 1.2
    tissue += ndimage.gaussian_filter(rng.standard_normal(canvas), 8) * 8
    vessels = np.abs(ndimage.gaussian_filter(rng.standard_normal(canvas), 14))
    shade = 1 - 0.55 * np.exp(-((vessels / (0.18 * vessels.std())) ** 2))
    rows, columns = np.mgrid[-1 : 1 : canvas[0] * 1j, -1 : 1 : canvas[1] * 1j]
    level = 70.0 if kind == "2p" else 1500.0
    image = level * (1 - 0.25 * (rows**2 + columns**2)) * shade * np.exp(0.16 * tissue)
    resting = rng.uniform(0.2, 0.7, len(cells)) * (60.0 if kind == "2p" else 80.0)
    image += np.tensordot(resting, cells, axes=1)
    if kind == "2p":
        specks = np.zeros(canvas)
        where = rng.integers(0, canvas, (max(1, cells[0].size // 2500) if len(cells) else 1, 2))
        specks[where[:, 0], where[:, 1]] = rng.uniform(1500, 4000, len(where)) / radius_px
        image += ndimage.gaussian_filter(specks, 1.2)
    return np.maximum(image, 1).astype(np.float32)


def _neuropil(
    rng: np.random.Generator, kind: Kind, canvas: tuple[int, int], n_frames: int, rate_hz: float
) -> tuple[Floats, Floats]:
    """Background that changes: patches ``(n, *canvas)`` and their courses ``(n, n_frames)``, in photons."""
    n, blur, depth = (3, 14.0, 10.0) if kind == "2p" else (6, 12.0, 260.0)
    noise = np.stack([ndimage.gaussian_filter(rng.standard_normal(canvas), blur) for _ in range(n)])
    patches = noise - noise.min(axis=(1, 2), keepdims=True)
    patches /= patches.max(axis=(1, 2), keepdims=True)
    smooth = 0.7 * rate_hz
    # Longer than the movie by six kernels and cut: a course must not depend on how a filter treats its ends.
    padding = int(3 * smooth) + 1
    courses = ndimage.gaussian_filter1d(rng.standard_normal((n, n_frames + 2 * padding)), smooth, axis=1)
    courses = courses[:, padding : padding + n_frames] * np.sqrt(2 * np.sqrt(np.pi) * smooth)
    bleaching = np.exp(-np.arange(n_frames) / rate_hz / 600.0)
    return patches.astype(np.float32), (depth * np.exp(0.5 * courses) * bleaching).astype(np.float32)


def motion(rng: np.random.Generator, n_frames: int, rate_hz: float, motion_px: float, axes: int = 2) -> Floats:
    """Shifts ``(n_frames, axes)``: slow drift plus jitter, within four standard deviations."""
    if motion_px == 0:
        return np.zeros((n_frames, axes), np.float32)
    padding = int(4 * rate_hz)
    drift = ndimage.gaussian_filter1d(rng.standard_normal((n_frames + 2 * padding, axes)), rate_hz, axis=0)
    drift = drift[padding : padding + n_frames] * np.sqrt(2 * np.sqrt(np.pi) * rate_hz)
    path = 0.9 * drift + 0.3 * rng.standard_normal((n_frames, axes))
    return np.clip(motion_px * path, -4 * motion_px, 4 * motion_px).astype(np.float32)


def _warps(
    rng: np.random.Generator, canvas: tuple[int, int], margin: int, n_frames: int, rate_hz: float, warp_px: float
) -> tuple[Floats, Floats]:
    """Smooth fields of displacement ``(n, 2, *canvas)``, mean 0 over the field, and their courses ``(n, n_frames)``."""
    if warp_px == 0:
        return np.zeros((0, 2, *canvas), np.float32), np.zeros((0, n_frames), np.float32)
    n = 4
    seen = (..., slice(margin, canvas[0] - margin), slice(margin, canvas[1] - margin))
    modes = np.stack([[_smooth(rng, canvas, STIFF_PX) for _ in range(2)] for _ in range(n)])
    modes -= modes[seen].mean(axis=(2, 3), keepdims=True)
    modes *= warp_px / np.sqrt(n * (modes[seen] ** 2).mean(axis=(2, 3), keepdims=True))
    courses = np.concatenate([motion(rng, n_frames, rate_hz, 1.0).T for _ in range(n // 2)])
    return modes.astype(np.float32), courses


def _smooth(rng: np.random.Generator, shape: tuple[int, int], reach: float) -> NDArray[np.float64]:
    """Noise ``shape`` blurred over `reach` pixels, with as little of it at the edges as inside."""
    padding = int(2 * reach)
    noise = rng.standard_normal((shape[0] + 2 * padding, shape[1] + 2 * padding))
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(noise, reach / 2)
    return blurred[padding:-padding, padding:-padding]


def _warped(image: Floats, displacement: Floats) -> Floats:
    """`image` with each pixel's content moved by its ``displacement`` ``(2, height, width)``, where it came from."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    moved = displacement
    for _ in range(3):  # what is seen at q came from p = q - displacement(p)
        from_x, from_y = columns - moved[1], rows - moved[0]
        moved = np.stack(
            [
                cv2.remap(part, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
                for part in displacement
            ]
        )
    return np.asarray(
        cv2.remap(image, columns - moved[1], rows - moved[0], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT),
        np.float32,
    )
