"""The pages of parameters and tuning, ending with what is in the project."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tifffile
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from nwb_schema.project import Project
from pipeline.jobs import Ledger
from pipeline.jobs.submission import cancel
from pipeline.parameters import Parameters
from pipeline.simulate import simulate_movie
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    project = Project.create(tmp_path_factory.mktemp("tune") / "project", "Tune")
    yield project
    for job in Ledger(project).jobs():
        if not job.state.ended:
            cancel(project, job.id)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movies") / "raw.tif"
    frames = simulate_movie("1p", n_frames=120, height=60, width=84, n_cells=6, seed=2).frames
    tifffile.imwrite(path, frames, photometric="minisblack", metadata={"axes": "TYX"})
    return path


@pytest.fixture(scope="module")
def url(fresh: Project) -> Iterator[str]:
    with serving(fresh.folder) as url:
        yield url


def field(key: str, kind: str = "parameter") -> str:
    """The selector of a parameter's field."""
    return f'[id=\'{{"key":"{key.replace(".", "/")}","type":"{kind}"}}\']'


def type_into(page: Page, selector: str, text: str) -> None:
    page.click(selector)
    page.write(selector, Keys.CONTROL + "a" + Keys.NULL, text, Keys.ENTER)


def named_set(project: Project, name: str) -> dict[str, Any] | None:
    path = project.folder / "parameters" / f"{name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def test_parameters_are_searched_set_swept_and_saved(
    url: str, fresh: Project, open_page: Callable[[str], Page]
) -> None:
    page = open_page(f"{url}/parameters")
    page.until(lambda: "As the preset" in page.text("#parameters-summary"))

    page.write("#parameters-search", "typical cell")
    shown = "[...document.querySelectorAll('.parameter-field')].filter((f) => f.offsetParent).map((f) => f.dataset.key)"
    page.until(lambda: page.script(f"return {shown}") == ["init.gSig"], "the search does not narrow the form")

    type_into(page, field("init.gSig"), "3; 5")
    page.until(lambda: page.text("#parameters-run") == "Start 2 runs")
    page.until(lambda: "unlike the two-photon preset" in page.text("#parameters-summary").lower())
    page.until(lambda: page.all('.is-changed [data-back="init.gSig"]'))
    page.click('[data-back="init.gSig"]')
    page.until(lambda: page.text("#parameters-run") == "Find the cells")
    page.until(lambda: page.find(field("init.gSig")).get_attribute("value") == "4, 4")

    type_into(page, field("init.gSig"), "wide")
    page.until(lambda: "no number" in page.text(".parameter-errors"))
    type_into(page, field("init.gSig"), "6")
    page.until(lambda: "6, 6" in page.text("#parameters-summary"))
    page.write("#parameters-name", "large cells")
    page.click("#parameters-save")
    page.until(lambda: named_set(fresh, "large cells"))
    saved = named_set(fresh, "large cells")
    assert saved == Parameters.preset("2p").updated({"gSig": 6}).to_dict()
    page.until(lambda: any("large cells" in option.text for option in page.all("#parameters-start option")))


def test_a_movie_is_tuned_cropped_and_processed(
    url: str, fresh: Project, movie: Path, open_page: Callable[[str], Page]
) -> None:
    page = open_page(f"{url}/tune?movie={movie}&start=preset:1p")
    page.until(lambda: page.script("return document.getElementById('tune-stage')?.dataset.ready"), "no image came")
    stage = "document.getElementById('tune-stage').dataset"

    def slide(key: str, value: float) -> None:
        page.script(
            """
            const slider = document.querySelector(arguments[0]);
            const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
            set.call(slider, arguments[1]);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            """,
            field(key, "tune"),
            str(value),
        )

    slide("init.min_pnr", 3)
    slide("init.min_corr", 0.3)
    page.until(lambda: page.script("return document.getElementById('tune-min_corr-shown').textContent") == "0.3")
    low = page.until(lambda: int(page.script(f"return {stage}.seeds") or 0))
    slide("init.min_pnr", 9)
    page.until(lambda: int(page.script(f"return {stage}.seeds")) < low, "the threshold does not count")

    canvas = page.standing("#tune-canvas")
    size = canvas.size
    drag = ActionChains(page.driver).move_to_element_with_offset(canvas, -round(size["width"] * 0.4), 0)
    drag.move_by_offset(0, -round(size["height"] * 0.4)).click_and_hold()
    drag.move_by_offset(round(size["width"] * 0.8), round(size["height"] * 0.8)).release().perform()
    crop = page.until(lambda: page.find("#tune-crop").get_attribute("value"), "no rectangle was drawn")
    rows, columns = ([int(edge) for edge in part.split(":")] for part in crop.split(","))
    assert abs(rows[0] - 6) <= 1
    assert abs(columns[1] - 76) <= 1

    page.click("#tune-motion-try")
    page.until(lambda: page.all("#tune-shifts .js-plotly-plot .scatterlayer path"), "no shifts were drawn")
    page.until(lambda: "Crispness" in page.text("#tune-motion-said"))

    for name, text in (("tune-name", "tuned"), ("tune-subject", "m7"), ("tune-rate", "20")):
        page.write(f"#{name}", text)
    page.click("#tune-save")
    page.until(lambda: named_set(fresh, "tuned"))
    assert (named_set(fresh, "tuned") or {})["init"]["min_pnr"] == 9
    page.click("#tune-run")
    page.until(lambda: "Started" in page.text("#tune-use-said"))
    (job,) = Ledger(fresh).jobs()
    assert job.spec["movie"]["crop"] == crop
    assert job.spec["parameters"] == {"init.min_corr": 0.3, "init.min_pnr": 9.0}
    assert (job.spec["preset"], job.spec["subject"]) == ("1p", "m7")
