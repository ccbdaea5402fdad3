from __future__ import annotations

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.reader import read_rois
from tests.app.small_project import HEIGHT, N_FRAMES, RATE_HZ, WIDTH, MadeSample
from tests.browser.page import Page


def centre(sample: MadeSample, cell: int) -> tuple[float, float]:
    """Where to click to hit a cell, in image coordinates (x, y)."""
    footprint = sample.simulation.footprints[cell]
    y, x = np.unravel_index(footprint.argmax(), footprint.shape)
    return float(x) + 0.5, float(y) + 0.5


def alone(sample: MadeSample, cells: list[int]) -> list[int]:
    """Those of the cells that no other cell covers at their centre."""
    footprints = sample.simulation.footprints
    found = []
    for cell in cells:
        x, y = centre(sample, cell)
        if (footprints[:, int(y), int(x)] > 0.05).sum() == 1:
            found.append(cell)
    return found


@pytest.fixture
def off_diagonal(sample: MadeSample) -> list[int]:
    """Accepted cells that would be missed if x and y were swapped, those first that are furthest to the right."""
    accepted = alone(sample, list(range(len(sample.simulation.footprints) - 1)))
    found = [cell for cell in accepted if abs(centre(sample, cell)[0] - centre(sample, cell)[1]) > 25]
    assert len(found) >= 2
    return sorted(found, key=lambda cell: -centre(sample, cell)[0])


def key_of(sample: MadeSample, cell: int) -> str:
    return str(read_rois(sample.path)["roi_uuid"][cell])


def selected_rows(page: Page) -> list[str | None]:
    rows = page.all("#roi-table .ag-center-cols-container .ag-row-selected")
    return [row.get_attribute("row-id") for row in rows]


def test_click_in_the_image_selects_the_cell_there_and_shows_its_traces(
    sample_page: Page, sample: MadeSample, off_diagonal: list[int]
) -> None:
    for cell in off_diagonal[:3]:
        sample_page.click_image(*centre(sample, cell), HEIGHT, WIDTH)

        sample_page.until(lambda cell=cell: sample_page.selected() == [key_of(sample, cell)])
        sample_page.until(lambda cell=cell: f"Cell {cell} denoised" in sample_page.lines())
        lines = sample_page.lines()
        assert sorted(lines) == sorted(f"Cell {cell} {kind}" for kind in ("raw", "denoised", "δf/f", "spikes"))
        truth = sample.simulation.traces[cell]
        assert lines[f"Cell {cell} denoised"] == pytest.approx(truth.tolist(), abs=1e-3)
        # The table follows.
        sample_page.until(lambda cell=cell: selected_rows(sample_page) == [key_of(sample, cell)])


def test_click_beside_all_cells_changes_nothing(sample_page: Page, sample: MadeSample, off_diagonal: list[int]) -> None:
    empty = np.argwhere(sample.simulation.footprints.max(axis=0) < 0.001)
    y, x = empty[np.argmax(np.abs(empty - [HEIGHT / 2, WIDTH / 2]).sum(axis=1) < 60)]
    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    before = sample_page.until(sample_page.selected)

    sample_page.click_image(float(x) + 0.5, float(y) + 0.5, HEIGHT, WIDTH)
    # A click is handled at once, before the next script runs.
    assert sample_page.selected() == before


def test_several_cells_are_selected_with_the_control_key_and_all_are_drawn(
    sample_page: Page, sample: MadeSample, off_diagonal: list[int]
) -> None:
    first, second = off_diagonal[:2]
    sample_page.click_image(*centre(sample, first), HEIGHT, WIDTH)
    sample_page.until(sample_page.selected)

    sample_page.click_image(*centre(sample, second), HEIGHT, WIDTH, with_key=Keys.CONTROL)

    sample_page.until(lambda: sample_page.selected() == [key_of(sample, first), key_of(sample, second)])
    sample_page.until(lambda: {f"Cell {first} raw", f"Cell {second} raw"} <= set(sample_page.lines()))
    sample_page.press(Keys.ESCAPE)
    sample_page.until(lambda: sample_page.selected() == [])
    sample_page.until(lambda: "Click a cell" in sample_page.text("#traces"))


def test_hidden_cells_cannot_be_clicked(sample_page: Page, sample: MadeSample, off_diagonal: list[int]) -> None:
    sample_page.click("#player-show-accepted")

    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    assert sample_page.selected() == []

    sample_page.click("#player-show-accepted")
    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    sample_page.until(lambda: sample_page.selected() == [key_of(sample, off_diagonal[0])])


def test_outlines_are_drawn_over_the_image_and_can_be_hidden(sample_page: Page) -> None:
    with_all = sample_page.canvas(HEIGHT, WIDTH)

    sample_page.click("#player-show-accepted")
    without_accepted = sample_page.canvas(HEIGHT, WIDTH)
    sample_page.click("#player-show-rejected")
    without_any = sample_page.canvas(HEIGHT, WIDTH)

    assert np.abs(with_all - without_accepted).max() > 20
    assert np.abs(without_accepted - without_any).max() > 20


def test_row_of_the_table_selects_its_cell(sample_page: Page, sample: MadeSample) -> None:
    sample_page.click(f'#roi-table .ag-center-cols-container .ag-row[row-id="{key_of(sample, 3)}"] .ag-cell')

    sample_page.until(lambda: sample_page.selected() == [key_of(sample, 3)])
    sample_page.until(lambda: "Cell 3 raw" in sample_page.lines())


def test_no_button_sends_the_traces_anywhere(sample_page: Page, sample: MadeSample, off_diagonal: list[int]) -> None:
    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    sample_page.until(lambda: len(sample_page.lines()) == 4)

    buttons = [button.get_attribute("data-title") for button in sample_page.all("#traces .modebar-btn")]

    assert buttons == ["Download plot", "Zoom", "Pan", "Reset axes"]


def test_kinds_of_trace_can_be_chosen(sample_page: Page, sample: MadeSample, off_diagonal: list[int]) -> None:
    cell = off_diagonal[0]
    sample_page.click_image(*centre(sample, cell), HEIGHT, WIDTH)
    sample_page.until(lambda: len(sample_page.lines()) == 4)

    sample_page.click("#trace-kinds input")

    sample_page.until(
        lambda: sorted(sample_page.lines()) == [f"Cell {cell} {k}" for k in ("denoised", "spikes", "δf/f")]
    )


def test_line_in_the_traces_follows_the_movie_and_a_click_there_seeks_it(
    sample_page: Page, sample: MadeSample, off_diagonal: list[int]
) -> None:
    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    sample_page.until(lambda: len(sample_page.lines()) == 4)
    cursor = sample_page.until(lambda: next(iter(sample_page.all("#trace-cursor.is-shown")), None))
    sample_page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    sample_page.until(lambda: cursor.get_attribute("data-frame") == "2")

    at_s = 6.0
    point = sample_page.script(
        """
        const plot = document.querySelector("#traces .js-plotly-plot");
        plot.scrollIntoView({ block: "center" });
        const drag = plot.querySelector(".nsewdrag").getBoundingClientRect();
        const axis = plot._fullLayout.xaxis;
        return [plot.getBoundingClientRect().left + axis._offset + axis.d2p(arguments[0]), drag.top + drag.height / 2];
        """,
        at_s,
    )
    sample_page.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": point[0], "y": point[1]})
    sample_page.until(lambda: sample_page.all("#traces .hoverlayer .legend, #traces .hoverlayer .hovertext"))
    for kind in ("mousePressed", "mouseReleased"):
        sample_page.driver.execute_cdp_cmd(
            "Input.dispatchMouseEvent", {"type": kind, "x": point[0], "y": point[1], "button": "left", "clickCount": 1}
        )

    sample_page.until(lambda: abs(sample_page.frame() - at_s * RATE_HZ) <= 1, "the click did not seek")
    assert abs(int(cursor.get_attribute("data-frame") or -1) - at_s * RATE_HZ) <= 1


def test_zoom_in_the_traces_asks_for_the_window_alone(
    sample_page: Page, sample: MadeSample, off_diagonal: list[int]
) -> None:
    sample_page.click_image(*centre(sample, off_diagonal[0]), HEIGHT, WIDTH)
    sample_page.until(
        lambda: all(len(line) == N_FRAMES for line in sample_page.lines().values()) and sample_page.lines()
    )

    sample_page.script(
        "window.Plotly.relayout(document.querySelector('#traces .js-plotly-plot'), {'xaxis.range': [2, 4]})"
    )
    sample_page.until(lambda: all(len(line) < 40 for line in sample_page.lines().values()))
    sample_page.script(
        "window.Plotly.relayout(document.querySelector('#traces .js-plotly-plot'), {'xaxis.autorange': true})"
    )
    sample_page.until(lambda: all(len(line) == N_FRAMES for line in sample_page.lines().values()))
