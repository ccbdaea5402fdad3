"""The configuration page, ending with what is in the project's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.columns import ColumnKind
from nwb_schema.project import Project
from nwb_schema.subjects import read_subjects
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("fresh") / "project", "Fresh")


@pytest.fixture(scope="module")
def url(fresh: Project) -> Iterator[str]:
    with serving(fresh.folder) as url:
        yield url


def click(page: Page, selector: str) -> None:
    page.script("arguments[0].scrollIntoView({block: 'center'})", page.find(selector))
    page.find(selector).click()


def test_columns_defaults_and_subjects_are_set_up(url: str, fresh: Project, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{url}/configuration")
    page.until(lambda: page.all('[id*="column-name"][id*="roi_tag"]'))

    page.find('[id*="column-name"][id*="roi_tag"]').send_keys("cell type")
    page.find('[id*="column-words"][id*="roi_tag"]').send_keys("neuron, astrocyte")
    click(page, '[id*="column-add"][id*="roi_tag"]')
    page.until(lambda: [column.name for column in fresh.columns(ColumnKind.ROI_TAG)] == ["cell type"])
    assert fresh.columns(ColumnKind.ROI_TAG)[0].vocabulary == ("neuron", "astrocyte")

    cell = page.until(lambda: page.all('[id*="columns"][id*="roi_tag"] .ag-row [col-id="name"]'))[0]
    page.script("arguments[0].scrollIntoView({block: 'center'})", cell)
    cell.click()
    cell.send_keys(Keys.ENTER)
    editor = page.find(".ag-cell-inline-editing input")
    editor.send_keys(Keys.CONTROL + "a" + Keys.NULL, "kind", Keys.ENTER)
    page.until(lambda: [column.name for column in fresh.columns(ColumnKind.ROI_TAG)] == ["kind"])

    field = page.find('[id*="default"][id*="indicator"]')
    field.send_keys("GCaMP8m")
    click(page, "#defaults-save")
    page.until(lambda: page.text("#defaults-said") == "Saved.")
    assert fresh.configuration().defaults["indicator"] == "GCaMP8m"

    page.find("#subject-id").send_keys("m1")
    click(page, "#subject-add")
    page.until(lambda: list(read_subjects(fresh.subjects_path)) == ["m1"])
