"""What to take off the fluorescence of a drawn ROI: a share of what surrounds it."""

from __future__ import annotations

from dataclasses import dataclass

NEUROPIL_FACTOR = 0.7
"""How much of the surrounding neuropil's signal is seen in an ROI (Chen et al., Nature 2013, used 0.7)."""
INNER_PX, OUTER_PX = 2, 7
"""The ring around an ROI in which its neuropil is measured: from 2 to 7 pixels away, without other ROIs."""


@dataclass(frozen=True)
class Neuropil:
    """Subtraction of the neuropil around an ROI.

    Attributes
    ----------
    factor
        Share of the ring's signal that is taken off.
    inner_px, outer_px
        Distance from the ROI at which the ring begins and ends.
    """

    factor: float = NEUROPIL_FACTOR
    inner_px: int = INNER_PX
    outer_px: int = OUTER_PX
