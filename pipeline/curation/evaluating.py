"""Judge the components of a sample anew, by the scores that they have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nwb_schema.edits import Committed, Evaluate, commit
from nwb_schema.errors import EditError, ParameterError
from nwb_schema.layout import SCORES
from nwb_schema.project import Project
from nwb_schema.reader import read_provenance, read_rois
from pipeline.parameters import Parameters
from pipeline.parameters.groups import Quality


def evaluate_sample(
    project: Project,
    path: Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    actor: str,
    source: str | Path = "parameters",
    reason: str = "",
    based_on: str | None = None,
) -> Committed:
    """Accept and reject ROIs by CaImAn's rule with other thresholds; what a person decided stays.

    Accepted is who reaches ``min_SNR`` or ``rval_thr`` (or ``min_cnn_thr``, with ``use_cnn``), unless a score is at or
    below its lowest. ROIs without any score, such as drawn ones, stay as they are.

    Parameters
    ----------
    overrides
        Parameters of the group ``quality``, flat or grouped; the others are those with which the sample was made.
    source
        Where they come from, for messages.
    actor, reason, based_on
        See `nwb_schema.edits.commit`.

    Raises
    ------
    ParameterError
        When a parameter is unknown, out of range or none of evaluation.
    EditError
        When no ROI has a score.
    """
    params = _quality(path, overrides or {}, source)
    table = read_rois(path)
    scores = {name: table[name].to_numpy(np.float64) for name in SCORES}
    known = np.isfinite(scores["snr"]) | np.isfinite(scores["r_values"])
    if not known.any():
        raise EditError(path, "its ROIs have no scores to judge them by", "Process the movie again, with evaluation.")
    flags = _accepted(scores, params)
    accepted = {table["roi_uuid"][row]: bool(flags[row]) for row in np.flatnonzero(known)}
    names = ["min_SNR", "SNR_lowest", "rval_thr", "rval_lowest"]
    # Said only where it counts: a sample without shape scores is not judged by them.
    names += ["min_cnn_thr", "cnn_lowest"] if params.use_cnn and np.isfinite(scores["cnn_preds"]).any() else []
    rule = ", ".join(f"{name} {getattr(params, name):g}" for name in names)
    return commit(project, path, Evaluate(accepted, rule), actor=actor, reason=reason, based_on=based_on)


def _accepted(scores: Mapping[str, Any], params: Quality) -> Any:
    """The rule; a score that is not a number neither helps nor harms."""
    judged = [
        (scores["snr"], params.min_SNR, params.SNR_lowest),
        (scores["r_values"], params.rval_thr, params.rval_lowest),
    ]
    if params.use_cnn:
        judged.append((scores["cnn_preds"], params.min_cnn_thr, params.cnn_lowest))
    with np.errstate(invalid="ignore"):
        good = np.any([values >= enough for values, enough, _ in judged], axis=0)
        bad = np.any([values <= lowest for values, _, lowest in judged], axis=0)
    return good & ~bad


def thresholds_of(path: Path) -> Quality:
    """The thresholds with which a sample was made; those of the ``2p`` preset where it does not say."""
    return _quality(path, {}, "parameters")


def _quality(path: Path, overrides: Mapping[str, Any], source: str | Path) -> Quality:
    """The sample's own thresholds with `overrides`."""
    stored = read_provenance(path).get("parameters")
    own = stored.get("quality", {}) if isinstance(stored, dict) else {}
    # Shapes were scored when the cells were found: with which sizes cannot be changed afterwards.
    base, names = Parameters.preset("2p"), [name for name in Quality.model_fields if name != "gSig_range"]
    for name in names:
        try:
            if isinstance(own, dict) and own.get(name) is not None:
                base = base.updated({f"quality.{name}": own[name]})
        except ParameterError:
            continue  # another program's idea of it; ours stands in
    updated = base.updated(overrides, source=source)
    others = [name for name in overrides if name != "quality" and name.removeprefix("quality.") not in names]
    if others:
        raise ParameterError(
            source, f"'{others[0]}' is a parameter that evaluation does not use", f"Give only: {', '.join(names)}."
        )
    return updated.quality
