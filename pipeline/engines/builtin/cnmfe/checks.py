"""What one-photon extraction cannot work with."""

from __future__ import annotations

import math

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.cnmfe.ring import ring_radius
from pipeline.parameters import Parameters


def is_one_photon(params: Parameters) -> bool:
    """Whether cells are found by CNMF-E."""
    return params.init.method_init == "corr_pnr"


def check_one_photon(params: Parameters) -> None:
    """Refuse parameters that contradict one-photon extraction.

    Raises
    ------
    ParameterError
    """
    if params.init.nb > 0:
        raise ParameterError(
            "init.nb",
            f"is {params.init.nb}, but the background of a one-photon movie (corr_pnr) is a ring of pixels",
            "Set nb to 0.",
        )
    if params.init.ssub > min(params.init.gSig):
        raise ParameterError(
            "init.ssub",
            f"is {params.init.ssub}, which leaves less than a pixel of cells with gSig {params.init.gSig}",
            f"Use at most {min(params.init.gSig)}.",
        )


def check_ring(params: Parameters, height: int, width: int) -> None:
    """Refuse a ring that lies outside the field even for the pixel in its middle.

    Raises
    ------
    ParameterError
    """
    ssub, radius = params.init.ssub_B, ring_radius(params.init)
    furthest = math.hypot((height / ssub - 1) / 2, (width / ssub - 1) / 2)
    if radius > furthest - 1:
        gSiz = params.init.gSiz or tuple(2 * g + 1 for g in params.init.gSig)
        raise ParameterError(
            "init.ring_size_factor",
            f"is {params.init.ring_size_factor:g}, which with gSiz {gSiz} makes a ring of {radius * ssub} pixels, "
            f"larger than the field of {height} x {width}",
            f"Use at most {max(0.0, furthest - 1) * ssub / max(gSiz):.2g}, or a smaller gSiz.",
        )
