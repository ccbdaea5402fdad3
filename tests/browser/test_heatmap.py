"""The heat map of all cells, and figures that are downloaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selenium.webdriver.common.action_chains import ActionChains

from nwb_schema.reader import read_rois
from pipeline.figures.journal import read_record
from tests.app.small_project import MadeSample
from tests.browser.page import Page


def heat_map(page: Page) -> dict[str, Any] | None:
    """Size of the picture, names of its rows and the marks beside it; None before it was drawn."""
    return page.script(
        """
        const plot = document.querySelector("#heatmap .js-plotly-plot");
        const [map] = (plot && plot._fullData) || [];
        if (!map || map.type !== "heatmap") return null;
        const marks = (plot.layout.annotations || []).map((one) => one.text);
        return { rows: map.z.length, labels: Array.from(plot.layout.yaxis.ticktext), marks };
        """
    )


def click_row(page: Page, row: int, share: float) -> None:
    """Click in the middle of a row, at a share of the time."""
    plot = page.find("#heatmap .js-plotly-plot")
    page.script("arguments[0].scrollIntoView({block: 'center'})", plot)
    x, y = page.script(
        """
        const [plot, row, share] = arguments;
        const [box, { xaxis, yaxis }] = [plot.getBoundingClientRect(), plot._fullLayout];
        return [
          xaxis._offset + share * xaxis._length - box.width / 2, yaxis._offset + yaxis.d2p(row) - box.height / 2
        ];
        """,
        plot,
        row,
        share,
    )
    ActionChains(page.driver).move_to_element_with_offset(plot, round(x), round(y)).click().perform()


def test_heat_map_is_drawn_when_asked_for_and_its_rows_select_cells(sample_page: Page, sample: MadeSample) -> None:
    rois = read_rois(sample.path)
    accepted = rois[rois["is_accepted"]].sort_values("snr", ascending=False)
    assert heat_map(sample_page) is None

    sample_page.click("#heatmap-draw")
    found = sample_page.until(lambda: heat_map(sample_page), "no heat map")

    assert found["labels"] == [str(index) for index in accepted["index"]]
    assert found["rows"] == len(accepted)
    sample_page.until(lambda: "8 cells" in sample_page.text("#heatmap-said"), "nothing says what is shown")

    key = str(accepted["roi_uuid"].iloc[2])

    def selected() -> bool:
        # Again when the plot took its size, or learnt what a click does, only meanwhile.
        click_row(sample_page, 2, 0.5)
        return sample_page.selected() == [key]

    sample_page.until(selected, "the row's cell is not selected")
    sample_page.until(lambda: (heat_map(sample_page) or {}).get("marks") == [f"\u25c2 {accepted['index'].iloc[2]}"])
    sample_page.until(lambda: 60 <= sample_page.frame() <= 90, "the movie shows another moment")


def test_figure_is_previewed_and_downloaded_as_the_page_shows_it(
    sample_page: Page, sample: MadeSample, tmp_path: Path
) -> None:
    rois = read_rois(sample.path)["roi_uuid"]
    sample_page.driver.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    sample_page.script("window.fluorite.selectCells(arguments[0])", [rois[3], rois[1]])
    sample_page.until(lambda: {"Cell 3 raw", "Cell 1 raw"} <= set(sample_page.lines()))

    sample_page.click("#figure-open-traces")
    sample_page.until(lambda: "89 x " in sample_page.text("#figure-said"), "no preview")
    sample_page.until(lambda: sample_page.find("#figure-download").is_enabled())
    sample_page.click("#figure-download")

    file = tmp_path / f"{sample.path.stem}_traces.svg"
    sample_page.until(file.exists, "nothing was downloaded")
    assert read_record(file)["roi_uuids"] == [rois[3], rois[1]]
