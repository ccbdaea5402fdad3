"""The pages Results and Compare: what they draw, download and change."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from tests.app.pages.test_compare_page import add_variant
from tests.app.small_project import MadeSample
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def compared(project: Project, sample: MadeSample, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of the project with a second result, in which one of them is chosen."""
    folder = tmp_path_factory.mktemp("compared") / "project"
    mine = Project.open(Path(shutil.copytree(project.folder, folder)))
    add_variant(mine, sample)
    return mine


@pytest.fixture(scope="module")
def url(compared: Project) -> Iterator[str]:
    with serving(compared.folder) as url:
        yield url


def lines(page: Page, graph: str) -> list[str]:
    """Names of the lines in a plot."""
    return page.script(
        """
        const plot = document.querySelector(`#${arguments[0]} .js-plotly-plot`);
        return plot && plot._fullData ? plot._fullData.map((line) => line.name) : [];
        """,
        graph,
    )


def test_results_are_drawn_and_their_threshold_counts(
    open_page: Callable[[str], Page], url: str, sample: MadeSample
) -> None:
    page = open_page(f"{url}/results/{sample.identifier}")
    n_accepted = len(sample.simulation.footprints) - 1
    page.until(lambda: len(lines(page, "results-traces")) == n_accepted, "no traces were drawn")
    page.until(lambda: len(lines(page, "results-footprints")) == n_accepted + 1)
    # The truth's spikes are 1 each, and drown in the simulated noise; without a threshold they are all there.
    page.until(lambda: page.text("#results-event-counts") == "no event")
    page.write("#results-least", Keys.CONTROL + "a" + Keys.NULL, "0", Keys.ENTER)
    page.until(lambda: " events in " in page.text("#results-event-counts"), "the threshold changed nothing")
    page.until(lambda: page.all("#results-raster image"), "no raster was drawn")
    before = page.text("#results-event-counts")

    page.click("#results-rejected")
    page.until(lambda: len(lines(page, "results-traces")) == n_accepted + 1, "rejected cells were not drawn")
    page.until(lambda: page.text("#results-event-counts") not in ("", before), "their events were not counted")


def test_a_cell_is_compared_and_the_other_result_chosen(
    open_page: Callable[[str], Page], url: str, compared: Project, sample: MadeSample
) -> None:
    page = open_page(f"{url}/compare/{sample.identifier}")
    page.find("#compare-accepted")
    page.click("#compare-accepted")
    n_cells = len(sample.simulation.footprints)
    page.until(lambda: f"{n_cells - 2} cells in both" in page.text("#compare-legend"), "nothing was compared")
    page.until(lambda: "only in B" in lines(page, "compare-outlines"))
    page.script(
        """
        const plot = document.querySelector("#compare-outlines .js-plotly-plot");
        const targets = plot._fullData.length - 2;
        plot.emit("plotly_click", { points: [{ curveNumber: targets, pointNumber: 2,
          customdata: plot._fullData[targets].customdata[2], data: plot.data[targets] }] });
        """
    )
    page.until(lambda: len(lines(page, "compare-traces")) == 2, "no traces of the cell were drawn")
    page.until(lambda: "overlap 1.00" in page.text("#compare-cell"))
    page.until(lambda: len(page.all("#compare-outlines .shapelayer path")) == 2, "the cell is not marked in both")
    page.click("#compare-previous")
    page.until(lambda: page.text("#compare-cell") == "only in B", "there is no cell before the first")

    page.click("#compare-use-b")
    page.until(lambda: "are found again" in page.text("#compare-question"))
    page.click("#compare-confirm")

    path = compared.find_sample(sample.identifier)
    page.until(lambda: len(read_rois(path)) == n_cells - 1, "the sample has its former cells")
    page.until(lambda: page.driver.current_url.endswith(f"/sample/{sample.identifier}"))
    page.wait_for_player()
