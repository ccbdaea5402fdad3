"""What an engine found in a movie, in memory: footprints, traces and scores.

This is the one form that results take between a results file (CaImAn's HDF5 layout) and a sample (NWB). It knows
nothing of either file; pixels are numbered in C order here, whatever order a file stores them in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Segmentation:
    """The components of one recording.

    Attributes
    ----------
    shape
        ``(height, width)``, or ``(height, width, depth)`` for a volume.
    footprints
        ``(n_rois, n_pixels)`` float32 in CSR form without explicit zeros, pixels in C order of `shape`
        (2D: ``y * width + x``).
    rate_hz
        Frames per second of the traces.
    raw, denoised, deconvolved, dff
        ``(n_rois, n_frames)`` float32; CaImAn's ``C + YrA``, ``C``, ``S`` and ``F_dff``. None where the file has none.
    accepted
        ``(n_rois,)`` bool. All True when `evaluated` is False: nothing was rejected, nothing was looked at.
    evaluated
        Whether an evaluation step decided `accepted`.
    snr, r_values, cnn_preds
        ``(n_rois,)`` float32 scores, or None where that score was not computed.
    background_footprints
        ``(n_background, n_pixels)`` float32, pixels in C order, or None (1p results have none).
    background_traces
        ``(n_background, n_frames)`` float32, or None.
    images
        Summary images ``(height, width)`` by name: ``mean``, ``max``, ``std``, ``correlation``, ``pnr``. Those of a
        volume are what is seen from above: the maximum over its planes.
    plane_images
        Of a volume, summary images ``(height, width, depth)`` by name, plane by plane: ``mean`` and ``correlation``.
    """

    shape: tuple[int, ...]
    footprints: sparse.csr_array
    rate_hz: float
    accepted: NDArray[np.bool_]
    evaluated: bool
    raw: FloatArray | None = None
    denoised: FloatArray | None = None
    deconvolved: FloatArray | None = None
    dff: FloatArray | None = None
    snr: FloatArray | None = None
    r_values: FloatArray | None = None
    cnn_preds: FloatArray | None = None
    background_footprints: FloatArray | None = None
    background_traces: FloatArray | None = None
    images: Mapping[str, FloatArray] = field(default_factory=dict)
    plane_images: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def n_rois(self) -> int:
        """Number of components, accepted and rejected."""
        return int(self.footprints.shape[0])

    @property
    def n_frames(self) -> int | None:
        """Number of frames of the traces, or None when there are no traces at all."""
        for traces in (self.denoised, self.raw, self.deconvolved, self.dff):
            if traces is not None:
                return int(traces.shape[1])
        return None
