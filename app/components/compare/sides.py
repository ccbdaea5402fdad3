"""The two results that the page compares, A and B, as its controls say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import State

from app.samples.compared import Pair, load_pair
from app.samples.store import SampleData
from app.workspace import current_workspace
from pipeline.variants.comparing import LEAST_OVERLAP

OVERLAPS = (LEAST_OVERLAP, 0.5, 0.7)
"""From which overlap on two ROIs may be the same cell."""
SIDES: Mapping[str, State] = {
    "identifier": State("compare-identifier", "data"),
    "a": State("compare-a", "value"),
    "b": State("compare-b", "value"),
    "accepted": State("compare-accepted", "value"),
    "overlap": State("compare-overlap", "value"),
}
"""What a callback takes to know what is compared; `compared` loads it. Without an identifier there is no sample."""


def compared(sides: Mapping[str, Any]) -> tuple[SampleData, Pair]:
    """The sample and both results, from the values of `SIDES`.

    Raises
    ------
    FluoriteError
        When one of them cannot be read.
    """
    overlap = sides["overlap"]
    least = float(overlap) if overlap in {str(value) for value in OVERLAPS} else LEAST_OVERLAP
    workspace = current_workspace()
    sample = workspace.samples.get(sides["identifier"])
    both = (sides["a"], sides["b"])
    return sample, load_pair(workspace, sample, both, accepted_only=bool(sides["accepted"]), least_overlap=least)
