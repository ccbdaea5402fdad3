"""Drawing, merging, splitting and importing cells in the page: every test ends with what landed in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from roifile import ROI_TYPE, ImagejRoi, roiwrite
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from nwb_schema.edits import edits_of
from nwb_schema.project import Project
from nwb_schema.reader import read_footprints, read_rois, read_traces
from pipeline.curation.shapes import polygon_mask
from tests.app.small_project import HEIGHT, WIDTH, MadeSample
from tests.browser.page import Page

SHAPE = (HEIGHT, WIDTH)


@pytest.fixture
def page(mine: MadeSample, curated_url: str, open_page: Callable[[str], Page]) -> Page:
    """Its page, which must not be loaded anew."""
    page = open_page(f"{curated_url}/sample/{mine.identifier}?roi=none&frame=40")
    page.wait_for_player()
    page.until(lambda: page.script("return Boolean(window.fluorite.drawing)"), "nothing can be drawn")
    page.standing("#player-canvas")
    page.script("window.stayed = true")
    return page


def saved(page: Page) -> None:
    """Wait until all is in the file, and shown."""
    page.wait_until_saved()
    shown = "return [window.fluorite.player.overlay.rois.length, window.fluorite.roiRows().length]"
    page.until(lambda: len(set(page.script(shown))) == 1, "the outlines are not those of the table")


def point(page: Page, x: float, y: float) -> tuple[int, int]:
    """Where a point of the image is seen, from the middle of the canvas."""
    left, top, zoom = page.script("const p = window.fluorite.player; return [p.corner.x, p.corner.y, p.zoom]")
    size = page.find("#player-canvas").size
    across, down = ((x - left) * zoom / WIDTH - 0.5), ((y - top) * zoom / HEIGHT - 0.5)
    return round(across * size["width"]), round(down * size["height"])


def click(page: Page, *points: tuple[float, float]) -> None:
    canvas, actions = page.find("#player-canvas"), ActionChains(page.driver, duration=50)
    for x, y in points:
        actions.move_to_element_with_offset(canvas, *point(page, x, y)).click()
    actions.perform()


def drag(page: Page, *points: tuple[float, float]) -> None:
    canvas, actions = page.find("#player-canvas"), ActionChains(page.driver, duration=50)
    actions.move_to_element_with_offset(canvas, *point(page, *points[0])).click_and_hold()
    for x, y in points[1:]:
        actions.move_to_element_with_offset(canvas, *point(page, x, y))
    actions.release().perform()


def masks(sample: MadeSample) -> np.ndarray:
    return read_footprints(sample.path).toarray().reshape(-1, *SHAPE) > 0


def stored(sample: MadeSample) -> pd.DataFrame:
    return read_rois(sample.path)


def test_a_polygon_is_drawn_on_the_zoomed_image_and_others_edits_go_on(
    page: Page, curated: Project, mine: MadeSample
) -> None:
    first = str(stored(mine)["roi_uuid"][0])
    page.press("j")
    page.script("window.fluorite.player.zoomBy(3, [70, 30])")
    page.script("document.querySelector('#roi-options [data-tag]').value = 'astrocyte'")

    page.press("d")
    click(page, (60, 24), (72, 24), (72, 32), (60, 32))
    page.press(Keys.ENTER)
    assert page.player("drawing") == "finished"
    drag(page, (72, 32), (76, 32))
    # Saved, and on at once to the cell that is still selected.
    page.press(Keys.ENTER, "r")
    saved(page)

    rois = stored(mine)
    expected = polygon_mask([(60, 24), (72, 24), (76, 32), (60, 32)], SHAPE)
    np.testing.assert_array_equal(masks(mine)[9], expected)
    own = mine.simulation.frames[:, expected].mean(1)
    np.testing.assert_allclose(read_traces(mine.path, "raw", [9])[0], own, rtol=1e-5)
    assert (rois["roi_origin"][9], rois["cell type"][9], rois["is_accepted"][9]) == ("manual", "astrocyte", True)
    assert not rois["is_accepted"][0]
    assert [edit.kind.value for edit in edits_of(curated, mine.path)] == ["add", "reject"]
    # Nothing that was seen is lost: rejecting went on to the next cell, as ever.
    assert page.selected() == [rois["roi_uuid"][1]] != [first]
    assert (page.player("zoom"), page.frame(), page.script("return window.stayed")) == ("3.00", 40, True)
    # The new one can be clicked and has traces, once the tool is put away and all of the image is seen.
    page.press(Keys.ESCAPE, "0")
    click(page, (66, 28))
    page.until(lambda: page.selected() == [rois["roi_uuid"][9]], "the new cell cannot be clicked")
    page.until(lambda: any(name.startswith("Cell 9 ") for name in page.lines()), "it has no traces")


def test_cells_are_merged_and_cut_and_an_ellipse_is_drawn(page: Page, curated: Project, mine: MadeSample) -> None:
    keys = [str(key) for key in stored(mine)["roi_uuid"]]
    page.script("window.fluorite.selectCells(arguments[0])", keys[:2])
    page.press("m")
    saved(page)

    before = masks(mine)
    np.testing.assert_array_equal(before[9], before[0] | before[1])
    merged = str(stored(mine)["roi_uuid"][9])
    page.until(lambda: page.selected() == [merged], "the merged cell is not selected")

    page.script("window.fluorite.selectCells(arguments[0])", [keys[4]])
    x = float(stored(mine)["centroid_x"][4]) + 0.5
    page.press("l")
    click(page, (x, 4), (x, HEIGHT - 4))
    page.press(Keys.ENTER, Keys.ENTER)
    saved(page)

    rois, after = stored(mine), masks(mine)
    assert list(rois["roi_origin"][9:]) == ["merge", "split", "split"]
    assert list(np.flatnonzero(rois["deleted"])) == [0, 1, 4]
    np.testing.assert_array_equal(after[10] | after[11], before[4])
    assert not (after[10] & after[11]).any()
    assert set(page.selected()) == set(rois["roi_uuid"][10:])

    page.press("e")
    drag(page, (20, 50), (40, 60))
    page.press(Keys.ENTER, Keys.ESCAPE)
    saved(page)
    y, x_ = np.nonzero(masks(mine)[12])
    assert (y.min(), y.max() + 1, x_.min(), x_.max() + 1) == (50, 60, 20, 40)

    page.press("z")
    saved(page)
    assert stored(mine)["deleted"][12]
    assert page.script("return window.stayed")


def test_imported_cells_are_marked_by_their_origin(page: Page, mine: MadeSample, tmp_path: Path) -> None:
    oval = ImagejRoi(roitype=ROI_TYPE.OVAL, left=10, top=40, right=22, bottom=50, version=228)
    roiwrite(tmp_path / "set.zip", [ImagejRoi.frompoints([[60, 20], [70, 20], [70, 26], [60, 26]]), oval])
    (tmp_path / "damaged.zip").write_bytes(b"PK nothing")
    upload = page.find("#roi-upload input[type=file]")

    upload.send_keys(str(tmp_path / "damaged.zip"))
    page.until(lambda: "damaged.zip" in page.text("#curation-status"), "the damaged file is not complained of")
    assert len(stored(mine)) == 9
    page.write("#roi-upload input[type=file]", str(tmp_path / "set.zip"))
    page.until(lambda: len(page.script("return window.fluorite.roiRows()")) == 11, "no cells came")
    saved(page)

    assert list(stored(mine)["roi_origin"][8:]) == ["engine", "manual", "manual"]
    np.testing.assert_array_equal(masks(mine)[9], polygon_mask([(60, 20), (70, 20), (70, 26), (60, 26)], SHAPE))
    page.script(
        """
        const choice = document.getElementById("player-colour");
        choice.value = "roi_origin";
        choice.dispatchEvent(new Event("change"));
        """
    )
    assert page.text("#player-colour-legend").split("\n") == ["manual (2)", "engine (9)"]
    page.script(
        "window.dash_ag_grid.getApi('roi-table').setColumnFilterModel('roi_origin', {type: 'equals', filter: 'manual'})"
        ".then(() => window.dash_ag_grid.getApi('roi-table').onFilterChanged())"
    )
    keys = list(stored(mine)["roi_uuid"][9:])
    page.until(lambda: page.script("return window.fluorite.curation.listed()") == keys, "the filter does not hold")
