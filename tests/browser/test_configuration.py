"""The configuration page, ending with what is in the project's files."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

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


def test_columns_defaults_and_subjects_are_set_up(url: str, fresh: Project, open_page: Callable[[str], Page]) -> None:
    page = open_page(f"{url}/configuration")
    page.until(lambda: page.all('[id*="column-name"][id*="roi_tag"]'))

    page.write('[id*="column-name"][id*="roi_tag"]', "cell type")
    page.write('[id*="column-words"][id*="roi_tag"]', "neuron, astrocyte")
    page.click('[id*="column-add"][id*="roi_tag"]')
    page.until(lambda: [column.name for column in fresh.columns(ColumnKind.ROI_TAG)] == ["cell type"])
    assert fresh.columns(ColumnKind.ROI_TAG)[0].vocabulary == ("neuron", "astrocyte")

    page.write_into_cell('[id*="columns"][id*="roi_tag"] .ag-row [col-id="name"]', "kind")
    page.until(lambda: [column.name for column in fresh.columns(ColumnKind.ROI_TAG)] == ["kind"])

    page.write('[id*="default"][id*="indicator"]', "GCaMP8m")
    page.click("#defaults-save")
    page.until(lambda: page.text("#defaults-said") == "Saved.")
    assert fresh.configuration().defaults["indicator"] == "GCaMP8m"

    page.write("#subject-id", "m1")
    page.click("#subject-add")
    page.until(lambda: list(read_subjects(fresh.subjects_path)) == ["m1"])
