"""The two sample parameter files of the IDEAS page on CaImAn, with the closing braces that the page lost."""

from __future__ import annotations

from typing import Any

ONE_PHOTON: dict[str, Any] = {
    "data": {"fr": 10, "decay_time": 0.4},
    "init": {
        "method_init": "corr_pnr",
        "K": None,
        "gSig": [3, 3],
        "gSiz": [13, 13],
        "ssub": 1,
        "tsub": 2,
        "nb": 0,
        "min_corr": 0.8,
        "min_pnr": 10,
        "normalize_init": False,
        "center_psf": True,
        "ssub_B": 2,
        "ring_size_factor": 1.4,
    },
    "motion": {
        "pw_rigid": False,
        "max_shifts": [5, 5],
        "gSig_filt": [3, 3],
        "strides": [48, 48],
        "overlaps": [24, 24],
        "max_deviation_rigid": 3,
        "border_nan": "copy",
    },
    "preprocess": {"p": 1},
    "temporal": {"p": 1, "method_deconvolution": "oasis"},
    "spatial": {"update_background_components": True},
    "patch": {
        "rf": 40,
        "stride": 20,
        "only_init": True,
        "nb_patch": 0,
        "low_rank_background": None,
        "del_duplicates": True,
    },
    "merging": {"merge_thr": 0.7},
    "quality": {"min_SNR": 2.5, "rval_thr": 0.85, "use_cnn": False},
}

TWO_PHOTON: dict[str, Any] = {
    "data": {"fr": 30, "decay_time": 0.4, "dxy": [2.0, 2.0]},
    "init": {
        "nb": 2,
        "K": 4,
        "gSig": [4, 4],
        "method_init": "greedy_roi",
        "rolling_sum": True,
        "ssub": 2,
        "tsub": 2,
    },
    "motion": {
        "pw_rigid": True,
        "max_shifts": [6, 6],
        "strides": [50, 50],
        "overlaps": [24, 24],
        "max_deviation_rigid": 3,
        "border_nan": "copy",
    },
    "preprocess": {"p": 1},
    "temporal": {"p": 1},
    "patch": {"rf": 15, "stride": 6, "only_init": True},
    "merging": {"merge_thr": 0.85},
    "quality": {"min_SNR": 2, "rval_thr": 0.85, "use_cnn": True, "min_cnn_thr": 0.99, "cnn_lowest": 0.1},
}
