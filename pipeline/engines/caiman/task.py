"""What CaImAn is told to do: our parameters, completed where CaImAn has no automatic value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.engines.builtin.threads import n_threads
from pipeline.parameters import Parameters

# Where K is automatic, one cell is looked for in every square of so many gSig: in a dense field somewhat more than
# there are. What is too much, the evaluation rejects; what is missed by the greedy search stays missed.
SQUARE_GSIG = 5


def caiman_task(params: Parameters, shape: tuple[int, ...], rate_hz: float) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The task of `worker.py` without the names of files, JSON-able; and what a reader of the result should know.

    Parameters
    ----------
    shape
        ``(n_frames, height, width)``, of volumes with depth.
    """
    groups = params.to_dict()
    notes: list[str] = []
    groups["data"].update(fr=rate_hz)
    groups["data"]["dxy"] = list(groups["data"]["dxy"])
    patch, init = groups["patch"], groups["init"]
    if init["K"] is None and init["method_init"] != "corr_pnr":
        init["K"] = estimated_k(init["gSig"], patch["rf"], shape[1:])
        notes.append(
            f"K was automatic: CaImAn was told to look for {init['K']} cells "
            f"{'in the field' if patch['rf'] is None else 'in each patch'}, one in every square of {SQUARE_GSIG} gSig."
        )
    for group, members in groups.pop("extra")["caiman_args"].items():
        groups.setdefault(group, {}).update(members)
    if "online" in groups:
        # What is automatic with us has a value of CaImAn's own there.
        groups["online"] = {name: value for name, value in groups["online"].items() if value not in (None, "auto")}
    is_3d = bool(groups["motion"]["is3D"])
    if is_3d:
        for name in ("max_shifts", "strides", "overlaps", "gSig_filt"):
            groups["motion"][name] = in_three_axes(groups["motion"][name])
        for name in ("gSig", "gSiz"):
            init[name] = in_three_axes(init[name])
    task = {
        "parameters": groups,
        "shape": list(shape),
        "is3D": is_3d,
        "online": False,
        "motion_correct": params.motion.motion_correct,
        "refit": params.patch.refit and init["method_init"] != "corr_pnr",
        "n_processes": patch["n_processes"] or max(1, n_threads()),
    }
    return task, tuple(notes)


def estimated_k(gsig: Mapping[int, int] | list[int], rf: int | None, field: tuple[int, ...]) -> int:
    """Cells to look for in a patch (or in the field), from its area and the size of a cell."""
    height, width = (min(side, 2 * rf + 1) if rf is not None else side for side in field[:2])
    return max(1, round(height * width / (SQUARE_GSIG * gsig[0] * SQUARE_GSIG * gsig[1])))


def in_three_axes(value: Any) -> Any:
    """A pair ``(y, x)`` with a third axis as large as the smaller of the two; what has three, or none, as it is."""
    return [*value, min(value)] if isinstance(value, list) and len(value) == 2 else value
