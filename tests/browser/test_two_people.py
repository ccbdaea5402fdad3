"""Two people, each in a browser of their own: what each has chosen is theirs, what each saves is both's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import unquote

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.catalogue import Catalogue
from nwb_schema.columns import ColumnDefinition, ColumnKind
from nwb_schema.configure import add_column
from nwb_schema.edits import edits_of
from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from nwb_schema.saved_filters import saved_filters
from nwb_schema.stimuli import read_stimuli
from tests.app.small_project import MadeSample, add_sample, simulate
from tests.browser.conftest import serving
from tests.browser.page import Page

Open = Callable[[str], Page]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, list[MadeSample]]:
    project = Project.create(tmp_path_factory.mktemp("shared") / "project", "Shared")
    add_column(project, ColumnDefinition("cell type", ColumnKind.ROI_TAG, vocabulary=("neuron", "astrocyte")))
    add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM))
    add_column(project, ColumnDefinition("grating", ColumnKind.STIMULUS))
    simulation = simulate()
    return project, [add_sample(project, simulation, subject=f"m{n}", session="a") for n in (1, 2)]


@pytest.fixture(scope="module")
def url(shared: tuple[Project, list[MadeSample]]) -> Iterator[str]:
    with serving(shared[0].folder) as url:
        yield url


def work_as(page: Page, name: str) -> Page:
    page.write("#actor", Keys.CONTROL + "a" + Keys.NULL, name, Keys.TAB)
    return page


def curating(page: Page) -> Page:
    page.wait_for_player()
    page.until(lambda: page.script("return Boolean(window.fluorite.curation)"), "the page cannot be used to curate")
    return page


def state_of(page: Page, key: str) -> str:
    return page.text(f'#roi-table .ag-row[row-id="{key}"]')


def column(page: Page, name: str) -> list[str]:
    """What the table of the browse page shows in a column, from top to bottom."""
    return page.script(
        """
        const rows = [...document.querySelectorAll("#browse-grid .ag-row[row-index]")];
        const cells = rows.flatMap((row) => [...row.querySelectorAll(`[col-id="${arguments[0]}"]`)].map((cell) =>
          [Number(row.getAttribute("row-index")), cell.textContent]));
        return cells.sort((a, b) => a[0] - b[0]).map((cell) => cell[1]);
        """,
        name,
    )


def chosen_rows(page: Page) -> list[str]:
    return page.script("return window.dash_ag_grid.getApi('browse-grid').getSelectedNodes().map((n) => n.data.name)")


def test_cells_and_stimuli_of_others_appear_and_each_keeps_the_cell_that_they_look_at(
    shared: tuple[Project, list[MadeSample]], url: str, open_page: Open, open_second: Open
) -> None:
    project, (sample, _) = shared
    keys = list(read_rois(sample.path)["roi_uuid"])
    ada = curating(work_as(open_page(f"{url}/sample/{sample.identifier}?roi=none"), "Ada"))
    grace = curating(work_as(open_second(f"{url}/sample/{sample.identifier}?roi={keys[5]}"), "Grace"))
    grace.until(lambda: grace.selected() == [keys[5]])

    ada.press("j", "r")  # rejects the first cell and goes on to the second
    ada.press("2")
    ada.until(lambda: ada.selected() == [keys[1]])
    grace.until(lambda: "rejected" in state_of(grace, keys[0]), "Ada's decision did not reach Grace")
    grace.until(lambda: "astrocyte" in state_of(grace, keys[1]), "Ada's tag did not reach Grace")
    assert grace.selected() == [keys[5]]

    grace.press("1")
    ada.until(lambda: "neuron" in state_of(ada, keys[5]), "Grace's tag did not reach Ada")
    assert ada.selected() == [keys[1]]

    rois = read_rois(sample.path)
    assert list(rois["is_accepted"][:2]) == [False, True]
    assert list(rois["cell type"][[0, 1, 5]]) == ["untagged", "astrocyte", "neuron"]
    edits = [(edit.actor, edit.kind.value) for edit in edits_of(project, sample.path)]
    assert edits == [("Ada", "reject"), ("Ada", "tag"), ("Grace", "tag")]

    ada = open_page(f"{url}/stimuli/{sample.identifier}")
    ada.until(lambda: ada.script("return Boolean(window.fluorite.stimuli)"), "the stimuli cannot be edited")
    ada.press("n")
    ada.until(lambda: "grating" in read_stimuli(sample.path), "the period was not saved")
    # On the page of the cells it comes behind the traces, and on the movie's time line.
    grace.until(lambda: "grating" in grace.text("#shade-legend"), "Ada's stimulus did not reach Grace")
    assert grace.selected() == [keys[5]]


def test_rows_filters_and_tabs_are_of_one_person_and_values_of_both(
    shared: tuple[Project, list[MadeSample]], url: str, open_page: Open, open_second: Open
) -> None:
    project, _ = shared
    ada, grace = open_page(f"{url}/browse"), open_second(f"{url}/browse")
    for page, name in ((ada, "Ada"), (grace, "Grace")):
        work_as(page, name)
        page.until(lambda page=page: column(page, "subject_id") == ["m1", "m2"])

    # Grace selects the second row; Ada filters, and keeps the filter as a tab.
    grace.click('#browse-grid .ag-row[row-index="1"] .ag-selection-checkbox input')
    grace.until(lambda: len(chosen_rows(grace)) == 1)
    mine = chosen_rows(grace)
    ada.click('[data-browse="value"][data-column="subject_id"][data-value="m1"]')
    ada.until(lambda: column(ada, "subject_id") == ["m1"])
    ada.click('[data-browse="save"]')
    ada.until(lambda: ada.find("#browse-save-name").is_displayed())
    ada.write("#browse-save-name", "Only m1")
    ada.click("#browse-save")
    ada.until(lambda: "tab=" in ada.driver.current_url)
    ada.until(lambda: not ada.all(".modal.show"))

    # The tab is the project's, and so Grace sees that there is one; she is where she was.
    grace.until(lambda: "Only m1" in grace.text(".browse-tabs"), "Ada's tab did not reach Grace")
    assert column(grace, "subject_id") == ["m1", "m2"]
    assert "filters" not in unquote(grace.driver.current_url)
    assert chosen_rows(grace) == mine
    assert chosen_rows(ada) == []

    ada.write_into_cell('#browse-grid .ag-row[row-index="0"] [col-id="drug"]', "saline")
    grace.until(lambda: column(grace, "drug") == ["saline", "untagged"], "Ada's value did not reach Grace")
    grace.until(lambda: "saline" in grace.text(".value-panels"), "it is not among the values that are listed")
    assert chosen_rows(grace) == mine
    grace.write_into_cell('#browse-grid .ag-row[row-index="0"] [col-id="drug"]', "ketamine")
    ada.until(lambda: column(ada, "drug") == ["ketamine"], "Grace's value did not reach Ada")
    assert column(ada, "subject_id") == ["m1"]

    assert [row["drug"] for row in Catalogue(project).samples()] == ["ketamine", "untagged"]
    assert [one.name for one in saved_filters(project)] == ["Only m1"]
    sample = shared[1][0]
    assert [edit.actor for edit in edits_of(project, sample.path) if edit.kind.value == "custom"] == ["Ada", "Grace"]
