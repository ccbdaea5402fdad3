"""What online mode refuses before any work, and what it notes."""

from __future__ import annotations

from typing import cast

from nwb_schema.errors import ParameterError
from pipeline.engines.builtin.checks import LEAST_FRAMES, check_recording
from pipeline.movies.following import GrowingMovie
from pipeline.movies.movie import Movie
from pipeline.parameters import Parameters
from pipeline.parameters.online import honoured_online
from pipeline.parameters.presets import PRESETS

# Only how the batch engine does its work: noted, not refused.
HARMLESS = frozenset(
    {"n_processes", "dxy", "only_init", "nb_patch", "low_rank_background", "del_duplicates", "refit", "rf", "stride"}
)


def check_online(params: Parameters, movie: Movie) -> None:
    """Refuse what online mode does not do.

    Raises
    ------
    ParameterError
        Naming the parameter and the remedy.
    MovieError
        When the movie is too short or too small.
    """
    refuse = {
        "motion.is3D": (params.motion.is3D, "is true, but online mode processes one plane"),
        "init.method_init": (
            params.init.method_init != "greedy_roi",
            f"is {params.init.method_init}, but online mode is for two-photon movies and has no ring background",
        ),
        "init.nb": (params.init.nb < 1, "is 0, but online mode needs a background of at least one component"),
        "temporal.p": (params.temporal.p > 1, "is 2, but online mode deconvolves with p = 0 or 1"),
        "temporal.method_deconvolution": (
            params.temporal.method_deconvolution != "oasis",
            "is not oasis, the only one that goes frame by frame",
        ),
    }
    for name, (wrong, why) in refuse.items():
        if wrong:
            raise ParameterError(name, why, "Change it, or process the finished movie without --online.")
    if params.online.minibatch_shape > params.online.init_batch:
        raise ParameterError(
            "online.minibatch_shape",
            f"is {params.online.minibatch_shape}, longer than init_batch {params.online.init_batch}",
            "Use a shorter buffer, or a longer first batch.",
        )
    seeded = {"auto": params.init.Ain is not None, "seeded": True, "bare": False}[params.online.init_method]
    if seeded != (params.init.Ain is not None):
        raise ParameterError(
            "online.init_method",
            f"is {params.online.init_method}, but {'masks' if params.init.Ain else 'no masks'} were given (init.Ain)",
            "Leave it at auto.",
        )
    for name in changed_without_effect(params):
        if name.split(".")[1] not in HARMLESS:
            raise ParameterError(
                name, "was set, but online mode does not honour it", "Leave it out, or process without --online."
            )
    if not isinstance(movie, GrowingMovie):
        check_recording(movie, params)
        return
    # How long it will be, nobody knows yet; everything else about it can be checked.
    check_recording(cast(Movie, _AsLongAsNeeded(movie)), params)


def changed_without_effect(params: Parameters) -> list[str]:
    """``group.name`` of what was changed although online mode has no use for it, unless any preset has that value."""
    presets = [Parameters.preset(name) for name in PRESETS]
    return [
        f"{group}.{name}"
        for group in Parameters.model_fields
        for name in type(getattr(params, group)).model_fields
        if not honoured_online(group, name)
        and all(getattr(getattr(params, group), name) != getattr(getattr(one, group), name) for one in presets)
    ]


def notes_of(params: Parameters) -> tuple[str, ...]:
    """One sentence for every harmless parameter that was set and has no effect online."""
    return tuple(f"{name} was set; online mode works without it." for name in changed_without_effect(params))


class _AsLongAsNeeded:
    """A growing movie as if it had its frames already."""

    def __init__(self, movie: Movie) -> None:
        self.paths, self.rate_hz = movie.paths, movie.rate_hz
        self.shape = (max(LEAST_FRAMES, movie.shape[0]), *movie.shape[1:])
