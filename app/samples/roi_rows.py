"""The rows of the table of cells, in the form in which the browser gets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nwb_schema.columns import ColumnDefinition, UnfitValue
from nwb_schema.layout import CURATED, DELETED, ENGINE_ORIGIN, ORIGIN, SCORES

_CENTRE_PLANE = "centroid_z"
ROI_COLUMNS = ("key", "index", "is_accepted", CURATED, DELETED, *SCORES, "area_px", "centroid_x", "centroid_y")


def tag_field(column: ColumnDefinition) -> str:
    """The name of a tag column's values in a row: no name of the table's own columns has a colon."""
    return f"tag:{column.key}"


def are_bodies(rois: pd.DataFrame) -> bool:
    """Whether these ROIs are of a volume: they have a place along z then."""
    return _CENTRE_PLANE in rois.columns and bool(rois[_CENTRE_PLANE].notna().any())


def roi_rows(rois: pd.DataFrame, tags: Sequence[ColumnDefinition] = ()) -> list[dict[str, Any]]:
    """One dictionary a ROI; scores that were not computed are None, tags as the project configures them.

    ``centroid_z`` is among the columns where the ROIs are of a volume.
    """
    names = (*ROI_COLUMNS, _CENTRE_PLANE) if are_bodies(rois) else ROI_COLUMNS
    columns = [_plain_column(rois[name]) for name in names]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    origins = rois[ORIGIN] if ORIGIN in rois.columns else [ENGINE_ORIGIN] * len(rows)
    for row, origin in zip(rows, origins, strict=True):
        row[ORIGIN] = str(origin)
    for column in tags:
        field = tag_field(column)
        stored = list(rois[column.key]) if column.key in rois.columns else [None] * len(rows)
        for row, value in zip(rows, stored, strict=True):
            row[field] = _tag(column, plain(value))
    return rows


def _plain_column(values: pd.Series[Any]) -> list[Any]:
    """The values of a column as JSON has them: what is not a finite number is None."""
    found = values.tolist()
    return [plain(value) for value in found] if values.dtype.kind in "fO" else found


def plain(value: Any) -> Any:
    """A value as JSON has it; what is not a finite number is None."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _tag(column: ColumnDefinition, stored: Any) -> Any:
    try:
        return column.read(stored)
    except UnfitValue:  # the column's type was changed after this sample got it: shown as it is
        return stored
