"""The group ``online`` (CaImAn Online, OnACID), and which of the other groups' parameters online mode honours."""

from __future__ import annotations

from typing import Literal

from pipeline.parameters.fields import CAIMAN, Float, Int, OptionalFloat, OptionalInt, parameter
from pipeline.parameters.groups import Group

ONLINE = "online"
_BOTH = (CAIMAN, ONLINE)

HONOURED_ELSEWHERE = frozenset(
    {
        "data.fr",
        "data.decay_time",
        "motion.motion_correct",
        "motion.max_shifts",
        "motion.gSig_filt",
        "motion.border_nan",
        "motion.niter_rig",
        "init.Ain",
        "init.K",
        "init.gSig",
        "init.gSiz",
        "init.nb",
        "init.method_init",
        "init.rolling_sum",
        "init.rolling_length",
        "init.tsub",
        "init.normalize_init",
        "preprocess.p",
        "spatial.nrgthr",
        "spatial.update_background_components",
        "temporal.p",
        "temporal.bas_nonneg",
        "temporal.fudge_factor",
        "temporal.lags",
        "temporal.method_deconvolution",
        "temporal.ITER",
        "patch.border_pix",
        "merging.do_merge",
        "merging.merge_thr",
        "quality.min_SNR",
        "quality.SNR_lowest",
        "quality.rval_thr",
        "quality.rval_lowest",
    }
)
"""Parameters of other groups, as ``group.name``, that online mode honours as well."""


def honoured_online(group: str, name: str) -> bool:
    """Whether online mode honours a parameter."""
    return group == ONLINE or f"{group}.{name}" in HONOURED_ELSEWHERE


class Online(Group):
    """Online mode: frames one at a time (``fluorite process --online``); without effect otherwise."""

    init_batch: Int = parameter(
        200,
        "Frames at the start that the template, the background and the first cells are taken from.",
        unit="frames",
        by=_BOTH,
        ge=100,
        le=5000,
    )
    init_method: Literal["auto", "bare", "seeded"] = parameter(
        "auto",
        "Where the first cells come from: the first frames alone (bare), or masks (seeded, init.Ain). Auto: masks "
        "where they are given.",
        by=_BOTH,
    )
    epochs: Int = parameter(
        1,
        "Passes over the movie. A second one gives cells that were found late their traces from the start.",
        by=_BOTH,
        ge=1,
        le=10,
    )
    max_shifts_online: OptionalInt = parameter(
        None, "Largest shift that is looked for. Automatic: motion.max_shifts.", unit="px", by=_BOTH, ge=1
    )
    update_num_comps: bool = parameter(True, "Look for new cells in what the model leaves unexplained.", by=_BOTH)
    stop_detection: bool = parameter(False, "Look for no new cells in the last of several epochs.", by=_BOTH)
    minibatch_shape: Int = parameter(
        100,
        "Length of the buffer of unexplained frames in which new cells are looked for.",
        unit="frames",
        by=_BOTH,
        ge=20,
        le=1000,
    )
    min_num_trial: Int = parameter(5, "Most candidates that are tried after a frame.", by=_BOTH, ge=0, le=100)
    max_num_added: Int = parameter(5, "Most new cells that are taken in after a frame.", by=_BOTH, ge=0, le=100)
    min_SNR: Float = parameter(2.5, "Signal-to-noise ratio in the buffer from which a candidate is taken in.", by=_BOTH)
    N_samples_exceptionality: OptionalInt = parameter(
        None,
        "Frames that a transient of a candidate has to last. Automatic: decay_time times the rate.",
        unit="frames",
        by=_BOTH,
        ge=1,
        le=1000,
    )
    thresh_fitness_raw: OptionalFloat = parameter(
        None,
        "Log-probability that noise makes such a transient, at or below which a candidate is taken in. "
        "Automatic: from min_SNR and N_samples_exceptionality.",
        by=_BOTH,
        lt=0,
    )
    rval_thr: Float = parameter(
        0.8,
        "Correlation of a candidate's footprint with the frames of its transients from which it is taken in.",
        by=_BOTH,
        ge=-1,
        le=1,
    )
    thresh_overlap: Float = parameter(
        0.5,
        "Overlap (cosine of footprints) with a known cell above which a candidate is that cell again.",
        by=_BOTH,
        ge=0,
        le=1,
    )
    update_freq: Int = parameter(
        200, "Frames between two updates of a cell's footprint.", unit="frames", by=_BOTH, ge=1, le=100_000
    )
    dist_shape_update: bool = parameter(
        True, "Spread the updates of footprints over all frames (true), or update all at once (false).", by=_BOTH
    )
    iters_shape: Int = parameter(5, "Rounds over the footprints in one update.", by=_BOTH, ge=1, le=100)
