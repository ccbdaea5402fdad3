"""Adding samples and correcting what is known of them, as a person does it who has never seen the page."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema import configure
from nwb_schema.columns import ColumnDefinition, ColumnKind, ColumnType
from nwb_schema.edits.state_reading import read_state
from nwb_schema.project import Project
from nwb_schema.reader import read_identifier, read_pixel_size_um
from pipeline.simulate import simulate_movie, write_simulation
from tests.app.small_project import add_sample, simulate
from tests.browser.conftest import REPOSITORY, free_port, serving
from tests.browser.page import Page


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project", "Adding")
    configure.add_column(project, ColumnDefinition("drug", ColumnKind.CUSTOM, vocabulary=("control", "ptz")))
    configure.add_column(project, ColumnDefinition("dose", ColumnKind.CUSTOM, ColumnType.DECIMAL))
    configure.set_lab_defaults(project, {"indicator": "GCaMP6f", "location": "VISp"})
    return project


@pytest.fixture
def server(project: Project) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def fill(page: Page, selector: str, text: str) -> None:
    page.write(selector, Keys.CONTROL + "a" + Keys.NULL, text)


def test_folder_of_movies_becomes_samples_of_which_bad_names_are_refused(
    open_page: Callable[[str], Page], server: str, project: Project, tmp_path: Path
) -> None:
    folder = tmp_path / "movies"
    folder.mkdir()
    movie = simulate_movie("2p", n_frames=200, height=64, width=96, n_cells=4, seed=2)
    write_simulation(movie, folder / "m1_day1_2.5mg.tif")
    write_simulation(movie, folder / "m1_day2_much.tif")
    page = open_page(f"{server}/batch")

    fill(page, "#batch-pattern", "{subject}_{session}_{dose}mg")
    fill(page, "#batch-folder", f"{folder}\n")
    page.until(lambda: "subject m1, session day1, dose 2.5" in page.text("#batch-names"), "the names are not read")
    page.click_button("button", "Look at the movies")
    page.until(lambda: "1 movie ready, 1 refused" in page.text("#batch-summary"), "nothing is said of the movies")
    page.until(lambda: "Does not fit the pattern" in page.text("#batch-grid"))
    page.click_button("button", "Start 1 movie")

    page.until(lambda: page.job_state() == "ok", "the job does not end")
    [path] = project.sample_paths()
    assert path.name == "sub-m1_ses-day1_ophys.nwb"
    assert read_state(path).custom == {"dose": 2.5}


def test_what_blocks_an_export_is_corrected_where_the_page_leads_to(
    open_page: Callable[[str], Page], server: str, project: Project
) -> None:
    sample = add_sample(project, simulate(), with_movie=False)
    page = open_page(f"{server}/export")
    page.until(lambda: "0 of 1 sample ready, 1 blocked" in page.text("#export-summary"), "nobody looked at it")
    page.click_button("#export-findings a", "Details \u2192")

    page.find('input[id*="imaging.indicator"]')
    for name, text in {
        "subject.age": "90 days",
        "subject.sex": "F",
        "subject.species": "mouse",
        "imaging.indicator": "GCaMP8m",
        "imaging.location": "VISp",
        "imaging.excitation_lambda_nm": "920",
        "imaging.emission_lambda_nm": "510",
        "imaging.pixel_size_um": "1.2, 0.9",
    }.items():
        fill(page, f'input[id*="{name}"]', text)
    page.click_button("button", "Save")
    page.until(lambda: "Saved: 8 changes." in page.text("#details-said"), "nothing is saved")
    page.until(lambda: page.find('input[id*="subject.age"]').get_attribute("value") == "P90D")

    page.click_button(".site-nav a", "Export")
    page.until(lambda: "1 of 1 sample ready" in page.text("#export-summary"), "the sample is still blocked")
    page.click_button("button", "Export 1 sample")
    page.until(lambda: "dandi upload ." in page.text("#export-result"), "the export does not end")
    assert "nothing stands in the way" in page.text("#export-result")
    exported = project.folder / "exports" / "dandi" / "sub-m1" / sample.path.name
    assert read_identifier(exported) == sample.identifier
    assert read_pixel_size_um(exported) == pytest.approx((0.9, 1.2))


def test_new_project_is_made_in_the_wizard_and_opened(
    open_page: Callable[[str], Page], server: str, tmp_path: Path
) -> None:
    port = free_port()
    home = subprocess.Popen(
        [sys.executable, "-m", "fluorite", "serve", "--port", str(port), "--no-browser"],
        cwd=REPOSITORY,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert home.stderr is not None
        assert f":{port}/" in home.stderr.readline()
        page = open_page(f"http://127.0.0.1:{port}")
        page.until(lambda: "No project yet" in page.text("#home-projects"))
        page.click_button("button", "New project")
        fill(page, "#wizard-name", "My odours")
        fill(page, "#wizard-parent", str(tmp_path))
        page.until(lambda: "My-odours" in page.text("#wizard-place"), "it does not say where the project will be")
        page.click_button("#wizard button", "Next")
        page.click_button("#wizard button", "cell_type")
        page.click_button("#wizard-step-1 button", "Add")
        page.until(lambda: "pyramidal" in page.text("#wizard-step-1 .filter-chip"), "the column is not listed")
        for step in (2, 3, 4, 5):
            page.click_button("#wizard button", "Next")
            page.until(lambda step=step: not page.find(f"#wizard-step-{step}").get_attribute("hidden"))
        page.until(lambda: "cell_type: pyramidal, interneuron" in page.text("#wizard-summary"))
        page.click_button("#wizard button", "Make the project")

        page.until(lambda: "No samples yet" in page.text("#samples-empty"), "the project is not opened")
        page.until(lambda: page.text(".project-name") == "My odours")
        assert Project.open(tmp_path / "My-odours").configuration().columns[0].vocabulary == (
            "pyramidal",
            "interneuron",
        )
        page.click_button(".site-header a", "All projects")
        page.until(lambda: "My odours" in page.text("#home-projects"), "the project is not on the list")
    finally:
        open_page("about:blank")  # a page whose server is gone complains in the console
        home.terminate()
        home.communicate(timeout=60)
