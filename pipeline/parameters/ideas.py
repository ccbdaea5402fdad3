"""The analysis table of Inscopix's IDEAS workflow "CaImAn Cell Extraction": names and defaults as that page has them.

Whoever comes from there finds every row again, under the same name. Where the page and CaImAn disagree, CaImAn is
right; `FLAWS` says where.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nwb_schema.errors import ParameterError
from pipeline.parameters.parameters import Parameters

IDEAS_DEFAULTS: Mapping[str, Any] = {
    "fr": "auto",
    "decay_time": 0.4,
    "dxy": 1.0,
    "motion_correct": True,
    "pw_rigid": False,
    "gSig_filt": 3,
    "max_shifts": 5,
    "strides": 48,
    "overlaps": 24,
    "max_deviation_rigid": 3,
    "border_nan": "copy",
    "p": 1,
    "K": "auto",
    "gSig": 3,
    "gSiz": 7,
    "merge_thr": 0.7,
    "rf": 40,
    "stride": 20,
    "tsub": 2,
    "ssub": 1,
    "method_init": "corr_pnr",
    "min_corr": 0.85,
    "min_pnr": 12,
    "ssub_B": 2,
    "ring_size_factor": 1.4,
    "method_deconvolution": "oasis",
    "update_background_components": True,
    "del_duplicates": True,
    "nb": 0,
    "low_rank_background": False,
    "nb_patch": 0,
    "rolling_sum": True,
    "only_init": True,
    "normalize_init": False,
    "center_psf": True,
    "bas_nonneg": False,
    "border_pix": 0,
    "refit": False,
    "SNR_lowest": 0.5,
    "min_SNR": 3,
    "rval_lowest": -1,
    "rval_thr": 0.85,
    "use_cnn": False,
    "cnn_lowest": 0.1,
    "gSig_range": None,
    "min_cnn_thr": 0.9,
    "n_processes": 7,
}
"""Every row of its table that is a parameter, in its order, with its default; ``fr`` is never silently 30 here."""

IDEAS_1P: Mapping[str, Any] = {
    **{name: value for name, value in IDEAS_DEFAULTS.items() if name not in ("min_SNR", "rval_thr")},
    # In two of our groups; the page means the evaluation.
    "quality.min_SNR": 3,
    "quality.rval_thr": 0.85,
    "low_rank_background": None,
    "n_processes": None,
}
"""Its one-photon column as overrides: what can run, so ``low_rank_background`` as CaImAn forces it for ``nb`` 0."""

IDEAS_2P: Mapping[str, Any] = {
    **IDEAS_1P,
    "gSig_filt": None,
    "K": 4,
    "method_init": "greedy_roi",
    "del_duplicates": False,
    "nb": 2,
    "low_rank_background": True,
    "nb_patch": 1,
    "normalize_init": True,
    "center_psf": False,
    "bas_nonneg": True,
    "use_cnn": True,
}
"""Its two-photon column as overrides."""

IDEAS_COLUMNS: Mapping[str, Mapping[str, Any]] = {"1p": IDEAS_1P, "2p": IDEAS_2P}

FLAWS: Mapping[str, str] = {
    "fr": "IDEAS falls back to 30 Hz where the movie does not say its rate; here that is an error, because every time "
    "constant would be wrong. A rate in a file of parameters counts as given.",
    "dxy": "The page says pixels per um; it is um per pixel.",
    "ring_size_factor": "The page says a multiple of gSig; CaImAn multiplies gSiz.",
    "gSiz": "The page's table says 7, its sample file and its text 13 = 4 * gSig + 1; the 1p preset has 13.",
    "low_rank_background": "CaImAn forces it to none where nb is 0, whatever is given.",
    "use_cnn": "CaImAn's own default is true, also for one-photon movies, whose cells its network has never seen; "
    "here it is true for two-photon alone, as in the page's columns.",
    "gSig_range": "CaImAn's evaluation does not pass it on; Fluorite evaluates once for each size.",
    "center_psf": "It is a filter with a centre and a surround, not a way of merging.",
    "K": "Two-photon: the page takes 4 a patch; automatic estimates it.",
}
"""Where the page is wrong, or we decided otherwise, by parameter."""


def ideas_parameters(column: str) -> Parameters:
    """The values of the page's ``1p`` or ``2p`` column, as far as they can run.

    Raises
    ------
    ParameterError
        For another preset: the workflow is for planes.
    """
    if column not in IDEAS_COLUMNS:
        raise ParameterError("--ideas", f"has no values for {column}", "Use --preset 1p or --preset 2p.")
    return Parameters.preset(column).updated(IDEAS_COLUMNS[column], source="IDEAS")
