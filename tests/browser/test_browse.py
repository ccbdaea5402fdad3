"""The browse page: values, filters, tabs and edits, ending with what landed in the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import Tag, commit
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from nwb_schema.saved_filters import saved_filters
from tests.app.small_project import MadeSample, add_sample, simulate
from tests.browser.conftest import serving
from tests.browser.page import Page

TAG = ColumnDefinition("quality", ColumnKind.ROI_TAG)
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[MadeSample]]:
    project = Project.create(tmp_path_factory.mktemp("browsed") / "project", "Browsed")
    add_column(project, TAG)
    add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM))
    simulation = simulate()
    samples = [add_sample(project, simulation, subject=f"m{n}", session="a", with_movie=False) for n in (1, 2)]
    keys = tuple(read_rois(samples[0].path)["roi_uuid"])
    commit(project, samples[0].path, Tag(keys[:3], TAG, HOSTILE), actor="Ada")
    commit(project, samples[0].path, Tag(keys[3:5], TAG, "bad"), actor="Ada")
    return project, samples


@pytest.fixture(scope="module")
def url(browsed: tuple[Project, list[MadeSample]]) -> Iterator[str]:
    with serving(browsed[0].folder) as url:
        yield url


def listed(page: Page, column: str) -> list[str]:
    """What the table shows in a column, from top to bottom."""
    cells = page.script(
        """
        const rows = [...document.querySelectorAll("#browse-grid .ag-row[row-index]")];
        const cells = rows.flatMap((row) => [...row.querySelectorAll(`[col-id="${arguments[0]}"]`)].map((cell) =>
          [Number(row.getAttribute("row-index")), cell.textContent]));
        return cells.sort((a, b) => a[0] - b[0]).map((cell) => cell[1]);
        """,
        column,
    )
    return list(cells)


def choose(page: Page, column: str, value: str) -> None:
    page.click(f'[data-browse="value"][data-column="{column}"][data-value="{value}"]')


def test_values_filter_the_cells_and_the_view_becomes_a_tab(
    url: str, browsed: tuple[Project, list[MadeSample]], open_page: Callable[[str], Page]
) -> None:
    project, _ = browsed
    page = open_page(f"{url}/browse?level=rois")
    page.until(lambda: len(listed(page, "index")) == 18)
    # What a file holds is shown as it is.
    page.until(lambda: HOSTILE in page.text(".value-panels"))

    choose(page, "quality", "bad")
    page.until(lambda: listed(page, "index") == ["3", "4"])
    assert "2 cells of 18" in page.text("#browse-count")
    choose(page, "quality", HOSTILE)
    page.until(lambda: listed(page, "index") == ["0", "1", "2", "3", "4"])

    # A number, through the menu: SNR runs from 2 to 9 over the cells.
    page.click("#browse-column")
    page.click_button(".dash-dropdown-option", "SNR")
    page.until(lambda: "at least" in page.text("#browse-operation"))
    page.script(
        """
        const menu = document.querySelector("#browse-operation");
        const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set;
        set.call(menu, "$>=:");
        menu.dispatchEvent(new Event("change", { bubbles: true }));
        """
    )
    page.write("#browse-value", "4", Keys.ENTER)
    page.until(lambda: listed(page, "index") == ["3", "4"])
    page.until(lambda: "SNR at least 4" in page.text(".filter-chips"))
    assert "quality" in unquote(page.driver.current_url)

    page.click("#browse-save-open")
    page.until(lambda: page.find("#browse-save-name").is_displayed())
    page.write("#browse-save-name", "Bright ones", Keys.ENTER)
    page.until(lambda: "Bright ones" in page.text(".browse-tabs"))
    page.until(lambda: not page.all(".modal.show"))
    assert [(one.name, one.filters[-1]) for one in saved_filters(project)] == [("Bright ones", ("snr", "$>=:4"))]

    # The address alone brings the view back, and the other tab lists everything.
    page.until(lambda: "tab=" in page.driver.current_url)
    page.driver.refresh()
    page.until(lambda: listed(page, "index") == ["3", "4"])
    page.click_button(".browse-tab", "All")
    page.until(lambda: len(listed(page, "index")) == 18)

    # Columns are ticked in a menu that stays open until something else is clicked.
    assert listed(page, "centroid_x") == []
    page.click_button(".column-menu summary", "Columns")
    page.click('[data-browse="column"][data-value="centroid_x"]')
    page.until(lambda: len(listed(page, "centroid_x")) == 18)
    page.until(lambda: page.all('[data-value="centroid_x"][aria-checked="true"]'))
    assert page.all(".column-menu[open]")
    page.click(".browse-title h1")
    page.until(lambda: not page.all(".column-menu[open]"))


def test_samples_are_edited_in_place_and_many_at_once(
    url: str, browsed: tuple[Project, list[MadeSample]], open_page: Callable[[str], Page]
) -> None:
    from nwb_schema.catalogue import Catalogue

    project, _ = browsed
    page = open_page(f"{url}/browse")
    page.until(lambda: listed(page, "subject_id") == ["m1", "m2"])

    page.write_into_cell('#browse-grid .ag-row[row-index="0"] [col-id="drug"]', "saline")
    page.until(lambda: "Saved: drug" in page.text("#bulk-said"))
    assert [row["drug"] for row in Catalogue(project).samples()] == ["saline", "untagged"]

    page.write("#bulk-value", "ketamine")
    page.script(
        """
        const menu = document.querySelector("#bulk-scope");
        const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, "value").set;
        set.call(menu, "all");
        menu.dispatchEvent(new Event("change", { bubbles: true }));
        const columns = document.querySelector("#bulk-column");
        set.call(columns, "drug");
        columns.dispatchEvent(new Event("change", { bubbles: true }));
        """
    )
    page.click("#bulk-apply")
    page.until(lambda: "Set drug of 2 samples" in page.text("#bulk-said"))
    page.until(lambda: listed(page, "drug") == ["ketamine", "ketamine"])
    assert [row["drug"] for row in Catalogue(project).samples()] == ["ketamine", "ketamine"]
