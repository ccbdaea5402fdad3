"""How the movie is shown: colours, means, computed views, measuring and saving."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import cv2
import numpy as np
from selenium.webdriver.common.action_chains import ActionChains

from tests.app.small_project import HEIGHT, WIDTH, MadeSample
from tests.browser.page import Page


def choose(page: Page, selector: str, value: str) -> None:
    """Choose an option, as a person does: the element says so itself."""
    page.find(selector)
    page.script(
        """
        const field = document.querySelector(arguments[0]);
        field.value = arguments[1];
        field.dispatchEvent(new Event("change", { bubbles: true }));
        """,
        selector,
        value,
    )


def hide_all_but_the_picture(page: Page) -> None:
    page.script(
        """
        for (const id of ["player-show-accepted", "player-show-rejected", "player-scale-bar"]) {
            document.getElementById(id).click();
        }
        """
    )


def colourfulness(page: Page) -> float:
    """Largest difference between the red and the blue of a pixel."""
    return page.script(
        """
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d", { willReadFrequently: true });
        context.drawImage(document.getElementById("player-canvas"), 0, 0, canvas.width, canvas.height);
        const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
        let most = 0;
        for (let i = 0; i < data.length; i += 4) most = Math.max(most, Math.abs(data[i] - data[i + 2]));
        return most;
        """
    )


def test_colours_levels_and_mean_change_what_is_seen(sample_page: Page, sample: MadeSample) -> None:
    hide_all_but_the_picture(sample_page)
    assert colourfulness(sample_page) == 0
    choose(sample_page, "#player-colour-map", "viridis")
    sample_page.until(lambda: colourfulness(sample_page) > 100)
    choose(sample_page, "#player-colour-map", "grey")
    sample_page.until(lambda: colourfulness(sample_page) == 0)

    frames = sample.simulation.frames.astype(float)

    def likeness() -> tuple[float, float]:
        shown = sample_page.canvas(HEIGHT, WIDTH).ravel()
        single, mean = frames[0].ravel(), frames[:8].mean(axis=0).ravel()
        return float(np.corrcoef(shown, single)[0, 1]), float(np.corrcoef(shown, mean)[0, 1])

    single, mean = likeness()
    assert single > mean
    choose(sample_page, "#player-mean", "15")
    sample_page.until(lambda: likeness()[1] > max(0.95, likeness()[0]))

    # The histogram and the handles are of the mean, which has less noise than a frame.
    levels = sample_page.player("levels")
    choose(sample_page, "#player-auto", "strong")
    sample_page.until(lambda: sample_page.player("levels") not in (None, levels))
    assert len(sample_page.all("#player .histogram path")) == 3


def test_cells_alone_stand_beside_another_image_and_what_is_missing_is_said(
    sample_page: Page, sample: MadeSample
) -> None:
    hide_all_but_the_picture(sample_page)
    truth = sample.simulation
    busiest = int(truth.traces.sum(axis=0).argmax())
    sample_page.script("window.fluorite.player.seek(arguments[0])", busiest)
    choose(sample_page, "#player-view", "residual")
    sample_page.until(lambda: "holds no background" in sample_page.text(".player-message"))
    sample_page.until(lambda: sample_page.player("background") == "movie")

    choose(sample_page, "#player-view", "reconstructed")
    sample_page.until(lambda: sample_page.player("background") == "reconstructed")
    expected = np.tensordot(truth.traces[:, busiest], truth.footprints, 1)
    sample_page.until(
        lambda: np.corrcoef(sample_page.canvas(HEIGHT, WIDTH).ravel(), expected.ravel())[0, 1] > 0.8,
        "the cells alone are not what is shown",
    )

    choose(sample_page, "#player-beside", "mean")
    sample_page.until(lambda: sample_page.player("beside") == "mean")
    mean = truth.frames.mean(axis=0)
    right = slice(WIDTH // 2 + 6, None)

    def is_mean() -> bool:
        shown = sample_page.canvas(HEIGHT, WIDTH)
        return np.corrcoef(shown[20:, right].ravel(), mean[20:, right].ravel())[0, 1] > 0.9

    sample_page.until(is_mean, "the mean image does not stand on the right")
    left = (slice(20, None), slice(0, WIDTH // 2 - 6))
    assert np.corrcoef(sample_page.canvas(HEIGHT, WIDTH)[left].ravel(), expected[left].ravel())[0, 1] > 0.8

    # The address brings it back.
    sample_page.driver.get(sample_page.driver.current_url)
    sample_page.until(lambda: sample_page.player("beside") == "mean")
    sample_page.until(lambda: sample_page.player("background") == "reconstructed")


def test_distance_is_measured_and_the_picture_is_saved(sample_page: Page, server: str, tmp_path: Path) -> None:
    sample_page.press("u")
    sample_page.until(lambda: sample_page.find("#player-measure").get_attribute("aria-pressed") == "true")
    canvas = sample_page.standing("#player-canvas")
    scale = canvas.size["width"] / WIDTH
    start = (round(-20 * scale), round(-10 * scale))
    drag = ActionChains(sample_page.driver).move_to_element_with_offset(canvas, *start).click_and_hold()
    drag.move_by_offset(round(30 * scale), 0).move_by_offset(0, round(16 * scale)).release().perform()
    text = sample_page.until(lambda: sample_page.text("#player-measure-text"))
    assert abs(float(text.split()[0]) - 34) < 1.5  # 30 and 16 pixels
    assert "px" in text
    assert sample_page.selected() == []

    # At once: the page scrolls smoothly, and a click in between would miss the button.
    sample_page.script(
        """
        document.getElementById("picture-panel").open = true;
        document.getElementById("picture-save").scrollIntoView({ block: "center", behavior: "instant" });
        """
    )
    sample_page.script(
        """
        window.fetched = [];
        window.fluorite.fetchSaved = (saved) => { window.fetched.push(saved); return saved.error || saved.what; };
        """
    )
    sample_page.click_button("#picture-save", "Save")
    [saved] = sample_page.until(lambda: sample_page.script("return window.fetched"))
    with urllib.request.urlopen(server + saved["url"]) as answer:
        picture = cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (2 * HEIGHT, 2 * WIDTH, 3)

    choose(sample_page, "#picture-kind", ".gif")
    sample_page.until(lambda: sample_page.find("#picture-last").is_displayed())
    sample_page.click_button("#picture-save", "Save")
    sample_page.until(lambda: len(sample_page.script("return window.fetched")) == 2, "no clip was saved")
    clip = sample_page.script("return window.fetched[1]")
    assert clip["name"].endswith("_movie_frames-0-150.gif"), clip
