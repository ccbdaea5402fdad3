from __future__ import annotations

from collections.abc import Callable

import numpy as np
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from app.addresses import sample_url
from tests.app.small_project import HEIGHT, N_FRAMES, WIDTH, MadeSample
from tests.browser.page import Page


def hide_outlines(page: Page) -> None:
    for kind in ("accepted", "rejected"):
        page.click(f"#player-show-{kind}")


def likeness(shown: np.ndarray, truth: np.ndarray) -> float:
    return float(np.corrcoef(shown.ravel(), truth.astype(float).ravel())[0, 1])


def test_first_frame_is_drawn_the_right_way_up(sample_page: Page, sample: MadeSample) -> None:
    hide_outlines(sample_page)

    shown = sample_page.canvas(HEIGHT, WIDTH)

    frames = sample.simulation.frames
    assert sample_page.frame() == 0
    assert likeness(shown, frames[0]) > 0.8
    assert likeness(shown, frames[0]) > max(likeness(shown, frame) for frame in frames[1:20])
    size = sample_page.find("#player-canvas").size
    assert abs(size["width"] / size["height"] - WIDTH / HEIGHT) < 0.02


def test_playing_draws_one_frame_after_the_other(sample_page: Page) -> None:
    hide_outlines(sample_page)
    before = sample_page.canvas(HEIGHT, WIDTH)
    sample_page.script(
        """
        window.drawn = [];
        new MutationObserver(() => window.drawn.push(Number(document.getElementById("player").dataset.frame)))
            .observe(document.getElementById("player"), { attributeFilter: ["data-frame"] });
        """
    )

    sample_page.click("#player-play")
    sample_page.until(lambda: len(sample_page.script("return window.drawn")) > 12, "the movie does not play")
    sample_page.click("#player-play")

    drawn = sample_page.script("return window.drawn")
    assert drawn[:12] == list(range(1, 13))  # none is left out
    assert np.abs(sample_page.canvas(HEIGHT, WIDTH) - before).max() > 10


def test_scrubbing_and_keys_move_the_movie(sample_page: Page, sample: MadeSample) -> None:
    hide_outlines(sample_page)
    sample_page.script(
        """
        const scrub = document.getElementById("player-scrub");
        scrub.value = arguments[0];
        scrub.dispatchEvent(new Event("input", { bubbles: true }));
        """,
        100,
    )
    sample_page.until(lambda: sample_page.frame() == 100)
    assert likeness(sample_page.canvas(HEIGHT, WIDTH), sample.simulation.frames[100]) > 0.8

    sample_page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    sample_page.until(lambda: sample_page.frame() == 101)
    sample_page.press(Keys.END)
    sample_page.until(lambda: sample_page.frame() == N_FRAMES - 1)
    sample_page.press(Keys.SPACE)
    sample_page.until(lambda: sample_page.frame() not in (N_FRAMES - 1, -1), "it does not start over at the end")
    sample_page.press(Keys.SPACE)
    assert "Play" in (sample_page.find("#player-play").get_attribute("aria-label") or "")


def test_projection_takes_the_place_of_the_movie(sample_page: Page, sample: MadeSample) -> None:
    hide_outlines(sample_page)

    sample_page.script("document.getElementById('player-background-mean').click()")

    sample_page.until(lambda: sample_page.player("background") == "mean")
    assert likeness(sample_page.canvas(HEIGHT, WIDTH), sample.simulation.frames.mean(0)) > 0.9


def test_contrast_makes_the_picture_brighter(sample_page: Page) -> None:
    hide_outlines(sample_page)
    before = sample_page.canvas(HEIGHT, WIDTH).mean()

    sample_page.script(
        """
        const white = document.querySelector('#player [aria-label="White level"]');
        white.value = Number(white.value) / 2;
        white.dispatchEvent(new Event("input", { bubbles: true }));
        """
    )

    sample_page.until(lambda: sample_page.canvas(HEIGHT, WIDTH).mean() > before * 1.15)


def test_address_brings_back_frame_and_cell(
    open_page: Callable[[str], Page], server: str, sample_page: Page, sample: MadeSample
) -> None:
    sample_page.press(Keys.END)
    sample_page.script("window.fluorite.selectCells([window.fluorite.player.overlay.rois[2].id])")
    [key] = sample_page.until(sample_page.selected)
    address = sample_page.until(
        lambda: sample_page.driver.current_url if f"roi={key}" in sample_page.driver.current_url else None
    )

    again = open_page(address)

    again.wait_for_player()
    assert again.frame() == N_FRAMES - 1
    assert again.selected() == [key]
    again.until(lambda: "Cell 2 raw" in again.lines())


def test_sample_without_movie_shows_its_footprints_and_says_so(
    open_page: Callable[[str], Page], server: str, sample_without_movie: MadeSample
) -> None:
    page = open_page(f"{server}/sample/{sample_without_movie.identifier}")

    page.wait_for_player()
    assert "This sample has no movie" in page.text("#player-notes")
    assert page.player("background") == "footprints"
    assert page.all("#player-play") == []
    hide_outlines(page)
    assert likeness(page.canvas(HEIGHT, WIDTH), sample_without_movie.simulation.footprints.max(0)) > 0.9


def test_sample_without_cells_shows_its_movie_and_says_so(
    open_page: Callable[[str], Page], server: str, sample_without_cells: MadeSample
) -> None:
    page = open_page(f"{server}/sample/{sample_without_cells.identifier}")

    page.wait_for_player(outlines=False)
    assert "No cells were found" in page.text("#player-notes")
    assert page.frame() == 0
    assert likeness(page.canvas(HEIGHT, WIDTH), sample_without_cells.simulation.frames[0]) > 0.8


def test_page_opens_with_cells_selected_and_plays_when_the_address_says_so(
    open_page: Callable[[str], Page], server: str, sample: MadeSample
) -> None:
    page = open_page(f"{server}{sample_url(sample.identifier, play=True)}")

    page.until(lambda: page.frame() > 5, "the movie does not play by itself")
    n_cells = len(sample.simulation.footprints)
    clearest = [n_cells - 2, n_cells - 3, n_cells - 4]
    page.until(lambda: {f"Cell {cell} raw" for cell in clearest} <= set(page.lines()))
    rows = page.until(lambda: page.all("#roi-table .ag-center-cols-container .ag-row-selected"))
    assert {row.get_attribute("row-id") for row in rows} <= set(page.selected())
    assert len(page.selected()) == 3

    page.click("#player-play")
    page.until(lambda: "play=1" not in page.driver.current_url, "a reload would play again")
    page.press(Keys.ESCAPE)
    page.until(lambda: page.driver.current_url.endswith("roi=none") or "roi=none&" in page.driver.current_url)


def test_nothing_moves_by_itself_for_those_who_want_less_motion(
    open_page: Callable[[str], Page], server: str, driver: WebDriver, sample: MadeSample
) -> None:
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    )
    try:
        page = open_page(f"{server}{sample_url(sample.identifier, play=True)}")
        page.wait_for_player()
        page.until(lambda: page.script("return [0, 1, 2, 3, 4].every((n) => window.fluorite.player.source.get(n))"))
        assert not page.script("return window.fluorite.player.playing")
        assert page.frame() == 0
    finally:
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
