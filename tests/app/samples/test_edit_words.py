"""Edits in the words of the page: cells have numbers there."""

from __future__ import annotations

import pandas as pd
import pytest

from app.samples.edit_words import cell_numbers, in_cells

_KEYS = ["9ccb7c4b-1", "8b8b4564-2", "aaaaaaaa-3", "aaaaaaaa-4"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("rejected ROI 9ccb7c4b", "rejected cell 1"),
        ("undid: accepted ROI 8b8b4564", "undid: accepted cell 5"),
        ("did again: deleted 12 ROIs", "did again: deleted 12 cells"),
        ("merged 2 ROIs (9ccb7c4b, 8b8b4564) into ROI 00000000", "merged 2 cells (1, 5) into ROI 00000000"),
        ("added 5 ROIs (9ccb7c4b, 8b8b4564, 11111111, 22222222, ...)", "added 5 cells (1, 5, 11111111, 22222222, ...)"),
        # Keys that start alike do not say which cell it was.
        ("accepted ROI aaaaaaaa", "accepted ROI aaaaaaaa"),
        # What people typed stays as it is.
        ("tagged ROI 8b8b4564: note = like ROI 9ccb7c4b", "tagged cell 5: note = like ROI 9ccb7c4b"),
        ("set experiment_description = 5 ROIs", "set experiment_description = 5 ROIs"),
    ],
)
def test_cells_are_called_by_their_numbers(what: str, words: str) -> None:
    rois = pd.DataFrame({"key": _KEYS, "index": [1, 5, 6, 7]})

    assert in_cells(what, cell_numbers(rois)) == words
