"""What the samples of a project store in a configured column."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from nwb_schema import local_hdf5
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.errors import SampleError
from nwb_schema.layout import CUSTOM_COLUMNS
from nwb_schema.project import Project
from nwb_schema.reader import open_sample
from nwb_schema.stored_masks import find_segmentation


def stored_values(project: Project, column: ColumnDefinition) -> Iterator[tuple[str, Any]]:
    """``(sample's file name, value)`` of every distinct value that a sample stores in `column`.

    Files that cannot be read are passed over: the catalogue lists them with their reason, and nothing that they hold is
    changed by a change of configuration.
    """
    for path in project.sample_paths():
        try:
            values = sample_values(path, column)
        except SampleError:
            continue
        for value in dict.fromkeys(values):
            yield path.name, value


def sample_values(path: Path, column: ColumnDefinition) -> list[Any]:
    """What the sample `path` stores in `column`: one value an ROI, or one for a custom column; empty when it lacks it.

    Raises
    ------
    SampleError
        When the file cannot be read.
    """
    if column.kind is ColumnKind.STIMULUS:
        return []
    with open_sample(path) as file:
        roi_tag = column.kind is ColumnKind.ROI_TAG
        table = find_segmentation(file) if roi_tag else local_hdf5.local_group(file, CUSTOM_COLUMNS)
        data = None if table is None else local_hdf5.local_dataset(table, column.key)
        if data is None or data.ndim != 1:
            return []
        if h5py.check_string_dtype(data.dtype) is not None:
            return [local_hdf5.as_text(value) for value in data[()]]
        return np.asarray(data[()]).tolist()
