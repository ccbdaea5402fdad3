"""What the built-in engine refuses before any work, and what it warns of.

Nothing that a person set is silently ignored: a parameter that this engine does not honour is refused when its value
would change the result, and noted in the result when it is only a matter of how the work is done.
"""

from __future__ import annotations

import math
from typing import Any

from nwb_schema.errors import MovieError, ParameterError
from pipeline.engines.builtin.cnmfe.ring import ring_radius
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.parameters.fields import BUILTIN, extra_of
from pipeline.parameters.presets import PRESETS

# Below this, the noise (from the spectrum) and the decay (from five lags of the autocovariance) of a trace are guesses,
# and three transients of half a second do not fit in at the rates of real recordings (7 to 30 Hz: 100 frames).
LEAST_FRAMES = 100
LEAST_PIXELS = 8
LEAST_PLANES = 3

# A parameter outside this engine's reach, and what to do instead, when its value would change the result.
NEEDS_CAIMAN = "Leave it at {default!r}, or run CaImAn yourself and `fluorite import` its results."
# Only how the work is done, or how CaImAn's own units are counted: noted, not refused.
HARMLESS = frozenset({"n_processes", "dxy", "only_init", "nb_patch", "low_rank_background", "del_duplicates"})
# These only mean something together with a method that may be off.
PART_OF = {
    "strides": "pw_rigid",
    "overlaps": "pw_rigid",
    "max_deviation_rigid": "pw_rigid",
    "min_cnn_thr": "use_cnn",
    "cnn_lowest": "use_cnn",
    "stride": "rf",
}
# What only one-photon extraction (corr_pnr) uses, and what it has no use for. It streams through time instead of
# working patch by patch.
ONE_PHOTON_ONLY = frozenset(
    {"min_corr", "min_pnr", "ssub_B", "ring_size_factor", "center_psf", "ssub", "del_duplicates"}
)
NOT_ONE_PHOTON = frozenset({"rolling_sum", "rolling_length", "normalize_init", "rf", "stride"})


def check_parameters(params: Parameters) -> None:
    """Refuse what this engine does not do.

    Raises
    ------
    ParameterError
        Naming the parameter and the remedy.
    """
    engine = "the built-in engine"
    if params.motion.is3D:
        _check_volumes(params)
    if params.init.method_init == "sparse_nmf":
        raise ParameterError("init.method_init", f"sparse_nmf is not in {engine} yet", "Use greedy_roi.")
    if is_one_photon(params):
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
    elif params.init.nb < 1:
        raise ParameterError(
            "init.nb",
            f"is 0, but {engine} needs a background of at least one component",
            "Set nb to 1 or 2 (two-photon), or use the 1p preset.",
        )
    if params.temporal.method_deconvolution != "oasis":
        raise ParameterError("temporal.method_deconvolution", f"only oasis is in {engine}", "Set it to oasis.")
    for group, name, value, default in changed_and_not_honoured(params):
        if name not in HARMLESS and not (is_one_photon(params) and name in NOT_ONE_PHOTON):
            raise ParameterError(
                f"{group}.{name}", f"is {value!r}, which {engine} does not honour", NEEDS_CAIMAN.format(default=default)
            )


def is_one_photon(params: Parameters) -> bool:
    """Whether cells are found by CNMF-E."""
    return params.init.method_init == "corr_pnr"


def _check_volumes(params: Parameters) -> None:
    """Refuse what is done with planes only."""
    only_planes = {
        "motion.pw_rigid": (params.motion.pw_rigid, False),
        "motion.gSig_filt": (params.motion.gSig_filt, None),
        "init.method_init": (params.init.method_init, "greedy_roi"),
        "init.ssub": (params.init.ssub, 1),
        "patch.rf": (params.patch.rf, None),
        "quality.use_cnn": (params.quality.use_cnn, False),
    }
    for name, (value, needed) in only_planes.items():
        if value != needed:
            raise ParameterError(
                name,
                f"is {value!r}, which the built-in engine does with planes, not with volumes",
                f"Set it to {needed!r}, or process single planes with --plane and --preset 2p.",
            )


def warnings_of(params: Parameters) -> tuple[str, ...]:
    """One sentence for every harmless parameter that was set and has no effect here."""
    harmless = HARMLESS | NOT_ONE_PHOTON if is_one_photon(params) else HARMLESS
    return tuple(
        f"{group}.{name} was set to {value!r}; the built-in engine works without it."
        for group, name, value, _ in changed_and_not_honoured(params)
        if name in harmless
    )


def changed_and_not_honoured(params: Parameters) -> list[tuple[str, str, Any, Any]]:
    """``(group, name, value, value of the preset)`` of what was changed although this engine has no use for it.

    A value that any preset has was not chosen by a person, and is no reason to complain, when it belongs to a method
    that is off.
    """
    presets = [Parameters.preset(name) for name in PRESETS]
    one_photon = is_one_photon(params)
    useless = NOT_ONE_PHOTON if one_photon else ONE_PHOTON_ONLY
    like = Parameters.preset("1p" if one_photon else "2p")
    found = []
    for group in Parameters.model_fields:
        model, usual = getattr(params, group), getattr(like, group)
        for name, info in type(model).model_fields.items():
            value, default = getattr(model, name), getattr(usual, name)
            if value == default or (BUILTIN in extra_of(info)["honoured_by"] and name not in useless):
                continue
            if name in (PART_OF.keys() | HARMLESS | useless) - {"normalize_init"} and any(
                value == getattr(getattr(preset, group), name) for preset in presets
            ):
                continue
            found.append((group, name, value, default))
    return found


def check_recording(movie: Movie, params: Parameters) -> None:
    """Refuse a movie that is too short or too small, or whose rate contradicts the parameters.

    Raises
    ------
    MovieError, ParameterError
    """
    n_frames, *field = movie.shape
    height, width, *planes = field
    where = movie.paths[0] if movie.paths else "movie"
    if bool(planes) != params.motion.is3D:
        raise ParameterError(
            "motion.is3D",
            f"is {params.motion.is3D}, but the movie is of {'volumes' if planes else 'one plane'}",
            f"Use --preset {'3d' if planes else '2p'}.",
        )
    if n_frames < LEAST_FRAMES:
        raise MovieError(
            where,
            f"has {n_frames} {'volumes' if planes else 'frames'}; at least {LEAST_FRAMES} are needed to tell "
            "transients from noise",
            "Process a longer recording.",
        )
    if min(height, width) < LEAST_PIXELS:
        raise MovieError(
            where,
            f"is {height} x {width} pixels; at least {LEAST_PIXELS} x {LEAST_PIXELS} are needed",
            "Check its axes.",
        )
    if planes and planes[0] < LEAST_PLANES:
        raise MovieError(
            where,
            f"has {planes[0]} planes; at least {LEAST_PLANES} are needed to follow motion from plane to plane",
            "Process each plane by itself with --plane and --preset 2p.",
        )
    size = " x ".join(map(str, field))
    gsig, box = params.init.gSig, params.init.gSiz or params.init.gSig
    # A cell may reach through all planes of a volume, but hardly fill the plane.
    if max(gsig[:2]) * 2 >= min(height, width) or (planes and gsig[2] > planes[0]):
        largest = [(min(height, width) - 1) // 2] * 2 + planes
        raise ParameterError(
            "init.gSig", f"is {gsig}, too large for a field of {size} pixels (box {box})",
            f"Use at most {largest if planes else largest[0]}.",
        )  # fmt: skip
    if is_one_photon(params):
        _check_ring(params, height, width)
    if 2 * params.patch.border_pix >= min(height, width):
        raise ParameterError(
            "patch.border_pix", f"is {params.patch.border_pix}, which leaves nothing of {size} pixels",
            f"Use at most {(min(height, width) - 1) // 2}.",
        )  # fmt: skip
    fr = params.data.fr
    if fr is not None and abs(fr - movie.rate_hz) > 1e-3 * movie.rate_hz:
        raise ParameterError(
            "data.fr",
            f"is {fr:g} Hz, but the movie has {movie.rate_hz:g} Hz",
            "Give the right one with --frame-rate and leave fr automatic.",
        )


def _check_ring(params: Parameters, height: int, width: int) -> None:
    """Refuse a ring that lies outside the field even for the pixel in its middle."""
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
