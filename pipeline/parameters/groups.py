"""The parameters themselves, in CaImAn's groups and under CaImAn's names.

Where a name is ours and not CaImAn's (``motion_correct``, ``refit``), its help says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, field_validator, model_validator

from pipeline.parameters.fields import (
    BUILTIN,
    CAIMAN,
    CNMF_E,
    FROZEN,
    GREEDY,
    OURS,
    PLANES,
    Float,
    FloatAxes,
    Int,
    IntAxes,
    IntPair,
    LowerCase,
    OptionalFloat,
    OptionalInt,
    OptionalIntAxes,
    OptionalIntPair,
    OptionalSizes,
    OptionalText,
    extra_of,
    parameter,
    range_text,
    within,
)

ONLY_CAIMAN = (CAIMAN,)
ONLY_BUILTIN = (BUILTIN,)


class Group(BaseModel):
    """One of CaImAn's groups of parameters; immutable, unknown names refused, every number within its limits."""

    model_config = FROZEN

    @model_validator(mode="after")
    def check_limits(self) -> Group:
        for name, info in type(self).model_fields.items():
            limits = extra_of(info).get("limits", {})
            value = getattr(self, name)
            if limits and not within(value, limits):
                raise ValueError(f"{name}|is {value}, outside the allowed range {range_text(limits)}")
        return self


class Data(Group):
    """What is known of the recording."""

    fr: OptionalFloat = parameter(None, "Imaging rate. Automatic: the movie's own.", unit="Hz", gt=0)
    decay_time: Float = parameter(
        0.4, "Length of a typical calcium transient: 0.4 for fast GCaMP6f, 1 and more for slow ones.", unit="s", gt=0
    )
    dxy: FloatAxes = parameter(
        (1.0, 1.0), "Size of a pixel (y, x; of volumes y, x, z).", unit="um", by=ONLY_CAIMAN, gt=0
    )


class Motion(Group):
    """Motion correction."""

    motion_correct: bool = parameter(
        True, "Correct motion at all (our own switch; the movie is copied when off).", source=OURS
    )
    is3D: bool = parameter(False, "The movie is of volumes, not of one plane.")
    pw_rigid: bool = parameter(False, "Correct every patch of the field by its own shift (non-rigid motion).")
    max_shifts: IntAxes = parameter(
        (6, 6), "Largest shift (y, x; of volumes y, x, z) that is looked for.", unit="px", ge=1
    )
    gSig_filt: OptionalIntPair = parameter(
        None,
        "Size of cells, to high-pass filter frames while estimating shifts. For one-photon movies. Auto: no filter.",
        unit="px",
        modes=PLANES,
        ge=1,
    )
    strides: IntPair = parameter((48, 48), "Piecewise-rigid: distance between patches.", unit="px", ge=8)
    overlaps: IntPair = parameter(
        (24, 24), "Piecewise-rigid: overlap of patches; a patch is strides + overlaps wide.", unit="px", ge=0
    )
    max_deviation_rigid: Int = parameter(
        3, "Piecewise-rigid: how far a patch may move away from the rigid shift.", unit="px", ge=0, le=50
    )
    border_nan: bool | Literal["copy", "min"] = parameter(
        "copy",
        "What fills the border that a shift uncovers: the nearest pixel (copy), the frame's minimum (min), "
        "zero (false) or NaN (true; the registered movie is then stored as float32).",
    )
    niter_rig: Int = parameter(2, "Passes of rigid correction; the template improves with each.", ge=1, le=10)


class Init(Group):
    """Finding the first cells."""

    K: OptionalInt = parameter(
        None, "Number of cells to look for, per patch (whole field without patches). Automatic: estimated.", ge=0
    )
    gSig: IntAxes = parameter(
        (4, 4), "Half-size (y, x; of volumes y, x, z) of a typical cell.", unit="px", ge=1, le=100
    )
    gSiz: OptionalIntAxes = parameter(
        None, "Half-size of the box around a cell. Automatic: 2 * gSig + 1.", unit="px", ge=1, le=250
    )
    nb: Int = parameter(2, "Number of background components of the whole field.", ge=0, le=20)
    method_init: Annotated[Literal["greedy_roi", "corr_pnr", "sparse_nmf"], LowerCase] = parameter(
        "greedy_roi",
        "How cells are found: greedy_roi (two-photon), corr_pnr (one-photon, CNMF-E), sparse_nmf (dendrites).",
    )
    Ain: OptionalText = parameter(
        None,
        "File with masks to start from instead of looking for cells (process --seeds): component i is mask i. "
        "Arrays, label images, a picture of a structural channel, ImageJ ROIs, a sample or a results file.",
        by=ONLY_BUILTIN,
        modes=GREEDY,
    )
    rolling_sum: bool = parameter(
        True,
        "Look for cells where the best short stretch of time is bright (true), or the whole movie (false).",
        modes=GREEDY,
    )
    rolling_length: Int = parameter(100, "Length of that stretch.", unit="frames", modes=GREEDY, ge=1)
    ssub: Int = parameter(1, "Spatial downsampling while cells are found.", ge=1, le=8)
    tsub: Int = parameter(2, "Temporal downsampling while cells are found.", ge=1, le=100)
    normalize_init: bool = parameter(True, "Divide pixels by their brightness while cells are found.", modes=GREEDY)
    min_corr: Float = parameter(0.85, "corr_pnr: least local correlation of a cell's centre.", modes=CNMF_E, ge=0, le=1)
    min_pnr: Float = parameter(12.0, "corr_pnr: least peak-to-noise ratio of a cell's centre.", modes=CNMF_E, ge=0)
    ssub_B: Int = parameter(2, "CNMF-E: spatial downsampling of the ring background.", modes=CNMF_E, ge=1, le=8)
    ring_size_factor: Float = parameter(
        1.4, "CNMF-E: radius of the background ring, in multiples of gSiz.", modes=CNMF_E, gt=0, le=10
    )
    center_psf: bool = parameter(False, "CNMF-E: use a centred filter. True for one-photon.", modes=CNMF_E)


class Preprocess(Group):
    """Noise and time constants."""

    p: Int = parameter(1, "Order of the autoregressive model of calcium (the same as temporal.p).", ge=0, le=2)


class Spatial(Group):
    """Updating footprints."""

    nrgthr: Float = parameter(0.9999, "Share of a footprint's energy that is kept.", gt=0, le=1)
    update_background_components: bool = parameter(True, "Update the background's images together with the footprints.")


class Temporal(Group):
    """Updating traces."""

    p: Int = parameter(1, "Order of the autoregressive model that deconvolution uses; 0: no deconvolution.", ge=0, le=2)
    bas_nonneg: bool = parameter(False, "Force the baseline of a trace to be non-negative.")
    fudge_factor: Float = parameter(0.96, "Shrinks estimated time constants a little against bias.", gt=0, le=1)
    lags: Int = parameter(
        5, "Number of lags of the autocovariance used for time constants.", unit="frames", ge=1, le=100
    )
    method_deconvolution: Literal["oasis", "cvxpy", "cvx"] = parameter("oasis", "Solver of the deconvolution.")
    ITER: Int = parameter(2, "Rounds over all cells in one update of the traces.", ge=1, le=50)


class Patch(Group):
    """Working patch by patch, and what happens afterwards."""

    rf: OptionalInt = parameter(
        None, "Half-size of a patch in which cells are looked for. None: the whole field at once.", unit="px", ge=4
    )
    stride: OptionalInt = parameter(None, "Overlap of neighbouring patches.", unit="px", ge=0)
    only_init: bool = parameter(
        True, "Without refit: stop after initialisation, so that footprints stay as they were found or given."
    )
    nb_patch: Int = parameter(1, "Number of background components of a patch.", by=ONLY_CAIMAN, ge=0, le=20)
    low_rank_background: bool | None = parameter(
        True, "Compress the patches' backgrounds to nb components (true), or keep one a patch.", by=ONLY_CAIMAN
    )
    del_duplicates: bool = parameter(
        False, "Delete doubles, where patches overlap (2p) or anywhere (1p), instead of merging."
    )
    border_pix: Int = parameter(0, "Pixels at each border in which no cell is looked for.", unit="px", ge=0)
    n_processes: OptionalInt = parameter(None, "Worker processes. Automatic: all cores but one.", by=ONLY_CAIMAN, ge=1)
    refit: bool = parameter(
        True,
        "Refine once more over the whole field, starting from the first result (our own switch).",
        modes=GREEDY,
        source=OURS,
    )


class Merging(Group):
    """Joining pieces of one cell."""

    do_merge: bool = parameter(True, "Merge overlapping components whose traces agree.")
    merge_thr: Float = parameter(
        0.8, "Correlation of traces from which overlapping components are merged.", ge=-1, le=1
    )


class Quality(Group):
    """Accepting and rejecting: accepted is who reaches any threshold and lies below no lowest value."""

    min_SNR: Float = parameter(2.5, "Signal-to-noise ratio from which a cell is accepted.")
    SNR_lowest: Float = parameter(0.5, "Signal-to-noise ratio at or below which a cell is rejected.")
    rval_thr: Float = parameter(0.8, "Correlation of footprint and data from which a cell is accepted.", ge=-1, le=1)
    rval_lowest: Float = parameter(-1.0, "Correlation at or below which a cell is rejected.", ge=-1, le=1)
    use_cnn: bool = parameter(
        True,
        "Also judge the shape of footprints: by CaImAn's neural network, or by the built-in engine's own (planes only; "
        "not with sparse_nmf). One-photon: by CaImAn alone, whose network has seen no such cell.",
        modes=PLANES,
    )
    min_cnn_thr: Float = parameter(0.9, "Score of the shape from which a cell is accepted.", modes=PLANES, ge=0, le=1)
    cnn_lowest: Float = parameter(
        0.1, "Score of the shape at or below which a cell is rejected.", modes=PLANES, ge=0, le=1
    )
    gSig_range: OptionalSizes = parameter(
        None,
        "Sizes of cells that the shape of footprints is judged against, in place of gSig: a list. The one whose scores "
        "are highest on average counts. Automatic: gSig alone.",
        unit="px",
        modes=PLANES,
        ge=1,
        le=100,
    )


# Groups of CaImAn's parameters, and members of them that say which movie is worked on.
CAIMAN_GROUPS = (
    "data", "init", "merging", "motion", "online", "patch", "preprocess", "quality", "ring_CNN", "spatial", "temporal",
)  # fmt: skip
_NOT_GIVEN = {"data": ("fnames", "dims", "var_name_hdf5", "caiman_version", "last_commit", "mmap_F", "mmap_C")}


class Extra(Group):
    """What is handed to CaImAn as it is."""

    caiman_args: Mapping[str, Any] = parameter(
        {},
        "Parameters of CaImAn that have no name here: a JSON object of CaImAn's groups, such as "
        '{"spatial": {"method_exp": "dilate"}}. Handed over as they are, and never run as a program.',
        by=ONLY_CAIMAN,
    )

    @field_validator("caiman_args")
    @classmethod
    def check_caiman_args(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for group, members in value.items():
            if group not in CAIMAN_GROUPS:
                raise ValueError(f"names '{group}', which is no group of CaImAn's ({', '.join(CAIMAN_GROUPS)})")
            if not isinstance(members, Mapping):
                raise ValueError(f"gives no JSON object for the group '{group}'")
            for name, setting in members.items():
                if name in _NOT_GIVEN.get(group, ()):
                    raise ValueError(f"names {group}.{name}, which says what movie is worked on")
                if not _is_json(setting):
                    raise ValueError(f"gives {group}.{name} a value that is no JSON")
        return value


def _is_json(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_json, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
