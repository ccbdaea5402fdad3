from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.figures.palette import CELL_COLOURS, cell_colour, paler
from app.figures.traces import Arrangement, CellTraces, message_figure, trace_figure, visible_samples

RATE_HZ = 20.0


def cell(n_frames: int = 5_000, *kinds: str) -> CellTraces:
    trace = np.zeros(n_frames, np.float32)
    return CellTraces("Cell 3", "#E69F00", {kind: trace for kind in kinds or ("raw", "denoised", "dff")})


def test_a_single_spike_survives_downsampling() -> None:
    trace = np.random.default_rng(1).normal(0, 0.01, 100_000).astype(np.float32)
    trace[31_337] = 5

    samples = visible_samples(trace, RATE_HZ, None, 1_000)

    assert 31_337 in samples
    assert len(samples) <= 1_000


def test_zooming_in_brings_every_sample_of_the_window() -> None:
    trace = np.arange(100_000, dtype=np.float32)

    samples = visible_samples(trace, RATE_HZ, (1000.0, 1010.0), 1_000)

    assert set(range(20_000, 20_201)) <= set(samples.tolist())
    assert samples[0] == 19_999  # one more on either side, so that lines leave the plot


def test_window_beyond_the_recording_is_empty_or_cut() -> None:
    trace = np.arange(100, dtype=np.float32)

    assert visible_samples(trace, RATE_HZ, (900.0, 1000.0), 1_000).size == 0
    assert visible_samples(trace, RATE_HZ, (-50.0, 1.0), 1_000)[0] == 0


@given(
    n=st.integers(0, 3_000),
    start=st.floats(-100, 300),
    length=st.floats(0.01, 300),
    points=st.integers(4, 500),
    gaps=st.booleans(),
)
def test_samples_are_in_order_within_the_trace_and_few_enough(
    n: int, start: float, length: float, points: int, gaps: bool
) -> None:
    trace = np.random.default_rng(n).normal(size=n).astype(np.float32)
    if gaps:
        trace[::3] = np.nan

    samples = visible_samples(trace, RATE_HZ, (start, start + length), points)

    assert len(samples) <= points
    assert np.all(np.diff(samples) > 0)
    assert samples.size == 0 or (samples[0] >= 0 and samples[-1] < n)


def test_a_panel_is_drawn_for_each_kind_that_is_wanted_and_there() -> None:
    figure = trace_figure([cell()], rate_hz=RATE_HZ, kinds=("raw", "denoised", "deconvolved"))

    assert [trace.name for trace in figure.data] == ["Cell 3 raw", "Cell 3 denoised"]
    assert figure.layout.yaxis.title.text == "Fluorescence"
    assert "yaxis2" not in figure.to_plotly_json()["layout"]


def test_panels_do_not_overlap() -> None:
    kinds = ("raw", "dff", "deconvolved")
    figure = trace_figure([cell(100, *kinds)], rate_hz=RATE_HZ, kinds=kinds)

    top, middle, bottom = (figure.layout[name].domain for name in ("yaxis", "yaxis2", "yaxis3"))
    assert top[1] == 1
    assert top[0] > middle[1] > middle[0] > bottom[1] > bottom[0] >= 0


def test_time_is_in_seconds() -> None:
    figure = trace_figure([cell(40, "raw")], rate_hz=RATE_HZ, kinds=("raw",))

    assert figure.data[0].x[-1] == 39 / RATE_HZ
    assert figure.layout.xaxis.title.text == "Time (s)"


def test_the_view_is_kept_when_finer_samples_arrive() -> None:
    whole = trace_figure([cell()], rate_hz=RATE_HZ, kinds=("raw",))
    part = trace_figure([cell()], rate_hz=RATE_HZ, kinds=("raw",), window_s=(10.0, 20.0))

    assert whole.layout.uirevision == part.layout.uirevision
    assert part.layout.xaxis.range == (10.0, 20.0)


def test_an_empty_figure_says_why() -> None:
    assert message_figure("No cells were found.").layout.annotations[0].text == "No cells were found."


def test_cells_take_colours_in_turn() -> None:
    assert len(set(CELL_COLOURS)) == len(CELL_COLOURS)
    assert cell_colour(len(CELL_COLOURS)) == cell_colour(0)


def test_raw_lies_paler_behind_the_denoised_traces_of_all_cells() -> None:
    cells = [cell(100, "raw", "denoised"), cell(100, "raw", "denoised")]
    figure = trace_figure(cells, rate_hz=RATE_HZ, kinds=("raw", "denoised"))

    assert [trace.name.split()[-1] for trace in figure.data] == ["raw", "raw", "denoised", "denoised"]
    assert figure.data[0].line.color == paler("#E69F00")
    assert figure.data[2].line.color == "#E69F00"


def test_paler_colours_are_lighter_and_still_apart() -> None:
    def light(colour: str) -> int:
        return sum(int(colour[start : start + 2], 16) for start in (1, 3, 5))

    assert all(light(paler(colour)) > light(colour) for colour in CELL_COLOURS)
    assert len({paler(colour) for colour in CELL_COLOURS}) == len(CELL_COLOURS)


def levels(n_cells: int, **arrangement: bool) -> tuple[list[tuple[float, float]], Any]:
    """Lowest and highest point of each line, of cells that differ in size, and the axis."""
    frames = np.arange(400)
    cells = [
        CellTraces(f"Cell {number}", "#E69F00", {"dff": (number + 1) * np.sin(frames / 9).astype(np.float32)})
        for number in range(n_cells)
    ]
    figure = trace_figure(cells, rate_hz=RATE_HZ, kinds=("dff",), arrangement=Arrangement(**arrangement))
    return [(min(line.y), max(line.y)) for line in figure.data], figure.layout.yaxis


def test_stacked_cells_are_on_levels_of_their_own_with_their_names() -> None:
    spans, axis = levels(4, stacked=True)

    assert all(upper[0] >= lower[1] for upper, lower in pairwise(spans))
    assert [high - low for low, high in spans] == pytest.approx([2, 4, 6, 8], rel=1e-2)  # one scale for all
    assert axis.ticktext == ("0", "1", "2", "3")
    assert list(axis.tickvals) == sorted(axis.tickvals, reverse=True)


def test_normalised_cells_have_one_height() -> None:
    spans, axis = levels(3, normalised=True)

    assert np.array(spans) == pytest.approx(np.array([[0, 1]] * 3), abs=1e-3)
    assert axis.title.text == "ΔF/F (each 0 to 1)"


def test_many_lines_have_fewer_points_each() -> None:
    n_cells = 60
    trace = np.random.default_rng(2).normal(size=10_000).astype(np.float32)
    cells = [CellTraces(f"Cell {number}", "#E69F00", {"raw": trace, "denoised": trace}) for number in range(n_cells)]

    figure = trace_figure(cells, rate_hz=RATE_HZ, kinds=("raw", "denoised"), arrangement=Arrangement(stacked=True))

    assert sum(len(line.y) for line in figure.data) <= 2 * n_cells * 500
    heights = [max(line.y) - min(line.y) for line in figure.data]
    assert heights == pytest.approx([float(np.ptp(trace))] * len(heights), rel=1e-4)  # no peak is lost
