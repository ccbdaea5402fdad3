"""What tests look at in a page, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

# Scrolls an element into the middle, away from the page's header, and says whether it can be clicked: it has stood
# still for two frames, and nothing lies over its middle.
_CLICKABLE = """
const [element, done] = arguments;
const place = () => { const box = element.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; };
const still = () => new Promise((resolve) => {
  const before = place();
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(String(before) === String(place()))));
});
element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
still().then((stands) => {
  const [x, y, width, height] = place();
  const top = document.elementFromPoint(x + width / 2, y + height / 2);
  done(stands && !element.disabled && Boolean(top) && (element.contains(top) || top.contains(element)));
});
"""


@dataclass
class Page:
    """A page in the browser."""

    driver: WebDriver
    wait: WebDriverWait[WebDriver]

    def find(self, selector: str) -> WebElement:
        """The first element of that kind, once there is one."""
        return self.until(lambda: next(iter(self.all(selector)), None), f"no element {selector}")

    def all(self, selector: str) -> list[WebElement]:
        """The elements of that kind that are there now."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, target: str | Callable[[], WebElement | None]) -> None:
        """Click the first element of a kind (CSS), or the one that `target` finds, as soon as a person could.

        A page that loads moves what is on it, and draws it anew. So the element is found again until it stands still,
        is on top, and takes the click.
        """
        selector = target if isinstance(target, str) else ""

        def found() -> WebElement | None:
            return target() if callable(target) else next(iter(self.all(selector)), None)

        def clicked() -> bool:
            element = found()
            if element is None or not self.driver.execute_async_script(_CLICKABLE, element):
                return False
            try:
                element.click()
            except ElementClickInterceptedException:
                return False
            return True

        self.until(clicked, f"could not be clicked: {selector or 'the element'}")

    def click_button(self, css: str, text: str) -> None:
        """Click the element of that kind with that text."""
        self.click(lambda: next((found for found in self.all(css) if found.text == text), None))

    def write(self, selector: str, *keys: str) -> None:
        """Type into a field, once it can be typed into."""

        def written() -> bool:
            field = next(iter(self.all(selector)), None)
            if field is None or not (field.is_displayed() and field.is_enabled()):
                return False
            field.send_keys(*keys)
            return True

        self.until(written, f"could not be typed into: {selector}")

    def standing(self, selector: str) -> WebElement:
        """An element in the middle of the window, once it stands still there: what is dragged over must not move."""

        def found() -> WebElement | None:
            element = next(iter(self.all(selector)), None)
            return element if element and self.driver.execute_async_script(_CLICKABLE, element) else None

        return self.until(found, f"does not stand still: {selector}")

    def write_into_cell(self, cell: str, text: str) -> None:
        """Write over what a cell of a table holds, as with F2 or Enter in a spreadsheet.

        A grid that is drawn anew closes the cell that was being written in: then it is opened again.
        """
        editor = ".ag-cell-inline-editing input"

        def written() -> bool:
            if not self.all(editor):
                self.click(cell)
                self.find(cell).send_keys(Keys.ENTER)
            if not self.all(editor):
                return False
            field = self.all(editor)[0]
            field.send_keys(Keys.CONTROL + "a" + Keys.NULL, text)
            if field.get_attribute("value") != text:
                return False
            field.send_keys(Keys.ENTER)
            return True

        self.until(written, f"nothing could be written into {cell}")

    def until(self, condition: Callable[[], Any], message: str = "") -> Any:
        """Wait until `condition` holds; elements that vanish or hide meanwhile are looked for again."""

        def holds(_: WebDriver) -> Any:
            try:
                return condition()
            except (StaleElementReferenceException, ElementNotInteractableException):
                return False

        return self.wait.until(holds, message)

    def script(self, code: str, *arguments: Any) -> Any:
        """What a script in the page returns."""
        return self.driver.execute_script(code, *arguments)

    def text(self, selector: str) -> str:
        """The text of an element, or nothing."""
        return " ".join(element.text for element in self.all(selector))

    def press(self, *keys: str) -> None:
        """Press keys with the page itself in focus."""
        self.script("document.activeElement.blur()")
        ActionChains(self.driver).send_keys(*keys).perform()

    # ---- player ----

    def wait_for_player(self, outlines: bool = True) -> None:
        """Wait until a picture, and the outlines, are drawn."""
        self.until(lambda: self.player("background"), "no picture was drawn")
        if outlines:
            self.until(lambda: self.player("contours") == "ready", "no outlines were drawn")

    def wait_until_saved(self) -> None:
        """Until every edit of a sample's page is in its file."""
        unsaved = "return document.getElementById('curation').dataset.unsaved"
        self.until(lambda: self.script(unsaved) == "0", "not saved")

    def player(self, name: str) -> str | None:
        """One of the states that the player writes into its element: frame, background, selected, contours."""
        return self.script(
            "const p = document.getElementById('player'); return p ? p.dataset[arguments[0]] : null", name
        )

    def frame(self) -> int:
        """The number of the frame that is drawn."""
        return int(self.player("frame") or -1)

    def canvas(self, height: int, width: int) -> np.ndarray:
        """What the canvas shows, scaled to ``(height, width)`` grey values."""
        values = self.script(
            """
            const shown = document.getElementById("player-canvas");
            const small = document.createElement("canvas");
            small.width = arguments[1];
            small.height = arguments[0];
            const context = small.getContext("2d");
            context.imageSmoothingQuality = "high";
            context.drawImage(shown, 0, 0, small.width, small.height);
            const pixels = context.getImageData(0, 0, small.width, small.height).data;
            const grey = (i) => pixels[4 * i] + pixels[4 * i + 1] + pixels[4 * i + 2];
            return Array.from({ length: pixels.length / 4 }, (_, i) => grey(i));
            """,
            height,
            width,
        )
        return np.array(values, dtype=float).reshape(height, width) / 3

    def click_image(self, x: float, y: float, height: int, width: int, *, with_key: str | None = None) -> None:
        """Click at a point of the image, in image coordinates."""
        canvas = self.standing("#player-canvas")
        size = canvas.size
        offset = ((x / width - 0.5) * size["width"], (y / height - 0.5) * size["height"])
        action = ActionChains(self.driver)
        if with_key is not None:
            action.key_down(with_key)
        action.move_to_element_with_offset(canvas, round(offset[0]), round(offset[1])).click()
        if with_key is not None:
            action.key_up(with_key)
        action.perform()

    def selected(self) -> list[str]:
        """The keys of the selected cells, in order."""
        return (self.player("selected") or "").split()

    # ---- traces ----

    def lines(self) -> dict[str, list[float]]:
        """The lines in the plot: name and values."""
        return self.script(
            """
            const plot = document.querySelector("#traces .js-plotly-plot");
            if (!plot || !plot._fullData) return {};
            return Object.fromEntries(plot._fullData.map((line) => [line.name, Array.from(line.y || [])]));
            """
        )

    # ---- jobs ----

    def job_state(self) -> str | None:
        """The state of the newest job, as the panel shows it."""
        return self.script("const j = document.querySelector('#jobs-panel article'); return j && j.dataset.state")
