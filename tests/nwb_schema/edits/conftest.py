"""A project with one sample of its own for each test of edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.reader import read_rois


@pytest.fixture
def rois(sample: Path) -> list[str]:
    """The five ``roi_uuid`` of the sample."""
    return list(read_rois(sample)["roi_uuid"])


@pytest.fixture
def quality() -> ColumnDefinition:
    """A tag column of texts."""
    return ColumnDefinition("quality", ColumnKind.ROI_TAG)


@pytest.fixture
def grade() -> ColumnDefinition:
    """A tag column of whole numbers."""
    return ColumnDefinition("grade", ColumnKind.ROI_TAG, ColumnType.INTEGER, 0)


@pytest.fixture
def before(sample: Path, tmp_path: Path) -> Path:
    """A copy of the sample from before any edit, outside the project."""
    copy = tmp_path / "before.nwb"
    copy.write_bytes(sample.read_bytes())
    return copy
