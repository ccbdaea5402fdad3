"""Doubles: two components on one cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.engines.builtin.model import Model

# Share of the smaller footprint's energy (cosine) from which two components are one cell found twice.
DOUBLE = 0.7


def without_duplicates(model: Model) -> NDArray[np.intp]:
    """Numbers of the components to keep: of every two on the same place, the one that is more active."""
    overlap = (model.footprints @ model.footprints.T).toarray()
    strength = np.linalg.norm(model.traces, axis=1)
    kept: list[int] = []
    for k in np.argsort(-strength, kind="stable"):
        if all(overlap[k, other] < DOUBLE for other in kept):
            kept.append(int(k))
    return np.array(sorted(kept), np.intp)
