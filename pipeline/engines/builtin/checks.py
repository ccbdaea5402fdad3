"""What the built-in engine refuses before any work, and what it warns of.

Nothing that a person set is silently ignored: a parameter that this engine does not honour is refused when its value
would change the result, and noted in the result when it is only a matter of how the work is done.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nwb_schema.errors import MovieError, ParameterError
from pipeline.engines.builtin.cnmfe.checks import check_one_photon, check_ring, is_one_photon
from pipeline.engines.builtin.patches import patch_starts
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.parameters.fields import BUILTIN, extra_of
from pipeline.parameters.groups import Motion
from pipeline.parameters.online import ONLINE
from pipeline.parameters.presets import PRESETS

# Below this, the noise (from the spectrum) and the decay (from five lags of the autocovariance) of a trace are guesses,
# and three transients of half a second do not fit in at the rates of real recordings (7 to 30 Hz: 100 frames).
LEAST_FRAMES = 100
LEAST_PIXELS = 8
# The fit of all patches together costs their number squared.
MOST_PATCHES = 1000
LEAST_PLANES = 3

# A parameter outside this engine's reach, and what to do instead, when its value would change the result.
NEEDS_CAIMAN = "Leave it at {default!r}, or run CaImAn yourself and `fluorite import` its results."
# Only how the work is done, or how CaImAn's own units are counted: noted, not refused.
HARMLESS = frozenset({"n_processes", "dxy", "nb_patch"})
# These only mean something together with a method that is refused or switched off by itself.
PART_OF = {
    "low_rank_background": "rf",
}
# What this engine honours, but only together with something else: name, what it needs, and whether that is there.
# One-photon extraction (corr_pnr) streams through time instead of working patch by patch.
NEEDS: tuple[tuple[str, str, Callable[[Parameters], bool]], ...] = (
    ("motion.strides", "motion.pw_rigid", lambda params: params.motion.pw_rigid),
    ("motion.overlaps", "motion.pw_rigid", lambda params: params.motion.pw_rigid),
    ("motion.max_deviation_rigid", "motion.pw_rigid", lambda params: params.motion.pw_rigid),
    ("patch.stride", "patch.rf", lambda params: params.patch.rf is not None),
    ("patch.del_duplicates", "patch.rf", lambda params: params.patch.rf is not None or is_one_photon(params)),
    ("patch.rf", "greedy_roi or sparse_nmf", lambda params: not is_one_photon(params)),
    ("patch.stride", "greedy_roi or sparse_nmf", lambda params: not is_one_photon(params)),
    ("patch.only_init", "greedy_roi or sparse_nmf", lambda params: not is_one_photon(params)),
    ("init.rolling_sum", "greedy_roi", lambda params: not is_one_photon(params)),
    ("init.rolling_length", "greedy_roi", lambda params: not is_one_photon(params)),
    ("init.normalize_init", "greedy_roi or sparse_nmf", lambda params: not is_one_photon(params)),
    ("init.min_corr", "corr_pnr", is_one_photon),
    ("init.min_pnr", "corr_pnr", is_one_photon),
    ("init.ssub_B", "corr_pnr", is_one_photon),
    ("init.ring_size_factor", "corr_pnr", is_one_photon),
    ("init.center_psf", "corr_pnr", is_one_photon),
    ("patch.rf", "no init.Ain", lambda params: params.init.Ain is None),
    ("init.K", "no init.Ain", lambda params: params.init.Ain is None),
    ("init.ssub", "no init.Ain", lambda params: params.init.Ain is None),
    ("init.ssub", "greedy_roi", lambda params: params.init.method_init != "sparse_nmf"),
    ("init.rolling_length", "init.rolling_sum", lambda params: params.init.rolling_sum),
    ("quality.min_cnn_thr", "quality.use_cnn", lambda params: params.quality.use_cnn),
    ("quality.cnn_lowest", "quality.use_cnn", lambda params: params.quality.use_cnn),
    ("quality.gSig_range", "quality.use_cnn", lambda params: params.quality.use_cnn),
    ("merging.merge_thr", "merging.do_merge", lambda params: params.merging.do_merge),
    ("merging.merge_thr", "no init.Ain", lambda params: params.init.Ain is None),
    ("temporal.lags", "temporal.p above 0", lambda params: params.temporal.p > 0),
    ("temporal.fudge_factor", "temporal.p above 0", lambda params: params.temporal.p > 0),
)


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
    if params.init.method_init == "sparse_nmf" and params.init.K is None and params.init.Ain is None:
        raise ParameterError(
            "init.K", "is automatic, but sparse_nmf needs to know how many components", "Set K, e.g. to 30."
        )
    if is_one_photon(params):
        check_one_photon(params)
        if params.quality.use_cnn:
            raise ParameterError(
                "quality.use_cnn",
                f"is true, but {engine} knows the shapes of cells of two-photon movies only",
                "Set it to false.",
            )
    elif params.init.nb < 1:
        raise ParameterError(
            "init.nb",
            f"is 0, but {engine} needs a background of at least one component",
            "Set nb to 1 or 2; one-photon movies go with the 1p preset.",
        )
    if params.temporal.method_deconvolution != "oasis":
        raise ParameterError("temporal.method_deconvolution", f"only oasis is in {engine}", "Set it to oasis.")
    for group, name, value, default in changed_and_not_honoured(params):
        if not only_noted(group, name, value):
            raise ParameterError(
                f"{group}.{name}", f"is {value!r}, which {engine} does not honour", NEEDS_CAIMAN.format(default=default)
            )


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
    """One sentence for every parameter that was set and has no effect here."""
    default = _usual(params).to_dict()
    given = params.to_dict()
    alone = tuple(
        f"{name} was set to {given[group][member]!r}, which has no effect without {what}."
        for name, what, is_there in NEEDS
        for group, member in [name.split(".")]
        if given[group][member] != default[group][member] and not is_there(params)
    )
    online = tuple(f"online.{name} was set; it only has an effect with --online." for name in changed_online(params))
    return (
        alone
        + online
        + tuple(
            f"{group}.{name} was set to {value!r}; the built-in engine works without it."
            for group, name, value, _ in changed_and_not_honoured(params)
            if only_noted(group, name, value)
        )
    )


def changed_and_not_honoured(params: Parameters) -> list[tuple[str, str, Any, Any]]:
    """``(group, name, value, value of the preset)`` of what was changed although this engine has no use for it."""
    found = []
    for group in Parameters.model_fields:
        if group == ONLINE:
            continue  # see `changed_online`
        model, usual = getattr(params, group), getattr(_usual(params), group)
        for name, info in type(model).model_fields.items():
            value, default = getattr(model, name), getattr(usual, name)
            if value == default or BUILTIN in extra_of(info)["honoured_by"]:
                continue
            found.append((group, name, value, default))
    return found


def check_motion(motion: Motion, field: tuple[int, ...]) -> None:
    """Refuse motion correction that cannot work in a field ``(height, width[, depth])``.

    Raises
    ------
    ParameterError
        Naming the parameter and its range.
    """
    if not motion.motion_correct:
        return
    sides = "{} x {}".format(*field[:2])
    for shift, side in zip(motion.max_shifts, field, strict=False):
        if 2 * shift >= side:
            raise ParameterError(
                "motion.max_shifts",
                f"is {motion.max_shifts}, half a side or more of a field of {sides} pixels",
                f"Use at most {tuple((side - 1) // 2 for side in field[:2])}.",
            )
    if not motion.pw_rigid:
        return
    (rows, tall), (columns, wide) = (
        patch_starts(field[axis], motion.strides[axis], motion.overlaps[axis]) for axis in (0, 1)
    )
    count = len(rows) * len(columns)
    if count == 1:
        name = (
            "overlaps" if any(stride < side for stride, side in zip(motion.strides, field, strict=False)) else "strides"
        )
        raise ParameterError(
            f"motion.{name}",
            f"is {getattr(motion, name)}, so that one patch (strides + overlaps) holds the field of {sides} pixels",
            f"Use strides and overlaps that together are smaller than {max(field[:2])}, or set pw_rigid to false.",
        )
    if count > MOST_PATCHES:
        raise ParameterError(
            "motion.strides",
            f"is {motion.strides}, which makes {count} patches in a field of {sides} pixels (at most {MOST_PATCHES})",
            f"Use at least {math.ceil(math.sqrt(math.prod(field[:2]) / MOST_PATCHES))}.",
        )
    if 2 * (motion.max_deviation_rigid + 1) >= min(tall, wide):
        raise ParameterError(
            "motion.max_deviation_rigid",
            f"is {motion.max_deviation_rigid}, too far for patches of {tall} x {wide} pixels",
            f"Use at most {max(0, (min(tall, wide) - 3) // 2)}, or larger strides and overlaps.",
        )


def _usual(params: Parameters) -> Parameters:
    """The preset that values are compared with, to see what a person has chosen."""
    return Parameters.preset("3d" if params.motion.is3D else "1p" if is_one_photon(params) else "2p")


def changed_online(params: Parameters) -> list[str]:
    """Names of changed parameters of the group ``online``, but for those that other groups share (``min_SNR``)."""
    groups = [getattr(params, group) for group in Parameters.model_fields if group != ONLINE]
    shared = {name for group in groups for name in type(group).model_fields}
    usual = Parameters().online
    return [
        name
        for name in type(usual).model_fields
        if name not in shared and getattr(params.online, name) != getattr(usual, name)
    ]


def only_noted(group: str, name: str, value: Any) -> bool:
    """Whether a value that is not honoured does no harm: it cannot change the result, or it belongs to a method that is
    off and is what some preset has, so that probably nobody chose it."""
    if name in HARMLESS:
        return True
    return name in PART_OF and any(
        value == getattr(getattr(Parameters.preset(preset), group), name) for preset in PRESETS
    )


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
    check_motion(params.motion, movie.shape[1:])
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
        check_ring(params, height, width)
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
