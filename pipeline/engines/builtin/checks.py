"""What the built-in engine refuses before any work, and what it warns of.

Nothing that a person set is silently ignored: a parameter that this engine does not honour is refused when its value
would change the result, and noted in the result when it is only a matter of how the work is done.
"""

from __future__ import annotations

from typing import Any

from nwb_schema.errors import MovieError, ParameterError
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.parameters.fields import BUILTIN, extra_of
from pipeline.parameters.presets import PRESETS

# Below this, the noise (from the spectrum) and the decay (from five lags of the autocovariance) of a trace are guesses,
# and three transients of half a second do not fit in at the rates of real recordings (7 to 30 Hz: 100 frames).
LEAST_FRAMES = 100
LEAST_PIXELS = 8

# A parameter outside this engine's reach, and what to do instead, when its value would change the result.
NEEDS_CAIMAN = "Leave it at {default!r}, or run CaImAn yourself and `fluorite import` its results."
# Only how the work is done, or how CaImAn's own units are counted: noted, not refused.
HARMLESS = frozenset({"n_processes", "dxy", "only_init", "nb_patch", "low_rank_background", "del_duplicates"})
# These only mean something together with a method that is refused or switched off by itself.
PART_OF = {
    "strides": "pw_rigid",
    "overlaps": "pw_rigid",
    "max_deviation_rigid": "pw_rigid",
    "min_corr": "method_init",
    "min_pnr": "method_init",
    "ssub_B": "method_init",
    "ring_size_factor": "method_init",
    "center_psf": "method_init",
    "min_cnn_thr": "use_cnn",
    "cnn_lowest": "use_cnn",
    "stride": "rf",
}


def check_parameters(params: Parameters) -> None:
    """Refuse what this engine does not do.

    Raises
    ------
    ParameterError
        Naming the parameter and the remedy.
    """
    engine = "the built-in engine"
    if params.motion.is3D:
        raise ParameterError(
            "motion.is3D",
            f"is true, but {engine} does not process volumes yet",
            "Use --engine caiman, or process one plane with the 2p preset.",
        )
    if params.init.method_init == "corr_pnr":
        raise ParameterError(
            "init.method_init",
            f"corr_pnr (CNMF-E, one-photon) is not in {engine} yet",
            "Run CaImAn yourself and `fluorite import` its results; two-photon movies go with the 2p preset.",
        )
    if params.init.method_init == "sparse_nmf":
        raise ParameterError("init.method_init", f"sparse_nmf is not in {engine} yet", "Use greedy_roi.")
    if params.init.nb < 1:
        raise ParameterError(
            "init.nb", f"is 0, but {engine} needs a background of at least one component", "Set nb to 1 or 2."
        )
    if params.temporal.method_deconvolution != "oasis":
        raise ParameterError("temporal.method_deconvolution", f"only oasis is in {engine}", "Set it to oasis.")
    for group, name, value, default in changed_and_not_honoured(params):
        if name not in HARMLESS:
            raise ParameterError(
                f"{group}.{name}", f"is {value!r}, which {engine} does not honour", NEEDS_CAIMAN.format(default=default)
            )


def warnings_of(params: Parameters) -> tuple[str, ...]:
    """One sentence for every harmless parameter that was set and has no effect here."""
    return tuple(
        f"{group}.{name} was set to {value!r}; the built-in engine works without it."
        for group, name, value, _ in changed_and_not_honoured(params)
        if name in HARMLESS
    )


def changed_and_not_honoured(params: Parameters) -> list[tuple[str, str, Any, Any]]:
    """``(group, name, value, value of the 2p preset)`` of what was changed although this engine has no use for it.

    A value that any preset has was not chosen by a person, and is no reason to complain, when it belongs to a method
    that is off.
    """
    presets = [Parameters.preset(name) for name in PRESETS]
    found = []
    for group in Parameters.model_fields:
        model, usual = getattr(params, group), getattr(presets[0], group)
        for name, info in type(model).model_fields.items():
            value, default = getattr(model, name), getattr(usual, name)
            if value == default or BUILTIN in extra_of(info)["honoured_by"]:
                continue
            if name in PART_OF | dict.fromkeys(HARMLESS) and any(
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
    n_frames, height, width = movie.shape
    where = movie.paths[0] if movie.paths else "movie"
    if n_frames < LEAST_FRAMES:
        raise MovieError(
            where,
            f"has {n_frames} frames; at least {LEAST_FRAMES} are needed to tell transients from noise",
            "Process a longer recording.",
        )
    if min(height, width) < LEAST_PIXELS:
        raise MovieError(
            where,
            f"is {height} x {width} pixels; at least {LEAST_PIXELS} x {LEAST_PIXELS} are needed",
            "Check its axes.",
        )
    box = params.init.gSiz or params.init.gSig
    if max(params.init.gSig) * 2 >= min(height, width):
        raise ParameterError(
            "init.gSig", f"is {params.init.gSig}, too large for a field of {height} x {width} pixels (box {box})",
            f"Use at most {(min(height, width) - 1) // 2}.",
        )  # fmt: skip
    if 2 * params.patch.border_pix >= min(height, width):
        raise ParameterError(
            "patch.border_pix", f"is {params.patch.border_pix}, which leaves nothing of {height} x {width} pixels",
            f"Use at most {(min(height, width) - 1) // 2}.",
        )  # fmt: skip
    fr = params.data.fr
    if fr is not None and abs(fr - movie.rate_hz) > 1e-3 * movie.rate_hz:
        raise ParameterError(
            "data.fr",
            f"is {fr:g} Hz, but the movie has {movie.rate_hz:g} Hz",
            "Give the right one with --frame-rate and leave fr automatic.",
        )
