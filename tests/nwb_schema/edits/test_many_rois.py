"""50,000 ROIs in one sample: written, tagged, added to and read."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.edits import EditKind, NewRois, RoiArrays, Tag, commit, undo
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from nwb_schema.segmentation import Segmentation
from tests.nwb_schema.made_samples import made_sample

N_ROIS, N_FRAMES, SHAPE = 50_000, 20, (300, 520)


@pytest.mark.nightly
def test_fifty_thousand_rois_are_edited_like_five(project: Project) -> None:
    rng = np.random.default_rng(4)
    centre = rng.integers(0, SHAPE[0] * SHAPE[1] - 4, N_ROIS)
    pixels = (centre[:, None] + np.arange(4)).ravel()
    rows = np.repeat(np.arange(N_ROIS), 4)
    footprints = sparse.csr_array((np.ones(rows.size, np.float32), (rows, pixels)), shape=(N_ROIS, SHAPE[0] * SHAPE[1]))
    raw = rng.normal(size=(N_ROIS, N_FRAMES)).astype(np.float32)
    segmentation = Segmentation(SHAPE, footprints, 10.0, np.ones(N_ROIS, bool), True, raw=raw)
    path = made_sample(project, segmentation=segmentation, movie=False)
    rois = list(read_rois(path)["roi_uuid"])

    quality = ColumnDefinition("quality", ColumnKind.ROI_TAG)
    commit(project, path, Tag((rois[40_000],), quality, "good"), actor="Ada")
    new = RoiArrays(SHAPE, footprints[[7]], {"raw": raw[[7]]})
    commit(project, path, NewRois(EditKind.MERGE, new, (rois[7], rois[8])), actor="Ada")
    undo(project, path, actor="Ada")

    table = read_rois(path)
    assert table["quality"].tolist().count("good") == 1
    assert (len(table), table["deleted"].sum(), table["roi_origin"].iloc[-1]) == (N_ROIS + 1, 1, "merge")
    np.testing.assert_array_equal(read_traces(path, "raw", [N_ROIS, 12_345]), raw[[7, 12_345]])
    assert read_footprints(path)[[N_ROIS]].indices.tolist() == footprints[[7]].indices.tolist()
