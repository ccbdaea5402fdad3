from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.app.small_project import MadeSample
from tests.browser.page import Page


def row_texts(page: Page) -> dict[str, str]:
    rows = page.script(
        """
        return [...document.querySelectorAll("#samples .ag-center-cols-container .ag-row")]
            .map((row) => [row.getAttribute("row-id"), row.innerText.replaceAll("\\n", " ")]);
        """
    )
    return {path.rsplit("/", 1)[-1]: text for path, text in rows}


def test_samples_are_listed_with_pictures_and_the_damaged_file_with_its_reason(page: Page, sample: MadeSample) -> None:
    page.until(lambda: len(row_texts(page)) == 4)

    rows = row_texts(page)
    n_cells = len(sample.simulation.footprints)
    assert f"{n_cells - 1} / {n_cells}" in rows[sample.path.name]
    assert "15 Hz" in rows[sample.path.name]
    assert "HDF5" in rows["sub-broken_ses-1_ophys.nwb"] or "read" in rows["sub-broken_ses-1_ophys.nwb"]
    page.until(
        lambda: page.script(
            """
            const pictures = [...document.querySelectorAll("#samples img.thumbnail")];
            return pictures.length === 3 && pictures.every((picture) => picture.naturalWidth > 0);
            """
        )
    )


def test_click_on_a_sample_opens_its_page_without_loading_anew(page: Page, sample: MadeSample) -> None:
    page.until(lambda: len(row_texts(page)) == 4)
    page.script("window.stillTheSamePage = true")

    page.click(f'#samples a[href="/sample/{sample.identifier}"]')

    page.wait_for_player()
    assert page.script("return window.stillTheSamePage")
    assert sample.path.stem in page.text("h1")


def test_unknown_sample_gets_a_page_that_leads_back(open_page: Callable[[str], Page], server: str) -> None:
    page = open_page(f"{server}/sample/no-such-sample")

    assert "cannot be shown" in page.find("h1").text
    page.click("main a.btn")
    page.until(lambda: page.all("#samples"))


def test_unknown_page_leads_back(open_page: Callable[[str], Page], server: str) -> None:
    page = open_page(f"{server}/no/such/page")

    assert "no such page" in page.find("h1").text


def test_folder_dialogue_lists_movies_and_fills_the_form(page: Page, sample: MadeSample) -> None:
    folder = sample.path.parents[1]
    page.click("#browse-open")
    page.until(lambda: page.all("#browse-folders button"))
    assert page.find("#browse-folder").get_attribute("value") == str(folder.parent)

    page.click_button("#browse-folders button", folder.name)
    page.click_button("#browse-folders button", "movies")
    page.click(lambda: next(reversed(page.all("#browse-movies input")), None))
    page.click("#browse-use")

    movie = page.until(lambda: page.find("#process-movies").get_attribute("value"))
    assert movie.startswith(str(folder / "movies"))
    assert movie.endswith(".h5")
    page.until(lambda: not page.all(".modal.show"))


def test_form_without_a_movie_says_what_to_do(page: Page) -> None:
    page.click("#process-start")

    page.until(lambda: "no file was chosen" in page.text("#process-message"))
    assert page.job_state() is None


@pytest.mark.parametrize("width", [1500, 1180])
def test_page_does_not_scroll_sideways_and_shows_the_status(page: Page, sample: MadeSample, width: int) -> None:
    size = page.driver.get_window_size()
    try:
        page.driver.set_window_size(width, 900)
        page.until(lambda: len(row_texts(page)) == 4)

        assert page.script("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        status = page.find('#samples .ag-header-cell[col-id="status"]')
        table = page.find("#samples")
        assert status.location["x"] + status.size["width"] <= table.location["x"] + table.size["width"]
    finally:
        page.driver.set_window_size(size["width"], size["height"])


def test_form_reads_a_movie_in_the_axes_that_were_typed_and_answers_in_its_own_words(
    page: Page, sample: MadeSample
) -> None:
    movie = next((sample.path.parents[1] / "movies").glob("*.h5"))
    page.write("#process-movies", str(movie.parent))
    page.click("#process-start")
    page.until(lambda: "These files are one recording" in page.text("#process-message"))

    page.click("#process-advanced summary")
    page.write("#process-channel", "red")
    page.click("#process-start")
    page.until(lambda: "Channel: 'red' is not a whole number" in page.text("#process-message"))
    assert page.job_state() is None
    options = page.all("select option[disabled]")
    disabled = [option.text for option in options if option.text]  # the empty ones are placeholders
    # Where no interpreter has CaImAn, it cannot be chosen.
    assert [text.split(" (not found")[0] for text in disabled] in (["CaImAn"], [])
