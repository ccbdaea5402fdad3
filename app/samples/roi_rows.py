"""The rows of the table of cells, in the form in which the browser gets them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nwb_schema.columns import ColumnDefinition, UnfitValue
from nwb_schema.layout import CURATED, DELETED, ENGINE_ORIGIN, ORIGIN, SCORES

ROI_COLUMNS = ("key", "index", "is_accepted", CURATED, DELETED, *SCORES, "area_px", "centroid_x", "centroid_y")


def tag_field(column: ColumnDefinition) -> str:
    """The name of a tag column's values in a row: no name of the table's own columns has a colon."""
    return f"tag:{column.key}"


def roi_rows(rois: pd.DataFrame, tags: Sequence[ColumnDefinition] = ()) -> list[dict[str, Any]]:
    """One dictionary a ROI; scores that were not computed are None, tags as the project configures them."""
    columns = [_plain_column(rois[name]) for name in ROI_COLUMNS]
    rows = [dict(zip(ROI_COLUMNS, values, strict=True)) for values in zip(*columns, strict=True)]
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
