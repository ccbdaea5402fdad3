"""Results of other programs become samples from the page alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.project import Project
from nwb_schema.reader import read_rois, read_summary
from tests.browser.conftest import serving
from tests.browser.page import Page
from tests.pipeline.foreign.suite2p_folder import FRAMES, HEIGHT, WIDTH, write_plane


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project", "Importing")


@pytest.fixture
def server(project: Project) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def fill(page: Page, selector: str, text: str) -> None:
    page.write(selector, Keys.CONTROL + "a" + Keys.NULL, text)


def test_a_folder_of_suite2p_is_picked_looked_at_and_imported(
    open_page: Callable[[str], Page], server: str, project: Project, tmp_path: Path
) -> None:
    write_plane(tmp_path / "day1" / "suite2p" / "plane0")
    page = open_page(server)
    page.click_button("a", "Import results \u2192")

    page.click("#import-results-pick")
    page.click_button("#import-results-folders button", "day1")
    page.until(lambda: "This is a result of Suite2p" in page.text("#import-results-what"), "it does not say what it is")
    page.click("#import-results-use")
    page.until(lambda: "2 accepted of 3 ROIs" in page.text("#import-found"), "nothing is said of what is in it")
    found = page.text("#import-found")
    assert f"{FRAMES} frames \u00b7 {HEIGHT} \u00d7 {WIDTH} px \u00b7 7.5 Hz" in found
    assert "data.bin, found beside the results" in found
    fill(page, "#import-subject", "m1\n")
    page.until(lambda: "sub-m1_ses-day1" in page.text("#import-found"), "the sample's name is not said")
    page.click_button("#import-start", "Import")

    page.until(lambda: page.job_state() == "ok", "the job does not end")
    (path,) = project.sample_paths()
    assert path.name == "sub-m1_ses-day1_ophys.nwb"
    assert list(read_rois(path)["is_accepted"]) == [True, False, True]
    assert read_summary(path).has_movie
    page.click_button("#jobs-panel a", "Open sample")
    page.until(lambda: "day1" in page.text("h1"), "the sample is not opened")


def test_rois_ask_for_their_movie_and_a_folder_of_something_else_is_refused_in_words(
    open_page: Callable[[str], Page], server: str, project: Project, tmp_path: Path
) -> None:
    (tmp_path / "rois.json").write_text(json.dumps([[[4, 5], [10, 5], [10, 9], [4, 9]]]))
    movie = write_plane(tmp_path / "movie").folder / "data.bin"
    page = open_page(f"{server}/import")

    fill(page, "#import-results", f"{tmp_path}\n")
    page.until(lambda: "is a folder without results that are known" in page.text("#import-found"), "it is not refused")
    fill(page, "#import-results", f"{tmp_path / 'rois.json'}\n")
    page.until(lambda: "choose the movie to read them from" in page.text("#import-found"), "no movie is asked for")
    assert page.find("#import-start").get_attribute("disabled")
    fill(page, "#import-neuropil", "0.7\n")
    fill(page, "#import-movie", f"{movie}\n")
    page.until(lambda: "sub-unknown_ses-data" in page.text("#import-found"), "the movie is not looked at")
    page.click_button("#import-start", "Import")

    page.until(lambda: page.job_state() == "ok", "the job does not end")
    (path,) = project.sample_paths()
    assert (path.name, read_summary(path).n_rois) == ("sub-unknown_ses-data_ophys.nwb", 1)
    assert any("less 0.7 of what surrounds it" in note for note in read_summary(path).notes)
