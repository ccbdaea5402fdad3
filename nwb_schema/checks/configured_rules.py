"""Rules on what a project configures: they hold for a file in its samples folder, and are silent elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.checks.finding import Severity
from nwb_schema.checks.rule import CheckedFile, Problem, rule
from nwb_schema.columns import ColumnDefinition, ColumnKind, UnfitValue
from nwb_schema.layout import CUSTOM_COLUMNS
from nwb_schema.limits import MAX_ROIS, require_readable
from nwb_schema.stored_masks import find_segmentation

_MAX_ROIS_NAMED = 20


@rule("tag-vocabulary", Severity.WARNING)
def tag_vocabulary(checked: CheckedFile) -> Iterator[Problem]:
    """Every ROI tag is of its column's type and in its vocabulary."""
    table = find_segmentation(checked.file)
    if table is None:
        return
    rois = local_hdf5.texts(table, "roi_uuid")
    for column in _configured(checked, ColumnKind.ROI_TAG):
        wrong: dict[str, list[int]] = defaultdict(list)
        for row, stored in enumerate(_stored(table, column.key)):
            why = _misfit(column, stored)
            if why:
                wrong[why].append(row)
        for why, rows in wrong.items():
            named = [rois[row] for row in rows[:_MAX_ROIS_NAMED] if row < len(rois)]
            yield Problem(
                f"{len(rows)} ROIs have {why} in the tag column {column.name!r}",
                "Tag them anew, or change the column: fluorite config DIR vocabulary|set-type.",
                f"{table.name}/{column.key}",
                command=("tag", *named, f"{column.name}=VALUE") if named else (),
            )


@rule("custom-vocabulary", Severity.WARNING)
def custom_vocabulary(checked: CheckedFile) -> Iterator[Problem]:
    """Every custom column's value is of its type and in its vocabulary."""
    table = local_hdf5.local_group(checked.file, CUSTOM_COLUMNS)
    if table is None:
        return
    for column in _configured(checked, ColumnKind.CUSTOM):
        for stored in _stored(table, column.key)[:1]:
            why = _misfit(column, stored)
            if why:
                yield Problem(
                    f"the sample has {why} in the custom column {column.name!r}",
                    "Give another value, or change the column: fluorite config DIR vocabulary|set-type.",
                    f"{table.name}/{column.key}",
                    command=("set", f"{column.name}=VALUE"),
                )


CONFIGURED_RULES = (tag_vocabulary, custom_vocabulary)


def _configured(checked: CheckedFile, kind: ColumnKind) -> tuple[ColumnDefinition, ...]:
    configuration = checked.configuration
    return () if configuration is None else configuration.of_kind(kind)


def _stored(table: h5py.Group, key: str) -> list[Any]:
    data = local_hdf5.local_dataset(table, key)
    if data is None or data.ndim != 1:
        return []
    if h5py.check_string_dtype(data.dtype) is not None:
        return list(local_hdf5.texts(table, key))
    require_readable(data, MAX_ROIS, "rows")
    return list(np.asarray(data[()]).tolist())


def _misfit(column: ColumnDefinition, stored: Any) -> str:
    """What is wrong with a stored value, or an empty text."""
    shown = repr(stored) if len(repr(stored)) <= 60 else f"{repr(stored)[:57]}..."
    try:
        value = column.read(stored)
    except UnfitValue:
        return f"{shown} (no {column.type.value})"
    return "" if column.allows(value) else f"{shown} (outside the vocabulary)"
