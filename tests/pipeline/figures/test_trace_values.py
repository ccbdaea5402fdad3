from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.figures.trace_values import drawable_kinds, level_height, placements, read_kinds, spans_of
from tests.app.small_project import MadeSample


def test_residual_is_offered_where_raw_and_denoised_are_and_is_their_difference(sample: MadeSample) -> None:
    assert drawable_kinds(("raw", "denoised", "dff")) == ("raw", "denoised", "residual", "dff")
    assert drawable_kinds(("raw", "deconvolved")) == ("raw", "deconvolved")

    found = read_kinds(sample.path, ["residual", "raw"], [4, 1])

    assert list(found) == ["residual", "raw"]
    assert found["residual"] == pytest.approx(np.ones((2, found["raw"].shape[1])), abs=1e-4)


def test_range_of_a_cell_is_over_all_its_kinds_and_what_is_known() -> None:
    raw, denoised = np.array([np.nan, -2.0, 1.0]), np.array([0.0, 3.0, np.inf])

    spans = spans_of([{"raw": raw, "denoised": denoised}, {"raw": np.full(3, np.nan)}], ("raw", "denoised"))

    assert spans.tolist() == [[-2.0, 3.0], [0.0, 1.0]]


@given(
    spans=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0, 1e3)), min_size=1, max_size=20),
    normalised=st.booleans(),
)
def test_stacked_cells_keep_apart_in_order(spans: list[tuple[float, float]], normalised: bool) -> None:
    given_spans = np.array([(low, low + size) for low, size in spans])

    scale, offset = placements(given_spans, stacked=True, normalised=normalised)

    low, high = given_spans[:, 0] * scale + offset, given_spans[:, 1] * scale + offset
    assert low == pytest.approx(
        level_height(given_spans, normalised=normalised) * np.arange(len(spans))[::-1], abs=1e-6
    )
    assert np.all(high[1:] <= low[:-1] + 1e-6)  # the first is on top
    assert normalised or np.all(scale == 1)


@pytest.mark.parametrize("size", [2.2e-313, 1e-42, 1e-13])
def test_cell_whose_range_is_below_what_traces_can_hold_counts_as_flat(size: float) -> None:
    scale, offset = placements(np.array([[0.0, 2.2e-313], [7.0, 7.0 + size]]), stacked=False, normalised=True)

    assert (scale.tolist(), offset.tolist()) == ([1.0, 1.0], [0.0, -7.0])


def test_normalised_cells_reach_from_0_to_1_and_others_stay_as_they_are() -> None:
    spans = np.array([[2.0, 6.0], [-1.0, -1.0]])

    scale, offset = placements(spans, stacked=False, normalised=True)
    assert (spans * scale[:, None] + offset[:, None]).tolist() == [[0.0, 1.0], [0.0, 0.0]]

    scale, offset = placements(spans, stacked=False, normalised=False)
    assert (scale.tolist(), offset.tolist()) == ([1.0, 1.0], [0.0, 0.0])
