"""Where the refinement starts: cells that were looked for, or given, and a first background."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from pipeline.engines.builtin.background import initial_background
from pipeline.engines.builtin.initialisation import Candidates, find_cells, flattened
from pipeline.engines.builtin.model import Floats, unit_norm
from pipeline.engines.builtin.nmf import find_processes
from pipeline.engines.builtin.search_patches import Window, in_patches, patch_windows
from pipeline.engines.builtin.survey import Survey
from pipeline.parameters import Parameters
from pipeline.parameters.groups import Init
from pipeline.progress import Progress


@dataclass(frozen=True)
class Start:
    """Where the refinement starts: footprints ``(n, n_pixels)`` of unit norm and background ``(nb, n_pixels)``."""

    footprints: sparse.csr_array
    background: Floats


def started(
    known: Survey, params: Parameters, rate_hz: float, progress: Progress, seeds: sparse.csr_array | None
) -> Start:
    """Components as the parameters ask for them, or `seeds` ``(n, n_pixels)`` in their order, and a background."""

    def report(done: float) -> None:
        progress("initialisation", 0.9 * done)

    field = known.short.shape[1:]
    everywhere: Window = tuple(slice(0, length) for length in field)
    if seeds is not None:
        found = Candidates(seeds, seeded_traces(known.short, seeds, rate_hz / known.factor))
    elif params.patch.rf is None:
        found = _looked_for(known, params, rate_hz, everywhere, report)
    else:
        windows = patch_windows(field, params.patch.rf, params.patch.stride or 0)
        found = in_patches(
            lambda window: _looked_for(known, params, rate_hz, window, lambda _: None),
            windows,
            field,
            del_duplicates=params.patch.del_duplicates,
            merge_thr=params.merging.merge_thr,
            progress=report,
        )
        # Where patches overlap, what they found has been counted twice.
        found = Candidates(found.footprints, seeded_traces(known.short, found.footprints, rate_hz / known.factor))
    background = initial_background(known.short, found.footprints, found.traces, known.noise, params.init.nb)
    progress("initialisation", 1.0)
    footprints = unit_norm(found.footprints)[0] if found.footprints.shape[0] else found.footprints
    return Start(footprints, background)


def seeded_traces(short: Floats, seeds: sparse.csr_array, short_rate_hz: float) -> Floats:
    """First traces ``(n, n_short)`` of masks: what of the changing part of the movie each explains, never negative."""
    if seeds.shape[0] == 0:
        return np.zeros((0, len(short)), np.float32)
    changing = flattened(short, short_rate_hz).reshape(len(short), -1)
    gram = (seeds @ seeds.T).toarray().astype(np.float64)
    ridge = 1e-3 * np.diag(np.diag(gram))
    return np.maximum(linalg.solve(gram + ridge, seeds @ changing.T, assume_a="pos"), 0).astype(np.float32)


def _looked_for(
    known: Survey, params: Parameters, rate_hz: float, window: Window, report: Callable[[float], None]
) -> Candidates:
    """What is found in a window of the field, in pixels of that window."""
    short, noise = known.short[(slice(None), *window)], known.noise[window]
    short_rate_hz = rate_hz / known.factor
    if params.init.method_init == "sparse_nmf":
        most = params.init.K or 0
        return find_processes(short, noise, most, short_rate_hz=short_rate_hz, factor=known.factor, progress=report)
    border = params.patch.border_pix
    # Only the field's own border counts, not that of a patch.
    allowed = np.zeros(known.noise.shape, bool)
    height, width = known.noise.shape[:2]
    allowed[border : height - border, border : width - border] = True
    return find_downsampled(
        short,
        noise,
        params.init,
        allowed=allowed[window],
        short_rate_hz=short_rate_hz,
        factor=known.factor,
        progress=report,
    )


def find_downsampled(
    short: Floats,
    noise: Floats,
    init: Init,
    *,
    allowed: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    short_rate_hz: float,
    factor: int,
    progress: Callable[[float], None],
) -> Candidates:
    """`find_cells` in a movie whose pixels are averaged, ``init.ssub`` along y and x; footprints are of all pixels."""
    field, ssub = short.shape[1:], init.ssub
    if ssub == 1:
        return find_cells(
            short, noise, init, allowed=allowed, short_rate_hz=short_rate_hz, factor=factor, progress=progress
        )
    coarse = tuple(length // ssub for length in field[:2])
    cut = tuple(slice(0, length * ssub) for length in coarse)

    def averaged(images: Floats) -> Floats:
        """The mean over squares of ``(n, height, width[, depth])``; what is left over at the edges is left out."""
        blocks = images[(slice(None), *cut)].reshape(len(images), coarse[0], ssub, coarse[1], ssub, *field[2:])
        return np.asarray(blocks.mean(axis=(2, 4)), dtype=np.float32)

    smaller = init.model_copy(
        update={
            "gSig": tuple(max(1, round(g / ssub)) for g in init.gSig),
            "gSiz": None if init.gSiz is None else tuple(max(1, round(g / ssub)) for g in init.gSiz),
        }
    )
    found = find_cells(
        averaged(short),
        np.sqrt(averaged((noise**2)[None])[0]) / ssub,
        smaller,
        allowed=averaged(allowed[None].astype(np.float32))[0] > 0.5,
        short_rate_hz=short_rate_hz,
        factor=factor,
        progress=progress,
    )
    rows = []
    for row in range(found.footprints.shape[0]):
        image = found.footprints[[row]].toarray().reshape(*coarse, *field[2:])
        whole = np.zeros(field, np.float32)
        whole[cut] = image.repeat(ssub, axis=0).repeat(ssub, axis=1)
        rows.append(sparse.csr_array(whole.reshape(1, -1)))
    footprints = sparse.csr_array(
        sparse.vstack(rows) if rows else sparse.csr_array((0, math.prod(field))), dtype=np.float32
    )
    return Candidates(footprints, found.traces)
