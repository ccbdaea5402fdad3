"""Starting points: what the field uses for two-photon, one-photon and volumetric movies.

The values follow CaImAn's own defaults and the 1P and 2P columns of Inscopix's IDEAS workflow. Some are chosen
differently, on purpose: 2p estimates K (nobody knows the number of cells beforehand) and has ``gSig`` 4, the sample
2P file's. Shapes are judged in 2p only: CaImAn's network and ours know how cells look there. 1p starts cells from
lower peaks (``min_corr`` 0.8 and ``min_pnr`` 6 instead of 0.85 and 12) and rejects what never rises clearly above its
noise (``SNR_lowest`` 1.5 instead of 0.5): what is no cell is told better from its trace, once that is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

PresetName = Literal["2p", "1p", "3d"]

# Only what differs from the defaults declared in groups.py, which are the 2p preset.
PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "2p": {},
    "1p": {
        "motion": {"max_shifts": (5, 5), "gSig_filt": (3, 3)},
        "init": {
            "method_init": "corr_pnr",
            "gSig": (3, 3),
            "gSiz": (13, 13),
            "min_corr": 0.8,
            "min_pnr": 6.0,
            "nb": 0,
            "normalize_init": False,
            "center_psf": True,
        },
        "patch": {
            "rf": 40,
            "stride": 20,
            "nb_patch": 0,
            # CaImAn forces None whenever nb is 0; writing it here keeps provenance true.
            "low_rank_background": None,
            "del_duplicates": True,
            "refit": False,
        },
        "merging": {"merge_thr": 0.7},
        "quality": {"min_SNR": 3.0, "SNR_lowest": 1.5, "rval_thr": 0.85, "use_cnn": False},
    },
    "3d": {
        "data": {"dxy": (1.0, 1.0, 1.0)},
        "motion": {"is3D": True, "max_shifts": (4, 4, 2)},
        # Planes lie several times farther apart than pixels, and a cell is seen in three to five of them.
        "init": {"gSig": (4, 4, 2), "nb": 1, "ssub": 1, "tsub": 1},
        "patch": {"only_init": False},
        "quality": {"use_cnn": False},
    },
}
