from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from app.figures.palette import cell_colour
from app.figures.traces import POINTS_PER_TRACE, Arrangement
from app.samples.selected_traces import MOST_CELLS, MOST_OVERLAID, TraceRequest, cell_traces, drawn_traces
from app.samples.store import SampleData
from app.workspace import Workspace
from nwb_schema.project import Project
from tests.app.small_project import MadeSample


@pytest.fixture
def data(project: Project, sample: MadeSample) -> SampleData:
    return Workspace.of(project).samples.get(sample.identifier)


def request(data: SampleData, rows: list[int], kinds: tuple[str, ...] = ("raw", "denoised")) -> TraceRequest:
    return TraceRequest([str(data.rois["key"][row]) for row in rows], len(rows), kinds)


def test_traces_and_legend_share_the_colour_of_the_selection(data: SampleData, sample: MadeSample) -> None:
    asked = request(data, [5, 0], ("denoised",))

    cells = cell_traces(data, asked.keys, asked.kinds)
    legend = drawn_traces(data, asked)["legend"]

    assert [(cell.label, cell.colour) for cell in cells] == [("Cell 5", cell_colour(0)), ("Cell 0", cell_colour(1))]
    assert [(entry["label"], entry["colour"]) for entry in legend] == [(cell.label, cell.colour) for cell in cells]
    assert [entry["key"] for entry in legend] == asked.keys
    assert {entry["state"] for entry in legend} == {"accepted"}
    assert legend[0]["scores"][0].startswith("SNR ")
    assert cells[0].traces["denoised"].tolist() == sample.simulation.traces[5].tolist()


def test_more_cells_than_can_be_told_apart_are_stacked_in_a_plot_that_grows(data: SampleData) -> None:
    rows = list(range(len(data.rois)))
    assert len(rows) > MOST_OVERLAID

    many, few = (drawn_traces(data, request(data, some)) for some in (rows, rows[:MOST_OVERLAID]))

    assert many["figure"].layout.yaxis.ticktext == tuple(str(index) for index in data.rois["index"])
    assert few["figure"].layout.yaxis.ticktext is None
    assert f"and {len(rows) - MOST_OVERLAID} more" in many["more"]
    assert len(many["legend"]) == len(few["legend"]) == MOST_OVERLAID
    assert many["height_px"] > 20 * len(rows)
    assert (few["more"], few["height_px"]) == ("", 0)


def test_cells_beyond_what_is_drawn_are_counted_though_the_page_does_not_name_them(data: SampleData) -> None:
    keys = list(data.rois["key"])

    answer = drawn_traces(data, TraceRequest(keys, 500, ["raw"]))

    assert f"and {MOST_CELLS - MOST_OVERLAID} more" in answer["more"]
    assert f"{500 - MOST_CELLS} are not drawn" in answer["more"]


@pytest.mark.parametrize(("rows", "kinds", "text"), [([], ("raw",), "Click a cell"), ([0], (), "Choose at least one")])
def test_nothing_to_draw_says_what_to_do(data: SampleData, rows: list[int], kinds: tuple[str, ...], text: str) -> None:
    answer = drawn_traces(data, request(data, rows, kinds))

    assert text in answer["message"]
    assert answer["figure"] is None


def test_request_is_read_from_an_address() -> None:
    query = MultiDict(
        [
            ("roi", "b,a"),
            ("n", "9"),
            ("kind", "raw,dff"),
            ("from", "2"),
            ("to", "3.5"),
            ("stimuli", "x"),
            ("stimuli", "y"),
        ]
    )

    assert TraceRequest.parse(query) == TraceRequest(["b", "a"], 9, ["raw", "dff"], (2.0, 3.5), ["x", "y"])
    assert TraceRequest.parse(MultiDict([("stacked", "1"), ("normalised", "1")])).arrangement == Arrangement(True, True)


def test_narrow_plot_gets_fewer_points_and_none_more_than_is_sensible() -> None:
    points = [TraceRequest.parse(MultiDict({"points": asked})).n_points for asked in ("1250", "1", "1000000000")]

    assert points == [1250, 250, POINTS_PER_TRACE]


@pytest.mark.parametrize(
    "query", [{"from": "nan", "to": "3"}, {"from": "2"}, {"n": "-4"}, {"n": "many"}, {"points": "many"}]
)
def test_nonsense_in_an_address_is_left_out(query: dict[str, str]) -> None:
    assert TraceRequest.parse(MultiDict({"roi": "a", **query})) == TraceRequest(["a"], 1, [], None, [])
