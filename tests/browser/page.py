"""What tests look at in a page, and what they wait for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait


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

    def click_button(self, css: str, text: str) -> None:
        """Press the button of that text; found again when the page draws itself anew between finding and pressing."""

        def pressed() -> bool:
            button = next((found for found in self.all(css) if found.text == text), None)
            if button is not None:
                # Not under the page's header, which stays where it is.
                self.script("arguments[0].scrollIntoView({block: 'center'})", button)
                button.click()
            return button is not None

        self.until(pressed, f"there is no button {text}")

    def until(self, condition: Callable[[], Any], message: str = "") -> Any:
        """Wait until `condition` holds; elements that vanish meanwhile are looked for again."""

        def holds(_: WebDriver) -> Any:
            try:
                return condition()
            except StaleElementReferenceException:
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
        canvas = self.find("#player-canvas")
        self.script("arguments[0].scrollIntoView({block: 'center'})", canvas)
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
