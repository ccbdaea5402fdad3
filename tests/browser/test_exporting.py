"""The page on export with samples that nobody has looked at yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from app.checks import checks_of
from nwb_schema.project import Project
from tests.browser.conftest import serving
from tests.browser.page import Page
from tests.nwb_schema.made_samples import made_sample

N_SAMPLES = 6


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project", "Exporting")
    for number in range(N_SAMPLES):
        made_sample(project, subject=f"m{number}", movie=False)
    return project


@pytest.fixture
def server(project: Project) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def test_the_table_fills_beside_the_page_and_a_name_narrows_it(
    open_page: Callable[[str], Page], server: str, project: Project
) -> None:
    page = open_page(f"{server}/export")

    page.until(lambda: f"of {N_SAMPLES} samples ready" in page.text("#export-summary"), "nothing is listed")
    page.until(lambda: page.text("#export-summary").endswith("blocked"), "not all of them are looked at")
    page.until(
        lambda: all("not looked at" not in row.text for row in page.all("#export-grid .ag-row")), "rows are not filled"
    )
    paths = project.sample_paths()
    assert set(checks_of(project).known(paths)) == set(paths)
    page.write("#export-name", Keys.CONTROL + "a" + Keys.NULL, "sub-m1_\n")
    page.until(lambda: "of 1 sample ready" in page.text("#export-summary"), "it is not narrowed")

    page = open_page(f"{server}/export?name=sub-m2_ses-s1_ophys.nwb")
    page.until(lambda: "of 1 sample ready" in page.text("#export-summary"), "the address does not say which")
    page.until(lambda: page.all('#export-grid .ag-row[row-id$="sub-m2_ses-s1_ophys.nwb"]'), "another one is listed")
