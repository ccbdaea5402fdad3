"""Mapping stimuli in the page: every test ends with what landed in the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import edits_of
from nwb_schema.project import Project
from nwb_schema.stimuli import change_periods, read_stimuli
from tests.app.small_project import RATE_HZ, MadeSample, add_sample, simulate
from tests.browser.conftest import serving
from tests.browser.page import Page

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[MadeSample]]:
    project = Project.create(tmp_path_factory.mktemp("mapped") / "project", "Mapped")
    add_column(project, ColumnDefinition("grating", ColumnKind.STIMULUS))
    simulation = simulate()
    return project, [add_sample(project, simulation, session=session) for session in ("drawn", "loaded")]


@pytest.fixture(scope="module")
def url(mapped: tuple[Project, list[MadeSample]]) -> Iterator[str]:
    with serving(mapped[0].folder) as url:
        yield url


def stimuli_page(open_page: Callable[[str], Page], url: str, sample: MadeSample) -> Page:
    page = open_page(f"{url}/stimuli/{sample.identifier}")
    page.until(lambda: page.script("return Boolean(window.fluorite.stimuli)"), "the stimuli cannot be edited")
    return page


def saved(page: Page) -> None:
    page.until(lambda: page.find("#stimulus-timeline").get_attribute("data-unsaved") == "0", "not saved")


def drag(page: Page, *times_s: float) -> None:
    """Drag along the lane of the table that is shown, from the first of these times to the last."""
    canvas = page.standing("#stimulus-timeline canvas")
    action = ActionChains(page.driver)
    for number, time in enumerate(times_s):
        x, y = page.script(
            """
            const line = window.fluorite.stimuli.timeline;
            const { clientWidth, clientHeight } = line.canvas;
            const top = line.laneOf(window.fluorite.stimuli.active) * 34;
            return [line.x(arguments[0]) - clientWidth / 2, top + 16 - clientHeight / 2];
            """,
            time,
        )
        action.move_to_element_with_offset(canvas, round(x), round(y))
        if number == 0:
            action.click_and_hold()
    action.release().perform()
    saved(page)


def shown(page: Page) -> list[list[str]]:
    """The rows of the table: start, stop, name."""
    return page.script(
        """
        const cell = (row, name) => row.querySelector(`[col-id="${name}"]`)?.textContent ?? "";
        return [...document.querySelectorAll("#stimulus-grid .ag-center-cols-container .ag-row")]
          .sort((a, b) => a.getAttribute("row-index") - b.getAttribute("row-index"))
          .map((row) => ["start_s", "stop_s", "name"].map((name) => cell(row, name)));
        """
    )


def test_periods_are_drawn_dragged_typed_and_undone_and_shaded_behind_the_traces(
    mapped: tuple[Project, list[MadeSample]], url: str, open_page: Callable[[str], Page]
) -> None:
    project, (sample, _) = mapped
    page = stimuli_page(open_page, url, sample)

    drag(page, 2.0, 3.0, 4.0)
    drag(page, 3.0, 4.0, 5.0)  # its middle: all of it moves
    stored = read_stimuli(sample.path)["grating"]
    ends = stored[["start_s", "stop_s"]].to_numpy()[0]
    assert abs(ends - [4, 6]).max() < 2 / RATE_HZ  # what a pixel is, and to the next frame
    assert abs(ends * RATE_HZ - (ends * RATE_HZ).round()).max() < 1e-6
    page.until(lambda: shown(page), "the period is not in the table")
    assert float(shown(page)[0][0]) == pytest.approx(ends[0], abs=1e-4)

    name = page.find('#stimulus-grid .ag-row [col-id="name"]')
    ActionChains(page.driver).double_click(name).perform()
    page.write("#stimulus-grid .ag-cell-edit-wrapper input", Keys.CONTROL, "a")
    ActionChains(page.driver).send_keys(HOSTILE, Keys.ENTER).perform()
    page.until(lambda: HOSTILE in page.text("#stimulus-names"), "the name is not among the names")
    saved(page)
    assert list(read_stimuli(sample.path)["grating"]["name"]) == [HOSTILE]

    page.press("z")
    page.until(lambda: [row[2] for row in shown(page)] == ["grating"], "undo is not shown")
    assert [record.kind.value for record in edits_of(project, sample.path)] == ["stimuli"] * 3 + ["undo"]

    change_periods(project, sample.path, "grating", changed={0: {"name": HOSTILE}}, actor="Grace")
    page.until(lambda: [row[2] for row in shown(page)] == [HOSTILE], "the edit of another person did not appear")

    page.click(".back-link")
    page.wait_for_player()
    page.until(lambda: HOSTILE in page.text("#shade-legend"), "there is no legend of the shades")
    shapes = "return document.querySelectorAll('#traces .shapelayer path, #traces .layer-below path').length"
    page.until(lambda: page.script(shapes) > 0, "nothing is shaded")
    page.until(lambda: page.script("return document.querySelector('.scrub-stimuli').dataset.names") == "1")
    page.click("#trace-stimuli input")
    page.until(lambda: page.script(shapes) == 0, "the shades cannot be turned off")


def test_a_pasted_table_is_mapped_loaded_into_a_new_type_and_copied(
    mapped: tuple[Project, list[MadeSample]], url: str, open_page: Callable[[str], Page]
) -> None:
    other, sample = mapped[1]
    page = stimuli_page(open_page, url, sample)
    page.click("#stimulus-type-open")
    page.until(lambda: page.find("#stimulus-type-name").is_displayed())
    page.write("#stimulus-type-name", "orientation")
    page.click("#stimulus-type-add")
    page.until(lambda: page.text("#stimulus-title") == "orientation", "the new type is not shown")
    page.until(lambda: not page.all(".modal.show"))

    page.script(
        """
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", "on\\tlength\\tori\\n15\\t30\\t90\\n120\\t60\\t0\\n");
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
        """
    )
    page.until(lambda: "2 rows" in page.text("#stimulus-source"), "the paste was not read")
    for field, value in (("role-start", "on"), ("role-duration", "length"), ("role-name", "ori"), ("unit", "frames")):
        Select(page.find(f"#stimulus-{field}")).select_by_value(value)
    page.until(lambda: "partly outside the recording" in page.text("#stimulus-outcome"), "the problem is not reported")
    Select(page.find("#stimulus-beyond")).select_by_value("cut")
    page.until(lambda: ": cut." in page.text("#stimulus-outcome"))
    page.click("#stimulus-load")
    page.until(lambda: [row[2] for row in shown(page)] == ["90", "0"], "the rows are not shown")
    stored = read_stimuli(sample.path)["orientation"]
    assert stored[["start_s", "stop_s"]].to_numpy().tolist() == [[1, 3], [8, 10]]

    page.until(lambda: not page.all(".modal.show"))
    page.click_button("[data-stimulus=unit]", "Frames")
    page.until(lambda: shown(page)[0][:2] == ["15", "45"], "frames are not shown")
    page.click("#stimulus-copy-open")
    page.click("#stimulus-copy-samples input")
    page.click("#stimulus-copy-do")
    page.until(lambda: "2 rows" in page.text("#stimulus-copy-outcome"), "nothing was copied")
    assert list(read_stimuli(other.path)["orientation"]["name"]) == ["90", "0"]
