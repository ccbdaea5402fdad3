from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.components.trace_panel import shade_legend
from app.figures.palette import GREY, drawable_colour
from app.figures.shades import Shade, shade_shapes, visible_spans
from app.figures.traces import CellTraces, trace_figure
from pipeline.figures.shades import in_order, shade_name


def test_a_name_is_one_shape_however_many_periods_it_has() -> None:
    starts = np.arange(0, 900, 2.0)
    shade = Shade("left", "#0072b2", np.stack([starts, starts + 1], axis=1))

    (shape,) = shade_shapes([shade, Shade("far", "#d55e00", np.array([[5_000.0, 5_001]]))], (0, 1_000))

    assert shape["path"].count("M") == len(starts)
    assert shape["path"].startswith("M0,0V1H1V0ZM2,0V1H3V0Z")
    assert (shape["layer"], shape["fillcolor"], shape["yref"]) == ("below", "#0072b2", "paper")


def test_moments_are_wide_enough_to_be_seen_and_nothing_widens_the_axis() -> None:
    spans = visible_spans(np.array([[500.0, 500], [990, 2_000], [-5, 1]]), (0, 1_000))

    assert spans.tolist() == [[0, 1], [500, 501], [990, 1_000]]


@given(st.lists(st.tuples(st.floats(-50, 150), st.floats(0, 40)), max_size=30))
def test_spans_in_view_are_in_order_apart_and_cover_the_same_times(periods: list[tuple[float, float]]) -> None:
    spans = np.array([(start, start + length) for start, length in periods]).reshape(-1, 2)
    drawn = visible_spans(spans, (0, 100))

    assert (np.diff(drawn.ravel()) >= 0).all()
    for time in np.linspace(0.5, 99.5, 12):
        covered = ((spans[:, 0] <= time) & (spans[:, 1] >= time)).any()
        assert not covered or ((drawn[:, 0] <= time) & (drawn[:, 1] >= time)).any()


def test_figure_shades_behind_its_traces_and_ends_with_them() -> None:
    cell = CellTraces("Cell 1", "#E69F00", {"raw": np.zeros(200, np.float32)})
    shade = Shade("left", "#0072b2", np.array([[2.0, 99]]))

    figure = trace_figure([cell], rate_hz=20.0, kinds=("raw",), shades=[shade])

    assert [shape.path for shape in figure.layout.shapes] == ["M2,0V1H10V0Z"]
    assert len(trace_figure([cell], rate_hz=20.0, kinds=("dff",), shades=[shade]).layout.shapes) == 0


def test_what_is_no_colour_is_grey() -> None:
    assert drawable_colour("#0072b2") == "#0072b2"
    assert drawable_colour("tomato") == "tomato"
    assert drawable_colour("url(x)") == drawable_colour("") == GREY


def test_a_period_is_called_with_its_type_unless_its_name_says_it() -> None:
    assert shade_name("angle", "45") == "angle 45"
    assert shade_name("odour", "Odour A") == "Odour A"
    assert shade_name("running", "") == "running"


def test_names_are_listed_by_size_then_by_letter_and_many_are_counted() -> None:
    assert sorted(["90", "left", "135", "0"], key=in_order) == ["0", "90", "135", "left"]
    legend = shade_legend([{"name": f"n{n}", "colour": "red"} for n in range(30)])
    assert "6 more" in str(legend[-1])
    assert shade_legend([]) == []
