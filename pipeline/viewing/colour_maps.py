"""Colours for grey values: the tables that the page's canvas and the saved pictures both use.

Viridis, cividis and inferno are even in lightness and readable with any colour vision (van der Walt and Smith 2015;
Nuñez, Anderton and Renslow 2018); OpenCV brings them.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

COLOUR_MAPS: Mapping[str, str] = {
    "grey": "Grey",
    "inverted": "Grey, inverted",
    "viridis": "Viridis",
    "cividis": "Cividis",
    "inferno": "Inferno",
}
"""Name and label of every colour map."""

_OF_OPENCV = {"viridis": cv2.COLORMAP_VIRIDIS, "cividis": cv2.COLORMAP_CIVIDIS, "inferno": cv2.COLORMAP_INFERNO}
GAMMA_RANGE = (0.2, 3.0)


def colour_table(name: str, gamma: float = 1.0) -> NDArray[np.uint8]:
    """The colour ``(256, 3)`` (red, green, blue) of every 8-bit grey value.

    Parameters
    ----------
    name
        Of `COLOUR_MAPS`.
    gamma
        A grey value v between 0 and 1 counts as ``v ** gamma``: below 1, what is dark becomes brighter.

    Raises
    ------
    KeyError
        When there is no such colour map.
    """
    if name not in COLOUR_MAPS:
        raise KeyError(name)
    grey = np.arange(256, dtype=np.uint8)
    if name in _OF_OPENCV:
        table = np.ascontiguousarray(cv2.applyColorMap(grey[None], _OF_OPENCV[name])[0, :, ::-1])
    else:
        table = np.repeat((grey if name == "grey" else grey[::-1])[:, None], 3, axis=1)
    tones = np.rint(255 * (grey / 255.0) ** gamma).astype(np.uint8)
    return table[tones].astype(np.uint8)
