"""Leafing through the planes of a volume."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from selenium.webdriver.common.keys import Keys

from nwb_schema.project import Project
from nwb_schema.reader import read_rois
from tests.app.volume_project import HEIGHT, WIDTH, MadeVolumes, add_volumes
from tests.browser.conftest import serving
from tests.browser.page import Page


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("volumes") / "project", "Volumes")


@pytest.fixture(scope="module")
def volumes(project: Project) -> MadeVolumes:
    return add_volumes(project)


@pytest.fixture(scope="module")
def server(project: Project, volumes: MadeVolumes) -> Iterator[str]:
    with serving(project.folder) as url:
        yield url


def test_the_slider_shows_plane_after_plane(
    open_page: Callable[[str], Page], server: str, volumes: MadeVolumes
) -> None:
    page = open_page(f"{server}/sample/{volumes.identifier}?roi=none")
    page.wait_for_player()
    assert "5 planes" in page.text(".fact-chips")
    assert "all, from above" in page.text(".player-planes")

    def move_to(place: int) -> None:
        page.script(
            """
            const slider = document.getElementById("player-plane");
            slider.value = arguments[0];
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            """,
            place,
        )
        wanted = "" if place == 0 else str(place - 1)
        page.until(lambda: page.player("plane") == wanted and page.player("contoursPlane") == wanted, "no such plane")

    def likeness(plane: int) -> float:
        truth = volumes.frames[0, :, :, plane].astype(float)
        return float(np.corrcoef(page.canvas(HEIGHT, WIDTH).ravel(), truth.ravel())[0, 1])

    choose_beside = """
        const choice = document.getElementById("player-beside");
        choice.value = arguments[0];
        choice.dispatchEvent(new Event("change", { bubbles: true }));
        """
    page.script(choose_beside, "max")
    page.until(lambda: page.player("beside") == "max", "no image beside the movie")
    for kind in ("accepted", "rejected"):
        page.click(f"#player-show-{kind}")
    for plane in (2, 4):
        move_to(plane + 1)
        assert np.argmax([likeness(other) for other in range(5)]) == plane
        assert f"z={plane}" in page.driver.current_url
    # The maximum over time was kept from above only: it is not beside a plane, and cannot be put there.
    assert page.player("beside") == ""
    page.script(choose_beside, "max")
    page.until(lambda: page.find("#player-beside").get_property("value") == "", "an image that there is not was chosen")
    assert page.player("beside") == ""
    assert page.find("#player-background-max").get_property("disabled")
    move_to(0)
    assert not page.find("#player-background-max").get_property("disabled")
    assert "z=" not in page.driver.current_url


def ready(page: Page) -> Page:
    page.wait_for_player()
    page.until(lambda: page.script("return Boolean(window.fluorite.curation)"), "the page cannot be used to curate")
    return page


def shown(page: Page, plane: str) -> None:
    """Wait until movie and outlines are those of a plane."""
    page.until(lambda: page.player("plane") == page.player("contoursPlane") == plane, f"plane {plane} is not shown")


def drawn(page: Page) -> list[str]:
    """The cells that have an outline in the image now."""
    script = "return window.fluorite.player.overlay.rois.filter((roi) => roi.pieces.length).map((roi) => roi.id)"
    return list(page.script(script))


def test_a_chosen_cell_is_shown_in_its_plane_and_decided_there(
    open_page: Callable[[str], Page], server: str, volumes: MadeVolumes
) -> None:
    page = ready(open_page(f"{server}/sample/{volumes.identifier}?roi=none"))
    first, second = read_rois(volumes.path)["roi_uuid"]

    # The next cell of the list is foreseen: its plane's outlines are there before it is chosen.
    page.click(f'#roi-table [row-id="{first}"] [col-id="index"]')
    shown(page, "1")
    addresses = "return [...window.fluorite.player.outlined.keys()]"
    page.until(lambda: any("&z=3" in url for url in page.script(addresses)), "the next cell's plane is not foreseen")

    # From the list: the plane of its centre, with its outline and its name.
    page.click(f'#roi-table [row-id="{second}"] [col-id="index"]')
    shown(page, "3")
    assert drawn(page) == [second]
    assert "Cell 1: planes 3 \u2013 4, centre in 3" in page.text("#player-cell-planes")
    page.until(lambda: "plane 3.5" in page.text("#cell-card"))

    # By key: the other cell is in another plane.
    page.press("k")
    shown(page, "1")
    assert (page.selected(), drawn(page)) == ([first], [first])
    name = "const { overlay } = window.fluorite.player; return overlay.nameOf(overlay.byId.get(arguments[0]))"
    assert page.script(name, first) == "0"
    page.press(",")
    shown(page, "0")
    assert page.script(name, first) == "0 (z 1)"

    # Pointed at in the image: what is there is chosen, and the image stays.
    page.press(Keys.ESCAPE)
    page.until(lambda: not page.selected())
    page.click_image(12.5, 10.5, HEIGHT, WIDTH)
    page.until(lambda: page.selected() == [first])
    shown(page, "0")
    page.click_image(30.5, 18.5, HEIGHT, WIDTH)  # cell 1 is not in this plane
    assert page.selected() == [first]

    page.press("r")
    page.until(lambda: page.script("return document.getElementById('curation').dataset.unsaved") == "0", "not saved")
    shown(page, "3")  # of the next cell
    rois = read_rois(volumes.path)
    assert list(rois["is_accepted"]) == [False, True]
    assert list(rois["curated"]) == [True, False]

    # The image stays where it is when it shall not follow, and says where the cell is.
    page.click("#player-follow")
    page.press("k")
    page.until(lambda: page.selected() == [first])
    assert page.player("plane") == "3"
    assert "follow=no" in page.driver.current_url
    page.until(lambda: page.text("#player-to-centre") == "Not in this plane: go there")
    page.click("#player-to-centre")
    shown(page, "1")


def test_an_address_leads_to_a_plane(open_page: Callable[[str], Page], server: str, volumes: MadeVolumes) -> None:
    page = open_page(f"{server}/sample/{volumes.identifier}?z=3&roi=none")
    page.wait_for_player()
    assert page.player("plane") == page.player("contoursPlane") == "3"
    assert page.find("#player-plane").get_property("value") == "4"
