"""Curating in the page: every test ends with what landed in the file."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import Accept, Reject, commit, edits_of
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from tests.app.small_project import HEIGHT, WIDTH, MadeSample
from tests.browser.conftest import free_port, serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def curated(curated: Project) -> Project:
    """Its cells can be described in free words as well."""
    add_column(curated, ColumnDefinition("note", ColumnKind.ROI_TAG))
    return curated


@pytest.fixture
def page(mine: MadeSample, curated_url: str, open_page: Callable[[str], Page]) -> Page:
    return ready(open_page(f"{curated_url}/sample/{mine.identifier}?roi=none"))


def ready(page: Page) -> Page:
    page.wait_for_player()
    page.until(lambda: page.script("return Boolean(window.fluorite.curation)"), "the page cannot be used to curate")
    return page


def stored(sample: MadeSample) -> pd.DataFrame:
    return read_rois(sample.path)


def saved(page: Page) -> None:
    page.wait_until_saved()


def press_and_save(page: Page, *keys: str) -> None:
    page.press(*keys)
    saved(page)


def test_cells_are_decided_with_the_keyboard_alone(page: Page, curated: Project, mine: MadeSample) -> None:
    # Down the list from the first cell: each decision goes on to the next one.
    press_and_save(page, "j", "r", "a", "a", "x")

    rois = stored(mine)
    assert list(rois["is_accepted"][:4]) == [False, True, True, True]
    assert list(rois["curated"][:4]) == [True, True, True, False]
    assert list(rois["deleted"][:5]) == [False, False, False, True, False]
    assert page.selected() == [rois["roi_uuid"][4]]
    page.until(lambda: "3 of 8 decided" in page.text("#curation-progress"))
    assert [edit.kind.value for edit in edits_of(curated, mine.path)] == ["reject", "accept", "accept", "delete"]
    # The image follows: the rejected one of the simulation and the one that was rejected here; the deleted one is gone.
    page.until(lambda: "Rejected 2" in page.text(".roi-toggles"))
    assert "Accepted 6" in page.text(".roi-toggles")

    press_and_save(page, "z", "z")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys("z").key_up(Keys.SHIFT).perform()
    saved(page)

    rois = stored(mine)
    assert list(rois["deleted"][:5]) == [False] * 5
    assert list(rois["curated"][:4]) == [True, True, True, False]


def test_undecided_cells_leave_their_list_and_the_next_one_is_shown(page: Page, mine: MadeSample) -> None:
    page.click_button("[data-curate=show]", "Undecided")

    press_and_save(page, "j", "a", "a")

    rois = stored(mine)
    assert list(rois["curated"][:3]) == [True, True, False]
    assert page.selected() == [rois["roi_uuid"][2]]
    listed = page.script("return window.fluorite.curation.listed()")
    assert listed == list(rois["roi_uuid"][2:])


def test_cells_that_leave_the_list_are_not_edited_unseen(page: Page, mine: MadeSample) -> None:
    keys = list(stored(mine)["roi_uuid"])
    press_and_save(page, "j")
    assert page.selected() == keys[:1]

    page.click_button("[data-curate=show]", "Rejected")
    page.until(lambda: page.selected() == [])
    press_and_save(page, "r")
    assert list(stored(mine)["is_accepted"]) == [True] * 8 + [False]

    # A search narrows the list, too; of the selected cells those that are found stay.
    page.click_button("[data-curate=show]", "All cells")
    page.script("window.fluorite.curation.select(arguments[0])", [keys[0], keys[8]])
    page.write("#roi-search", "rejected")
    listed = "return window.fluorite.curation.listed()"
    page.until(lambda: set(page.selected()) == set(page.script(listed)) & {keys[0], keys[8]})


def test_all_of_the_page_follows_decisions_and_undo(page: Page, mine: MadeSample) -> None:
    keys = list(stored(mine)["roi_uuid"])
    page.until(lambda: "8 accepted cells of 9" in page.text("#accepted-chip"))
    page.script("window.fluorite.curation.select(arguments[0])", keys[:1])
    page.until(lambda: "accepted" in page.text("#trace-legend"))
    # Chosen by mouse, a drop-down does not keep the keys.
    page.click("#player-colour")
    ActionChains(page.driver).send_keys(Keys.ARROW_DOWN, Keys.ENTER).perform()
    page.until(lambda: page.script("return document.activeElement === document.body"))
    ActionChains(page.driver).send_keys("r").perform()
    saved(page)
    page.script("window.fluorite.curation.select(arguments[0])", keys[:1])

    page.until(lambda: "rejected" in page.text("#trace-legend"))
    page.until(lambda: "7 accepted cells of 9" in page.text("#accepted-chip"))
    press_and_save(page, "z")

    page.until(lambda: "accepted" in page.text("#trace-legend"))
    page.until(lambda: "8 accepted cells of 9" in page.text("#accepted-chip"))
    page.until(lambda: page.text("#curation-status") == "Undid: rejected cell 0. \u00b7 Saved")

    # The list of edits is made when it is opened, and then follows.
    page.click("#edits-fold summary")
    page.until(lambda: page.all("#edit-list tr.is-undone"))
    n_listed = len(page.all("#edit-list tbody tr"))
    press_and_save(page, "r")
    page.until(lambda: len(page.all("#edit-list tbody tr")) > n_listed)


def test_tags_by_number_and_by_typing(page: Page, mine: MadeSample) -> None:
    press_and_save(page, "j", "2", "j", "1")
    page.press("c", "t")
    ActionChains(page.driver).send_keys("<b>=1+1</b>", Keys.ENTER, Keys.ESCAPE).perform()
    saved(page)

    rois = stored(mine)
    assert list(rois["cell type"][:3]) == ["astrocyte", "neuron", "untagged"]
    assert list(rois["note"][:3]) == ["untagged", "<b>=1+1</b>", "untagged"]
    # Shown as it is, in the table, as a chip with a number, and in the card of the cell.
    page.until(lambda: "<b>=1+1</b>" in page.text("#roi-table"))
    page.until(lambda: "<b>=1+1</b>" in page.text("#tag-values"))
    page.until(lambda: "<b>=1+1</b>" in page.text("#cell-card"))


def test_outlines_take_the_colour_of_a_tag(page: Page, mine: MadeSample) -> None:
    press_and_save(page, "j", "2")
    before = page.canvas(HEIGHT, WIDTH)

    page.script(
        """
        const choice = document.getElementById("player-colour");
        choice.value = "tag:cell type";
        choice.dispatchEvent(new Event("change"));
        """
    )

    page.until(lambda: "astrocyte (1)" in page.text("#player-colour-legend"))
    assert "untagged (8)" in page.text("#player-colour-legend")
    assert abs(page.canvas(HEIGHT, WIDTH) - before).max() > 10


def test_cells_in_a_region_are_selected_by_dragging_with_shift(page: Page, mine: MadeSample) -> None:
    rois = stored(mine)
    right = rois[rois["centroid_x"] + 0.5 > WIDTH / 2]
    assert 0 < len(right) < len(rois)
    canvas = page.standing("#player-canvas")
    half = (canvas.size["width"] / 2, canvas.size["height"] / 2)
    drag = ActionChains(page.driver).key_down(Keys.SHIFT).move_to_element(canvas)
    drag.move_by_offset(0, round(-half[1]) + 2).click_and_hold()
    drag.move_by_offset(round(half[0]) - 2, 0).move_by_offset(0, round(2 * half[1]) - 4)
    drag.move_by_offset(-round(half[0]) + 2, 0).release().key_up(Keys.SHIFT).perform()

    page.until(lambda: set(page.selected()) == set(right["roi_uuid"]))
    press_and_save(page, "r")

    assert set(stored(mine).query("not is_accepted")["roi_uuid"]) >= set(right["roi_uuid"])


def test_zoomed_image_is_clicked_where_it_is_seen(page: Page, mine: MadeSample) -> None:
    rois = stored(mine)
    cell = int((rois["centroid_x"] - rois["centroid_y"]).abs().idxmax())
    x, y = rois["centroid_x"][cell] + 0.5, rois["centroid_y"][cell] + 0.5
    page.script("window.fluorite.player.zoomBy(4, [arguments[0], arguments[1]])", x, y)
    corner = page.script("return window.fluorite.player.corner")

    page.click_image((x - corner["x"]) * 4, (y - corner["y"]) * 4, HEIGHT, WIDTH)

    page.until(lambda: page.selected() == [rois["roi_uuid"][cell]])
    page.press("0")
    page.until(lambda: page.player("zoom") == "1.00")


def test_edits_of_others_appear_and_conflicts_are_asked_about(page: Page, curated: Project, mine: MadeSample) -> None:
    keys = list(stored(mine)["roi_uuid"])
    commit(curated, mine.path, Reject([keys[0]]), actor="Grace")
    page.until(lambda: "Rejected 2" in page.text(".roi-toggles"), "the edit of another person did not appear")

    # Now somebody edits the cell that is about to be edited here, and the page has not looked yet.
    page.script("window.fluorite.curation.queue.look = () => {}")
    commit(curated, mine.path, Accept([keys[0]]), actor="Grace")
    page.press("j", "x")
    saved(page)  # of another value of the same cell: merged
    assert list(stored(mine)[["is_accepted", "deleted"]].iloc[0]) == [True, True]

    commit(curated, mine.path, Reject([keys[1]]), actor="Grace")
    commit(curated, mine.path, Accept([keys[1]]), actor="Grace")
    page.press("r")
    page.until(lambda: "Grace" in page.text("#curation-note"))
    page.click_button("#curation-note button", "Discard my changes")
    saved(page)
    assert stored(mine)["is_accepted"][1]
    page.until(lambda: "accepted" in page.text(f'#roi-table .ag-row[row-id="{keys[1]}"]'))


def test_other_thresholds_are_drawn_before_they_are_applied(page: Page, mine: MadeSample) -> None:
    page.click(".thresholds summary")
    page.script(
        """
        const field = document.getElementById("threshold-rval_lowest");
        field.value = "0.5";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        """
    )
    # r runs from 0.3 to 0.95 over the cells; the last one was rejected, and is good enough.
    page.until(lambda: "8 accepted now, 6 by these thresholds: 1 more, 3 fewer" in page.text(".threshold-counts"))
    page.until(lambda: "Rejected 3" in page.text(".roi-toggles"))
    assert list(stored(mine)["is_accepted"]) == [True] * 8 + [False]

    page.click_button(".threshold-controls button", "Apply")
    page.until(lambda: "Evaluated" in page.text("#curation-status"))

    assert list(stored(mine)["is_accepted"]) == [False] * 3 + [True] * 6


def test_light_and_dark_are_kept(page: Page) -> None:
    before = page.script("return getComputedStyle(document.body).backgroundColor")

    page.click("[data-theme=switch]")
    dark = page.script("return getComputedStyle(document.body).backgroundColor")
    page.driver.refresh()
    ready(page)

    assert dark != before
    assert page.script("return getComputedStyle(document.body).backgroundColor") == dark
    page.click("[data-theme=switch]")


def test_new_tag_column_can_be_used_at_once(page: Page, mine: MadeSample) -> None:
    page.click("#tag-column-open")
    page.until(lambda: page.find("#tag-column-name").is_displayed())
    page.write("#tag-column-name", "quality")
    page.write("#tag-column-vocabulary", "good, bad")
    page.click("#tag-column-add")

    page.until(lambda: "quality" in page.text("#tag-columns"))
    ready(page)
    page.until(lambda: not page.all(".modal.show"))
    page.click_button("#tag-columns button", "quality")
    press_and_save(page, "j", "2")

    assert list(stored(mine)["quality"][:2]) == ["bad", "untagged"]


def test_edits_wait_for_a_server_that_was_killed(
    driver: WebDriver, curated: Project, mine: MadeSample, tmp_path: Path
) -> None:
    port = free_port()
    page = Page(driver, WebDriverWait(driver, 60, poll_frequency=0.05))
    with serving(curated.folder, port, end=signal.SIGKILL) as url:
        driver.get(f"{url}/sample/{mine.identifier}?roi=none")
        ready(page)
    page.press("j", "r", "2")
    page.until(lambda: "The server does not answer. 2 edits not saved yet" in page.text("#curation-note"))
    assert stored(mine)["is_accepted"][0]

    with serving(curated.folder, port):
        saved(page)
        page.until(lambda: not page.find("#curation-note").is_displayed())

        # In their order: rejecting goes on to the next cell, which got the tag.
        assert list(stored(mine)["is_accepted"][:2]) == [False, True]
        assert list(stored(mine)["cell type"][:2]) == ["untagged", "astrocyte"]
        driver.get("about:blank")
    driver.get_log("browser")  # it complains of the dead server, as it should


def test_sample_is_moved_to_the_trash_and_restored(page: Page, mine: MadeSample) -> None:
    before = mine.path.read_bytes()

    page.click("#trash-open")
    page.until(lambda: page.find("#trash-confirm").is_displayed())
    page.click("#trash-confirm")
    page.until(lambda: page.all("#trash-card summary"))
    assert not mine.path.exists()

    page.click("#trash-card summary")
    page.click_button("#trash-card button", "Restore")
    page.until(mine.path.exists)
    assert mine.path.read_bytes() == before
    page.until(lambda: mine.path.stem.removesuffix("_ophys") in page.text("#samples"))


def test_outline_of_a_decided_cell_is_drawn_anew_as_all_of_them_would_be(page: Page) -> None:
    pixels = """
        const { player } = window.fluorite;
        const { width, height } = player.overlayLayer;
        const all = () => {
          const copy = new OffscreenCanvas(width, height).getContext("2d");
          copy.drawImage(player.overlayLayer, 0, 0);
          return copy.getImageData(0, 0, width, height).data;
        };
    """
    drawn = "return window.fluorite.player.overlay.outdated().length === 0 && !window.fluorite.player.outlining"
    page.until(lambda: page.script(drawn))
    page.script(f"{pixels} window.before = all()")

    press_and_save(page, "j", "r")
    page.until(lambda: page.script(drawn), "the outline was not drawn")

    changed, left = page.script(
        f"""{pixels}
        const differing = (one, other) => one.reduce((count, value, i) => count + (Math.abs(value - other[i]) > 8), 0);
        const now = all();
        player.overlayStale = true;
        player.draw();
        return [differing(now, window.before), differing(now, all())];
        """
    )
    assert changed > 20
    assert left == 0
