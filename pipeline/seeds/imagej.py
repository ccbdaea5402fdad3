"""Masks from ImageJ's ROI files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import roifile
from numpy.typing import NDArray
from scipy import sparse

from nwb_schema.errors import ParameterError

AREAS = {
    roifile.ROI_TYPE.POLYGON,
    roifile.ROI_TYPE.RECT,
    roifile.ROI_TYPE.OVAL,
    roifile.ROI_TYPE.FREEHAND,
    roifile.ROI_TYPE.TRACED,
}


def read_imagej_masks(path: Path, field: tuple[int, ...]) -> sparse.csr_array:
    """Masks ``(n, n_pixels)`` float32 of the areas in a ``.roi`` file or a ``RoiSet.zip``, in its order.

    Raises
    ------
    ParameterError
        When a ROI is no area (a point, a line), or the movie is of volumes.
    """
    if len(field) != 2:
        raise ParameterError("init.Ain", f"{path} holds ROIs of a plane, but the movie is of volumes", "Give masks.")
    read = roifile.roiread(path)
    rows = []
    for roi in read if isinstance(read, list) else [read]:
        if roi.roitype not in AREAS:
            raise ParameterError(
                "init.Ain", f"{path}: ROI '{roi.name}' is a {roi.roitype.name.lower()}, not an area", "Leave it out."
            )
        rows.append(
            sparse.csr_array(inside_polygon(np.asarray(roi.coordinates()), field).reshape(1, -1).astype(np.float32))
        )
    return sparse.csr_array(sparse.vstack(rows)) if rows else sparse.csr_array((0, field[0] * field[1]), dtype="f4")


def inside_polygon(corners: NDArray[np.generic], field: tuple[int, ...]) -> NDArray[np.bool_]:
    """Pixels ``(height, width)`` whose centres lie inside a polygon of corners ``(n, 2)`` as ``(x, y)``.

    ImageJ counts from the corner of the first pixel, so that pixel 0 has its centre at 0.5.
    """
    height, width = field
    x, y = np.arange(width) + 0.5, (np.arange(height) + 0.5)[:, None]
    inside = np.zeros((height, width), bool)
    points = np.asarray(corners, np.float64)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 == y1:
            continue
        crosses = (y0 > y) != (y1 > y)
        inside ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
    return inside
