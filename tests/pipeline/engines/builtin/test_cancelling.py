"""Steps that go over every component without a word of how far they are still notice a cancel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse

from pipeline.engines.builtin.evaluation import alone_frames, peak_frames, trace_snr
from pipeline.engines.builtin.merging import joined
from pipeline.engines.builtin.projections import Tiles
from pipeline.engines.builtin.shape_score import shape_scores
from pipeline.engines.builtin.spatial import grown, tidied
from pipeline.engines.builtin.threads import ticking
from pipeline.progress import Cancelled

FIELD = (40, 56)


def footprints() -> sparse.csr_array:
    """Three discs, two of them on one another."""
    y, x = np.indices(FIELD)
    centres = ((12, 14), (13, 15), (27, 40))
    images = [np.maximum(0, 1 - ((y - row) ** 2 + (x - column) ** 2) / 36).ravel() for row, column in centres]
    return sparse.csr_array(np.stack(images).astype(np.float32))


def traces() -> np.ndarray:
    """Of these three: the first two the same."""
    rng = np.random.default_rng(0)
    course = rng.random((2, 200)).astype(np.float32)
    return course[[0, 0, 1]]


STEPS: dict[str, Callable[[], object]] = {
    "trace_snr": lambda: trace_snr(traces(), 5),
    "peak_frames": lambda: peak_frames(traces(), 30.0),
    "alone_frames": lambda: alone_frames(footprints(), traces() > 0.9),
    "shape_scores": lambda: shape_scores(footprints(), FIELD, (5, 5)),
    "grown": lambda: grown(footprints(), FIELD),
    "tidied": lambda: tidied(footprints(), FIELD, 0.99),
    "tiles": lambda: Tiles(FIELD, footprints()),
    "joined": lambda: joined(footprints(), traces(), 0.8),
}


@pytest.mark.parametrize("name", STEPS)
def test_a_step_over_all_components_can_be_cancelled_in_the_middle(name: str) -> None:
    asked = 0

    def tick() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise Cancelled

    with pytest.raises(Cancelled), ticking(tick):
        STEPS[name]()
    STEPS[name]()  # nobody asks any more
    assert asked == 2
